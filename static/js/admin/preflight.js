/** Tries every part of an event one after the other, each shown as it goes; can be cancelled. */
import { ask } from "./fetch-office.js";

/** @typedef {{key: string, label: string}} Check */
/** @typedef {{ok: boolean, message: string, sample: string, language: string, audio: string}} Outcome */
/** @typedef {{line: HTMLLIElement, state: HTMLElement, message: HTMLElement}} Row */

/** The server gives up earlier; this is for a server that says nothing at all. */
const PATIENCE_MS = 45_000;
const STATES = { waiting: "waiting", trying: "trying…", ok: "OK", failed: "Problem", left: "not tried" };

const { url, checks } = JSON.parse(document.getElementById("preflight-data").textContent);
const run = /** @type {HTMLButtonElement} */ (document.getElementById("run"));
const cancel = /** @type {HTMLButtonElement} */ (document.getElementById("cancel"));
const status = document.getElementById("tries-status");
const progress = /** @type {HTMLProgressElement} */ (document.getElementById("tries-progress"));
const list = document.getElementById("tries");
/** @type {AbortController | null} */
let running = null;

run.addEventListener("click", tryAll);
cancel.addEventListener("click", () => running?.abort());
show(checks.map(row));

async function tryAll() {
  const stop = new AbortController();
  running = stop;
  run.disabled = true;
  cancel.hidden = progress.hidden = false;
  progress.max = checks.length;
  const rows = checks.map(row);
  show(rows);
  let failed = 0;
  for (const [index, check] of checks.entries()) {
    progress.value = index;
    if (stop.signal.aborted) {
      mark(rows[index], "left");
      continue;
    }
    status.textContent = `${index + 1} of ${checks.length}`;
    mark(rows[index], "trying");
    const ok = await tryOne(check, rows[index], stop.signal);
    if (!ok && !stop.signal.aborted) failed += 1;
  }
  running = null;
  run.disabled = false;
  run.textContent = "Run them again";
  cancel.hidden = progress.hidden = true;
  status.textContent = summary(failed, stop.signal.aborted);
}

/** @param {Check} check @param {Row} row @param {AbortSignal} stop @returns {Promise<boolean>} */
async function tryOne(check, row, stop) {
  const late = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await ask(url, { check: check.key }, AbortSignal.any([stop, late]));
    /** @type {Outcome} */
    const outcome = await response.json();
    mark(row, outcome.ok ? "ok" : "failed");
    row.message.textContent = outcome.message;
    if (outcome.sample) row.line.append(sample(outcome));
    if (outcome.audio) row.line.append(player(outcome.audio));
    return outcome.ok;
  } catch (error) {
    mark(row, stop.aborted ? "left" : "failed");
    row.message.textContent = late.aborted
      ? "The server did not answer in time. Try again in a moment."
      : stop.aborted ? "" : /** @type {Error} */ (error).message;
    return false;
  }
}

/** @param {number} failed @param {boolean} cancelled */
function summary(failed, cancelled) {
  if (cancelled) return "Cancelled.";
  if (failed) return `${failed} of ${checks.length} need your attention.`;
  return checks.length ? `All ${checks.length} work.` : "There is nothing to try yet: choose languages first.";
}

/** @param {Check} check @returns {Row} */
function row(check) {
  const line = document.createElement("li");
  const label = document.createElement("strong");
  const state = document.createElement("span");
  const message = document.createElement("span");
  label.textContent = check.label;
  state.className = "try-state";
  message.className = "try-message";
  line.append(label, state, message);
  const made = { line, state, message };
  mark(made, "waiting");
  return made;
}

/** @param {Row} row @param {keyof typeof STATES} state */
function mark(row, state) {
  row.line.dataset.state = state;
  row.state.textContent = STATES[state];
}

/** @param {Row[]} rows */
function show(rows) {
  for (const audio of list.querySelectorAll("audio")) URL.revokeObjectURL(audio.src);
  list.replaceChildren(...rows.map(({ line }) => line));
}

/** @param {Outcome} outcome */
function sample({ sample: text, language }) {
  const quote = document.createElement("q");
  quote.lang = language;
  quote.dir = "auto";
  quote.textContent = text;
  return quote;
}

/** @param {string} audio MP3 in base64 */
function player(audio) {
  const element = document.createElement("audio");
  element.controls = true;
  const bytes = Uint8Array.from(atob(audio), (character) => character.charCodeAt(0));
  element.src = URL.createObjectURL(new Blob([bytes], { type: "audio/mpeg" }));
  return element;
}
