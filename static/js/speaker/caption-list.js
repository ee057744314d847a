/** How far from the end still counts as reading along, in pixels. */
const NEAR_END_PX = 48;

/**
 * @typedef {{code: string, name: string, native_name: string, direction: "ltr" | "rtl"}} Language
 * @typedef {object} Caption
 * @property {string | number} session
 * @property {number} segment
 * @property {boolean} final
 * @property {string} source_language
 * @property {string} source
 * @property {Record<string, string | null>} translations
 * @property {number} start_ms
 */

/** What was said with its translations, oldest first; follows the newest unless its reader scrolled away. */
export class CaptionList {
  #list;
  #scroll;
  #newest;
  #languages;
  /** @type {Set<string>} */
  #shown;
  /** @type {Map<string, {item: HTMLLIElement, segment: number, final: boolean}>} */
  #segments = new Map();
  /** @type {string | number | null} */
  #session = null;

  /**
   * @param {{list: HTMLOListElement, scroll: HTMLElement, newest: HTMLButtonElement}} elements
   * @param {Language[]} languages
   * @param {Iterable<string>} shown Codes of the languages to show.
   */
  constructor({ list, scroll, newest }, languages, shown) {
    this.#list = list;
    this.#scroll = scroll;
    this.#newest = newest;
    this.#languages = new Map(languages.map((language) => [language.code, language]));
    this.#shown = new Set(shown);
    scroll.addEventListener("scroll", () => this.#showNewestButton());
    newest.addEventListener("click", () => this.#toEnd());
  }

  /** @param {Iterable<string>} codes */
  showLanguages(codes) {
    const following = this.#isNearEnd();
    this.#shown = new Set(codes);
    for (const line of this.#list.querySelectorAll("p.translation")) {
      const translation = /** @type {HTMLElement} */ (line);
      translation.hidden = !this.#shown.has(translation.lang);
    }
    if (following) this.#toEnd();
  }

  /** @param {Caption} caption A later one of the same segment replaces what it names. */
  put(caption) {
    const following = this.#isNearEnd();
    const key = `${caption.session}/${caption.segment}`;
    const known = this.#segments.get(key);
    if (known?.final && !caption.final) return;
    if (!caption.final && !caption.source) {
      // What was taken for words was noise.
      known?.item.remove();
      this.#segments.delete(key);
      return;
    }
    const entry = known ?? this.#insert(caption);
    entry.final = caption.final;
    this.#segments.set(key, entry);
    this.#fill(entry.item, caption);
    if (following) this.#toEnd();
    else this.#showNewestButton();
  }

  /** @param {Caption} caption */
  #insert({ session, segment }) {
    const item = document.createElement("li");
    item.dataset.segment = String(segment);
    item.dataset.session = String(session);
    item.append(line("source"));
    if (this.#session !== null && session !== this.#session) item.classList.add("new-session");
    this.#session = session;
    const later = [...this.#list.children].find((other) => {
      const { dataset } = /** @type {HTMLElement} */ (other);
      return dataset.session === String(session) && Number(dataset.segment) > segment;
    });
    this.#list.insertBefore(item, later ?? null);
    return { item, segment, final: false };
  }

  /** @param {HTMLLIElement} item @param {Caption} caption */
  #fill(item, { final, source, source_language: sourceLanguage, translations }) {
    item.dataset.final = String(final);
    const spoken = /** @type {HTMLElement} */ (item.querySelector(".source"));
    spoken.textContent = source;
    spoken.dir = "auto";
    if (sourceLanguage && sourceLanguage !== "auto") spoken.lang = sourceLanguage;
    for (const [code, text] of Object.entries(translations ?? {})) {
      const translation = this.#translationLine(item, code);
      translation.textContent = text ?? "(no translation)";
      translation.classList.toggle("missing", text === null);
    }
  }

  /** @param {HTMLLIElement} item @param {string} code @returns {HTMLElement} */
  #translationLine(item, code) {
    const lines = [...item.querySelectorAll("p.translation")];
    const known = lines.find((other) => other.getAttribute("lang") === code);
    if (known) return /** @type {HTMLElement} */ (known);
    const language = this.#languages.get(code);
    const translation = line("translation");
    translation.lang = code;
    translation.dir = language?.direction ?? "auto";
    translation.dataset.name = language?.name ?? code;
    translation.hidden = !this.#shown.has(code);
    // In the order of the event's languages, whichever came first.
    const order = [...this.#languages.keys()];
    const rank = order.indexOf(code);
    const later = lines.find((other) => order.indexOf(other.getAttribute("lang") ?? "") > rank);
    item.insertBefore(translation, later ?? null);
    return translation;
  }

  #isNearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#showNewestButton();
  }

  #showNewestButton() {
    this.#newest.hidden = this.#isNearEnd();
  }
}

/** @param {string} name */
function line(name) {
  const paragraph = document.createElement("p");
  paragraph.className = name;
  return paragraph;
}
