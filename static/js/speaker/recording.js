/** What is wrong with a recording, in words for the speaker. */
export class RecordingError extends Error {}

/**
 * A recording as a sound source. It is streamed and played at its own speed, so that two hours of it
 * need no more memory than two minutes.
 */
export class Recording {
  #audio = new Audio();
  #file;

  /** @param {string | File} source An address, or a file of the user's. */
  constructor(source) {
    this.#file = typeof source === "string" ? null : source;
    this.#audio.preload = "auto";
    this.#audio.src = typeof source === "string" ? source : URL.createObjectURL(source);
  }

  get name() {
    return this.#file?.name ?? "The sample talk";
  }

  /** Seconds; infinite where the file does not say. */
  get duration() {
    return this.#audio.duration;
  }

  /** Seconds played. */
  get position() {
    return this.#audio.currentTime;
  }

  get ended() {
    return this.#audio.ended;
  }

  /**
   * Resolves when it is known to be playable.
   * @returns {Promise<void>}
   * @throws {RecordingError}
   */
  load() {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new RecordingError(`“${this.name}” is not a recording that this browser can play. Choose a WAV, MP3, M4A or OGG file.`));
      if (this.#audio.error) return fail();
      if (this.#audio.readyState >= HTMLMediaElement.HAVE_METADATA) return resolve();
      this.#audio.addEventListener("loadedmetadata", () => resolve(), { once: true });
      this.#audio.addEventListener("error", fail, { once: true });
    });
  }

  /**
   * @param {AudioContext} context
   * @param {{onEnd: () => void, onBreak: () => void}} handlers `onBreak`: the rest is unreadable.
   * @returns {AudioNode} Its sound goes only there, not to the loudspeakers.
   */
  connect(context, { onEnd, onBreak }) {
    this.#audio.addEventListener("ended", onEnd);
    this.#audio.addEventListener("error", onBreak);
    return context.createMediaElementSource(this.#audio);
  }

  /** Plays on; from the beginning once it is over. */
  async play() {
    await this.#audio.play();
  }

  pause() {
    this.#audio.pause();
  }

  /** Frees the file. It cannot be played again. */
  close() {
    this.#audio.pause();
    if (this.#file) URL.revokeObjectURL(this.#audio.src);
    this.#audio.removeAttribute("src");
  }
}
