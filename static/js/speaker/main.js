/** Wires the speaker's page: what the user does, what the session says, what is heard. */
import { keepScreenOn, letScreenSleep } from "../wake-lock.js";
import { CaptionList } from "./caption-list.js";
import { Consent } from "./consent.js";
import { LevelMeter } from "./level-meter.js";
import { Memory, tabName } from "./memory.js";
import { Notices } from "./notices.js";
import { SameBrowser } from "./same-browser.js";
import { SessionClock } from "./session-clock.js";
import { SharePanel } from "./share-panel.js";
import { SourcePanel } from "./source-panel.js";
import { SpeakerSession } from "./speaker-session.js";
import { clock, describe, describeProblem } from "./words.js";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id));

const page = JSON.parse(element("page-data").textContent ?? "");
const memory = new Memory(page.socket_path);
const consent = new Consent(/** @type {HTMLDialogElement} */ (element("consent")), memory);
const notices = new Notices(element("notices"));
const share = new SharePanel(page);
const sessionClock = new SessionClock();
const mainButton = /** @type {HTMLButtonElement} */ (element("main-button"));
const sourceLanguage = /** @type {HTMLSelectElement} */ (element("source-language"));
const rehearsal = /** @type {HTMLInputElement | null} */ (document.getElementById("rehearsal"));
const level = new LevelMeter({
  root: element("level"), meter: element("meter"), bar: element("meter-bar"), hint: element("level-hint"),
});

const SHOWN_AT_FIRST = 3;
const LAG_SHOWN_FROM_S = 2;
const LAG_SHOWN_FOR_MS = 10_000;
/** Problems that a final caption proves over. */
const SERVER_TROUBLES = ["backend_down", "storage_down", "internal"];
/** What the server says again and again while it holds on, in a session that goes on. */
const REPEATED_TROUBLE = "overloaded";
const REPEATED_TROUBLE_SHOWN_FOR_MS = 12_000;
const SOUND_TROUBLES = ["gone", "muted", "stopped", "recording-over"];
const OVER_WHEN_LIVE = [
  ...SERVER_TROUBLES, REPEATED_TROUBLE, "operator", "ended_meanwhile", "no_consent", "unknown_language", "language_unavailable", "rehearsal", "bad_message",
];

let opening = false;
let trying = false;
let asksEnd = false;
let lagTimer = 0;
let troubleTimer = 0;
let phaseShown = "";

const source = new SourcePanel(
  { onBlock: heard, onTrouble: soundTrouble },
  { onOpen: soundOpened, onFailure: (error) => notices.put("source", error.message, { bad: true }) },
  { sampleUrl: page.sample_url, onSample: speakSampleLanguage },
);
const session = new SpeakerSession(page.socket_path, tabName(), {
  onChange: render,
  onCaption: showCaption,
  onAudience: showAudience,
  onLag: showLag,
  onProblem: showProblem,
  onStored: () => notices.remove("storage_down"),
});

/** @param {import("./pcm-blocks.js").Block} block */
function heard({ pcm, peak }) {
  session.say(pcm);
  if (source.playing) level.show(peak, source.kind);
}

function soundOpened() {
  notices.remove("source", ...SOUND_TROUBLES);
}

/** @param {{takeOver?: boolean}} [how] */
async function begin({ takeOver = false } = {}) {
  if (opening || !(await consent.ask())) return;
  trying = false;
  opening = true;
  render();
  try {
    await source.play();
    session.start({ source_language: sourceLanguage.value, rehearsal: rehearsal?.checked ?? false, takeOver });
  } catch (error) {
    notices.put("source", /** @type {Error} */ (error).message, { bad: true });
  } finally {
    opening = false;
    render();
  }
}

/** Shows the level without sending anything. @param {boolean} on */
async function tryMicrophone(on) {
  trying = on;
  notices.remove("source");
  render();
  try {
    await (on ? source.play() : source.close());
  } catch (error) {
    trying = false;
    notices.put("source", /** @type {Error} */ (error).message, { bad: true });
  }
  if (!trying) level.hide();
  render();
}

function render() {
  const phase = opening ? "opening" : session.phase;
  const isRehearsal = showRehearsal(phase);
  const words = describe(phase, {
    rehearsal: isRehearsal,
    connected: session.connected,
    unsentSeconds: session.unsentSeconds,
    recording: source.kind === "recording",
  });
  document.body.dataset.state = phase;
  setText("state-text", words.title);
  setText("state-detail", words.detail);
  mainButton.textContent = words.button;
  mainButton.disabled = !words.enabled;
  document.title = `${phase === "live" ? "● Live" : words.title} – ${page.title}`;

  const open = ["live", "paused", "pausing", "open", "reconnecting"].includes(phase);
  if (!open) asksEnd = false;
  element("end-button").hidden = !open || asksEnd;
  element("end-confirm").hidden = !asksEnd;
  setText("try-microphone", trying ? "Stop trying" : "Try the microphone");
  element("try-microphone").hidden = session.wantsSound;
  element("take-over").hidden = phase !== "busy";
  if (session.id !== null) sessionClock.follow(session.id);
  showTime();
  if (phase !== phaseShown) phaseChanged(phase);
}

