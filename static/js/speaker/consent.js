/** Asks the speaker to agree, once for each link in each browser. */
export class Consent {
  #dialog;
  #memory;
  #given;

  /** @param {HTMLDialogElement} dialog Closes with "agreed" or "". @param {import("./memory.js").Memory} memory */
  constructor(dialog, memory) {
    this.#dialog = dialog;
    this.#memory = memory;
    this.#given = memory.recall("consent") === "given";
    for (const button of dialog.querySelectorAll("button")) {
      button.addEventListener("click", () => dialog.close(button.value));
    }
  }

  /** The server does not know of it. */
  forget() {
    this.#given = false;
    this.#memory.keep("consent", "");
  }

  /** @returns {Promise<boolean>} Whether the speaker agrees. */
  ask() {
    if (this.#given) return Promise.resolve(true);
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        this.#given = this.#dialog.returnValue === "agreed";
        if (this.#given) this.#memory.keep("consent", "given");
        resolve(this.#given);
      }, { once: true });
    });
  }
}
