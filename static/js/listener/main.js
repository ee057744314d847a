/** The listener's page: joins its parts together. */
import { keepScreenOn } from "../wake-lock.js";
import { CaptionView } from "./caption-view.js";
import { Captions } from "./captions.js";
import { announceListener } from "./companion.js";
import { ListenerConnection } from "./connection.js";
import { Refusal, setUpReport } from "./dialogs.js";
import { Entry } from "./entry.js";
import { fillLanguageSelect } from "./languages.js";
import { Player } from "./player.js";
import { Preferences } from "./preferences.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { StatusView } from "./status-view.js";
import { problemInWords, refusalInWords, videoInWords } from "./status.js";
import { canShowVideo } from "./video-peer.js";
import { Video } from "./video.js";

const TOO_MANY = 4429;
const byId = (id) => document.getElementById(id);

/** @type {import("./entry.js").Page} */
const page = JSON.parse(byId("page-data").textContent);
const preferences = new Preferences(page.join_code);
const captions = new Captions();
const status = new StatusView(page.starts_at);
const view = new CaptionView({
  scroller: byId("captions"),
  list: byId("caption-list"),
  newest: byId("newest"),
  onNearStart: loadOlder,
});
const entry = new Entry(page, preferences.language, join);
const settings = new Settings(preferences, applyChoices);
const refusal = new Refusal((changes) => connection.joinAgain(changes));

let { languages } = page;
/** @type {ListenerConnection|null} */
let connection = null;
/** @type {Player|null} */
let player = null;
/** @type {Stage|null} */
let stage = null;
let eventState = "waiting";
let loadingOlder = false;
/** Older captions come one by one and are drawn at once: captions before this segment wait. */
let heldBefore = 0;
let moreHistory = true;
/** Captions to draw with the next frame. @type {Set<number>} */
const undrawn = new Set();
let drawing = false;

const video = new Video({
  send: (message) => connection?.sendVideo(message) ?? false,
  onPlaying: showVideo,
  onEnded: hideVideo,
  onState: (state, detail) => { byId("video-state").textContent = videoInWords(state, detail); },
});
/** Ends what the video has on the page, or will have once the drawn avatar has finished. */
let endVideo = () => {};

const hasSound = () => preferences.choices.mode !== "captions";
const canBeHeard = () => hasSound() && Boolean(player?.isRunning) && !preferences.choices.muted;
const announceSound = announceListener(page.join_code, canBeHeard);

/** Runs inside the click on one of the two buttons. */
function join(language, withSound, pin) {
  const { mode } = preferences.choices;
  if (!withSound) preferences.choose({ mode: "captions" });
  else if (mode === "captions") preferences.choose({ mode: "avatar" });
  settings.show();
  preferences.language = language;
  entry.hide();
  byId("room").hidden = false;
  byId("captions").focus({ preventScroll: true });
  fillLanguageSelect(byId("language"), languages, language);
  applyChoices();
  keepScreenOn();
  if (connection) {
    connection.joinAgain(pin ? { language, pin } : { language });
    return;
  }
  const wish = { language, speech: hasSound(), rehearsal: page.rehearsal, pin };
  connection = new ListenerConnection(page.socket_path, captions, wish, {
    onJoined,
    onCaptions,
    onEventState,
    onSpeech: (frame) => player?.enqueue(frame),
    onLanguages,
    onNotice,
    onProblem,
    onTrouble,
    onHistory,
    onVideo: (message) => video.received(message),
    onConnection,
  });
}

/** Runs inside the click that changed something: sound may be started from here. */
function applyChoices() {
  const { mode, muted, volume, lipDelayMs } = preferences.choices;
  if (byId("room").hidden) return;
  if (hasSound()) {
    player ??= new Player({ onSpeech: speechChanged, onStateChange: showSound });
    player.volume = volume;
    player.muted = muted;
    if (!player.isRunning) player.resume();
  } else {
    player?.suspend();
  }
  if (stage) {
    stage.lipDelayMs = lipDelayMs;
    stage.shown = mode === "avatar";
  }
  connection?.wantSpeech(hasSound());
  video.wish({ chosen: mode === "avatar" && preferences.choices.video });
  showSound();
}

/** The drawn avatar finishes what it says first. */
function showVideo(stream) {
  const stopSound = player.playStream(stream);
  const { aheadMs } = player;
  const timer = setTimeout(() => stage.showVideo(stream), aheadMs);
  endVideo = () => {
    clearTimeout(timer);
    stopSound();
    stage.hideVideo();
  };
  return aheadMs;
}

function hideVideo() {
  endVideo();
  endVideo = () => {};
}

function showSound() {
  byId("unmute").hidden = !hasSound() || player.isRunning;
  announceSound();
}

function speechChanged(header) {
  stage?.setSpeech(header?.visemes ?? null);
  view.setSpeaking(header?.segment ?? null);
}

function onJoined(message) {
  refusal.hide();
  onLanguages(message.languages);
  document.title = byId("title").textContent = message.event.title;
  status.hideBanner("problem");
  onNotice(""); // one that still holds follows
  if (stage) {
    stage.setLook(message.avatar);
  } else {
    const places = { drawn: byId("avatar"), video: byId("video"), keyed: byId("video-keyed") };
    stage = new Stage(places, message.avatar, () => player?.heardMs ?? null);
    stage.lipDelayMs = preferences.choices.lipDelayMs;
    stage.shown = preferences.choices.mode === "avatar";
  }
  document.documentElement.dataset.language = message.language;
  const offered = canShowVideo && message.avatar.kind === "video";
  settings.offerVideo(offered);
  video.drop();
  video.wish({ offered });
  onEventState(message.state);
}

