/** The review page: lines of a transcript, read and corrected without leaving the keyboard. */
import { ConflictDialog } from "./conflict.js";
import { Editor } from "./editor.js";
import { showHistory } from "./history.js";
import { describe, listen } from "./keys.js";
import { LineList } from "./line-list.js";
import { ReplaceDialog } from "./replace.js";
import { Refusal, Server } from "./server.js";

const NEWS_EVERY_MS = 4000;
const MOST_WAITING = 50;
const SEARCH_AFTER_MS = 250;
const ONLY = ["all", "doubtful", "unreviewed", "corrected"];

/** @param {string} id @returns {any} */
const element = (id) => document.getElementById(id);

const data = JSON.parse(element("review-data").textContent);
const language = data.languages.find((/** @type {{code: string}} */ { code }) => code === data.language);
const server = new Server(data.url, data.language);
const status = element("status");
const alertBox = element("alert");
const stateChoice = element("review-state");
const audio = /** @type {HTMLAudioElement} */ (element("voice"));
const conflict = new ConflictDialog();
let { newest, running } = data;

const list = new LineList(
  { grid: element("lines"), before: element("lines-before"), after: element("lines-after") },
  server,
  language,
  { marked: showTools, failed: warn },
);
const replaceDialog = new ReplaceDialog(server, language, take);
const editor = new Editor({
  async save(number, spoken, { text, last }) {
    take(await server.tell("correct", { number, spoken, last, text }));
    say(`Line ${number} is saved.`);
  },
  conflict: decide,
  closed(number, saved) {
    if (saved) next(number);
    else list.focus(number);
  },
  failed: (message) => warn(new Refusal(message, 0)),
});

/** @type {import("./keys.js").Binding[]} */
const bindings = [
  { keys: ["ArrowDown", "j"], does: "next line", run: () => list.move(1) },
  { keys: ["ArrowUp", "k"], does: "previous line", run: () => list.move(-1) },
  { keys: ["Home"], does: "first line on the page", run: () => list.moveToEnd(-1) },
  { keys: ["End"], does: "last line on the page", run: () => list.moveToEnd(1) },
  { keys: ["e", "Enter"], does: "edit the translation; Enter saves and goes on, Esc leaves", run: () => edit(false) },
  { keys: ["s"], does: "edit what was spoken", run: () => edit(true) },
  { keys: ["a"], does: "accept and go on", run: () => accept(true) },
  { keys: ["A"], does: "accept no longer", run: () => accept(false) },
  { keys: ["u"], does: "undo the last change of the translation", run: () => undo(false) },
  { keys: ["U"], does: "undo the last change of what was spoken", run: () => undo(true) },
  { keys: ["t"], does: "translate what was spoken again, where nobody touched the translation", run: translateAgain },
  { keys: ["v"], does: "hear the translation, or stop it", run: () => speak(false) },
  { keys: ["V"], does: "hear what was spoken, by a voice", run: () => speak(true) },
  { keys: ["h"], does: "history of the translation", run: () => openHistory(false) },
  { keys: ["H"], does: "history of what was spoken", run: () => openHistory(true) },
  { keys: ["/"], does: "search", run: () => element("find").select() },
  { keys: ["r"], does: "search and replace", run: () => replaceDialog.open() },
  { keys: ["f"], does: "next kind of lines: all, doubtful, not accepted, corrected", run: () => choose(ONLY[(ONLY.indexOf(list.choice.only) + 1) % ONLY.length]) },
  { keys: ["g"], does: "go to a time or a line's number", run: () => element("go").select() },
  { keys: ["?"], does: "these keys", run: () => element("keys-dialog").showModal() },
];

const toolbar = document.createElement("div");
toolbar.setAttribute("role", "gridcell");
toolbar.className = "review-tools";
for (const [label, run] of /** @type {[string, () => void][]} */ ([
  ["Edit", () => edit(false)],
  ["Edit spoken", () => edit(true)],
  ["Accept", () => accept(true)],
  ["Undo", () => undo(false)],
  ["Undo spoken", () => undo(true)],
  ["Translate again", translateAgain],
  ["Voice", () => speak(false)],
  ["History", () => openHistory(false)],
])) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.classList.toggle("for-spoken", label.endsWith("spoken"));
  button.addEventListener("click", run);
  toolbar.append(button);
}

