/** The page before joining: when it starts, which language, with sound or without. */
import { bestLanguage, fillLanguageChoices } from "./languages.js";
import { canPlay } from "./player.js";

const byId = (id) => document.getElementById(id);

/**
 * @param {string|null} startsAt ISO time
 * @param {Date} [now]
 * @returns {string} in the listener's own time zone; "" once the time has come
 */
export function startInWords(startsAt, now = new Date()) {
  const start = new Date(startsAt ?? NaN);
  if (!(start > now)) return "";
  const options = { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" };
  return `Starts ${start.toLocaleString("en-GB", options)} (your time)`;
}

/**
 * @typedef {object} Page
 * @property {string} join_code
 * @property {string} title
 * @property {boolean} asks_pin
 * @property {string} socket_path
 * @property {string|null} rehearsal
 * @property {string|null} preselected
 * @property {import("./languages.js").Language[]} languages
 * @property {string|null} starts_at
 */

export class Entry {
  /**
   * @param {Page} page
   * @param {string|null} remembered language code
   * @param {(language: string, withSound: boolean, pin: string) => void} onJoin called inside the
   *   click; `pin`: "" where none is asked for
   */
  constructor(page, remembered, onJoin) {
    this.page = page;
    const wishes = [page.preselected, remembered, ...navigator.languages];
    this.#showLanguages(page.languages, bestLanguage(page.languages, wishes)?.code ?? "");
    const starts = byId("starts");
    starts.textContent = startInWords(page.starts_at);
    starts.hidden = !starts.textContent;
    byId("join").hidden = !canPlay;
    byId("no-sound").hidden = canPlay;
    byId("join-captions").classList.toggle("primary", !canPlay);
    byId("entry-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const typed = new FormData(event.target);
      const chosen = typed.get("language");
      const pin = String(typed.get("pin") ?? "").trim();
      if (chosen) onJoin(String(chosen), canPlay && event.submitter?.value !== "captions", pin);
    });
  }

  hide() {
    byId("entry").hidden = true;
  }

  /**
   * Back to the choice, with a word why.
   * @param {string} problem
   * @param {import("./languages.js").Language[]} languages
   */
  showAgain(problem, languages) {
    this.#showLanguages(languages, "");
    byId("entry-problem").textContent = problem;
    byId("entry-problem").hidden = false;
    byId("entry").hidden = false;
  }

  #showLanguages(languages, chosen) {
    fillLanguageChoices(byId("language-choices"), languages, chosen);
    byId("language-choices").querySelector(":checked")?.closest("label").scrollIntoView({ block: "center" });
  }
}
