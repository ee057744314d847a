/**
 * Lines over time, drawn by uPlot. Colours and dashes differ, so that neither print nor an eye that
 * sees few colours loses a line; a table beside each plot has its figures.
 *
 * @typedef {{label: string, points: [number, number][]}} Series points are ms since 1970 and a value
 */
import uPlot from "../../vendor/uplot/uPlot.esm.js";

/** Okabe and Ito's palette, which colour-blind people tell apart, without its yellow. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f"];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const NARROW_PX = 480;
/** Fits between the margins of upright A4; a page does not tell how wide it is on paper. */
const PAPER_PX = 620;
const WITH_SECONDS_WITHIN_MS = 5 * 60_000;

export class TimePlot {
  #place;
  #options;
  /** @type {Series[]} */
  #series = [];
  /** @type {uPlot | null} */
  #plot = null;
  #drawn = "";
  #onPaper = false;

  /**
   * @param {HTMLElement} place an empty element, whose width is the plot's
   * @param {{unit?: string, steps?: boolean, height?: number, timeZone?: string}} [options]
   * `steps`: a value holds until the next one; `timeZone`: this computer's where absent
   */
  constructor(place, options = {}) {
    this.#place = place;
    this.#options = options;
    new ResizeObserver(() => this.#fit()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    // The back office can be set to light or dark by hand.
    const attributes = { attributes: true, attributeFilter: ["data-theme"] };
    new MutationObserver(() => this.#draw()).observe(document.documentElement, attributes);
    addEventListener("beforeprint", () => this.#print());
    addEventListener("afterprint", () => {
      this.#onPaper = false;
      this.#draw();
    });
  }

  /** @param {Series[]} series drawn in this order */
  update(series) {
    this.#series = series;
    const drawn = JSON.stringify(series.map(({ label }) => label));
    if (this.#plot && drawn === this.#drawn) {
      this.#plot.setData(aligned(series, this.#options.steps));
      return;
    }
    this.#drawn = drawn;
    this.#draw();
  }

  /**
   * @param {string} [ink] for text and grid; as the page's where absent
   * @param {number} [width] in CSS pixels
   */
  #draw(ink, width = this.#place.clientWidth) {
    this.#plot?.destroy();
    this.#plot = null;
    if (!this.#series.length || !width) return;
    const { unit = "", steps = false, height = 220, timeZone } = this.#options;
    const style = getComputedStyle(this.#place);
    const stroke = ink ?? style.color;
    const grid = { stroke: ink ? "#ccc" : style.getPropertyValue("--hairline-color") || "#ccc", width: 1 };
    const paths = steps ? uPlot.paths.stepped({ align: 1 }) : undefined;
    const axis = { stroke, grid, ticks: grid, font: `12px ${style.fontFamily}` };
    this.#plot = new uPlot({
      width,
      height,
      ms: 1,
      // Ticks at full hours of the zone in which they are written.
      tzDate: (at) => (timeZone ? uPlot.tzDate(new Date(at), timeZone) : new Date(at)),
      legend: { live: width >= NARROW_PX },
      scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
      axes: [
        { ...axis, space: 70, values: (_, ticks) => ticks.map(timeIn(ticks, timeZone)) },
        { ...axis, size: 56, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000], values: (_, ticks) => ticks.map((tick) => `${tick}${unit}`) },
      ],
      series: [
        { label: "Time", value: (plot, at) => (at === null ? "" : timeIn(plot.data[0], timeZone)(at)) },
        ...this.#series.map(({ label }, index) => ({
          label,
          paths,
          stroke: COLOURS[index % COLOURS.length],
          dash: DASHES[index % DASHES.length],
          width: 2,
          spanGaps: true,
          // By uPlot's own rule where they are few: a line of one point would not be seen.
          points: steps ? { show: false } : {},
          value: (_, value) => (value === null ? "" : `${value}${unit}`),
        })),
      ],
    }, aligned(this.#series, steps), this.#place);
  }

  #print() {
    this.#onPaper = true;
    this.#draw("#000", PAPER_PX);
  }

  #fit() {
    if (this.#onPaper) return;
    const width = this.#place.clientWidth;
    if (!this.#plot) this.#draw();
    else if (width && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#plot.height });
  }
}

/**
 * How a time is written beside these: with seconds where all lie within minutes.
 *
 * @param {number[]} times ms since 1970, in order
 * @param {string} [timeZone]
 * @returns {(at: number) => string}
 */
function timeIn(times, timeZone) {
  const close = times.length > 0 && times.at(-1) - times[0] < WITH_SECONDS_WITHIN_MS;
  const format = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: close ? "2-digit" : undefined, timeZone });
  return (at) => format.format(at);
}

/**
 * One column of times, and a column of values for each series.
 *
 * @param {Series[]} series
 * @param {boolean} [steps]
 * @returns {(number | null)[][]}
 */
export function aligned(series, steps = false) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const columns = series.map(({ points }) => {
    const known = new Map(points);
    /** @type {number | null} */
    let last = null;
    return times.map((at) => {
      const value = known.get(at) ?? (steps ? last : null);
      last = value;
      return value;
    });
  });
  return [times, ...columns];
}
