import { PcmBlocks } from "./pcm-blocks.js";

/** @typedef {import("./pcm-blocks.js").Block} Block */

/**
 * The way from a sound source to blocks of PCM. Nothing of it reaches the loudspeakers.
 *
 * Runs at the audio device's own rate: Firefox refuses a microphone in a context of another rate.
 */
export class Capture {
  #context = new AudioContext();
  /** @type {(block: Block) => void} */
  #onBlock;
  /** Loads while the user is asked for the microphone, so that the first word finds it there.
   * @type {Promise<void> | undefined} */
  #loaded = this.#context.audioWorklet?.addModule(new URL("./capture-worklet.js", import.meta.url));

  /** Whether sound should be coming. */
  #running = false;

  /**
   * @param {(block: Block) => void} onBlock
   * @param {() => void} onStopped The browser or the device has stopped the sound by itself, as for a
   *   telephone call; `resume` from a click brings it back.
   */
  constructor(onBlock, onStopped) {
    this.#onBlock = onBlock;
    // A failure is told where the worklet is used.
    this.#loaded?.catch(() => undefined);
    this.#context.onstatechange = () => {
      if (this.#running && this.#context.state !== "running") onStopped();
    };
  }

  get context() {
    return this.#context;
  }

  /** @param {AudioNode} source A node of this capture's `context`. */
  async listen(source) {
    // Browsers hide AudioWorklet from pages over plain HTTP, where recordings shall work all the same.
    const recorder = this.#context.audioWorklet ? await this.#worklet() : this.#scriptProcessor();
    source.connect(recorder);
    // A node without a way to the destination is not run; this one is silent.
    recorder.connect(this.#context.destination);
    await this.resume();
  }

  async #worklet() {
    await this.#loaded;
    const node = new AudioWorkletNode(this.#context, "capture", { numberOfOutputs: 1 });
    node.port.onmessage = (event) => this.#onBlock(event.data);
    return node;
  }

  #scriptProcessor() {
    const node = this.#context.createScriptProcessor(2048, 2, 1);
    const blocks = new PcmBlocks(this.#context.sampleRate, this.#onBlock);
    node.onaudioprocess = ({ inputBuffer }) => {
      const channels = Array.from({ length: inputBuffer.numberOfChannels }, (_, at) => inputBuffer.getChannelData(at));
      blocks.add(channels);
    };
    return node;
  }

  /** Stands still, with its source, until `resume`. */
  async hold() {
    this.#running = false;
    await this.#context.suspend();
  }

  async resume() {
    this.#running = true;
    await this.#context.resume();
  }

  async close() {
    this.#running = false;
    await this.#context.close();
  }
}
