/** How long a live session has been running, pauses included; known again after a reload. */
export class SessionClock {
  /** @type {string | null} */
  #key = null;
  #startedAt = 0;

  /** @param {string | number} session Which one runs; asking again changes nothing. */
  follow(session) {
    const key = `avatartranslate:started:${session}`;
    if (key === this.#key) return;
    this.#key = key;
    this.#startedAt = Number(recall(key)) || Date.now();
    remember(key, this.#startedAt);
  }

  /** What was heard at this session time is heard by now. @param {number} milliseconds */
  atLeast(milliseconds) {
    if (this.#key === null || Date.now() - this.#startedAt >= milliseconds) return;
    this.#startedAt = Date.now() - milliseconds;
    remember(this.#key, this.#startedAt);
  }

  get seconds() {
    return (Date.now() - this.#startedAt) / 1000;
  }
}

/** @param {string} key */
function recall(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {number} value */
function remember(key, value) {
  try {
    sessionStorage.setItem(key, String(value));
  } catch {
    // Counted from the reload on, then.
  }
}
