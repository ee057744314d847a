import { Capture } from "./capture.js";
import { openMicrophone } from "./microphone.js";

/** @typedef {import("./pcm-blocks.js").Block} Block */
/** @typedef {import("./recording.js").Recording} Recording */

/**
 * @typedef {object} SourceHandlers
 * @property {(block: Block) => void} onBlock
 * @property {(trouble: "gone" | "muted" | "unmuted" | "stopped" | "over" | "broken") => void} onTrouble
 *   `gone`: the microphone was unplugged; `stopped`: the browser stopped the sound; `over`, `broken`:
 *   the recording has ended or cannot be read further.
 */

/** A microphone that is open. */
export class MicrophoneSource {
  #capture;
  #stream;

  /** @param {Capture} capture @param {MediaStream} stream */
  constructor(capture, stream) {
    this.#capture = capture;
    this.#stream = stream;
  }

  /**
   * @param {{deviceId: string, clean: boolean}} choice
   * @param {SourceHandlers} handlers
   * @returns {Promise<MicrophoneSource>}
   * @throws {import("./microphone.js").MicrophoneError}
   */
  static async open({ deviceId, clean }, { onBlock, onTrouble }) {
    // Made before the first await, while the click that led here still counts.
    const capture = new Capture(onBlock, () => onTrouble("stopped"));
    try {
      const stream = await openMicrophone(deviceId, clean);
      const [track] = stream.getAudioTracks();
      track.onended = () => onTrouble("gone");
      track.onmute = () => onTrouble("muted");
      track.onunmute = () => onTrouble("unmuted");
      await capture.listen(capture.context.createMediaStreamSource(stream));
      return new MicrophoneSource(capture, stream);
    } catch (error) {
      await capture.close();
      throw error;
    }
  }

  /** The device that is heard. */
  get deviceId() {
    return this.#stream.getAudioTracks()[0].getSettings().deviceId ?? "";
  }

  async resume() {
    this.#enable(true);
    await this.#capture.resume();
  }

  async hold() {
    this.#enable(false);
    await this.#capture.hold();
  }

  async close() {
    for (const track of this.#stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    await this.#capture.close();
  }

  /** @param {boolean} enabled */
  #enable(enabled) {
    for (const track of this.#stream.getTracks()) track.enabled = enabled;
  }
}

/** A recording that plays into the session. */
export class RecordingSource {
  #capture;
  #recording;

  /** @param {Capture} capture @param {Recording} recording */
  constructor(capture, recording) {
    this.#capture = capture;
    this.#recording = recording;
  }

  /**
   * @param {Recording} recording Not connected before.
   * @param {SourceHandlers} handlers
   * @returns {Promise<RecordingSource>}
   * @throws {import("./recording.js").RecordingError}
   */
  static async open(recording, { onBlock, onTrouble }) {
    const capture = new Capture(onBlock, () => onTrouble("stopped"));
    try {
      await recording.load();
      const node = recording.connect(capture.context, {
        onEnd: () => onTrouble("over"),
        onBreak: () => onTrouble("broken"),
      });
      await capture.listen(node);
      await recording.play();
      return new RecordingSource(capture, recording);
    } catch (error) {
      await capture.close();
      throw error;
    }
  }

  async resume() {
    await this.#capture.resume();
    await this.#recording.play();
  }

  async hold() {
    this.#recording.pause();
    await this.#capture.hold();
  }

  async close() {
    this.#recording.close();
    await this.#capture.close();
  }
}
