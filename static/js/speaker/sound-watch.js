const NO_SOUND_MS = 4000;
/** −60 dB: below the hiss of any microphone that is switched on. */
const NO_SOUND_PEAK = 0.001;
const CLIPPED_PEAK = 0.985;
const CLIPPED_BLOCKS = 3;
const CLIPPED_WITHIN_MS = 2000;

/**
 * Tells from the peaks of the sound whether something is wrong with it.
 *
 * @typedef {"fine" | "no-sound" | "too-loud"} Verdict
 */
export class SoundWatch {
  /** @type {number | null} */
  #heardAt = null;
  /** @type {number[]} */
  #clipped = [];

  /** Forgets what was, as when the sound begins anew. */
  reset() {
    this.#heardAt = null;
    this.#clipped = [];
  }

  /**
   * @param {number} peak 0 to 1
   * @param {number} now Milliseconds on any clock.
   * @returns {Verdict}
   */
  judge(peak, now) {
    if (this.#heardAt === null || peak > NO_SOUND_PEAK) this.#heardAt = now;
    if (peak >= CLIPPED_PEAK) this.#clipped.push(now);
    this.#clipped = this.#clipped.filter((time) => now - time < CLIPPED_WITHIN_MS);
    if (now - this.#heardAt >= NO_SOUND_MS) return "no-sound";
    return this.#clipped.length >= CLIPPED_BLOCKS ? "too-loud" : "fine";
  }
}
