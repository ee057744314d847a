/** A list of what happened, the newest first; each thing once. */

const time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export class Log {
  #list;
  #empty;
  /** @type {Set<number>} */
  #known = new Set();

  /** @param {HTMLElement} list @param {HTMLElement} empty said where there is nothing */
  constructor(list, empty) {
    this.#list = list;
    this.#empty = empty;
  }

  clear() {
    this.#known.clear();
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }

  /** @param {{id: number, at: string, text: string, by: string, kind: string}} entry */
  add({ id, at, text, by, kind }) {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    const item = document.createElement("li");
    item.className = kind;
    const when = document.createElement("time");
    when.dateTime = at;
    when.textContent = time.format(new Date(at));
    const words = document.createElement("bdi");
    words.textContent = text;
    item.append(when, " ", words);
    if (by) {
      const author = document.createElement("bdi");
      author.className = "by";
      author.textContent = by;
      item.append(" – ", author);
    }
    this.#list.prepend(item);
    this.#empty.hidden = true;
  }
}
