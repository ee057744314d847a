import { PcmBlocks } from "./pcm-blocks.js";

/** Runs on the audio thread: posts blocks of 16 kHz PCM with their peak, and puts out silence. */
class CaptureProcessor extends AudioWorkletProcessor {
  #blocks = new PcmBlocks(sampleRate, (block) => this.port.postMessage(block, [block.pcm]));

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    if (inputs[0].length > 0) this.#blocks.add(inputs[0]);
    return true;
  }
}

registerProcessor("capture", CaptureProcessor);
