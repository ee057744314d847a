/** One line of the transcript: what was spoken beside its translation, and how it stands. */
import { clock } from "../admin/clock.js";
import { difference } from "./difference.js";

/**
 * @typedef {object} Text
 * @property {string | null} text
 * @property {number} last id of its newest correction
 * @property {import("./difference.js").Piece[]} changes
 * @property {string} by
 * @property {boolean} again
 *
 * @typedef {object} Line
 * @property {number} number
 * @property {number} start_ms
 * @property {string} source_language
 * @property {Text} source
 * @property {Text | null} translation
 * @property {string} accepted
 * @property {boolean} doubtful
 * @property {string} dropped by whom, before listeners saw it; "" not
 *
 * @typedef {{code: string, name: string, direction: string, spoken: boolean, state: string}} Language
 */

export class LineView {
  #language;
  #time = cell("time");
  #source = cell("said source");
  #translation = cell("said translation");
  #marks = cell("marks");
  /** @type {Line} */
  line;

  /** @param {Line} line @param {Language} language the one that is reviewed */
  constructor(line, language) {
    this.#language = language;
    this.line = line;
    this.element = document.createElement("div");
    this.element.setAttribute("role", "row");
    this.element.className = "review-line";
    this.element.tabIndex = -1;
    this.element.append(this.#time, this.#source, this.#translation, this.#marks);
    this.show(line);
  }

  /** Whether the spoken words are all there is to review. */
  get isSpoken() {
    return this.line.source_language === this.#language.code;
  }

  /** @param {boolean} spoken @returns {Text | null} */
  text(spoken) {
    return spoken || this.isSpoken ? this.line.source : this.line.translation;
  }

  /** @param {boolean} spoken */
  cellOf(spoken) {
    return spoken || this.isSpoken ? this.#source : this.#translation;
  }

  /** @param {Line} line */
  show(line) {
    this.line = line;
    this.element.dataset.number = String(line.number);
    this.element.setAttribute("aria-rowindex", String(line.number));
    this.element.classList.toggle("alone", this.isSpoken);
    this.element.classList.toggle("accepted", Boolean(line.accepted));
    this.element.classList.toggle("dropped", Boolean(line.dropped));
    const number = document.createElement("span");
    number.textContent = `no. ${line.number}`;
    this.#time.replaceChildren(clock(line.start_ms), " ", number);
    fill(this.#source, line.source, line.source_language, "auto");
    this.#translation.hidden = this.isSpoken;
    if (!this.isSpoken) {
      fill(this.#translation, line.translation, this.#language.code, this.#language.direction);
    }
    this.#mark();
  }

  /** @param {boolean} unsaved */
  markUnsaved(unsaved) {
    this.element.classList.toggle("unsaved", unsaved);
    this.#mark();
  }

  #mark() {
    const { accepted, doubtful, dropped, source, translation } = this.line;
    const shown = this.isSpoken ? source : translation;
    const marks = [
      this.element.classList.contains("unsaved") && "unsaved text",
      dropped && `dropped by ${dropped}: listeners never saw it`,
      doubtful && "doubtful",
      shown?.by && `corrected by ${shown.by}`,
      shown?.again && "translated again",
      !this.isSpoken && source.by && `spoken words corrected by ${source.by}`,
      accepted && `accepted by ${accepted}`,
    ];
    this.#marks.replaceChildren(...marks.filter(Boolean).map((mark) => {
      const chip = document.createElement("span");
      chip.className = "corrected";
      chip.textContent = String(mark);
      return chip;
    }));
  }
}

/** @param {string} name */
function cell(name) {
  const element = document.createElement("div");
  element.setAttribute("role", "gridcell");
  element.className = name;
  if (name.startsWith("said")) element.append(paragraph("shown"), paragraph("changes"));
  return element;
}

/** @param {string} name */
function paragraph(name) {
  const element = document.createElement("p");
  element.className = name;
  return element;
}

/** @param {HTMLElement} element @param {Text | null} said @param {string} language @param {string} direction */
function fill(element, said, language, direction) {
  const [shown, changes] = /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("p"));
  const missing = said === null ? "Not translated yet." : said.text === null ? "The translation failed." : "";
  shown.textContent = said?.text ?? missing;
  shown.classList.toggle("failed", Boolean(missing));
  for (const each of [shown, changes]) {
    each.lang = missing ? "en" : language;
    each.dir = missing ? "auto" : direction;
  }
  changes.hidden = !said?.changes.length;
  changes.replaceChildren(difference(said?.changes ?? []));
}
