/** The lines on the page: loaded in windows as they are scrolled to, one of them marked. */
import { LineView } from "./line-view.js";

/** How far beyond the screen lines are loaded. */
const AHEAD = "1200px 0px";

/**
 * @typedef {import("./line-view.js").Line} Line
 * @typedef {object} Choice which lines
 * @property {string} only
 * @property {string} containing
 */

export class LineList {
  #grid;
  #server;
  #language;
  /** @type {Map<number, LineView>} */
  #views = new Map();
  /** @type {LineView | null} */
  #current = null;
  /** @type {Choice} */
  choice = { only: "all", containing: "" };
  #hasEarlier = false;
  #hasLater = false;
  /** @type {{before: boolean, done: Promise<void>} | null} */
  #loading = null;
  #generation = 0;
  #asked = 0;

  /**
   * @param {{grid: HTMLElement, before: HTMLElement, after: HTMLElement}} elements
   * @param {import("./server.js").Server} server
   * @param {import("./line-view.js").Language} language
   * @param {{marked: (view: LineView) => void, failed: (error: unknown) => void}} handlers
   */
  constructor({ grid, before, after }, server, language, handlers) {
    this.#grid = grid;
    this.#server = server;
    this.#language = language;
    this.handlers = handlers;
    const observer = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.#load(target === before);
    }, { rootMargin: AHEAD });
    observer.observe(before);
    observer.observe(after);
    // Once loaded, what is still in sight is asked for again.
    this.reobserve = () => {
      for (const target of [before, after]) {
        observer.unobserve(target);
        observer.observe(target);
      }
    };
    grid.addEventListener("focusin", ({ target }) => {
      const row = /** @type {HTMLElement} */ (target).closest("[role=row]");
      const view = row && this.#views.get(Number(/** @type {HTMLElement} */ (row).dataset.number));
      if (view && view !== this.#current) this.#mark(view);
    });
  }

  get current() {
    return this.#current;
  }

  get isEmpty() {
    return !this.#views.size;
  }

  /** Whether the last line there is stands on the page. */
  get reachesEnd() {
    return !this.#hasLater;
  }

  /** Numbers of the last lines that still lack their translation. @param {number} most */
  waiting(most) {
    const lacking = [...this.#views.values()].filter((view) => view.text(false)?.text == null);
    return lacking.slice(-most).map(({ line }) => line.number);
  }

  /** A window as the server has sent it, in place of all others. @param {Line[]} lines @param {boolean} fromStart */
  begin(lines, fromStart) {
    this.#generation += 1;
    this.#loading = null;
    this.#views.clear();
    this.#grid.replaceChildren();
    this.#current = null;
    this.#hasEarlier = !fromStart;
    this.#hasLater = lines.length > 0;
    this.#put(lines, false);
    const first = this.#views.values().next().value;
    if (first) this.#mark(first);
    this.reobserve();
  }

  /** Load from the start, from after a number or from a session time on. @param {Record<string, number>} [from] */
  async reload(from = {}) {
    const asked = ++this.#asked;
    const { lines } = await this.#server.ask("lines", { ...this.choice, ...from });
    // An answer that was overtaken by a later question is of no use.
    if (asked === this.#asked) this.begin(lines, !("after" in from) && !("at" in from));
  }

  /** Lines that others have added at the end. */
  async extend() {
    await this.#load(false, true);
  }

  /** Newer versions of lines that may be on the page. @param {Line[]} lines */
  update(lines) {
    for (const line of lines) this.#views.get(line.number)?.show(line);
  }

  /** @param {number} number */
  view(number) {
    return this.#views.get(number);
  }

  /** Mark the neighbour of the marked line. @param {1 | -1} step @returns {Promise<boolean>} */
  async move(step) {
    const row = this.#current?.element;
    if (!row) return false;
    const beside = () => step > 0 ? row.nextElementSibling : row.previousElementSibling;
    if (!beside()) await this.#load(step < 0);
    const next = /** @type {HTMLElement | null} */ (beside());
    if (next) this.focus(Number(next.dataset.number));
    return Boolean(next);
  }

  /** Mark the first or the last line that is loaded. @param {1 | -1} end */
  moveToEnd(end) {
    const row = /** @type {HTMLElement | null} */ (
      end > 0 ? this.#grid.lastElementChild : this.#grid.firstElementChild);
    if (row) this.focus(Number(row.dataset.number));
  }

  /** @param {number} [number] without one, the marked line */
  focus(number) {
    const view = number === undefined ? this.#current : this.#views.get(number);
    view?.element.focus({ preventScroll: true });
    view?.element.scrollIntoView({ block: "nearest" });
  }

  /** @param {LineView} view */
  #mark(view) {
    if (this.#current) {
      this.#current.element.tabIndex = -1;
      this.#current.element.removeAttribute("aria-selected");
    }
    this.#current = view;
    view.element.tabIndex = 0;
    view.element.setAttribute("aria-selected", "true");
    this.handlers.marked(view);
  }

  /** @param {boolean} before @param {boolean} [anyway] also where there was nothing more the last time */
  async #load(before, anyway = false) {
    if (this.#loading) {
      const { before: same, done } = this.#loading;
      await done;
      if (same === before) return;
    }
    if (!anyway && !(before ? this.#hasEarlier : this.#hasLater)) return;
    const generation = this.#generation;
    const done = this.#fetch(before, generation);
    this.#loading = { before, done };
    await done;
  }

  /** @param {boolean} before @param {number} generation */
  async #fetch(before, generation) {
    const numbers = [...this.#views.keys()];
    const edge = before
      ? { before: Math.min(Number.MAX_SAFE_INTEGER, ...numbers) }
      : { after: Math.max(0, ...numbers) };
    try {
      const { lines } = await this.#server.ask("lines", { ...this.choice, ...edge });
      if (generation !== this.#generation) return;
      if (before) this.#hasEarlier = lines.length > 0;
      else this.#hasLater = lines.length > 0;
      this.#put(lines, before);
      if (!this.#current && lines.length) this.#mark(/** @type {LineView} */ (this.#views.get(lines[0].number)));
      if (lines.length) this.reobserve();
    } catch (error) {
      if (generation === this.#generation) this.handlers.failed(error);
    } finally {
      if (generation === this.#generation) this.#loading = null;
    }
  }

  /** @param {Line[]} lines @param {boolean} before */
  #put(lines, before) {
    const rows = document.createDocumentFragment();
    for (const line of lines) {
      if (this.#views.has(line.number)) continue;
      const view = new LineView(line, this.#language);
      this.#views.set(line.number, view);
      rows.append(view.element);
    }
    this.#grid[before ? "prepend" : "append"](rows);
  }
}
