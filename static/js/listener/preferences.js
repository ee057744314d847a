/** What a listener chose, remembered on this device: the language per event, the rest for all. */

/**
 * @typedef {object} Choices
 * @property {"avatar"|"voice"|"captions"} mode
 * @property {boolean} video whether the avatar may be a video, where the event has one
 * @property {1|2|3|4} size of the captions
 * @property {boolean} original whether the spoken sentence is shown too
 * @property {number} volume 0…1
 * @property {boolean} muted
 * @property {number} lipDelayMs −300…300; positive for loudspeakers that lag, such as Bluetooth
 */

/** @type {Choices} */
const DEFAULTS = {
  mode: "avatar",
  video: true,
  size: 2,
  original: false,
  volume: 1,
  muted: false,
  lipDelayMs: 0,
};
const KEY = "avatartranslate.listener";

/** Private windows and strict settings refuse storage: then nothing is remembered. */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // nothing to do: the choice holds for this visit
  }
}

export class Preferences {
  #languageKey;
  /** @type {Choices} */
  #choices = { ...DEFAULTS, ...read(KEY) };

  /** @param {string} joinCode */
  constructor(joinCode) {
    this.#languageKey = `${KEY}.language.${joinCode}`;
  }

  /** @returns {Readonly<Choices>} */
  get choices() {
    return this.#choices;
  }

  /** @param {Partial<Choices>} some */
  choose(some) {
    this.#choices = { ...this.#choices, ...some };
    write(KEY, this.#choices);
  }

  /** @returns {string|null} */
  get language() {
    return read(this.#languageKey);
  }

  set language(code) {
    write(this.#languageKey, code);
  }
}