/** @param {import("./line-view.js").LineView} view */
function showTools(view) {
  // Where the spoken words are what is reviewed, they need no buttons of their own.
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (toolbar.querySelectorAll(".for-spoken"))) {
    button.hidden = view.isSpoken;
  }
  view.element.append(toolbar);
}

/** @param {string} message */
function say(message) {
  status.textContent = message;
  alertBox.hidden = true;
}

/** @param {unknown} error */
function warn(error) {
  if (!(error instanceof Refusal)) throw error;
  list.update(error.lines);
  alertBox.textContent = error.message;
  alertBox.hidden = false;
  status.textContent = "";
}

/** @param {() => Promise<void>} work */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    warn(error);
  }
}

/** What the server answers to a change. @param {any} answer */
function take(answer) {
  list.update(answer.lines ?? []);
  running = answer.running;
  stateChoice.value = answer.state;
  for (const [only, count] of Object.entries(answer.counts)) {
    /** @type {HTMLElement} */ (document.querySelector(`[data-count="${only}"]`)).textContent = String(count);
  }
  element("lines").setAttribute("aria-rowcount", String(answer.counts.all));
}

/** @param {boolean} spoken @returns {{number: number, spoken: boolean, last: number} | null} */
function place(spoken) {
  const view = list.current;
  const said = view?.text(spoken);
  if (!view || !said) {
    if (view) say(`Line ${view.line.number} is not translated yet.`);
    return null;
  }
  return { number: view.line.number, spoken: spoken || view.isSpoken, last: said.last };
}

/** Mark the line after this one. @param {number} number */
async function next(number) {
  list.focus(number);
  if (!await list.move(1)) say(`${status.textContent} This was the last line.`);
}

/** @param {boolean} spoken */
function edit(spoken) {
  if (place(spoken) && list.current) editor.open(list.current, spoken);
}

/** @param {number} number @param {boolean} spoken @param {import("./editor.js").Draft} draft @param {Refusal} refusal */
function decide(number, spoken, draft, refusal) {
  list.update(refusal.lines);
  const view = list.view(number);
  const said = view?.text(spoken);
  if (!view || !said) return warn(refusal);
  const theirs = said.text ?? "";
  const code = spoken ? view.line.source_language : language.code;
  conflict.show(refusal.message, { theirs, mine: draft.text, language: code }, (text) => {
    if (text === null) {
      editor.forget(number, spoken);
      say(`Line ${number} stays as it was changed meanwhile.`);
      return;
    }
    attempt(async () => {
      try {
        take(await server.tell("correct", { number, spoken, last: said.last, text }));
      } catch (error) {
        if (!(error instanceof Refusal && error.status === 409)) throw error;
        decide(number, spoken, { text, last: said.last }, error);
        return;
      }
      editor.forget(number, spoken);
      say(`Line ${number} is saved.`);
    });
  });
}

/** @param {boolean} good */
function accept(good) {
  const where = place(false);
  if (!where) return;
  attempt(async () => {
    // The next line is read while this one is on its way.
    const moved = good ? list.move(1) : null;
    take(await server.tell("accept", { ...where, good }));
    say(`Line ${where.number} is ${good ? "accepted" : "no longer accepted"}.`);
    if (await moved === false) say(`${status.textContent} This was the last line.`);
  });
}

/** @param {boolean} spoken */
function undo(spoken) {
  const where = place(spoken);
  if (!where) return;
  attempt(async () => {
    take(await server.tell("undo", { places: `${where.number}:${where.last}`, spoken: where.spoken }));
    say(`The last change of line ${where.number} is undone.`);
  });
}

function translateAgain() {
  const where = place(true);
  if (!where) return;
  attempt(async () => {
    say(`Translating line ${where.number} again…`);
    const answer = await server.tell("again", where);
    take(answer);
    say(answer.message);
  });
}

