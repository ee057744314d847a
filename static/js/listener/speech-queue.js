/** Decides which speech comes next; plays nothing itself and reads no clock. */

/** A listener further behind than this skips to the newest speech. */
export const FURTHEST_BEHIND_MS = 15_000;

/** @template {{segment: number}} Speech */
export class SpeechQueue {
  /** @type {{speech: Speech, arrivedMs: number}[]} */
  #waiting = [];
  #lastSegment = 0;

  get length() {
    return this.#waiting.length;
  }

  /** @returns {Speech[]} in the order they will be taken */
  get waiting() {
    return this.#waiting.map(({ speech }) => speech);
  }

  /**
   * Speech of a segment whose turn has passed is left out: going back would confuse.
   * @param {Speech} speech
   * @param {number} nowMs any clock, the same for every call
   */
  push(speech, nowMs) {
    if (speech.segment <= this.#lastSegment) return;
    if (this.#waiting.some((entry) => entry.speech.segment === speech.segment)) return;
    this.#waiting.push({ speech, arrivedMs: nowMs });
    this.#waiting.sort((a, b) => a.speech.segment - b.speech.segment);
  }

  /**
   * @param {number} nowMs
   * @returns {Speech|null} the next in segment order, or the newest where that one is too old
   */
  take(nowMs) {
    if (this.#waiting.length && nowMs - this.#waiting[0].arrivedMs > FURTHEST_BEHIND_MS) {
      this.keepNewest();
    }
    const next = this.#waiting.shift();
    if (!next) return null;
    this.#lastSegment = next.speech.segment;
    return next.speech;
  }

  /** While nothing can be heard, only the newest is worth keeping. */
  keepNewest() {
    this.#waiting.splice(0, this.#waiting.length - 1);
  }

  /** Forgets speech nobody could hear when it was new. @param {number} nowMs */
  dropStale(nowMs) {
    this.#waiting = this.#waiting.filter((entry) => nowMs - entry.arrivedMs <= FURTHEST_BEHIND_MS);
  }

  /** Another language or session: its segments may count from 1 again. */
  clear() {
    this.#waiting = [];
    this.#lastSegment = 0;
  }
}
