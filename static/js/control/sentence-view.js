/** One sentence: its texts, how long it is still held, and what can be done about it. */
import { clock } from "../admin/clock.js";

/**
 * @typedef {{text: string | null, last: number, seen: boolean}} ShownText
 * @typedef {object} Sentence
 * @property {number} session
 * @property {number} segment
 * @property {string} source_language
 * @property {ShownText} source
 * @property {Record<string, ShownText>} translations
 * @property {number} start_ms
 * @property {string | null} held_until
 * @property {string} dropped_by
 *
 * @typedef {object} Surroundings
 * @property {(type: string, fields: object) => Promise<import("./commands.js").Answer>} give
 * @property {() => number} now the server's time, ms since 1970
 * @property {(code: string) => {name: string, direction: string}} language
 * @property {() => string[]} shown codes of the languages that are shown
 */

/** The server counts on it: LEFT_FOR_S in sessions_app/holding.py. */
const SAY_EVERY_MS = 5_000;

export class SentenceView {
  element = document.createElement("article");
  #around;
  #time = document.createElement("time");
  #texts = element("div", "texts");
  #tools = element("div", "sentence-tools");
  #left = element("span", "left");
  /** @type {Sentence} */
  #sentence;
  #editing = false;
  #saidAt = 0;
  /** @type {Map<string, TextView>} */
  #views = new Map();

