/** Two people in the same line: both texts beside each other, and neither is lost. */

export class ConflictDialog {
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById("conflict-dialog"));
  #message = /** @type {HTMLElement} */ (document.getElementById("conflict-message"));
  #theirs = /** @type {HTMLElement} */ (document.getElementById("conflict-theirs"));
  #mine = /** @type {HTMLTextAreaElement} */ (document.getElementById("conflict-mine"));
  /** @type {((text: string | null) => void) | null} */
  #decide = null;

  constructor() {
    document.getElementById("conflict-save")?.addEventListener("click", () => this.#close(this.#mine.value));
    document.getElementById("conflict-leave")?.addEventListener("click", () => this.#close(null));
    // Escape decides nothing: the text stays in its field.
    this.#dialog.addEventListener("close", () => { this.#decide = null; });
  }

  /**
   * @param {string} message
   * @param {{theirs: string, mine: string, language: string}} texts
   * @param {(text: string | null) => void} decide with the text to be saved; null: theirs stays
   */
  show(message, { theirs, mine, language }, decide) {
    this.#message.textContent = `${message} Nothing is lost: choose which text stays.`;
    this.#theirs.textContent = theirs;
    this.#mine.value = mine;
    this.#theirs.lang = this.#mine.lang = language;
    this.#decide = decide;
    this.#dialog.showModal();
  }

  /** @param {string | null} text */
  #close(text) {
    const decide = this.#decide;
    this.#dialog.close();
    decide?.(text);
  }
}
