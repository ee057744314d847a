/** How the figure moves when nobody tells it to: pure functions of time, so that a moment always looks the same. */

import { stressesOf } from "./visemes.js";

/** @typedef {import("./visemes.js").Viseme} Viseme */

/**
 * @typedef {Object} Motion
 * @property {number} yaw -1 … 1 head turned
 * @property {number} pitch -1 up … 1 down
 * @property {number} roll radians
 * @property {number} breath -1 … 1
 * @property {number} blink 0 open … 1 shut
 * @property {number} gazeX -1 … 1
 * @property {number} gazeY -1 … 1
 * @property {number} brows 0 … 1 raised
 */

const BLINK_EVERY_MS = 3900;
const BLINK_LASTS_MS = 190;
const GAZE_EVERY_MS = 1300;
const SACCADE_MS = 45;
const NOD_LASTS_MS = 420;

/**
 * @param {number} nowMs
 * @param {number} engaged 0 at rest … 1 speaking
 * @param {{nod: number, brows: number}} emphasis
 * @returns {Motion}
 */
export function motionAt(nowMs, engaged, emphasis) {
  /** @param {number} periodMs @param {number} phase */
  const slow = (periodMs, phase) => Math.sin((nowMs / periodMs) * 2 * Math.PI + phase);
  const livelier = 0.75 + 0.6 * engaged;
  const [gazeX, gazeY] = gazeAt(nowMs, engaged);
  return {
    yaw: livelier * (0.5 * slow(7300, 0.4) + 0.3 * slow(4100, 2) + 0.2 * engaged * slow(1900, 1)),
    pitch: 0.25 * slow(5600, 1.1) + engaged * (0.2 * slow(2300, 0.3) + emphasis.nod),
    roll: 0.014 * livelier * (0.6 * slow(6700, 2.2) + 0.4 * slow(3300, 0.7)),
    breath: slow(4300, 0),
    blink: blinkAt(nowMs),
    gazeX,
    gazeY,
    brows: engaged * Math.max(emphasis.brows, 0.12 * (1 + slow(9100, 0))),
  };
}

/** Nothing but a blink, for those who asked for less motion. @param {number} nowMs @returns {Motion} */
export function stillAt(nowMs) {
  return { yaw: 0, pitch: 0, roll: 0, breath: 0, blink: blinkAt(nowMs), gazeX: 0, gazeY: 0, brows: 0 };
}

/**
 * A nod on each stress and raised brows on every other, for a sentence.
 * @param {Viseme[] | null} visemes
 * @returns {(heardMs: number) => {nod: number, brows: number}}
 */
export function emphasisOf(visemes) {
  const stresses = visemes ? stressesOf(visemes) : [];
  return (heardMs) => {
    let nod = 0;
    let brows = 0;
    stresses.forEach((at, i) => {
      nod += (0.55 + 0.35 * chance(i)) * bump((heardMs - at + 90) / NOD_LASTS_MS);
      if (i % 2 === 0) brows += 0.85 * bump((heardMs - at + 160) / (1.5 * NOD_LASTS_MS));
    });
    return { nod, brows };
  };
}

/** @param {number} nowMs @returns {number} */
function blinkAt(nowMs) {
  const slot = Math.floor(nowMs / BLINK_EVERY_MS);
  const start = slot * BLINK_EVERY_MS + chance(slot) * (BLINK_EVERY_MS - 2.5 * BLINK_LASTS_MS);
  /** @param {number} at */
  const lid = (at) => {
    const part = (nowMs - at) / BLINK_LASTS_MS;
    if (part <= 0 || part >= 1) return 0;
    // Lids fall in a third of the time they take to rise.
    return part < 0.3 ? part / 0.3 : ((1 - part) / 0.7) ** 0.8;
  };
  const twice = chance(slot + 0.5) > 0.8 ? lid(start + 1.3 * BLINK_LASTS_MS) : 0;
  return Math.max(lid(start), twice);
}

/** @param {number} nowMs @param {number} engaged @returns {[number, number]} */
function gazeAt(nowMs, engaged) {
  const slot = Math.floor(nowMs / GAZE_EVERY_MS);
  /** @param {number} k */
  const target = (k) => {
    // A speaker mostly looks at the audience; someone waiting looks about a little more.
    const away = chance(k + 0.25) < 0.55 + 0.2 * engaged ? 0.12 : 0.6;
    return [(chance(k) - 0.5) * 2 * away, (chance(k + 0.75) - 0.5) * away];
  };
  const part = Math.min(1, (nowMs - slot * GAZE_EVERY_MS) / SACCADE_MS);
  const [from, to] = [target(slot - 1), target(slot)];
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
}

/** @param {number} part @returns {number} 0 outside 0 … 1, a hump between */
function bump(part) {
  return part <= 0 || part >= 1 ? 0 : Math.sin(Math.PI * part) ** 2;
}

/** @param {number} key @returns {number} 0 … 1, the same for the same key */
function chance(key) {
  const wave = Math.sin(key * 127.1 + 311.7) * 43758.5453;
  return wave - Math.floor(wave);
}
