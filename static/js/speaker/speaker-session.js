import { ReconnectingSocket } from "../reconnecting-socket.js";
import { FrameQueue } from "./frame-queue.js";
import { SPEECH_RATE } from "./resampler.js";

/** Enough for the network to be busy, little enough to notice soon that it is not: 4 s of speech. */
const MOST_BUFFERED_BYTES = 128 * 1024;
/** Speech is acknowledged at each final and silence each second: no word for so long means that the
 * connection is dead, which the browser may not notice for minutes. */
const SILENT_SERVER_S = 25;
const BYTES_PER_SECOND = 2 * SPEECH_RATE;
const PUMP_MS = 250;
const RETRY_START_MS = 5_000;
/** Finishing what was said takes seconds, and longer where an operator holds its captions; then the
 * server says so every few seconds. Where it has said nothing for so long, it is asked anew. */
const UNANSWERED_MS = 20_000;

/** Close codes after which this page stays away, and what it is then. @type {Record<number, Phase>} */
const REFUSALS = { 4404: "wrong-link", 4409: "taken-over", 4410: "revoked" };
/** What may be over in a few seconds, so that a session that had begun tries again by itself. */
const PASSING = new Set(["overloaded", "backend_down", "storage_down", "internal"]);

/**
 * @typedef {"connecting" | "ready" | "open" | "starting" | "live" | "pausing" | "paused" | "ending"
 *   | "ended" | "reconnecting" | "busy" | "taken-over" | "revoked" | "wrong-link" | "refused"} Phase
 *   `open`: a session is running or paused, and this page has not spoken in it since it was loaded.
 *
 * @typedef {object} Problem
 * @property {string} code
 * @property {string} message
 * @property {boolean} [fatal]
 * @property {number} [next_frame] Where to go on, if it is about frames.
 *
 * @typedef {object} Handlers
 * @property {() => void} onChange Any getter of the session may have changed.
 * @property {(caption: any) => void} onCaption
 * @property {(audience: {total: number, languages: Record<string, number>}) => void} onAudience
 * @property {(seconds: number) => void} onLag
 * @property {(problem: Problem) => void} onProblem What the page should tell its user.
 * @property {() => void} onStored The server has stored something just now.
 */

/**
 * The speaker's side of the speaker socket: what the user wants, what the server has granted, and the
 * speech on its way between the two. Whatever was said before a pause or an end reaches the server
 * first, also across a lost connection.
 */
export class SpeakerSession {
  #queue = new FrameQueue();
  #socket;
  #client;
  #handlers;
  /** @type {"nothing" | "live" | "paused" | "ended"} What the user asked for last. */
  #wish = "nothing";
  /** @type {"live" | "paused" | "ended" | null} What the server said of the session last. */
  #state = null;
  /** @type {string | number | null} */
  #sessionId = null;
  /** @type {Phase | null} */
  #refusal = null;
  /** The server has greeted us on this connection. */
  #greeted = false;
  /** This connection may send speech. */
  #admitted = false;
  /** A `start` waits for its answer. */
  #asked = false;
  /** The connection was lost while live. */
  #interrupted = false;
  /** Nothing more is sent before the next acknowledgement. */
  #tooFast = false;
  /** When the pause or end that the user wants was sent, if it was, or the server's last word since.
   * @type {number | null} */
  #finishingSince = null;
  #takeOver = false;
  #startOptions = { source_language: "auto", rehearsal: false };
  #rehearsal = false;
  /** Seconds of sound taken since the server's last word: without sound it has nothing to say. */
  #saidUnheard = 0;
  #retryAt = Infinity;

