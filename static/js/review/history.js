/** Every version of a text, with what each changed. */
import { difference } from "./difference.js";

/** @typedef {{what: string, at: string, changes: import("./difference.js").Piece[]}} Version */

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("history-dialog"));
const list = /** @type {HTMLOListElement} */ (document.getElementById("history-list"));
const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @param {Version[]} versions newest first @param {string} language */
export function showHistory(versions, language) {
  list.replaceChildren(...versions.map(({ what, at, changes }) => {
    const item = document.createElement("li");
    const told = document.createElement("p");
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = when.format(new Date(at));
    told.append(`${what}, `, time);
    const text = document.createElement("p");
    text.lang = language;
    text.dir = "auto";
    text.append(difference(changes));
    item.append(told, text);
    return item;
  }));
  dialog.showModal();
}