/** @param {boolean} spoken */
function speak(spoken) {
  if (!audio.paused) {
    audio.pause();
    return;
  }
  const where = place(spoken);
  if (!where) return;
  attempt(async () => {
    say("Preparing the voice…");
    const sound = await server.sound("voice", { number: where.number, spoken: where.spoken });
    URL.revokeObjectURL(audio.src);
    audio.src = URL.createObjectURL(sound);
    say(`The voice of line ${where.number}.`);
    await audio.play().catch(() => say("This browser lets no sound begin. Press Voice once more."));
  });
}

/** @param {boolean} spoken */
function openHistory(spoken) {
  const where = place(spoken);
  const view = list.current;
  if (!where || !view) return;
  attempt(async () => {
    const { versions } = await server.ask("versions", { number: where.number, spoken: where.spoken });
    showHistory(versions, where.spoken ? view.line.source_language : language.code);
  });
}

/** Show other lines. @param {string} only @param {string} [containing] @param {boolean} [focus] */
function choose(only, containing = list.choice.containing, focus = true) {
  editor.leave();
  list.choice = { only, containing };
  for (const button of document.querySelectorAll("[data-only]")) {
    button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.only === only));
  }
  return attempt(async () => {
    await list.reload();
    told();
    if (focus) list.focus();
  });
}

function told() {
  const nothing = element("nothing");
  nothing.hidden = !list.isEmpty;
  const { only, containing } = list.choice;
  nothing.textContent = only === "all" && !containing
    ? "Nothing has been said yet. Lines appear here while somebody speaks."
    : "No line is like that. Press “All” and empty the search to see every line.";
  say(list.isEmpty ? nothing.textContent : "");
}

/** @param {string} wanted @returns {Record<string, number> | null} */
function destination(wanted) {
  if (/^\d+(:[0-5]?\d){1,2}$/.test(wanted)) {
    const seconds = wanted.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    return { at: seconds * 1000 };
  }
  return /^\d{1,9}$/.test(wanted) ? { after: Number(wanted) - 1 } : null;
}

async function hearNews() {
  try {
    if (!document.hidden) {
      const waiting = list.waiting(MOST_WAITING).join(",");
      const answer = await server.ask("news", { since: newest, waiting });
      newest = answer.newest;
      take(answer);
      const { only, containing } = list.choice;
      if (running && only === "all" && !containing && list.reachesEnd) {
        const wasEmpty = list.isEmpty;
        await list.extend();
        if (wasEmpty && !list.isEmpty) told();
      }
    }
  } catch (error) {
    // What a person does next tells them, should it last.
    if (!(error instanceof Refusal)) throw error;
  } finally {
    setTimeout(hearNews, NEWS_EVERY_MS);
  }
}

listen(element("lines"), bindings);
describe(element("keys-list"), bindings);
element("open-keys").addEventListener("click", () => element("keys-dialog").showModal());
element("open-replace").addEventListener("click", () => replaceDialog.open());
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", () => list.focus());
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-only]"))) {
  button.addEventListener("click", () => choose(String(button.dataset.only), undefined, false));
}
stateChoice.addEventListener("change", () => attempt(async () => {
  const left = Number(document.querySelector("[data-count=unreviewed]")?.textContent);
  take(await server.tell("state", { state: stateChoice.value }));
  const still = stateChoice.value === "reviewed" && left ? ` ${left} lines are not accepted.` : "";
  say(`This language is now marked: ${stateChoice.selectedOptions[0].text}.${still}`);
}));

let searching = 0;
element("find").addEventListener("input", () => {
  clearTimeout(searching);
  searching = setTimeout(() => choose(list.choice.only, element("find").value.trim(), false), SEARCH_AFTER_MS);
});
element("find-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  clearTimeout(searching);
  choose(list.choice.only, element("find").value.trim());
});
element("go-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  const from = destination(element("go").value.trim());
  if (!from) return say("Write a time such as 1:02:30, or the number of a line.");
  return attempt(async () => {
    await list.reload(from);
    told();
    list.focus();
  });
});
for (const id of ["find", "go"]) {
  element(id).addEventListener("keydown", (/** @type {KeyboardEvent} */ { key }) => {
    if (key === "Escape") list.focus();
  });
}

list.begin(data.lines, true);
stateChoice.value = data.state;
told();
// The head of the page stays in sight.
list.current?.element.focus({ preventScroll: true });
// The first news are the numbers of lines, which take longer to count than the page to open.
hearNews();
