/**
 * From visemes to mouth shapes.
 *
 * Visemes are numbered 0–21 as Azure Speech numbers them. Each is a target for nine mouth parameters; the mouth at a
 * moment is a mean of the targets around it, weighted by dominance (the coarticulation model of Cohen and Massaro,
 * 1993): each viseme pulls with a weight that decays from its centre.
 */

/**
 * @typedef {Object} MouthPose
 * @property {number} jaw 0 closed … 1 dropped
 * @property {number} width -1 narrow … 1 spread
 * @property {number} round 0 … 1 pushed forward and rounded
 * @property {number} upper 0 … 1 upper lip raised
 * @property {number} lower 0 … 1 lower lip lowered
 * @property {number} teeth 0 … 1 teeth showing
 * @property {number} tongue 0 low … 1 tip at the upper teeth
 * @property {number} press 0 … 1 lips pressed together
 * @property {number} tuck 0 … 1 lower lip under the upper teeth
 */

/** @typedef {[offsetMs: number, id: number]} Viseme lasts until the next one begins */

/** @type {(keyof MouthPose)[]} */
const PARAMETERS = ["jaw", "width", "round", "upper", "lower", "teeth", "tongue", "press", "tuck"];

/** One row per viseme id, one column per parameter. */
const TARGETS = [
  /*  0 silence */ [0, 0, 0, 0, 0, 0, 0, 0.1, 0],
  /*  1 æ ə ʌ   */ [0.5, 0.22, 0, 0.35, 0.4, 0.6, 0.3, 0, 0],
  /*  2 ɑ       */ [0.88, 0.02, 0, 0.35, 0.45, 0.5, 0.22, 0, 0],
  /*  3 ɔ       */ [0.68, -0.2, 0.58, 0.2, 0.3, 0.2, 0.15, 0, 0],
  /*  4 ɛ ʊ     */ [0.42, 0.34, 0, 0.38, 0.42, 0.75, 0.36, 0, 0],
  /*  5 ɝ       */ [0.3, -0.12, 0.42, 0.3, 0.3, 0.5, 0.4, 0, 0],
  /*  6 i ɪ j   */ [0.2, 0.78, 0, 0.4, 0.5, 0.95, 0.45, 0, 0],
  /*  7 u w     */ [0.27, -0.45, 1, 0.15, 0.15, 0, 0.1, 0, 0],
  /*  8 o       */ [0.5, -0.34, 0.82, 0.15, 0.2, 0.1, 0.12, 0, 0],
  /*  9 aʊ      */ [0.72, -0.08, 0.28, 0.28, 0.38, 0.4, 0.2, 0, 0],
  /* 10 ɔɪ      */ [0.56, -0.04, 0.42, 0.25, 0.32, 0.4, 0.25, 0, 0],
  /* 11 aɪ      */ [0.74, 0.26, 0, 0.38, 0.45, 0.65, 0.3, 0, 0],
  /* 12 h       */ [0.36, 0.06, 0.05, 0.25, 0.3, 0.45, 0.25, 0, 0],
  /* 13 ɹ       */ [0.22, -0.22, 0.6, 0.3, 0.3, 0.45, 0.45, 0, 0],
  /* 14 l       */ [0.46, 0.16, 0, 0.34, 0.4, 0.6, 1, 0, 0],
  /* 15 s z     */ [0.1, 0.42, 0, 0.42, 0.55, 1, 0.1, 0, 0],
  /* 16 ʃ ʒ     */ [0.15, -0.26, 0.62, 0.55, 0.6, 1, 0.1, 0, 0],
  /* 17 ð       */ [0.3, 0.16, 0, 0.35, 0.4, 0.7, 0.95, 0, 0],
  /* 18 f v     */ [0.1, 0.02, 0, 0.5, 0, 1, 0, 0, 1],
  /* 19 t d n θ */ [0.2, 0.22, 0, 0.34, 0.45, 0.85, 0.75, 0, 0],
  /* 20 k g ŋ   */ [0.34, 0.12, 0, 0.3, 0.36, 0.55, 0.2, 0, 0],
  /* 21 p b m   */ [0, -0.02, 0, 0, 0, 0, 0, 1, 0],
];

const BILABIAL = 21;
const LABIODENTAL = 18;

/** How hard a viseme pulls: lips that must meet are never averaged away by the vowels around them. */
const STRENGTHS = TARGETS.map((_, id) => ({ [BILABIAL]: 3, [LABIODENTAL]: 2.2 })[id] ?? 1);

/** A viseme longer than twice this is held between its two slopes. */
const SLOPE_MS = 50;
/** Beyond this distance a weight is below 1 % of its peak. */
const REACH_MS = 360;
/** The lips get ready quickly and let go slowly. */
const RISE = 0.75;
const FALL = 1.1;

/** @param {number} id @returns {MouthPose} the target of one viseme; unknown ids are silence */
export function poseOf(id) {
  return toPose(TARGETS[id] ?? TARGETS[0]);
}

/** The mouth of someone who says nothing. @returns {MouthPose} */
export function restPose() {
  return poseOf(0);
}

