/**
 * A listener's side of the listener socket: joins, follows the captions, switches language, and
 * notices when something is missing. Draws nothing and plays nothing.
 */
import { ReconnectingSocket } from "../reconnecting-socket.js";
import { readSpeechFrame } from "./speech-frame.js";

/** @typedef {import("./captions.js").Captions} Captions */
/** @typedef {import("./captions.js").Change} Change */

const BEAT_TIMEOUT_MS = 25_000;
/** A final may still be on its way when the beat that counts it arrives. */
const BEHIND_GRACE_MS = 2_000;
/** What goes wrong at the server for a while. */
const PASSING = new Set(["backend_down", "internal", "overloaded", "storage_down"]);

/**
 * @typedef {object} ConnectionHandlers
 * @property {(message: object) => void} onJoined
 * @property {(change: Change) => void} onCaptions
 * @property {(state: string) => void} onEventState waiting, live, paused or ended
 * @property {(frame: {header: object, audio: ArrayBuffer}) => void} onSpeech in the language wanted
 * @property {(languages: object[]) => void} onLanguages
 * @property {(text: string) => void} onNotice
 * @property {(problem: {code: string, message: string}) => void} onProblem
 * @property {(trouble: {code: string, message: string} | null) => void} onTrouble a problem that
 *   passes by itself; null: it is over
 * @property {(more: boolean) => void} onHistory the end of a page of history
 * @property {(message: object) => void} onVideo how the video of this connection stands
 * @property {import("../reconnecting-socket.js").SocketHandlers["onState"]} onConnection
 */

export class ListenerConnection {
  #captions;
  #handlers;
  #socket;
  #wish;
  /** The last problem since the connection opened; explains a close that follows it. */
  #problem = null;
  #admitted = false;
  /** The code of what goes wrong at the server now. @type {string|null} */
  #trouble = null;
  #behindTimer = 0;

  /**
   * Connects and joins at once.
   * @param {string} path
   * @param {Captions} captions kept up to date
   * @param {{language: string, speech: boolean, rehearsal: string|null, pin?: string}} wish
   * @param {ConnectionHandlers} handlers
   */
  constructor(path, captions, wish, handlers) {
    this.#captions = captions;
    this.#handlers = handlers;
    this.#wish = { ...wish };
    this.#socket = new ReconnectingSocket(path, {
      beatTimeoutMs: BEAT_TIMEOUT_MS,
      onOpen: () => this.#join(),
      onMessage: (message) => this.#received(message),
      onBinary: (buffer) => this.#speechReceived(buffer),
      onState: (state, detail) => handlers.onConnection(state, detail),
    });
  }

  /** The language asked for; the captions follow once the server has answered. */
  get language() {
    return this.#wish.language;
  }

  get lastProblem() {
    return this.#problem;
  }

  /** @param {string} code */
  chooseLanguage(code) {
    if (code === this.#wish.language) return;
    this.#wish.language = code;
    this.#socket.send({ type: "language", language: code });
  }

  /** @param {boolean} on false: captions only */
  wantSpeech(on) {
    if (on === this.#wish.speech) return;
    this.#wish.speech = on;
    this.#socket.send({ type: "speech", on });
  }

  /** @returns {boolean} false where there is no connection or nothing older */
  loadOlder() {
    const before = this.#captions.oldest;
    return before !== null && this.#socket.send({ type: "history", before });
  }

  /** @param {string} message to the organiser @returns {boolean} whether it was sent */
  report(message) {
    return this.#socket.send({ type: "report", message });
  }

  /** @param {object} message of type video or video_offer @returns {boolean} whether it was sent */
  sendVideo(message) {
    return this.#admitted && this.#socket.send(message);
  }

  /** Tries again after a refusal. @param {{pin?: string, language?: string}} [changes] */
  joinAgain(changes = {}) {
    Object.assign(this.#wish, changes);
    this.#socket.reconnectNow();
  }

  #join() {
    this.#problem = null;
    this.#admitted = false;
    const { language, speech, pin, rehearsal } = this.#wish;
    const after = language === this.#captions.language ? this.#captions.after : null;
    const join = { type: "join", language, after, speech };
    if (pin) join.pin = pin;
    if (rehearsal) join.rehearsal = rehearsal;
    this.#socket.send(join);
  }

  #received(message) {
    const handlers = this.#handlers;
    const change = this.#captions.apply(message);
    if (change.reset || change.segments.length) handlers.onCaptions(change);
    this.#noticeRecovery(message);
    switch (message.type) {
      case "joined":
        this.#admitted = true;
        handlers.onJoined(message);
        break;
      case "state":
        handlers.onEventState(message.state);
        break;
      case "beat":
        this.#checkBeat(message);
        break;
      case "languages":
        handlers.onLanguages(message.languages);
        break;
      case "notice":
        handlers.onNotice(message.text);
        break;
      case "history":
        handlers.onHistory(message.more);
        break;
      case "video":
        handlers.onVideo(message);
        break;
      case "problem":
        this.#problemReceived(message);
        break;
      default: // a newer server may say more than this page understands
    }
  }

  /** A final proves that it was stored, though not that what comes at once comes at all. */
  #noticeRecovery({ type, final }) {
    const told = type === "joined" || type === "state";
    const proved = type === "caption" && final && this.#trouble !== "overloaded";
    if (this.#trouble === null || !(told || proved)) return;
    this.#trouble = null;
    this.#handlers.onTrouble(null);
  }

  #problemReceived(problem) {
    this.#problem = problem;
    if (PASSING.has(problem.code)) {
      this.#trouble = problem.code;
      this.#handlers.onTrouble(problem);
    } else if (!problem.code.includes("language")) {
      this.#handlers.onProblem(problem);
    } else if (this.#admitted) {
      this.#wish.language = this.#captions.language;
      this.#handlers.onProblem(problem);
    } else {
      this.#socket.close(); // nothing will come: another language has to be chosen first
    }
  }

  #checkBeat(beat) {
    clearTimeout(this.#behindTimer);
    if (!this.#captions.isBehind(beat)) {
      this.#handlers.onEventState(beat.state);
      return;
    }
    this.#behindTimer = setTimeout(() => {
      if (this.#captions.isBehind(beat)) this.#socket.reconnectNow();
    }, BEHIND_GRACE_MS);
  }

  #speechReceived(buffer) {
    let frame;
    try {
      frame = readSpeechFrame(buffer);
    } catch {
      console.debug("A speech frame cannot be read and is left out.");
      return;
    }
    const { session, language } = frame.header;
    const wanted = language === this.#wish.language && this.#wish.speech;
    const followed = language === this.#captions.language && session === this.#captions.session;
    if (wanted && followed) this.#handlers.onSpeech(frame);
  }
}