  /**
   * @param {string} path
   * @param {string} client Random, the same for the life of this tab.
   * @param {Handlers} handlers
   */
  constructor(path, client, handlers) {
    this.#client = client;
    this.#handlers = handlers;
    this.#socket = new ReconnectingSocket(path, {
      onMessage: (message) => this.#receive(message),
      onState: (state, detail) => this.#connectionChanged(state, detail.code),
      beatTimeoutMs: 0,
    });
    setInterval(() => this.#tick(), PUMP_MS);
  }

  /** @returns {Phase} */
  get phase() {
    if (this.#refusal) return this.#refusal;
    if (this.#wish === "ended") return this.#state === "ended" ? "ended" : "ending";
    if (this.#wish === "paused") return this.#state === "paused" ? "paused" : "pausing";
    if (this.#wish === "live") {
      if (this.#admitted && this.#state === "live") return "live";
      return this.#interrupted ? "reconnecting" : "starting";
    }
    if (!this.#greeted) return "connecting";
    return this.#isOpen ? "open" : "ready";
  }

  /** A session is there to go on with. */
  get #isOpen() {
    return this.#state === "live" || this.#state === "paused";
  }

  get connected() {
    return this.#greeted;
  }

  /** Whether what is said now belongs to the session. */
  get wantsSound() {
    return this.#wish === "live" && this.#refusal === null;
  }

  /** The live session this page speaks in or could resume. */
  get id() {
    return this.#sessionId;
  }

  /** Whether that session is a rehearsal. */
  get rehearsal() {
    return this.#rehearsal;
  }

  /** How much speech is still to be sent, in seconds. */
  get unsentSeconds() {
    return this.#queue.unsentSeconds;
  }

  /** How much speech was given up because too much was waiting, in seconds. */
  get lostSeconds() {
    return this.#queue.lostSeconds;
  }

  /**
   * Goes live, or on after a pause.
   * @param {{source_language: string, rehearsal: boolean, takeOver?: boolean}} options
   */
  start({ source_language, rehearsal, takeOver = false }) {
    const mustConnect = this.#refusal !== null && this.#refusal !== "busy";
    this.#startOptions = { source_language, rehearsal };
    this.#takeOver = takeOver;
    this.#wish = "live";
    this.#refusal = null;
    this.#finishingSince = null;
    if (mustConnect) this.#socket.reconnectNow();
    else if (this.#greeted) this.#ask();
    this.#handlers.onChange();
  }

  /** Stops listening once what was said has been sent. */
  pause() {
    this.#wish = "paused";
    this.#pump();
    this.#handlers.onChange();
  }

  /** Ends the live session once what was said has been sent. */
  end() {
    this.#wish = "ended";
    if (this.#greeted && !this.#admitted && !this.#asked) this.#ask();
    this.#pump();
    this.#handlers.onChange();
  }

  /** Leaves the session to the speaker who has it. */
  leave() {
    this.#refusal = null;
    this.#wish = "nothing";
    this.#queue.clear();
    this.#handlers.onChange();
  }

  /** @param {ArrayBuffer} pcm */
  say(pcm) {
    if (!this.wantsSound) return;
    this.#queue.push(pcm);
    this.#saidUnheard += pcm.byteLength / BYTES_PER_SECOND;
    this.#pump();
  }

  /** @param {string} language */
  speak(language) {
    this.#startOptions.source_language = language;
    if (this.#admitted) this.#socket.send({ type: "source_language", source_language: language });
  }

  /** @param {"connecting" | "open" | "waiting" | "closed"} state @param {number | null} code */
  #connectionChanged(state, code) {
    if (state !== "open") {
      this.#greeted = false;
      this.#tooFast = false;
      this.#retryAt = Infinity;
      this.#admitted = false;
      this.#asked = false;
      this.#finishingSince = null;
      this.#interrupted ||= this.#wish === "live" && this.#sessionId !== null;
    }
    if (state === "closed") this.#refusal = REFUSALS[code ?? 0] ?? "refused";
    this.#handlers.onChange();
  }

  /** @param {any} message */
  #receive(message) {
    this.#saidUnheard = 0;
    if (this.#finishingSince !== null) this.#finishingSince = performance.now();
    switch (message.type) {
      case "ready": return this.#welcomed(message);
      case "state": return this.#stateChanged(message);
      case "ack":
        this.#queue.ack(message.frame);
        this.#tooFast = false;
        this.#handlers.onStored();
        return this.#pump();
      case "caption": return this.#handlers.onCaption(message);
      case "audience": return this.#handlers.onAudience(message);
      case "lag": return this.#handlers.onLag(message.seconds);
      case "problem": return this.#problem(message);
    }
  }

  /** @param {{session: {id: string | number, state: any, rehearsal?: boolean} | null, next_frame: number}} ready */
  #welcomed({ session, next_frame: nextFrame }) {
    this.#greeted = true;
    const state = session?.state ?? null;
    if (this.#wish === "nothing") {
      this.#sessionId = null;
      this.#state = state;
      this.#rehearsal = session?.rehearsal ?? this.#rehearsal;
    } else if (this.#sessionId !== null && (session?.id !== this.#sessionId || state === "ended")) {
      this.#endedMeanwhile(session, nextFrame);
    } else {
      if (state !== null) this.#state = state;
      const done = this.#wish === "paused" && this.#state === "paused" && this.#queue.unsentSeconds === 0;
      if (!done) this.#ask();
    }
    this.#handlers.onChange();
  }

  /** What had not arrived is said first when the user starts again. */
  #endedMeanwhile(session, nextFrame) {
    if (session?.id === this.#sessionId) this.#queue.resume(nextFrame);
    const asked = this.#wish === "ended";
    this.#wish = "ended";
    this.#state = "ended";
    const kept = Math.round(this.#queue.unsentSeconds);
    if (asked && kept === 0) return;
    const message = kept > 0
      ? `The session was ended while you were disconnected. ${kept} seconds of what you said had not arrived; they are sent first when you start again.`
      : "The session was ended while you were disconnected. Everything you said had arrived.";
    this.#handlers.onProblem({ code: "ended_meanwhile", message });
  }

  #ask() {
    this.#asked = true;
    this.#retryAt = Infinity;
    // A rehearsal stays one, whatever the switch on the page says.
    if (!this.#isOpen) this.#rehearsal = this.#startOptions.rehearsal;
    this.#socket.send({
      type: "start",
      client: this.#client,
      take_over: this.#takeOver,
      consent: true,
      source_language: this.#startOptions.source_language,
      rehearsal: this.#rehearsal,
    });
  }

  /** @param {{session: string | number, state: "live" | "paused" | "ended", next_frame: number}} message */
  #stateChanged({ session, state, next_frame: nextFrame }) {
    // A pause from before our `start` may still be on its way to us.
    if (state === "paused" && this.#asked) return;
    if (state === "ended" && this.#asked) {
      this.#asked = false;
      this.#endedMeanwhile({ id: session }, nextFrame);
      this.#handlers.onChange();
      return;
    }
    this.#state = state;
    if (state === "live" && this.#asked) {
      this.#asked = false;
      if (session !== this.#sessionId || this.#takeOver) this.#queue.restart(nextFrame);
      else this.#queue.resume(nextFrame);
      this.#takeOver = false;
      this.#interrupted = false;
      this.#tooFast = false;
      this.#admitted = true;
      this.#sessionId = session;
    } else if (state === "paused" && this.#wish === "live") {
      this.#wish = "paused";
    } else if (state === "ended") {
      this.#wish = "ended";
      this.#admitted = false;
      this.#sessionId = null;
      this.#queue.clear();
    }
    if (state !== "live") this.#finishingSince = null;
    this.#pump();
    this.#handlers.onChange();
  }

  /** @param {Problem} problem */
  #problem(problem) {
    if (problem.next_frame !== undefined && problem.code !== "frame_size") return this.#repair(problem);
    if (this.#asked) this.#startRefused(problem);
    if (problem.code !== "busy") this.#handlers.onProblem(problem);
    this.#handlers.onChange();
  }

  /** @param {Problem} problem */
  #startRefused({ code }) {
    this.#asked = false;
    const begun = this.#sessionId !== null;
    if (code === "busy") {
      this.#refusal = "busy";
      if (!begun) this.#queue.clear();
    } else if (begun && PASSING.has(code)) {
      this.#retryAt = performance.now() + RETRY_START_MS;
    } else {
      this.#wish = begun ? "paused" : "nothing";
      if (begun) this.#state = "paused";
      else this.#queue.clear();
    }
  }

  /**
   * The server could not use some frames and says where to go on. Before a `start` it wants none;
   * then what becomes of the session follows by itself.
   *
   * @param {Problem} problem
   */
  #repair({ code, next_frame: nextFrame }) {
    if (code !== "frame_gap" && code !== "too_fast") return;
    this.#queue.resume(/** @type {number} */ (nextFrame));
    this.#tooFast = code === "too_fast";
    this.#pump();
  }

  #tick() {
    if (this.#greeted && performance.now() > this.#retryAt) this.#ask();
    const now = performance.now();
    const silent = this.phase === "live" && this.#saidUnheard > SILENT_SERVER_S;
    const unanswered = this.#finishingSince !== null && now - this.#finishingSince > UNANSWERED_MS;
    if (silent || unanswered) this.#socket.reconnectNow();
    this.#pump();
  }

  #pump() {
    if (!this.#admitted || this.#tooFast) return;
    while (this.#socket.bufferedAmount < MOST_BUFFERED_BYTES) {
      const frame = this.#queue.take();
      if (!frame) break;
      this.#socket.sendBinary(frame);
    }
    const finishes = this.#wish === "paused" || this.#wish === "ended";
    if (!finishes || this.#finishingSince !== null || this.#queue.unsentSeconds > 0 || this.#state === this.#wish) return;
    this.#finishingSince = performance.now();
    this.#socket.send({ type: this.#wish === "paused" ? "pause" : "end" });
  }
}