/** @param {string} phase */
function phaseChanged(phase) {
  // That the organiser has paused, and how to go on, is over once they have ended it.
  if (phase === "ended" && phaseShown === "paused") notices.remove("operator");
  phaseShown = phase;
  if (phase === "live") element("setup").removeAttribute("open");
  const busy = ["opening", "starting", "live", "reconnecting", "pausing", "ending"].includes(phase);
  busy ? keepScreenOn() : letScreenSleep();
  if (!session.wantsSound && phase !== "opening" && !trying) stopSound(phase);
  if (phase === "live") notices.remove(...OVER_WHEN_LIVE);
  // What was pressed to come here was disabled or hidden meanwhile and has lost the focus.
  if (["live", "paused", "ended"].includes(phase) && document.activeElement === document.body) mainButton.focus();
}

/** @param {string} phase */
function stopSound(phase) {
  notices.remove(...SOUND_TROUBLES);
  level.hide();
  // A pause keeps the microphone, so that going on is instant; afterwards the browser shows it as off.
  if (phase === "pausing" || phase === "paused") source.hold();
  else source.close();
}

/** @param {string} phase @returns {boolean} Whether it is a rehearsal, now or with the next start. */
function showRehearsal(phase) {
  const open = session.id !== null || phase === "open";
  if (rehearsal) {
    rehearsal.disabled = open && phase !== "ended";
    if (rehearsal.disabled) rehearsal.checked = session.rehearsal;
  }
  const isRehearsal = rehearsal?.checked ?? false;
  share.show(isRehearsal);
  return isRehearsal;
}

function showTime() {
  const timer = element("timer");
  timer.hidden = session.id === null;
  timer.textContent = clock(sessionClock.seconds);
  const progress = source.progress;
  element("recording-progress").hidden = !progress;
  if (!progress) return;
  const { position, duration } = progress;
  const known = Number.isFinite(duration) && duration > 0;
  /** @type {HTMLProgressElement} */ (element("recording-bar")).value = known ? position / duration : 0;
  element("recording-time").textContent = known ? `${clock(position)} of ${clock(duration)}, ${clock(duration - position)} left` : clock(position);
}

/** @param {any} caption */
function showCaption(caption) {
  element("captions-empty").hidden = true;
  captions.put(caption);
  sessionClock.follow(caption.session);
  sessionClock.atLeast(caption.end_ms);
  if (caption.final) notices.remove(...SERVER_TROUBLES);
}

/** @param {{total: number, languages: Record<string, number>}} audience */
function showAudience({ total, languages }) {
  setText("audience-total", String(total));
  const known = [...page.source_languages, ...page.languages];
  const names = new Map(known.map((/** @type {any} */ { code, name }) => [code, name]));
  const heard = Object.entries(languages).filter(([, count]) => count > 0);
  const items = heard.map(([code, count]) => {
    const item = document.createElement("li");
    item.dataset.language = code;
    item.dataset.count = String(count);
    item.textContent = `${names.get(code) ?? code} ${count}`;
    return item;
  });
  element("audience").replaceChildren(...items);
  element("audience-empty").hidden = items.length > 0;
}

/** @param {number} seconds */
function showLag(seconds) {
  clearTimeout(lagTimer);
  const lag = element("lag");
  lag.hidden = seconds < LAG_SHOWN_FROM_S;
  lag.textContent = `The translated voice is ${Math.round(seconds)} seconds behind you. A short pause lets it catch up.`;
  lagTimer = setTimeout(() => { lag.hidden = true; }, LAG_SHOWN_FOR_MS);
}

/** @param {import("./speaker-session.js").Problem} problem */
function showProblem(problem) {
  if (problem.code === "no_consent") {
    consent.forget();
    notices.put(problem.code, problem.message, { action: { label: "Read and agree", run: begin } });
    return;
  }
  if (problem.code === REPEATED_TROUBLE && session.phase === "live") {
    notices.put(problem.code, problem.message);
    clearTimeout(troubleTimer);
    troubleTimer = setTimeout(() => notices.remove(problem.code), REPEATED_TROUBLE_SHOWN_FOR_MS);
    return;
  }
  const finishing = session.phase === "pausing" || session.phase === "ending";
  const now = session.wantsSound ? "running" : finishing ? "finishing" : "stopped";
  notices.put(problem.code, describeProblem(problem, now), { bad: problem.fatal });
}

