/** A list of what happened, the newest first; each thing once. */

const LOOK_AT_THE_DAY_EVERY_MS = 30_000;
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const DAY = { day: "numeric", month: "short", year: "numeric" };

export class Log {
  #list;
  #empty;
  #now;
  #time;
  #dayAndTime;
  #day;
  #today = "";
  /** @type {Set<number>} */
  #known = new Set();

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} empty said where there is nothing
   * @param {{timeZone: string, now: () => number}} clock
   */
  constructor(list, empty, { timeZone, now }) {
    this.#list = list;
    this.#empty = empty;
    this.#now = now;
    this.#time = new Intl.DateTimeFormat([], { ...TIME, timeZone });
    this.#dayAndTime = new Intl.DateTimeFormat([], { ...DAY, ...TIME, timeZone });
    this.#day = new Intl.DateTimeFormat([], { ...DAY, timeZone });
    setInterval(() => this.#turnDay(), LOOK_AT_THE_DAY_EVERY_MS);
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
    this.#turnDay();
    this.#write(when);
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

  /** What was today is yesterday after midnight, and then needs its date. */
  #turnDay() {
    const today = this.#day.format(this.#now());
    if (today === this.#today) return;
    this.#today = today;
    for (const when of this.#list.querySelectorAll("time")) this.#write(when);
  }

  /** @param {HTMLTimeElement} when */
  #write(when) {
    const at = new Date(when.dateTime);
    const format = this.#day.format(at) === this.#today ? this.#time : this.#dayAndTime;
    when.textContent = format.format(at);
  }
}
