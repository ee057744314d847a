/**
 * Draws captions as a list that follows the speaker, unless the reader has scrolled up.
 * Text goes in by textContent only, and only where it differs: nothing flickers.
 */

/** @typedef {import("./captions.js").Caption} Caption */

const NEAR_END_PX = 48;
const NEAR_START_PX = 120;

/** @param {number} ms session time @returns {string} such as "4:05" or "1:04:05" */
export function sessionTime(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const start = hours ? `${hours}:${two(minutes)}` : String(minutes);
  return `${start}:${two(seconds % 60)}`;
}

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent.append(made);
  return made;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** One caption's place in the list; partial and final are drawn into the same nodes. */
class Row {
  constructor(segment) {
    this.item = document.createElement("li");
    this.item.className = "caption";
    this.item.dataset.segment = String(segment);
    this.time = element("span", "caption-time", this.item);
    const body = element("div", "caption-body", this.item);
    this.text = element("p", "caption-text", body);
    this.settled = element("span", "settled", this.text);
    this.tail = element("span", "tail", this.text);
    this.note = element("p", "caption-note", body);
    this.source = element("p", "caption-source", body);
    this.source.dir = "auto";
  }

  /** @param {Caption} caption @param {{code: string, direction: string}} language */
  draw(caption, language) {
    const untranslated = caption.final && caption.text === null;
    const { dataset } = this.item;
    dataset.state = !caption.final ? "partial" : untranslated ? "untranslated" : "final";
    dataset.seq = String(caption.seq);
    this.item.classList.toggle("corrected", caption.corrected);
    this.text.lang = language.code;
    this.text.dir = language.direction;
    this.text.hidden = untranslated;
    setText(this.settled, caption.final ? caption.text ?? "" : caption.stable);
    setText(this.tail, caption.tail);
    setText(this.note, untranslated ? "Not translated yet" : caption.corrected ? "Corrected" : "");
    this.note.hidden = !this.note.textContent;
    this.source.lang = caption.sourceLanguage;
    setText(this.source, caption.source === caption.text ? "" : caption.source);
    setText(this.time, caption.startMs === null ? "" : sessionTime(caption.startMs));
  }
}

export class CaptionView {
  /** @type {Map<number, Row>} */
  #rows = new Map();
  #following = true;
  /** Where the scroller was last. */
  #top = 0;
  #language = { code: "", direction: "ltr" };
  #speaking = null;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.scroller the element that scrolls
   * @param {HTMLOListElement} parts.list inside the scroller
   * @param {HTMLButtonElement} parts.newest leads back to the end
   * @param {() => void} parts.onNearStart the reader has come to the oldest caption shown
   */
  constructor({ scroller, list, newest, onNearStart }) {
    this.scroller = scroller;
    this.list = list;
    this.newest = newest;
    scroller.addEventListener("scroll", () => {
      const distance = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
      // Text that appears below takes the end away as well; only the reader goes up.
      const wentUp = scroller.scrollTop < this.#top;
      this.#top = scroller.scrollTop;
      if (distance < NEAR_END_PX) this.#follow(true);
      else if (wentUp) this.#follow(false);
      if (scroller.scrollTop < NEAR_START_PX && !this.#following) onNearStart();
    }, { passive: true });
    newest.addEventListener("click", () => {
      this.#follow(true);
      this.#scrollToEnd();
    });
    const resized = new ResizeObserver(() => this.#following && this.#scrollToEnd());
    for (const part of [scroller, ...scroller.children]) resized.observe(part);
  }

  /** Empties the list. @param {{code: string, direction: string}} language what will be shown */
  reset(language) {
    this.#language = language;
    this.#rows.clear();
    this.list.dir = language.direction;
    this.list.replaceChildren();
    this.#follow(true);
  }

  /**
   * @param {Iterable<number>} segments those that are new, different or gone
   * @param {(segment: number) => Caption|undefined} find
   */
  update(segments, find) {
    this.#keepPlace(() => {
      for (const segment of segments) this.#drawOne(segment, find(segment));
    });
  }

  /** Marks the caption that is being spoken. @param {number|null} segment */
  setSpeaking(segment) {
    this.#rows.get(this.#speaking)?.item.removeAttribute("aria-current");
    this.#rows.get(segment)?.item.setAttribute("aria-current", "true");
    this.#speaking = segment;
  }

  #drawOne(segment, caption) {
    let row = this.#rows.get(segment);
    if (!caption) {
      row?.item.remove();
      this.#rows.delete(segment);
      return;
    }
    if (!row) {
      row = new Row(segment);
      this.#rows.set(segment, row);
      this.#insert(row.item, segment);
    }
    row.draw(caption, this.#language);
  }

  #insert(item, segment) {
    let before = this.list.lastElementChild;
    while (before && Number(before.dataset.segment) > segment) before = before.previousElementSibling;
    if (before) before.after(item);
    else this.list.prepend(item);
  }

  /** Keeps what the reader looks at where it is, whatever appears above or below. */
  #keepPlace(change) {
    if (this.#following) {
      change();
      this.#scrollToEnd();
      return;
    }
    const top = this.scroller.getBoundingClientRect().top;
    const anchor = [...this.list.children].find((item) => item.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    this.#top = this.scroller.scrollTop;
  }

  #follow(following) {
    this.#following = following;
    this.newest.hidden = following;
  }

  #scrollToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
  }
}
