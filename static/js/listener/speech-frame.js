/** Reads the binary frames that carry speech: uint32 big-endian header length, JSON header, audio. */

/**
 * @typedef {object} SpeechHeader
 * @property {number|string} session
 * @property {string} language
 * @property {number} segment
 * @property {number} seq
 * @property {string} mime
 * @property {number} duration_ms
 * @property {[number, number][]} visemes milliseconds from the first sample, viseme id
 */

/**
 * @param {ArrayBuffer} buffer
 * @returns {{header: SpeechHeader, audio: ArrayBuffer}}
 * @throws {RangeError|SyntaxError} where the frame is not one
 */
export function readSpeechFrame(buffer) {
  const headerLength = new DataView(buffer).getUint32(0);
  const header = new Uint8Array(buffer, 4, headerLength);
  return {
    header: JSON.parse(new TextDecoder().decode(header)),
    audio: buffer.slice(4 + headerLength),
  };
}
