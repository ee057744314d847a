/** The rate every speech backend here listens at, in Hz. */
export const SPEECH_RATE = 16000;

/** Taps on either side of the centre at 48 kHz and below: 63 in all. */
const HALF_TAPS = 31;
/** Kaiser window: 70 dB of attenuation, so that what folds back is below a microphone's own noise. */
const KAISER_BETA = 6.8;
/** Half the pass band lost to the filter's slope, as a part of the lower of the two rates. */
const CUTOFF = 0.44;

/**
 * Brings samples of any rate to 16 kHz, block by block, without a seam between blocks.
 *
 * A polyphase windowed sinc. Positions are counted in whole numbers (the two rates reduced to lowest
 * terms), so that two hours at 44.1 kHz drift by no sample.
 */
export class Resampler {
  /** Input samples a step of the output is long, times #phases. */
  #step;
  #phases;
  /** @type {Float32Array[]} One row of taps per phase. */
  #taps = [];
  #half;
  /** @type {Float32Array<ArrayBufferLike>} Input that later outputs still need. */
  #input;
  /** Where the next output lies in #input, in 1/#phases of an input sample. */
  #position;

  /** @param {number} inputRate Hz, a whole number. */
  constructor(inputRate) {
    const divisor = greatestCommonDivisor(inputRate, SPEECH_RATE);
    this.#step = inputRate / divisor;
    this.#phases = SPEECH_RATE / divisor;
    // A higher rate needs proportionally more taps for the same slope in Hz.
    this.#half = Math.round(HALF_TAPS * Math.max(1, inputRate / 48000));
    const cutoff = (CUTOFF * Math.min(inputRate, SPEECH_RATE)) / inputRate;
    for (let phase = 0; phase < this.#phases; phase += 1) {
      this.#taps.push(windowedSinc(this.#half, cutoff, phase / this.#phases));
    }
    this.#input = new Float32Array(this.#half);
    this.#position = this.#half * this.#phases;
  }

  /**
   * @param {Float32Array} block Samples at the input rate, any number of them.
   * @returns {Float32Array} The samples at 16 kHz that are complete by now; the rest follow with the
   *   next block.
   */
  process(block) {
    if (this.#step === this.#phases) return block;
    const input = new Float32Array(this.#input.length + block.length);
    input.set(this.#input);
    input.set(block, this.#input.length);

    const last = (input.length - 1 - this.#half) * this.#phases;
    const count = Math.max(0, Math.floor((last - this.#position) / this.#step) + 1);
    const output = new Float32Array(count);
    let position = this.#position;
    for (let i = 0; i < count; i += 1, position += this.#step) {
      const taps = this.#taps[position % this.#phases];
      let at = Math.floor(position / this.#phases) - this.#half;
      let sum = 0;
      for (let tap = 0; tap < taps.length; tap += 1, at += 1) sum += taps[tap] * input[at];
      output[i] = sum;
    }
    const keepFrom = Math.min(input.length, Math.floor(position / this.#phases) - this.#half);
    this.#input = input.slice(keepFrom);
    this.#position = position - keepFrom * this.#phases;
    return output;
  }
}

/**
 * @param {number} half Taps on either side of the centre.
 * @param {number} cutoff As a part of the input rate.
 * @param {number} shift Where the output lies between two input samples, 0 to 1.
 * @returns {Float32Array} Taps whose sum is 1, so that loudness stays.
 */
function windowedSinc(half, cutoff, shift) {
  const taps = Float64Array.from({ length: 2 * half + 1 }, (_, index) => {
    const distance = index - half - shift;
    const angle = 2 * Math.PI * cutoff * distance;
    const sinc = distance === 0 ? 1 : Math.sin(angle) / angle;
    const edge = 1 - (distance / (half + 1)) ** 2;
    return sinc * bessel(KAISER_BETA * Math.sqrt(Math.max(0, edge)));
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(taps, (tap) => tap / sum);
}

/** The modified Bessel function of order zero, by its power series. @param {number} x */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** @param {number} a @param {number} b @returns {number} */
function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
