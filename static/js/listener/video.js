/**
 * The listener's wish for the video avatar: asks for a seat, connects, and asks again when the video
 * was lost, but not for ever. Draws nothing; whoever shows it is told what to show.
 */
import { VideoPeer } from "./video-peer.js";

/** Milliseconds before asking again after a failure; then it is left to the listener. */
const ASKS_AGAIN_AFTER_MS = [2_000, 10_000, 30_000, 60_000];
/** Seats and connections come free by the minute. */
const BUSY_FOR_MS = 60_000;
/** A video that played for so long was no failure. */
const PLAYED_WELL_MS = 60_000;

/** Ends after which there is nothing to ask for until something else changes. */
const FOR_GOOD = new Set(["language", "not_live", "session_ended", "unavailable"]);

/**
 * What to do about the end of a video.
 * @param {string} reason as the server says
 * @param {number} failures how often it has failed in a row, this time included
 * @param {number} [random] 0 ≤ random < 1
 * @returns {number|"speech"|null} milliseconds until asking again; "speech": once somebody speaks
 *   again; null: not by itself
 */
export function askAgainAfter(reason, failures, random = Math.random()) {
  if (FOR_GOOD.has(reason)) return null;
  if (reason === "idle") return "speech";
  if (reason === "time_limit") return 0;
  if (failures > ASKS_AGAIN_AFTER_MS.length) return null;
  const busy = reason === "full" || reason === "busy" ? BUSY_FOR_MS * (1 + random) : 0;
  return Math.max(busy, ASKS_AGAIN_AFTER_MS[failures - 1]);
}

/** @typedef {"off"|"asked"|"queued"|"connecting"|"playing"} VideoState */

/**
 * @typedef {object} VideoHandlers
 * @property {(message: object) => boolean} send a message of type video or video_offer
 * @property {(stream: MediaStream) => number} onPlaying show it; milliseconds the page still speaks
 *   by other means
 * @property {() => void} onEnded show the drawn avatar
 * @property {(state: VideoState, detail: {position?: number, reason?: string}) => void} onState
 */

export class Video {
  #handlers;
  /** @type {VideoPeer|null} */
  #peer = null;
  #state = "off";
  #wish = { offered: false, chosen: false, live: false };
  #failures = 0;
  #asksAgain = 0;
  #waitsForSpeech = false;
  #gaveUp = false;
  #playingSince = 0;
  /** Whether the avatar says something now. */
  speaking = false;

  /** @param {VideoHandlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** @returns {VideoState} */
  get state() {
    return this.#state;
  }

  /**
   * What is possible and wanted; asks for a video, or ends it, accordingly.
   * @param {Partial<{offered: boolean, chosen: boolean, live: boolean}>} changes
   *   `chosen`: by the listener; `live`: somebody speaks
   */
  wish(changes) {
    const chosenAnew = changes.chosen && !this.#wish.chosen;
    const liveAnew = changes.live && !this.#wish.live;
    Object.assign(this.#wish, changes);
    if (chosenAnew || liveAnew) this.#startOver();
    if (!this.#wish.offered || !this.#wish.chosen) this.#stop();
    else this.#ask();
  }

  /** Somebody speaks: a video that ended in a long silence is wanted again. */
  noticeSpeech() {
    if (!this.#waitsForSpeech) return;
    this.#waitsForSpeech = false;
    this.#ask();
  }

  /** The server has forgotten about this page's video: the connection or the language is another. */
  drop() {
    this.#startOver();
    this.#end("language");
  }

  /** @param {object} message of type video */
  received({ state, position, ice_servers: iceServers, ticket, sdp, reason }) {
    if (state === "queued") this.#enter("queued", { position });
    if (state === "ready") this.#connect(iceServers, ticket);
    if (state === "answer") this.#accept(sdp);
    // "off" only confirms what this page has said itself, and may long have taken back.
    if (state === "ended" && reason !== "off") this.#ended(reason);
  }

  #ask() {
    const { offered, chosen, live } = this.#wish;
    const waits = this.#asksAgain || this.#waitsForSpeech || this.#gaveUp;
    if (!offered || !chosen || !live || waits || this.#state !== "off") return;
    if (this.#handlers.send({ type: "video", on: true })) this.#enter("asked");
  }

  #stop() {
    this.#startOver();
    if (this.#state === "off") return;
    this.#handlers.send({ type: "video", on: false });
    this.#end("off");
  }

  async #connect(iceServers, ticket) {
    this.#peer?.close();
    const peer = new VideoPeer(iceServers, {
      onMedia: () => this.#plays(peer),
      onLost: () => this.#lost(peer),
      onSpeaking: (speaking) => { this.speaking = speaking; },
    });
    this.#peer = peer;
    this.#enter("connecting");
    const sdp = await peer.offer();
    if (peer === this.#peer) this.#handlers.send({ type: "video_offer", ticket, sdp });
  }

  async #accept(sdp) {
    const peer = this.#peer;
    try {
      await peer?.accept(sdp);
    } catch {
      this.#lost(peer);
    }
  }

  #plays(peer) {
    if (peer !== this.#peer) return;
    this.#playingSince = performance.now();
    const behindMs = Math.round(this.#handlers.onPlaying(peer.stream));
    this.#handlers.send({ type: "video", on: true, playing: true, behind_ms: behindMs });
    this.#enter("playing");
  }

  #lost(peer) {
    if (peer !== this.#peer) return;
    this.#handlers.send({ type: "video", on: false, lost: true });
    this.#ended("lost");
  }

  #ended(reason) {
    if (this.#state === "off") return;
    const played = this.#playingSince ? performance.now() - this.#playingSince : 0;
    this.#failures = played > PLAYED_WELL_MS ? 1 : this.#failures + 1;
    const again = askAgainAfter(reason, this.#failures);
    this.#waitsForSpeech = again === "speech";
    this.#gaveUp = again === null;
    clearTimeout(this.#asksAgain);
    this.#asksAgain = 0;
    this.#end(reason);
    if (typeof again !== "number") return;
    this.#asksAgain = setTimeout(() => {
      this.#asksAgain = 0;
      this.#ask();
    }, again);
  }

  #end(reason) {
    const before = this.#state;
    this.#peer?.close();
    this.#peer = null;
    this.#playingSince = 0;
    this.speaking = false;
    this.#enter("off", { reason });
    if (before === "playing") this.#handlers.onEnded();
  }

  #startOver() {
    clearTimeout(this.#asksAgain);
    this.#asksAgain = 0;
    this.#failures = 0;
    this.#waitsForSpeech = false;
    this.#gaveUp = false;
  }

  #enter(state, detail = {}) {
    this.#state = state;
    this.#handlers.onState(state, detail);
  }
}
