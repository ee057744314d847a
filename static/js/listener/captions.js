/**
 * What a listener has read so far: the captions of one live session in one language.
 * Knows the messages of the protocol and nothing of the page or the network.
 */

/**
 * @typedef {object} Caption
 * @property {number} segment
 * @property {number} seq 0 while it is partial
 * @property {boolean} final
 * @property {string|null} text the final text; null where there is no translation (yet)
 * @property {string} stable the settled part of a partial
 * @property {string} tail the part of a partial that may change
 * @property {string} source what the speaker said
 * @property {string} sourceLanguage
 * @property {number|null} startMs session time
 * @property {number|null} endMs
 * @property {boolean} corrected a human has changed the text
 */

/** @typedef {{reset: boolean, segments: number[]}} Change which captions are new, different or gone */

/** @returns {Change} */
const changed = (...segments) => ({ reset: false, segments });

export class Captions {
  /** @type {number|string|null} */
  session = null;
  /** @type {string|null} */
  language = null;
  /** @type {Map<number, Caption>} */
  #rows = new Map();
  /** Up to this seq nothing is missing. */
  #complete = 0;
  /** Numbers that arrived ahead of a missing one. */
  #ahead = new Set();

  /**
   * @param {object} message any message of the listener socket; those without captions change nothing
   * @returns {Change}
   */
  apply(message) {
    switch (message.type) {
      case "joined": return this.#joined(message);
      case "replayed": return this.#replayed(message);
      case "state": return this.#stateChanged(message);
      case "caption": return this.#captionArrived(message);
      default: return changed();
    }
  }

  /** What to send as `after` when joining again in the same language. */
  get after() {
    if (this.session === null || this.#complete === 0) return null;
    return { session: this.session, seq: this.#complete };
  }

  /**
   * @param {{session: number|string|null, seq: number}} beat
   * @returns {boolean} whether the server has sent something that never arrived
   */
  isBehind(beat) {
    return beat.session !== this.session || beat.seq > this.#complete;
  }

  /** @param {number} segment @returns {Caption|undefined} */
  get(segment) {
    return this.#rows.get(segment);
  }

  /** @returns {Caption[]} in the order they were spoken */
  all() {
    return [...this.#rows.values()].sort((a, b) => a.segment - b.segment);
  }

  /** The oldest final segment held, or null. Segments count from 1: above that there is more history. */
  get oldest() {
    const finals = this.all().filter((caption) => caption.final);
    return finals.length ? finals[0].segment : null;
  }

  #joined({ session, language }) {
    const same = session === this.session && language === this.language;
    if (!same) return this.#startOver(session, language);
    return this.#dropPartials(() => true);
  }

  #replayed({ seq }) {
    this.#complete = Math.max(this.#complete, seq);
    this.#absorb();
    return changed();
  }

  #stateChanged({ session, state }) {
    if (session !== this.session) return this.#startOver(session, this.language);
    return state === "ended" ? this.#dropPartials(() => true) : changed();
  }

  #captionArrived(message) {
    if (message.session !== this.session || message.language !== this.language) return changed();
    return message.final ? this.#finalArrived(message) : this.#partialArrived(message);
  }

  #finalArrived(message) {
    this.#ahead.add(message.seq);
    this.#absorb();
    const held = this.#rows.get(message.segment);
    if (held?.final && held.seq >= message.seq) return changed();
    this.#rows.set(message.segment, {
      segment: message.segment,
      seq: message.seq,
      final: true,
      text: message.text,
      stable: "",
      tail: "",
      source: message.source,
      sourceLanguage: message.source_language,
      startMs: message.start_ms,
      endMs: message.end_ms,
      corrected: message.corrected === true,
    });
    // Finals come in segment order: an older partial belongs to a phrase that came to nothing.
    const change = this.#dropPartials((segment) => segment < message.segment);
    change.segments.push(message.segment);
    return change;
  }

  #partialArrived(message) {
    if (this.#rows.get(message.segment)?.final) return changed();
    // What was taken for words was noise.
    if (!message.stable && !message.tail) return this.#dropPartials((segment) => segment === message.segment);
    this.#rows.set(message.segment, {
      segment: message.segment,
      seq: 0,
      final: false,
      text: null,
      stable: message.stable,
      tail: message.tail,
      source: message.source,
      sourceLanguage: message.source_language,
      startMs: message.start_ms ?? null,
      endMs: null,
      corrected: false,
    });
    return changed(message.segment);
  }

  /** @param {(segment: number) => boolean} which */
  #dropPartials(which) {
    const gone = [...this.#rows.values()]
      .filter((caption) => !caption.final && which(caption.segment))
      .map((caption) => caption.segment);
    for (const segment of gone) this.#rows.delete(segment);
    return changed(...gone);
  }

  #startOver(session, language) {
    this.session = session;
    this.language = language;
    this.#rows.clear();
    this.#complete = 0;
    this.#ahead.clear();
    return { reset: true, segments: [] };
  }

  #absorb() {
    while (this.#ahead.has(this.#complete + 1)) this.#complete += 1;
    for (const seq of this.#ahead) if (seq <= this.#complete) this.#ahead.delete(seq);
  }
}
