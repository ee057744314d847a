/** Search and replace: see what would change, choose, then change it all at once. */
import { difference } from "./difference.js";
import { Refusal } from "./server.js";

/** @typedef {{number: number, last: number, text: string, changes: import("./difference.js").Piece[]}} Match */

/** @param {string} id @returns {any} */
const element = (id) => document.getElementById(id);

export class ReplaceDialog {
  #server;
  #done;
  #dialog = /** @type {HTMLDialogElement} */ (element("replace-dialog"));
  #form = /** @type {HTMLFormElement} */ (element("replace-form"));
  #message = /** @type {HTMLElement} */ (element("replace-message"));
  #matches = /** @type {HTMLUListElement} */ (element("replace-matches"));
  #apply = /** @type {HTMLButtonElement} */ (element("replace-apply"));
  #undo = /** @type {HTMLButtonElement} */ (element("replace-undo"));
  /** @type {Record<string, string>} */
  #search = {};
  /** @type {{places: string, spoken: string} | null} */
  #replaced = null;
  #language;
  #busy = false;

  /**
   * @param {import("./server.js").Server} server
   * @param {import("./line-view.js").Language} language
   * @param {(answer: any) => void} done after lines were changed
   */
  constructor(server, language, done) {
    this.#server = server;
    this.#language = language;
    this.#done = done;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run(() => this.#preview());
    });
    // What is listed belongs to what was looked for.
    this.#form.addEventListener("input", () => this.#list([]));
    this.#matches.addEventListener("change", () => this.#count());
    element("replace-all").addEventListener("click", () => this.#choose(true));
    element("replace-none").addEventListener("click", () => this.#choose(false));
    element("replace-close").addEventListener("click", () => this.#dialog.close());
    this.#apply.addEventListener("click", () => this.#run(() => this.#replace()));
    this.#undo.addEventListener("click", () => this.#run(() => this.#takeBack()));
  }

  open() {
    this.#message.textContent = "";
    this.#dialog.showModal();
    element("replace-find").select();
  }

  /** @param {() => Promise<void>} work */
  async #run(work) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#message.textContent = error.message;
    } finally {
      this.#busy = false;
    }
  }

  async #preview() {
    this.#search = Object.fromEntries(
      [...new FormData(this.#form)].map(([name, value]) => [name, String(value)]));
    const { matches, more } = await this.#server.ask("matches", this.#search);
    this.#list(matches);
    const many = matches.length === 1 ? "1 line" : `${matches.length} lines`;
    this.#message.textContent = !matches.length
      ? "No line contains this."
      : more
        ? `The first ${many} are listed. When they are replaced, press Preview again for the others.`
        : `${many} would change.`;
    if (matches.length) this.#apply.focus();
  }

  async #replace() {
    const places = this.#chosen().join(",");
    if (!places) return;
    let answer;
    try {
      answer = await this.#server.tell("replace", { ...this.#search, places });
    } catch (error) {
      if (error instanceof Refusal && [404, 409].includes(error.status)) {
        await this.#preview();
        throw new Refusal(`${error.message} Nothing was replaced. This is what would change now.`, error.status);
      }
      throw error;
    }
    const spoken = this.#search.spoken;
    const now = answer.lines.map((/** @type {import("./line-view.js").Line} */ line) => {
      const said = spoken || !line.translation ? line.source : line.translation;
      return `${line.number}:${said.last}`;
    });
    this.#replaced = { places: now.join(","), spoken };
    this.#list([]);
    this.#undo.hidden = false;
    this.#undo.focus();
    this.#message.textContent = `Replaced in ${now.length === 1 ? "1 line" : `${now.length} lines`}.`;
    this.#done(answer);
  }

  async #takeBack() {
    if (!this.#replaced) return;
    const answer = await this.#server.tell("undo", this.#replaced);
    this.#replaced = null;
    this.#undo.hidden = true;
    this.#message.textContent = "The replacement was undone.";
    element("replace-close").focus();
    this.#done(answer);
  }

  /** @param {Match[]} matches */
  #list(matches) {
    this.#matches.replaceChildren(...matches.map(({ number, last, changes }) => {
      const item = document.createElement("li");
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.value = `${number}:${last}`;
      const text = document.createElement("span");
      text.dir = "auto";
      if (!this.#search.spoken) text.lang = this.#language.code;
      text.append(difference(changes));
      label.append(box, ` ${number} `, text);
      item.append(label);
      return item;
    }));
    element("replace-choose").hidden = !matches.length;
    this.#count();
  }

  /** @param {boolean} checked */
  #choose(checked) {
    for (const box of this.#matches.querySelectorAll("input")) box.checked = checked;
    this.#count();
  }

  #chosen() {
    return [...this.#matches.querySelectorAll("input")].filter((box) => box.checked).map((box) => box.value);
  }

  #count() {
    const { length } = this.#chosen();
    this.#apply.hidden = !length;
    this.#apply.textContent = length === 1 ? "Replace in 1 line" : `Replace in ${length} lines`;
  }
}
