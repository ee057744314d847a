/** The control room: one event live, and what an operator can do about it. */
import { TimePlot } from "../admin/time-plot.js";
import { ReconnectingSocket } from "../reconnecting-socket.js";
import { Commands } from "./commands.js";
import { Log } from "./log.js";
import { Overview } from "./overview.js";
import { SentenceList } from "./sentence-list.js";

const SILENT_AFTER_MS = 15_000;
const ANSWER_SHOWN_FOR_MS = 8_000;
const MOST_PLOTTED = 6;

const byId = (id) => document.getElementById(id);
const { socket_path, time_zone: timeZone, user, afterwards } = JSON.parse(byId("control-data").textContent);

let serverAheadMs = 0;
let refusal = "";
let answerTimer = 0;
/** @type {Map<string, [number, number][]>} */
const samples = new Map();
let sampledSession = 0;

const now = () => Date.now() + serverAheadMs;
const commands = new Commands((message) => socket.send(message), showAnswer);
const give = (type, fields) => commands.give(type, fields);
const overview = new Overview({ user, afterwards }, give, now, () => sentences.redraw());
const sentences = new SentenceList(byId("sentences"), byId("to-newest"), {
  give,
  now,
  language: (code) => overview.language(code),
  shown: () => overview.shown(),
});
const log = new Log(byId("log"), byId("log-empty"), { timeZone, now });
const reports = new Log(byId("reports"), byId("reports-empty"), { timeZone, now });
const plot = new TimePlot(byId("audience-plot"), { steps: true, height: 170, timeZone });

const socket = new ReconnectingSocket(socket_path, {
  onMessage,
  onState: showConnection,
  beatTimeoutMs: SILENT_AFTER_MS,
});

function onMessage(message) {
  switch (message.type) {
    case "clock":
      serverAheadMs = message.now - Date.now();
      showTrouble(message.database ? "" : "The server cannot reach its database at the moment. What is shown may be out of date; it goes on by itself.");
      break;
    case "overview":
      if (message.session && message.session.id !== overview.session) begin(message.session.id);
      overview.update(message);
      drawSamples();
      break;
    case "sentence":
      sentences.update(message);
      byId("nothing").hidden = true;
      break;
    case "caption":
      sentences.speak(message);
      byId("nothing").hidden = !sentences.isEmpty;
      break;
    case "entry":
      log.add({ id: message.id, at: message.at, text: message.text, by: message.author, kind: message.kind });
      break;
    case "report":
      reports.add({ id: message.id, at: message.at, text: message.message, by: overview.language(message.language).name, kind: "report" });
      break;
    case "samples":
      takeSamples(message);
      break;
    case "answer":
      commands.answered(message);
      break;
    case "problem":
      refusal = message.message;
      break;
    default: // a newer server may say more than this page understands
  }
}

function begin(session) {
  sentences.begin(session);
  log.clear();
  samples.clear();
  sampledSession = session;
  byId("nothing").hidden = false;
}

/** @param {{session: number, rows: [number, string, number][]}} message */
function takeSamples({ session, rows }) {
  if (session !== sampledSession) return;
  for (const [at, code, listeners] of rows) {
    const points = samples.get(code) ?? [];
    if (points.length && points.at(-1)[0] >= at) continue; // told again after a reconnect
    points.push([at, listeners]);
    samples.set(code, points);
  }
  drawSamples();
}

/** What holds since the last sample holds until now. */
function drawSamples() {
  const { session } = overview;
  if (!session || !samples.size) return;
  const most = (points) => Math.max(...points.map(([, listeners]) => listeners));
  const largest = [...samples].sort(([, a], [, b]) => most(b) - most(a)).slice(0, MOST_PLOTTED);
  plot.update(largest.map(([code, points]) => ({
    label: overview.language(code).name,
    points: [...points, [Math.max(now(), points.at(-1)[0]), points.at(-1)[1]]],
  })));
}

function showAnswer({ ok, message }) {
  const answer = byId("answer");
  answer.textContent = message;
  answer.classList.toggle("done", ok);
  answer.hidden = false;
  clearTimeout(answerTimer);
  answerTimer = setTimeout(() => { answer.hidden = true; }, ANSWER_SHOWN_FOR_MS);
}

function showTrouble(words) {
  byId("connection").textContent = words;
  byId("connection").hidden = !words;
}

function showConnection(state) {
  if (state === "open") {
    refusal = "";
    showTrouble("");
  } else if (state === "closed") {
    showTrouble(refusal || "The server has closed the connection. Load the page again.");
  } else if (state === "waiting") {
    showTrouble("The connection is lost. Nothing here is up to date until it is back, which is tried by itself.");
  }
}
