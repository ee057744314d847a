/**
 * @typedef {object} Action
 * @property {string} label
 * @property {() => void} run
 */

/** Messages that stay until they are solved or closed; one for each code. */
export class Notices {
  /** @param {HTMLUListElement} list */
  constructor(list) {
    this.list = list;
  }

  /**
   * @param {string} code A later message of the same code takes the place of the earlier.
   * @param {string} text
   * @param {{bad?: boolean, action?: Action}} [options]
   */
  put(code, text, { bad = false, action } = {}) {
    const known = this.#find(code);
    if (known?.querySelector("p")?.textContent === text) return;
    const item = document.createElement("li");
    item.className = bad ? "notice bad" : "notice";
    item.dataset.code = code;
    const words = document.createElement("p");
    words.textContent = text;
    item.append(words);
    if (action) {
      item.append(button(action.label, "button", () => {
        this.remove(code);
        action.run();
      }));
    }
    item.append(button("Close", "close", () => this.remove(code)));
    known ? known.replaceWith(item) : this.list.append(item);
  }

  /** @param {string[]} codes */
  remove(...codes) {
    for (const code of codes) this.#find(code)?.remove();
  }

  /** @param {string} code @returns {HTMLElement | undefined} */
  #find(code) {
    const items = /** @type {HTMLElement[]} */ ([...this.list.children]);
    return items.find((item) => item.dataset.code === code);
  }
}

/** @param {string} label @param {string} className @param {() => void} run */
function button(label, className, run) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.textContent = label;
  element.addEventListener("click", run);
  return element;
}