  /** @param {Surroundings} around */
  constructor(around) {
    this.#around = around;
    this.element.className = "sentence";
    this.element.tabIndex = 0;
    this.element.append(this.#time, this.#texts, this.#tools);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  get isHeld() {
    return this.#sentence.held_until !== null;
  }

  /** @param {Sentence} sentence */
  update(sentence) {
    this.#sentence = sentence;
    this.#time.textContent = clock(sentence.start_ms);
    this.draw();
  }

  /** Draws it anew, as when other languages are to be shown; what is being written stays. */
  draw() {
    const { source, source_language, translations, dropped_by } = this.#sentence;
    this.element.classList.toggle("held", this.isHeld);
    this.element.classList.toggle("dropped", Boolean(dropped_by));
    const wanted = new Map([["", source]]);
    for (const code of this.#around.shown()) {
      if (code !== source_language) wanted.set(code, translations[code] ?? null);
    }
    for (const [code, view] of this.#views) {
      if (!wanted.has(code) && !view.isEditing) {
        view.element.remove();
        this.#views.delete(code);
      }
    }
    for (const [code, text] of wanted) {
      const view = this.#views.get(code) ?? this.#add(code);
      const { name, direction } = this.#around.language(code || source_language);
      view.update(text, { name, direction, language: code || source_language });
    }
    this.#drawTools();
  }

  /** To be called twice a second. */
  tick() {
    if (!this.isHeld) return;
    // Another operator may have left it, for whom it then waits no longer.
    if (this.#editing && Date.now() - this.#saidAt > SAY_EVERY_MS) this.#waitForMe();
    const left = Math.max(0, Math.ceil((Date.parse(this.#sentence.held_until) - this.#around.now()) / 1000));
    this.#left.textContent = this.#editing ? `Waits for you: ${left} s` : `Shown in ${left} s`;
  }

  #waitForMe() {
    this.#saidAt = Date.now();
    this.#give("wait");
  }

  #add(code) {
    const view = new TextView(code, {
      onOpen: () => {
        this.#editing = true;
        if (this.isHeld) this.#waitForMe();
      },
      onLeave: () => {
        this.#editing = false;
        if (this.isHeld) this.#give("leave");
        this.element.focus();
      },
      save: async (last, text, show) => {
        const answer = await this.#give("correct", { language: code, last, text, show });
        if (answer.ok) {
          this.#editing = false;
          this.element.focus();
        }
        return answer;
      },
      isHeld: () => this.isHeld,
    });
    this.#views.set(code, view);
    this.#texts.append(view.element);
    return view;
  }

  #drawTools() {
    const { dropped_by } = this.#sentence;
    if (dropped_by) {
      this.#tools.replaceChildren(
        element("span", "", `Dropped by ${dropped_by}; listeners have not seen it.`),
        button("Show after all", "", () => this.#give("restore")),
      );
    } else if (this.isHeld) {
      if (!this.#left.isConnected) {
        this.#tools.replaceChildren(
          this.#left,
          button("Show now", "show", () => this.#give("show")),
          button("Drop", "", () => this.#give("drop")),
        );
      }
      this.tick();
    } else {
      this.#tools.replaceChildren();
    }
  }

  /** @param {string} type @param {object} [fields] */
  #give(type, fields = {}) {
    const { session, segment } = this.#sentence;
    return this.#around.give(type, { session, segment, ...fields });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const { dropped_by } = this.#sentence;
    const keys = {
      f: () => [...this.#views.values()].at(this.#views.size > 1 ? 1 : 0)?.open(),
      s: () => this.isHeld && this.#give("show"),
      d: () => this.isHeld && this.#give("drop"),
      r: () => dropped_by && this.#give("restore"),
      arrowup: () => focusOn(this.element.previousElementSibling),
      arrowdown: () => focusOn(this.element.nextElementSibling),
    };
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

/** One text of a sentence; can be written in. */
class TextView {
  element = element("div", "text");
  #code;
  #handlers;
  #label = element("span", "text-label");
  #words = document.createElement("p");
  #fix = button("Fix", "", () => this.open());
  /** @type {HTMLFormElement | null} */
  #editor = null;
  /** @type {ShownText | null} */
  #text = null;
  #name = "";
  #direction = "auto";

  constructor(code, handlers) {
    this.#code = code;
    this.#handlers = handlers;
    this.element.classList.toggle("source", code === "");
    this.element.append(this.#label, this.#words, this.#fix);
  }

  get isEditing() {
    return this.#editor !== null;
  }

  /** @param {ShownText | null} text null: it has not come yet @param {{name: string, direction: string, language: string}} language */
  update(text, { name, direction, language }) {
    this.#text = text;
    this.#name = name;
    const corrected = text?.last ? " · corrected" : "";
    this.#label.textContent = `${name}${this.#code === "" ? " (spoken)" : ""}${corrected}`;
    this.#direction = direction;
    const missing = !text?.text;
    this.#words.dir = missing ? "ltr" : direction;
    this.#words.lang = missing ? "en" : language;
    this.#words.textContent = text?.text ?? (text ? "Not translated." : "…");
    this.#words.classList.toggle("missing-text", missing);
    this.#fix.setAttribute("aria-label", `Fix the ${name} text`);
    this.#fix.hidden = !text || this.isEditing;
  }

  open() {
    if (this.isEditing || !this.#text) return;
    const editor = document.createElement("form");
    editor.className = "editor";
    const area = document.createElement("textarea");
    area.value = this.#text.text ?? "";
    area.dir = this.#direction;
    area.setAttribute("aria-label", `${this.#name} text`);
    const refused = element("p", "refused");
    refused.setAttribute("role", "alert");
    refused.hidden = true;
    let { last } = this.#text;
    const save = async (show) => {
      const answer = await this.#handlers.save(last, area.value, show);
      if (answer.ok) {
        this.#close();
        return;
      }
      refused.textContent = answer.message;
      refused.hidden = false;
      // Who saves again has seen what stands there now.
      last = this.#text?.last ?? last;
    };
    const buttons = [submit("Save")];
    if (this.#handlers.isHeld()) buttons.push(button("Save and show now", "show", () => save(true)));
    buttons.push(button("Cancel", "", () => this.#leave()));
    editor.append(area, refused, ...buttons);
    editor.addEventListener("submit", (event) => {
      event.preventDefault();
      save(false);
    });
    editor.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#leave();
      if (event.key === "Enter" && !event.shiftKey && event.target === area && !event.isComposing) {
        event.preventDefault();
        save(event.ctrlKey || event.metaKey);
      }
    });
    this.#editor = editor;
    this.element.append(editor);
    this.#fix.hidden = true;
    this.#handlers.onOpen();
    area.focus();
  }

  #leave() {
    this.#close();
    this.#handlers.onLeave();
  }

  #close() {
    this.#editor?.remove();
    this.#editor = null;
    this.#fix.hidden = false;
  }
}

/** @param {Element | null} sibling */
function focusOn(sibling) {
  if (sibling instanceof HTMLElement && sibling.tabIndex === 0) sibling.focus();
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function button(label, className, run) {
  const made = element("button", className, label);
  made.type = "button";
  made.addEventListener("click", run);
  return made;
}

function submit(label) {
  const made = element("button", "", label);
  made.type = "submit";
  return made;
}
