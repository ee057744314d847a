/**
 * Plays speech, one after the other, on one AudioContext, and tells how much of it has been heard.
 * The lips follow that figure, never a timer.
 */
import { SpeechQueue } from "./speech-queue.js";

/** @typedef {import("./speech-frame.js").SpeechHeader} SpeechHeader */

const START_AHEAD_S = 0.02;
const FADE_S = 0.015;

/** Whether this browser can play speech at all. */
export const canPlay = typeof globalThis.AudioContext === "function";

export class Player {
  #context = new AudioContext();
  #volume = this.#context.createGain();
  #analyser = this.#context.createAnalyser();
  #queue = new SpeechQueue();
  /** Changes whenever everything is thrown away, so that a decoder still at work finds out. */
  #round = {};
  #current = null;
  #busy = false;
  #level = 1;
  #muted = false;
  #samples;
  /** How many speeches were played to their end. */
  played = 0;

  /**
   * Create inside a click: browsers start sound only then.
   * @param {object} handlers
   * @param {(header: SpeechHeader|null) => void} handlers.onSpeech what is spoken now
   * @param {() => void} handlers.onStateChange the browser has let sound through, or stopped it
   */
  constructor({ onSpeech, onStateChange }) {
    this.onSpeech = onSpeech;
    this.#volume.connect(this.#analyser).connect(this.#context.destination);
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.addEventListener("statechange", () => {
      if (this.isRunning) {
        this.#queue.dropStale(performance.now());
        this.#playNext();
      }
      onStateChange();
    });
    // Otherwise the ring switch of an iPhone silences the page.
    if (navigator.audioSession) navigator.audioSession.type = "playback";
  }

  get isRunning() {
    return this.#context.state === "running";
  }

  /** Call from a click. Resolves also where the browser still refuses. */
  async resume() {
    try {
      await this.#context.resume();
    } catch {
      // The page shows "tap to unmute" as long as the context does not run.
    }
  }

  /** Stops and lets the device rest. */
  async suspend() {
    this.stop();
    await this.#context.suspend();
  }

  /** @param {{header: SpeechHeader, audio: ArrayBuffer}} frame */
  enqueue({ header, audio }) {
    const decoded = this.#context.decodeAudioData(audio).catch(() => null);
    this.#queue.push({ segment: header.segment, header, decoded }, performance.now());
    if (this.isRunning) this.#playNext();
    else this.#queue.keepNewest();
  }

  /** Silence at once, nothing kept: the language or the session has changed, or sound is off. */
  stop() {
    this.#round = {};
    this.#queue.clear();
    this.#busy = false;
    const current = this.#current;
    this.#current = null;
    if (!current) return;
    current.source.onended = null;
    current.source.disconnect();
    current.source.stop();
    this.onSpeech(null);
  }

  /** @param {number} level 0…1 */
  set volume(level) {
    this.#level = level;
    this.#setGain();
  }

  /** @param {boolean} muted */
  set muted(muted) {
    this.#muted = muted;
    this.#setGain();
  }

  /** Milliseconds of the current speech that have left the loudspeaker; null where none plays. */
  get heardMs() {
    if (!this.#current) return null;
    const context = this.#context;
    const latency = context.outputLatency || context.baseLatency || 0;
    return (context.currentTime - this.#current.startedAt - latency) * 1000;
  }

  /** Milliseconds until everything that came has been heard. */
  get aheadMs() {
    const rest = this.#current ? this.#current.source.buffer.duration * 1000 - this.heardMs : 0;
    return this.#queue.waiting.reduce((sum, { header }) => sum + header.duration_ms, rest);
  }

  /**
   * Lets the sound of a video through, as loud as everything else.
   * @param {MediaStream} stream
   * @returns {() => void} ends it
   */
  playStream(stream) {
    const source = this.#context.createMediaStreamSource(stream);
    source.connect(this.#volume);
    return () => source.disconnect();
  }

  /** Root mean square of what is sent to the loudspeaker now, 0…1. */
  get rms() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const sum = this.#samples.reduce((total, sample) => total + sample * sample, 0);
    return Math.sqrt(sum / this.#samples.length);
  }

  async #playNext() {
    if (this.#busy || !this.isRunning) return;
    const speech = this.#queue.take(performance.now());
    if (!speech) return;
    this.#busy = true;
    const round = this.#round;
    const buffer = await speech.decoded;
    if (round !== this.#round) return;
    if (buffer) {
      this.#start(speech.header, buffer);
      return;
    }
    console.debug(`Speech of segment ${speech.segment} cannot be decoded and is left out.`);
    this.#finished();
  }

  #start(header, buffer) {
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#volume);
    source.onended = () => {
      this.played += 1;
      source.disconnect();
      this.#finished();
    };
    const startedAt = this.#context.currentTime + START_AHEAD_S;
    source.start(startedAt);
    this.#current = { source, startedAt };
    this.onSpeech(header);
  }

  #finished() {
    const spoke = this.#current !== null;
    this.#current = null;
    this.#busy = false;
    if (spoke) this.onSpeech(null);
    this.#playNext();
  }

  #setGain() {
    const gain = this.#muted ? 0 : this.#level;
    this.#volume.gain.setTargetAtTime(gain, this.#context.currentTime, FADE_S);
  }
}