function onEventState(state) {
  if (state === "live" && eventState !== "live") status.hideBanner("problem");
  eventState = state;
  document.documentElement.dataset.state = state;
  status.eventState = state;
  video.wish({ live: state === "live" });
}

function onCaptions(change) {
  if (change.reset) {
    player?.stop();
    undrawn.clear();
    const language = languages.find(({ code }) => code === captions.language);
    view.reset(language ?? { code: captions.language, direction: "auto" });
    moreHistory = true;
    loadingOlder = false;
    heldBefore = 0;
  }
  if (change.segments.length) video.noticeSpeech();
  drawSoon();
  for (const segment of change.segments) {
    undrawn.add(segment);
    announceCaption(captions.get(segment));
  }
}

function drawSoon() {
  if (!drawing) requestAnimationFrame(drawCaptions);
  drawing = true;
}

function drawCaptions() {
  drawing = false;
  const ready = [...undrawn].filter((segment) => segment >= heldBefore);
  view.update(ready, (segment) => captions.get(segment));
  for (const segment of ready) undrawn.delete(segment);
  byId("older").hidden = !(moreHistory && captions.oldest > 1);
  document.documentElement.dataset.empty = String(captions.all().length === 0);
}

/** A screen reader reads final captions aloud only where no voice does. */
function announceCaption(caption) {
  if (hasSound() || !caption?.final || caption.text === null) return;
  const region = byId("caption-announcement");
  region.lang = captions.language;
  region.textContent = caption.text;
}

function loadOlder() {
  if (loadingOlder || !moreHistory || !(captions.oldest > 1)) return;
  heldBefore = captions.oldest;
  loadingOlder = connection.loadOlder();
}

function onHistory(more) {
  moreHistory = more;
  heldBefore = 0;
  requestAnimationFrame(() => {
    drawCaptions();
    // Not before: until the older captions stand there, the page still looks scrolled to its start.
    loadingOlder = false;
  });
}

function onLanguages(list) {
  languages = list;
  const chosen = connection.language;
  fillLanguageSelect(byId("language"), languages, chosen);
  const language = languages.find(({ code }) => code === chosen);
  if (language?.muted) {
    const words = `The organiser has muted ${language.name} for now.`;
    status.showBanner("muted", `${words} You can choose another language.`);
  } else {
    status.hideBanner("muted");
  }
}

/** @param {string} text "" takes the notice back */
function onNotice(text) {
  if (text) status.showBanner("notice", text);
  else status.hideBanner("notice");
}

function onProblem(problem) {
  if (captions.language) status.showBanner("problem", problemInWords(problem));
  byId("language").value = connection.language;
}

function onTrouble(trouble) {
  if (trouble) status.showBanner("trouble", problemInWords(trouble));
  else status.hideBanner("trouble");
}

function onConnection(state, { retryInMs, code }) {
  status.showConnection(state, retryInMs, code === TOO_MANY);
  if (state === "waiting") {
    loadingOlder = false;
    heldBefore = 0;
    drawSoon();
  }
  if (state !== "open") video.drop();
  if (state !== "closed") return;
  const words = refusalInWords(code, connection.lastProblem);
  if (words.next !== "language") {
    refusal.show(words);
    return;
  }
  byId("room").hidden = true;
  player?.suspend();
  entry.showAgain(words.sentence, languages);
}

byId("language").addEventListener("change", (event) => {
  const code = event.target.value;
  preferences.language = code;
  status.hideBanner("problem");
  player?.stop();
  video.drop();
  connection.chooseLanguage(code);
});
byId("unmute").addEventListener("click", () => player.resume());
byId("older").addEventListener("click", loadOlder);
setUpReport((message) => connection.report(message));

/**
 * For tests and for support, readable in the browser's console:
 * - state: waiting, live, paused or ended; connection: connecting, open, waiting or closed
 * - language: of the captions; session; mode: avatar, voice or captions
 * - speechesPlayed: to their end; speaking: whether one plays now; heardMs: how much of it was heard
 * - soundRunning: whether the browser lets sound through; rms: of what is played now, 0…1
 * - mouthOpenness: of the drawn avatar now, 0…1
 * - video: off, asked, queued, connecting or playing; videoSpeaking: whether it says something now
 * - captions: every caption held, in order
 */
window.avatarTranslate = {
  get state() { return eventState; },
  get connection() { return document.documentElement.dataset.connection ?? "closed"; },
  get language() { return captions.language; },
  get session() { return captions.session; },
  get mode() { return preferences.choices.mode; },
  get speechesPlayed() { return player?.played ?? 0; },
  get speaking() { return (player?.heardMs ?? null) !== null; },
  get heardMs() { return player?.heardMs ?? null; },
  get soundRunning() { return player?.isRunning ?? false; },
  get rms() { return player?.rms ?? 0; },
  get mouthOpenness() { return stage?.mouthOpenness ?? 0; },
  get video() { return video.state; },
  get videoSpeaking() { return video.speaking; },
  get captions() { return captions.all(); },
};
