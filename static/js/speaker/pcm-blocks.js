import { Resampler, SPEECH_RATE } from "./resampler.js";

/** One block becomes one frame on the wire: short enough to hide in a caption's delay, long enough
 * that a phone sends only 12 messages a second. */
const BLOCK_MS = 80;
const BLOCK_SAMPLES = (SPEECH_RATE * BLOCK_MS) / 1000;

/**
 * Cuts sound at any rate into blocks of 80 ms of 16 kHz mono PCM (s16le).
 *
 * @typedef {{pcm: ArrayBuffer, peak: number}} Block `peak` is the loudest sample, 0 to 1, taken
 *   before resampling, where clipping still shows.
 */
export class PcmBlocks {
  #resampler;
  #onBlock;
  #pcm = new DataView(new ArrayBuffer(2 * BLOCK_SAMPLES));
  #filled = 0;
  #peak = 0;

  /**
   * @param {number} inputRate Hz
   * @param {(block: Block) => void} onBlock
   */
  constructor(inputRate, onBlock) {
    this.#resampler = new Resampler(inputRate);
    this.#onBlock = onBlock;
  }

  /** @param {Float32Array[]} channels Equally long; mixed to one. */
  add(channels) {
    const mono = mix(channels);
    for (const sample of mono) this.#peak = Math.max(this.#peak, Math.abs(sample));
    for (const sample of this.#resampler.process(mono)) {
      const clipped = Math.max(-1, Math.min(1, sample));
      this.#pcm.setInt16(2 * this.#filled, Math.round(clipped * 32767), true);
      this.#filled += 1;
      if (this.#filled === BLOCK_SAMPLES) this.#finish();
    }
  }

  #finish() {
    this.#onBlock({ pcm: /** @type {ArrayBuffer} */ (this.#pcm.buffer), peak: this.#peak });
    this.#pcm = new DataView(new ArrayBuffer(2 * BLOCK_SAMPLES));
    this.#filled = 0;
    this.#peak = 0;
  }
}

/** @param {Float32Array[]} channels @returns {Float32Array} */
function mix(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, at) => channels.reduce((sum, channel) => sum + channel[at], 0) / channels.length);
}