/**
 * The mouth at a moment of a sentence.
 *
 * An array is read once and remembered, so it must not be changed after its first use. One that is out of order is
 * put in order.
 *
 * @param {Viseme[]} visemes in order of time, ending with silence
 * @param {number} tMs time since the first sample of the sentence, in ms
 * @returns {MouthPose} the rest pose before, after, and for an empty list
 */
export function poseAt(visemes, tMs) {
  const { starts, ids, centres, cores, spreads } = timelineOf(visemes);
  if (starts.length === 0) return restPose();

  const mean = new Array(PARAMETERS.length).fill(0);
  let total = 0;
  /** @param {number} weight @param {number[]} target */
  const pull = (weight, target) => {
    total += weight;
    for (let column = 0; column < mean.length; column += 1) mean[column] += weight * target[column];
  };

  const last = starts.length - 1;
  const here = indexAt(starts, tMs);
  // Silence before the first viseme, in case the list does not begin with one.
  pull(dominance(Math.max(0, tMs - starts[0]), SLOPE_MS / 2), TARGETS[0]);
  for (let i = Math.max(here, 0); i >= 0 && centres[i] + cores[i] > tMs - REACH_MS; i -= 1) add(i);
  for (let i = Math.max(here, 0) + 1; i <= last && starts[i] < tMs + REACH_MS; i += 1) add(i);
  return toPose(mean.map((sum) => sum / total));

  /** @param {number} i */
  function add(i) {
    const distance = tMs - centres[i];
    const outside = Math.max(0, Math.abs(distance) - cores[i]);
    pull(STRENGTHS[ids[i]] * dominance(outside, spreads[i] * (distance < 0 ? RISE : FALL)), TARGETS[ids[i]]);
  }
}

/**
 * The moments a listener hears as stressed: open vowels that last, at most one in 550 ms.
 * @param {Viseme[]} visemes
 * @returns {number[]} their centres in ms, in order
 */
export function stressesOf(visemes) {
  const { ids, starts, centres } = timelineOf(visemes);
  /** @type {number[]} */
  const stresses = [];
  for (let i = 0; i + 1 < starts.length; i += 1) {
    const lasting = starts[i + 1] - starts[i] >= 70;
    const apart = stresses.length === 0 || centres[i] - stresses[stresses.length - 1] >= 550;
    if (TARGETS[ids[i]][0] >= 0.42 && lasting && apart) stresses.push(centres[i]);
  }
  return stresses;
}

/** @param {MouthPose} from @param {MouthPose} to @param {number} part 0 … 1 @returns {MouthPose} */
export function blendPoses(from, to, part) {
  return toPose(PARAMETERS.map((name) => from[name] + (to[name] - from[name]) * part));
}

/** @param {number[]} row @returns {MouthPose} */
function toPose(row) {
  return /** @type {MouthPose} */ (Object.fromEntries(PARAMETERS.map((name, column) => [name, row[column]])));
}

/** @param {number} distanceMs @param {number} spreadMs */
function dominance(distanceMs, spreadMs) {
  return Math.exp(-((distanceMs / spreadMs) ** 1.5));
}

/** @param {Float64Array} starts @param {number} tMs @returns {number} index of the viseme that lasts at tMs, or -1 */
function indexAt(starts, tMs) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= tMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * @typedef {Object} Timeline
 * @property {Float64Array} starts
 * @property {Uint8Array} ids
 * @property {Float64Array} centres
 * @property {Float64Array} cores half the time a viseme is held at full weight
 * @property {Float64Array} spreads scale of the decay outside the core: short visemes decay faster
 */

/** @type {WeakMap<Viseme[], Timeline>} */
const timelines = new WeakMap();

/** @param {Viseme[]} visemes @returns {Timeline} */
function timelineOf(visemes) {
  let timeline = timelines.get(visemes);
  if (!timeline) {
    timeline = readTimeline(visemes);
    timelines.set(visemes, timeline);
  }
  return timeline;
}

/** @param {Viseme[]} visemes @returns {Timeline} */
function readTimeline(visemes) {
  const sorted = [...visemes].sort((one, other) => one[0] - other[0]);
  const starts = Float64Array.from(sorted, ([offset]) => offset);
  const ids = Uint8Array.from(sorted, ([, id]) => (id in TARGETS ? id : 0));
  const centres = new Float64Array(starts.length);
  const cores = new Float64Array(starts.length);
  const spreads = new Float64Array(starts.length);
  starts.forEach((start, i) => {
    const isLast = i === starts.length - 1;
    const lasts = isLast ? 4 * SLOPE_MS : starts[i + 1] - start;
    centres[i] = start + lasts / 2;
    cores[i] = Math.max(0, lasts / 2 - SLOPE_MS);
    spreads[i] = Math.min(Math.max(lasts * 0.65, 28), 80);
    // What comes last has no end: its core reaches for ever.
    if (isLast) {
      cores[i] = 1e9;
      centres[i] = start + SLOPE_MS + cores[i];
    }
  });
  return { starts, ids, centres, cores, spreads };
}
