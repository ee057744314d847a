import { canUseMicrophone, listMicrophones } from "./microphone.js";
import { Recording } from "./recording.js";
import { MicrophoneSource, RecordingSource } from "./sound-source.js";
import { clock } from "./words.js";

/** @typedef {import("./sound-source.js").SourceHandlers} SourceHandlers */

/** @template {HTMLElement} T @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id));

/** Where the user chooses what is heard, and the way to open, hold and close it. */
export class SourcePanel {
  /** @type {HTMLSelectElement} */
  #microphones = element("microphone");
  /** @type {HTMLInputElement} */
  #clean = element("clean");
  /** @type {HTMLInputElement} */
  #file = element("recording-file");
  #recordingName = element("recording-name");
  /** @type {MicrophoneSource | RecordingSource | null} */
  #source = null;
  #playing = false;
  /** @type {string | File | null} */
  #chosenRecording = null;
  /** @type {Recording | null} */
  #recording = null;
  /** Opening, holding and closing take time and must not overtake each other. */
  #work = Promise.resolve();
  #handlers;
  #onOpen;
  #onFailure;

  /**
   * @param {SourceHandlers} handlers
   * @param {{onOpen: () => void, onFailure: (error: Error) => void}} outcome `onFailure`: a source
   *   chosen while another was heard did not open.
   * @param {{sampleUrl: string, onSample: () => void}} sample
   */
  constructor(handlers, { onOpen, onFailure }, { sampleUrl, onSample }) {
    this.#handlers = handlers;
    this.#onOpen = onOpen;
    this.#onFailure = onFailure;
    for (const radio of this.#radios()) radio.addEventListener("change", () => this.#choiceChanged());
    this.#microphones.addEventListener("change", () => this.#replace());
    this.#clean.addEventListener("change", () => this.#replace());
    this.#file.addEventListener("change", () => {
      const [file] = this.#file.files ?? [];
      if (file) this.#chooseRecording(file);
    });
    document.getElementById("use-sample")?.addEventListener("click", () => {
      this.#file.value = "";
      onSample();
      this.#chooseRecording(sampleUrl);
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#listMicrophones());
    this.#listMicrophones();
    // A browser may keep the choice over a reload.
    this.#choiceChanged();
  }

  /** @returns {"microphone" | "recording"} */
  get kind() {
    return this.#radios().find((radio) => radio.checked)?.value === "recording" ? "recording" : "microphone";
  }

  /** Whether sound is being taken now. */
  get playing() {
    return this.#playing;
  }

  get canUseMicrophone() {
    return canUseMicrophone();
  }

  /** @returns {{position: number, duration: number} | null} Seconds; null where no recording is in use. */
  get progress() {
    return this.kind === "recording" && this.#recording ? this.#recording : null;
  }

  /**
   * Opens what is chosen, or goes on with it.
   * @returns {Promise<void>}
   * @throws {Error} With words for the user.
   */
  play() {
    return this.#inTurn(async () => {
      if (this.#lacksRecording) throw new Error("Choose a recording first, or use the sample talk.");
      if (this.#source) await this.#source.resume();
      else await this.#open();
      this.#playing = true;
      this.#onOpen();
    });
  }

  /** Stands still. A recording goes on from here later. */
  hold() {
    this.#playing = false;
    return this.#inTurn(async () => this.#source?.hold());
  }

  /** Lets go of the microphone or the recording. */
  close() {
    this.#playing = false;
    return this.#inTurn(() => this.#close());
  }

  /** Takes the computer's usual microphone, as when the chosen one is gone. */
  useUsualMicrophone() {
    this.#microphones.value = "";
    return this.#replace();
  }

  get #lacksRecording() {
    return this.kind === "recording" && this.#chosenRecording === null;
  }

  async #open() {
    if (this.kind === "microphone") {
      const choice = { deviceId: this.#microphones.value, clean: this.#clean.checked };
      this.#source = await MicrophoneSource.open(choice, this.#handlers);
      await this.#listMicrophones(this.#source.deviceId);
      return;
    }
    // An audio element belongs to one audio context for ever, so each opening needs a fresh one.
    this.#recording = new Recording(/** @type {string | File} */ (this.#chosenRecording));
    this.#source = await RecordingSource.open(this.#recording, this.#handlers);
  }

  async #close() {
    await this.#source?.close();
    this.#source = null;
    this.#recording = null;
  }

  /** Another choice was made: where sound is being taken, it comes from there now. */
  async #replace() {
    const wasPlaying = this.#playing;
    try {
      await this.close();
      if (wasPlaying) await this.play();
    } catch (error) {
      // What was wanted stays wanted: the next choice is opened again.
      this.#playing = wasPlaying;
      this.#onFailure(/** @type {Error} */ (error));
    }
  }

  #choiceChanged() {
    element("microphone-settings").hidden = this.kind !== "microphone";
    element("recording-settings").hidden = this.kind !== "recording";
    // The microphone is heard until there is a recording to take its place.
    return this.#lacksRecording ? undefined : this.#replace();
  }

  /** @param {string | File} source */
  async #chooseRecording(source) {
    const candidate = new Recording(source);
    this.#recordingName.textContent = `Opening “${candidate.name}”…`;
    try {
      await candidate.load();
    } catch (error) {
      this.#recordingName.textContent = /** @type {Error} */ (error).message;
      this.#file.value = "";
      return;
    } finally {
      candidate.close();
    }
    const length = Number.isFinite(candidate.duration) ? ` (${clock(candidate.duration)})` : "";
    this.#recordingName.textContent = `${candidate.name}${length}`;
    this.#chosenRecording = source;
    await this.#replace();
  }

  /** @param {string} [current] The device that is heard now. */
  async #listMicrophones(current) {
    const devices = await listMicrophones();
    const chosen = current ?? this.#microphones.value;
    const usual = new Option("The usual one", "");
    this.#microphones.replaceChildren(usual, ...devices.map(({ label, deviceId }) => new Option(label, deviceId)));
    this.#microphones.value = devices.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
  }

  /** @returns {HTMLInputElement[]} */
  #radios() {
    return [.../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('input[name="source"]'))];
  }

  /** @param {() => Promise<void> | undefined} task @returns {Promise<void>} */
  #inTurn(task) {
    const done = this.#work.then(task);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