/** @param {"gone" | "muted" | "unmuted" | "stopped" | "over" | "broken"} trouble */
function soundTrouble(trouble) {
  switch (trouble) {
    case "gone":
      level.hide();
      return notices.put("gone", "The microphone is gone. The session goes on without sound: plug it in again or choose another one.", {
        bad: true, action: { label: "Use another microphone", run: () => source.useUsualMicrophone() },
      });
    case "muted":
      return notices.put("muted", "The microphone is muted by the computer or the headset. Unmute it there.");
    case "unmuted":
      return notices.remove("muted");
    case "stopped":
      return notices.put("stopped", "The browser has stopped the sound, perhaps for a call.", {
        bad: true, action: { label: "Go on", run: () => source.play() },
      });
    case "over":
      return notices.put("recording-over", "The recording is over. Press Pause or End.");
    case "broken":
      return notices.put("recording-over", "The rest of the recording cannot be read. Choose another one, or press Pause or End.", { bad: true });
  }
}

function speakSampleLanguage() {
  const known = [...sourceLanguage.options].some((option) => option.value === page.sample_language);
  if (!known) return;
  sourceLanguage.value = page.sample_language;
  session.speak(page.sample_language);
}

/** @param {string} id @param {string} text Unchanged text is not said again by a screen reader. */
function setText(id, text) {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

function makeCaptions() {
  const codes = page.languages.map((/** @type {any} */ { code }) => code);
  const remembered = memory.recall("shown")?.split(",").filter((code) => codes.includes(code));
  const shown = new Set(remembered?.length ? remembered : codes.slice(0, SHOWN_AT_FIRST));
  const list = new CaptionList(
    { list: element("captions"), scroll: element("captions-scroll"), newest: element("newest") },
    page.languages, shown,
  );
  for (const { code, name } of page.languages) {
    const label = document.createElement("label");
    label.className = "choice";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = code;
    box.checked = shown.has(code);
    box.addEventListener("change", () => {
      box.checked ? shown.add(code) : shown.delete(code);
      memory.keep("shown", [...shown].join(","));
      list.showLanguages(shown);
    });
    label.append(box, ` ${name}`);
    element("shown-languages").append(label);
  }
  return list;
}
const captions = makeCaptions();

mainButton.addEventListener("click", () => {
  if (session.phase === "live" || session.phase === "reconnecting") session.pause();
  else begin({ takeOver: session.phase === "taken-over" });
});
element("end-button").addEventListener("click", () => {
  asksEnd = true;
  render();
  element("end-no").focus();
});
element("end-no").addEventListener("click", () => {
  asksEnd = false;
  render();
  element("end-button").focus();
});
element("end-yes").addEventListener("click", () => {
  asksEnd = false;
  session.end();
});
element("take-over-yes").addEventListener("click", () => begin({ takeOver: true }));
element("take-over-no").addEventListener("click", () => session.leave());
element("try-microphone").addEventListener("click", () => tryMicrophone(!trying));
sourceLanguage.value = memory.recall("source_language") ?? sourceLanguage.value;
if (sourceLanguage.selectedIndex < 0) sourceLanguage.selectedIndex = 0;
session.speak(sourceLanguage.value);
sourceLanguage.addEventListener("change", () => {
  memory.keep("source_language", sourceLanguage.value);
  session.speak(sourceLanguage.value);
});
rehearsal?.addEventListener("change", render);

addEventListener("beforeunload", (event) => {
  const unfinished = ["starting", "live", "reconnecting", "pausing", "ending"].includes(session.phase);
  if (unfinished || session.unsentSeconds > 0) event.preventDefault();
});

new SameBrowser({ path: page.socket_path, client: tabName() }, {
  onListener: (open) => open
    ? notices.put("listener", "A listener’s page with sound is open in this browser too. Wear headphones, or mute it there, so that the microphone does not hear the translation.")
    : notices.remove("listener"),
  onTwin: (open) => open
    ? notices.put("twin", "This page is open twice in this browser. Speak in one of them and close the other.")
    : notices.remove("twin"),
});

if (!source.canUseMicrophone) {
  notices.put("source", "The browser allows a microphone only on this computer itself or over HTTPS. Recordings work here too.");
}

/** What changes with time alone. */
setInterval(() => {
  render();
  const lost = Math.round(session.lostSeconds);
  if (lost > 0) notices.put("lost", `The connection was away for too long: the oldest ${lost} seconds of what you said could not be kept.`, { bad: true });
}, 500);
render();
