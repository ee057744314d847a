import { SPEECH_RATE } from "./resampler.js";

const BYTES_PER_SECOND = 2 * SPEECH_RATE;
const NUMBER_BYTES = 4;

/**
 * The speech that the server may still need: frames of PCM, numbered by one, kept from the last
 * acknowledged one on, so that they can be sent again after a lost connection.
 *
 * When more than `keepSeconds` are waiting, the oldest go. The server takes no gap in the numbers, so
 * what follows a lost frame moves up: a frame that was never sent just leaves its number to the next
 * one, and one that was sent keeps its number until `resume` tells that the server lacks it too.
 */
export class FrameQueue {
  /** @type {(ArrayBuffer | Lost)[]} */
  #frames = [];
  /** The number of #frames[0]. */
  #first = 0;
  /** How many of #frames were sent on this connection or are known to the server. */
  #sent = 0;
  #keepBytes;
  #inFlightBytes;
  #lostBytes = 0;

  /** @param {{keepSeconds?: number, inFlightSeconds?: number}} [limits] */
  constructor({ keepSeconds = 600, inFlightSeconds = 60 } = {}) {
    this.#keepBytes = keepSeconds * BYTES_PER_SECOND;
    this.#inFlightBytes = inFlightSeconds * BYTES_PER_SECOND;
  }

  /** The number the next new frame gets. */
  get nextNumber() {
    return this.#first + this.#frames.length;
  }

  /** How much is still to be sent, in seconds. */
  get unsentSeconds() {
    return seconds(this.#frames.slice(this.#sent));
  }

  /** How much is kept, sent or not, in seconds. */
  get keptSeconds() {
    return seconds(this.#frames.filter((frame) => !(frame instanceof Lost)));
  }

  /** How much had to be given up for good, in seconds. */
  get lostSeconds() {
    return this.#lostBytes / BYTES_PER_SECOND;
  }

  /** @param {ArrayBuffer} pcm 16 kHz s16le mono. */
  push(pcm) {
    this.#frames.push(pcm);
    while (this.keptSeconds * BYTES_PER_SECOND > this.#keepBytes) this.#giveUpOldest();
  }

  /**
   * @returns {ArrayBuffer | null} The next frame as it goes over the wire (uint32 big-endian number,
   *   then PCM), or null when there is none or too much is unacknowledged already.
   */
  take() {
    const frame = this.#frames[this.#sent];
    if (!frame || frame instanceof Lost) return null;
    const inFlight = seconds(this.#frames.slice(0, this.#sent)) * BYTES_PER_SECOND;
    if (inFlight + frame.byteLength > this.#inFlightBytes) return null;
    const message = new Uint8Array(NUMBER_BYTES + frame.byteLength);
    new DataView(message.buffer).setUint32(0, this.#first + this.#sent);
    message.set(new Uint8Array(frame), NUMBER_BYTES);
    this.#sent += 1;
    return message.buffer;
  }

  /** Everything up to this number is stored: forget it. @param {number} number */
  ack(number) {
    const count = Math.min(this.#frames.length, Math.max(0, number + 1 - this.#first));
    this.#frames.splice(0, count);
    this.#first += count;
    this.#sent = Math.max(0, this.#sent - count);
  }

  /**
   * Goes on in the same session where the server says. What it has received but not yet stored stays
   * kept: it may still lose it.
   *
   * @param {number} nextFrame The first frame the server lacks.
   */
  resume(nextFrame) {
    if (nextFrame > this.nextNumber) {
      this.restart(nextFrame);
      return;
    }
    // Below #first lies only what is gone from here too: what is left takes its numbers.
    const known = Math.max(0, nextFrame - this.#first);
    const lacking = this.#frames.slice(known);
    for (const frame of lacking) if (frame instanceof Lost) this.#lostBytes += frame.byteLength;
    this.#frames = [...this.#frames.slice(0, known), ...lacking.filter((frame) => !(frame instanceof Lost))];
    this.#first = Math.min(this.#first, nextFrame);
    this.#sent = known;
  }

  /**
   * Begins in another session, or after somebody else spoke in this one: what was not sent yet is
   * said there, under new numbers.
   *
   * @param {number} nextFrame The first number there.
   */
  restart(nextFrame) {
    this.#frames.splice(0, this.#sent);
    this.#first = nextFrame;
    this.#sent = 0;
  }

  /** Forgets everything. */
  clear() {
    this.#frames = [];
    this.#first = 0;
    this.#sent = 0;
    this.#lostBytes = 0;
  }

  #giveUpOldest() {
    const oldest = this.#frames.findIndex((frame) => !(frame instanceof Lost));
    const { byteLength } = this.#frames[oldest];
    if (oldest < this.#sent) {
      this.#frames[oldest] = new Lost(byteLength);
    } else {
      this.#frames.splice(oldest, 1);
      this.#lostBytes += byteLength;
    }
  }
}

/** The place of a frame that was sent and is no longer kept. */
class Lost {
  /** @param {number} byteLength */
  constructor(byteLength) {
    this.byteLength = byteLength;
  }
}

/** @param {(ArrayBuffer | Lost)[]} frames */
function seconds(frames) {
  return frames.reduce((sum, frame) => sum + frame.byteLength, 0) / BYTES_PER_SECOND;
}
