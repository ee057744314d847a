/** Writing another text for a line. What is written is kept until it is saved or thrown away. */
import { Refusal } from "./server.js";

/**
 * @typedef {import("./line-view.js").LineView} LineView
 * @typedef {{text: string, last: number}} Draft `last` is the correction that was seen when it was begun
 * @typedef {object} Handlers
 * @property {(number: number, spoken: boolean, draft: Draft) => Promise<void>} save rejects with a Refusal
 * @property {(number: number, spoken: boolean, draft: Draft, refusal: Refusal) => void} conflict
 * @property {(number: number, saved: boolean) => void} closed
 * @property {(message: string) => void} failed
 */

export class Editor {
  #handlers;
  /** @type {Map<string, Draft>} */
  #drafts = new Map();
  /** @type {{view: LineView, spoken: boolean, draft: Draft, box: HTMLElement, area: HTMLTextAreaElement} | null} */
  #open = null;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    addEventListener("beforeunload", (event) => {
      this.#keep();
      if (this.#drafts.size) event.preventDefault();
    });
  }

  /** Whether text is waiting for this line. @param {number} number */
  hasDraft(number) {
    return this.#drafts.has(key(number, true)) || this.#drafts.has(key(number, false));
  }

  /** @param {LineView} view @param {boolean} spoken */
  open(view, spoken) {
    this.leave();
    spoken ||= view.isSpoken;
    const said = view.text(spoken);
    if (!said) return;
    const { number } = view.line;
    const draft = this.#drafts.get(key(number, spoken)) ?? { text: said.text ?? "", last: said.last };
    const shown = /** @type {HTMLElement} */ (view.cellOf(spoken).querySelector(".shown"));
    const box = document.createElement("div");
    box.className = "review-editor";
    const area = document.createElement("textarea");
    area.value = draft.text;
    area.rows = 2;
    area.maxLength = 5000;
    area.lang = shown.lang;
    area.dir = shown.dir;
    area.setAttribute("aria-label", `${spoken ? "What was spoken" : "Translation"}, line ${number}`);
    area.addEventListener("keydown", (event) => this.#key(event));
    box.append(
      area,
      button("Save", "Enter", () => this.save()),
      button("Close", "Esc", () => this.leave(true)),
      button("Throw away", "", () => this.#discard()),
    );
    shown.hidden = true;
    shown.after(box);
    this.#open = { view, spoken, draft, box, area };
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }

  async save() {
    if (!this.#open || this.#open.area.readOnly) return;
    const opened = this.#open;
    const { view, spoken, area } = opened;
    const { number } = view.line;
    const draft = { ...opened.draft, text: area.value };
    area.readOnly = true;
    try {
      await this.#handlers.save(number, spoken, draft);
      this.#drafts.delete(key(number, spoken));
      if (this.#open === opened) this.#close(true);
      else view.markUnsaved(this.hasDraft(number));
    } catch (error) {
      area.readOnly = false;
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 409 && this.#open === opened) this.#handlers.conflict(number, spoken, draft, error);
      else this.#handlers.failed(`${error.message} Your text is still in line ${number}.`);
    }
  }

  /** Close the field; what was changed in it is kept. @param {boolean} [focus] go back to the line */
  leave(focus = false) {
    this.#keep();
    if (this.#open) this.#close(false, focus);
  }

  /** Forget what was written for this text. @param {number} number @param {boolean} spoken */
  forget(number, spoken) {
    this.#drafts.delete(key(number, spoken));
    if (this.#open?.view.line.number === number) this.#close(false, true);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // Enter also ends the composing of Chinese, Japanese and Korean words.
    if (event.isComposing) return;
    if (event.key === "Enter") this.save();
    else if (event.key === "Escape") this.leave(true);
    else return;
    event.preventDefault();
  }

  #discard() {
    if (this.#open) this.forget(this.#open.view.line.number, this.#open.spoken);
  }

  #keep() {
    if (!this.#open) return;
    const { view, spoken, draft, area } = this.#open;
    const { number } = view.line;
    const said = view.text(spoken);
    if (area.value === draft.text && area.value === (said?.text ?? "")) this.#drafts.delete(key(number, spoken));
    else this.#drafts.set(key(number, spoken), { ...draft, text: area.value });
  }

  /** @param {boolean} saved @param {boolean} [focus] */
  #close(saved, focus = false) {
    if (!this.#open) return;
    const { view, spoken, box } = this.#open;
    this.#open = null;
    /** @type {HTMLElement} */ (view.cellOf(spoken).querySelector(".shown")).hidden = false;
    box.remove();
    const { number } = view.line;
    view.markUnsaved(this.hasDraft(number));
    if (focus || saved) this.#handlers.closed(number, saved);
  }
}

/** @param {number} number @param {boolean} spoken */
function key(number, spoken) {
  return `${number}/${spoken}`;
}

/** @param {string} label @param {string} keyName @param {() => void} run */
function button(label, keyName, run) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = label;
  if (keyName) {
    const cap = document.createElement("kbd");
    cap.textContent = keyName;
    element.append(" ", cap);
  }
  element.addEventListener("click", run);
  return element;
}
