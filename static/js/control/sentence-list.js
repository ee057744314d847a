/** All sentences of a session, and the words that are being spoken; follows them at its end. */
import { SentenceView } from "./sentence-view.js";

const AT_THE_END_PX = 60;
const MOST_SENTENCES = 300;

export class SentenceList {
  #list;
  #toNewest;
  #around;
  /** @type {Map<number, SentenceView>} */
  #views = new Map();
  #spoken = document.createElement("article");
  #session = 0;
  #follows = true;

  /**
   * @param {HTMLElement} list
   * @param {HTMLButtonElement} toNewest shown while something new is out of sight
   * @param {import("./sentence-view.js").Surroundings} around
   */
  constructor(list, toNewest, around) {
    this.#list = list;
    this.#toNewest = toNewest;
    this.#around = around;
    this.#spoken.className = "sentence spoken";
    list.addEventListener("scroll", () => {
      this.#follows = list.scrollHeight - list.scrollTop - list.clientHeight < AT_THE_END_PX;
      if (this.#follows) toNewest.hidden = true;
    });
    toNewest.addEventListener("click", () => {
      this.#follows = true;
      this.#keepUp();
    });
    setInterval(() => this.#tick(), 500);
  }

  get isEmpty() {
    return this.#views.size === 0 && !this.#spoken.isConnected;
  }

  /** @param {number} session another one than before: what was said in that one goes */
  begin(session) {
    if (session === this.#session) return;
    this.#session = session;
    this.#views.clear();
    this.#list.replaceChildren();
  }

  /** @param {import("./sentence-view.js").Sentence} sentence */
  update(sentence) {
    this.begin(sentence.session);
    let view = this.#views.get(sentence.segment);
    if (!view) {
      view = new SentenceView(this.#around);
      this.#views.set(sentence.segment, view);
      this.#place(sentence.segment, view.element);
    }
    view.update(sentence);
    if (Number(this.#spoken.dataset.segment) <= sentence.segment) this.#spoken.remove();
    this.#forget();
    this.#keepUp();
  }

  /** @param {{session: number, segment: number, source_language: string, source: string, translations: Record<string, string>}} words */
  speak({ session, segment, source_language, source, translations }) {
    if (session !== this.#session || this.#views.has(segment)) return;
    if (!source) {
      this.#spoken.remove();
      return;
    }
    this.#spoken.dataset.segment = String(segment);
    const texts = document.createElement("div");
    texts.className = "texts";
    const shown = [["", source], ...this.#around.shown().map((code) => [code, translations[code]])];
    for (const [code, text] of shown) {
      if (!text || code === source_language) continue;
      const words = document.createElement("p");
      words.textContent = text;
      words.dir = this.#around.language(code || source_language).direction;
      texts.append(words);
    }
    const mark = document.createElement("time");
    mark.textContent = "now";
    this.#spoken.replaceChildren(mark, texts);
    this.#list.append(this.#spoken);
    this.#keepUp();
  }

  /** Other languages are to be shown. */
  redraw() {
    for (const view of this.#views.values()) view.draw();
    this.#keepUp();
  }

  /** A sentence can come late: numbers keep the order. */
  #place(segment, element) {
    element.dataset.segment = String(segment);
    const later = [...this.#list.children].find((other) => Number(other.dataset.segment) > segment);
    const before = later ?? (this.#spoken.isConnected ? this.#spoken : null);
    this.#list.insertBefore(element, before);
  }

  #forget() {
    for (const [segment, view] of this.#views) {
      if (this.#views.size <= MOST_SENTENCES) break;
      view.element.remove();
      this.#views.delete(segment);
    }
  }

  /** Whoever reads older sentences or writes stays where they are. */
  #keepUp() {
    if (this.#follows && !this.#list.querySelector(".editor")) {
      this.#list.scrollTop = this.#list.scrollHeight;
      this.#toNewest.hidden = true;
    } else {
      this.#toNewest.hidden = false;
    }
  }

  #tick() {
    for (const view of this.#views.values()) view.tick();
  }
}
