/** The mouth: lips, teeth, tongue and the dark between them, painted afresh for each frame. */

import { bothSides, fade, glow, gradientBetween, mix, within } from "./paint.js";

/** @typedef {import("./visemes.js").MouthPose} MouthPose */

/**
 * @typedef {Object} MouthLook
 * @property {number} halfWidth at rest, in drawing units
 * @property {number} upper thickness of the upper lip
 * @property {number} lower thickness of the lower lip
 * @property {string} lip #RRGGBB
 * @property {string} lipDeep #RRGGBB
 * @property {string} shade #RRGGBB, the skin's shadow
 * @property {number} shine 0 … 1
 */

/** Lower edge of the upper lip to upper edge of the lower lip with the jaw dropped, in drawing units. */
const WIDEST = 36;
/** How far the teeth reach below the upper lip. */
const TEETH = 9;
/** How much of them shows over a lower lip tucked under them. */
const TUCKED_TEETH = 5.5;

/**
 * @typedef {Object} MouthShape in drawing units around the middle of the closed lips, y downwards
 * @property {number} half half the width between the corners
 * @property {number} inner half the width of the opening
 * @property {number} corner y of the corners
 * @property {number} top y of the upper lip's lower edge
 * @property {number} bottom y of the lower lip's upper edge
 * @property {number} upper thickness of the upper lip
 * @property {number} lower thickness of the lower lip
 * @property {number} round 0 … 1 how oval the opening is
 */

/** @param {MouthPose} pose @returns {number} 0 where the lips touch … 1 as wide as it goes */
export function opennessOf(pose) {
  const { top, bottom } = gapOf(pose);
  return Math.min(1, (bottom - top) / WIDEST);
}

/** @param {MouthPose} pose */
function gapOf({ jaw, upper, lower, press, tuck }) {
  // Lips that are mostly pressed touch: without this a quick /p/ between two vowels would stay ajar.
  const apart = 1 - smooth(0.15, 0.5, press);
  const top = -(upper * 4.6 + jaw * 2.4) * apart;
  const free = (jaw * 27 + lower * 6) * apart;
  const tucked = top + TUCKED_TEETH - 1;
  return { top, bottom: Math.max(top, free + (tucked - free) * smooth(0.25, 0.8, tuck)) };
}

/**
 * @param {MouthPose} pose @param {MouthLook} look @param {number} smile 0 … 1
 * @returns {MouthShape}
 */
function shapeOf(pose, look, smile) {
  const { jaw, width, round, press, tuck } = pose;
  const { top, bottom } = gapOf(pose);
  const half = look.halfWidth * (1 + 0.2 * Math.max(width, 0) + 0.12 * Math.min(width, 0) - 0.4 * round - 0.06 * jaw + 0.1 * smile);
  const thin = 1 - 0.42 * press - 0.1 * jaw;
  return {
    half,
    inner: half * (0.9 - 0.2 * round),
    corner: (-6.5 * smile + jaw * 6) * (1 - round) + ((top + bottom) / 2 + 0.5) * round,
    top,
    bottom,
    upper: look.upper * (thin + 0.28 * round - 0.12 * Math.max(width, 0)),
    lower: look.lower * (thin + 0.22 * round - 0.1 * Math.max(width, 0) - 0.2 * tuck),
    round,
  };
}

/**
 * @param {CanvasRenderingContext2D} ctx at the middle of the closed lips
 * @param {MouthPose} pose
 * @param {MouthLook} look
 * @param {number} smile 0 … 1
 */
export function drawMouth(ctx, pose, look, smile) {
  const shape = shapeOf(pose, look, smile);
  shadeAround(ctx, shape, look, pose);
  const opening = openingPath(shape);
  const isOpen = shape.bottom - shape.top > 0.6;
  if (isOpen) within(ctx, opening, () => drawInside(ctx, shape, pose));
  drawLowerLip(ctx, shape, look, pose);
  if (isOpen && pose.tuck > 0.2) {
    ctx.save();
    ctx.globalAlpha = smooth(0.2, 0.6, pose.tuck);
    within(ctx, openingPath({ ...shape, bottom: shape.top + TUCKED_TEETH }), () => drawUpperTeeth(ctx, shape, 1));
    ctx.restore();
  }
  drawUpperLip(ctx, shape, look);
  if (isOpen) {
    ctx.strokeStyle = fade("#2a0a0c", 0.35);
    ctx.lineWidth = 1;
    ctx.stroke(opening);
  } else {
    drawLipLine(ctx, shape, look);
  }
}

/** @param {MouthShape} shape @returns {Path2D} */
function openingPath(shape) {
  const path = new Path2D();
  path.moveTo(-shape.inner, shape.corner);
  traceUpperEdge(path, shape, 1);
  traceLowerEdge(path, shape, -1);
  path.closePath();
  return path;
}

/** The upper lip's lower edge. @param {Path2D} path @param {MouthShape} shape @param {1 | -1} way 1 from left to right */
function traceUpperEdge(path, { inner, corner, top, round }, way) {
  const i = inner * way;
  const out = 0.72 + 0.28 * round;
  const y = top + (corner - top) * 0.25;
  const dip = 0.9 * (1 - round);
  path.bezierCurveTo(-i * out, y, -i * 0.42, top - 0.4, 0, top + dip);
  path.bezierCurveTo(i * 0.42, top - 0.4, i * out, y, i, corner);
}

/** The lower lip's upper edge. @param {Path2D} path @param {MouthShape} shape @param {1 | -1} way 1 from left to right */
function traceLowerEdge(path, { inner, corner, bottom, round }, way) {
  const i = inner * way;
  const out = 0.84 + 0.16 * round;
  const y = bottom - (bottom - corner) * 0.25;
  path.bezierCurveTo(-i * out, y, -i * 0.48, bottom, 0, bottom);
  path.bezierCurveTo(i * 0.48, bottom, i * out, y, i, corner);
}

/** @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {MouthPose} pose */
function drawInside(ctx, shape, pose) {
  const { inner, top, bottom } = shape;
  ctx.fillStyle = gradientBetween(ctx, [0, top], [0, bottom + 1], [0, "#1d0507"], [0.6, "#3a0d11"], [1, "#571a1d"]);
  ctx.fillRect(-inner - 2, top - 8, 2 * inner + 4, bottom - top + 24);
  const showing = smooth(0.05, 0.6, pose.teeth);
  drawLowerTeeth(ctx, shape, pose);
  drawTongue(ctx, shape, pose);
  if (showing > 0) {
    ctx.save();
    ctx.globalAlpha = Math.min(1, showing * 1.6);
    drawUpperTeeth(ctx, shape, showing);
    ctx.restore();
  }
  // The upper lip throws a shadow into the mouth.
  ctx.fillStyle = gradientBetween(ctx, [0, top], [0, top + 6], [0, "rgba(30,5,8,.5)"], [1, "rgba(30,5,8,0)"]);
  ctx.fillRect(-inner, top - 6, 2 * inner, 12);
  glow(ctx, -inner, shape.corner, inner * 0.4, 12, "#1a0406", 0.85);
  glow(ctx, inner, shape.corner, inner * 0.4, 12, "#1a0406", 0.85);
}

/** @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {number} showing 0 … 1 */
function drawUpperTeeth(ctx, { inner, top }, showing) {
  const edge = top + TEETH * (0.45 + 0.55 * showing);
  const reach = inner * 0.94;
  const teeth = new Path2D();
  teeth.moveTo(-reach, top - 8);
  teeth.lineTo(-reach, edge - 5);
  teeth.bezierCurveTo(-reach * 0.7, edge - 1.2, -reach * 0.35, edge, 0, edge);
  teeth.bezierCurveTo(reach * 0.35, edge, reach * 0.7, edge - 1.2, reach, edge - 5);
  teeth.lineTo(reach, top - 8);
  teeth.closePath();
  ctx.fillStyle = gradientBetween(ctx, [-reach, 0], [reach, 0],
    [0, "#b3a49a"], [0.22, "#ece4da"], [0.5, "#fbf7f0"], [0.78, "#ece4da"], [1, "#b3a49a"]);
  ctx.fill(teeth);
  ctx.strokeStyle = "rgba(120,95,85,.2)";
  ctx.lineWidth = 0.7;
  ctx.beginPath();
  for (const at of [0, 7.4, -7.4, 13.4, -13.4, 18.6, -18.6]) {
    ctx.moveTo(at, top - 2);
    ctx.lineTo(at * 0.985, edge - 1 - Math.abs(at) * 0.06);
  }
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {MouthPose} pose */
function drawLowerTeeth(ctx, { inner, top, bottom, corner }, pose) {
  const gap = bottom - top;
  // Clenched teeth (/s/, /ʃ/, /i/) fill the opening; with the jaw dropped the lip hides most of them.
  const height = pose.teeth * (2 + pose.lower * 6.5) * (1 - 0.45 * pose.jaw) * (1 - 0.9 * smooth(0.5, 0.8, pose.tongue));
  if (height < 1 || gap < 3) return;
  const reach = inner * 0.8;
  const upperEdge = Math.max(bottom - height, top + TEETH * 0.82);
  const teeth = new Path2D();
  teeth.moveTo(-reach, corner + (bottom - corner) * 0.6);
  teeth.quadraticCurveTo(0, upperEdge - (bottom - upperEdge) * 0.3, reach, corner + (bottom - corner) * 0.6);
  teeth.lineTo(reach, bottom + 4);
  teeth.lineTo(-reach, bottom + 4);
  teeth.closePath();
  ctx.fillStyle = gradientBetween(ctx, [-reach, 0], [reach, 0],
    [0, "#8f8078"], [0.3, "#d3c9bf"], [0.5, "#e3dbd1"], [0.7, "#d3c9bf"], [1, "#8f8078"]);
  ctx.fill(teeth);
  ctx.strokeStyle = "rgba(100,75,70,.24)";
  ctx.lineWidth = 0.7;
  ctx.beginPath();
  for (const at of [-2.6, 2.6, -7.8, 7.8, -12.8, 12.8]) {
    ctx.moveTo(at, upperEdge);
    ctx.lineTo(at, bottom + 2);
  }
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {MouthPose} pose */
function drawTongue(ctx, { inner, top, bottom }, { tongue }) {
  const low = bottom - 2 - (bottom - top) * 0.22;
  const tip = low + (top + TEETH * 0.7 - low) * smooth(0.3, 1, tongue);
  const reach = inner * (0.78 - 0.26 * smooth(0.5, 1, tongue));
  const path = new Path2D();
  path.moveTo(-reach, bottom + 8);
  path.bezierCurveTo(-reach * 1.02, tip + (bottom - tip) * 0.1, -reach * 0.55, tip, 0, tip + 0.8);
  path.bezierCurveTo(reach * 0.55, tip, reach * 1.02, tip + (bottom - tip) * 0.1, reach, bottom + 8);
  path.closePath();
  ctx.fillStyle = gradientBetween(ctx, [0, tip], [0, bottom + 6], [0, "#c9696e"], [0.5, "#a84e57"], [1, "#6f2b34"]);
  ctx.fill(path);
  within(ctx, path, () => glow(ctx, 0, tip + 3, reach * 0.6, 4, "#ffd3cf", 0.4));
}

/** @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {MouthLook} look */
function drawUpperLip(ctx, shape, look) {
  const { half, inner, corner, top, upper } = shape;
  const peak = top - upper;
  const path = new Path2D();
  path.moveTo(-half, corner);
  path.bezierCurveTo(-half * 0.68, corner + (peak - corner) * 0.5, -half * 0.4, peak - 0.4, -half * 0.2, peak);
  path.bezierCurveTo(-half * 0.11, peak + 0.2, -half * 0.06, peak + upper * 0.24, 0, peak + upper * 0.26);
  path.bezierCurveTo(half * 0.06, peak + upper * 0.24, half * 0.11, peak + 0.2, half * 0.2, peak);
  path.bezierCurveTo(half * 0.4, peak - 0.4, half * 0.68, corner + (peak - corner) * 0.5, half, corner);
  path.lineTo(inner, corner);
  traceUpperEdge(path, shape, -1);
  path.closePath();
  ctx.fillStyle = gradientBetween(ctx, [0, peak], [0, top + 1.5],
    [0, mix(look.lip, look.lipDeep, 0.12)], [0.55, mix(look.lip, look.lipDeep, 0.55)], [1, look.lipDeep]);
  ctx.fill(path);
  ctx.strokeStyle = fade("#ffffff", 0.1 + 0.12 * look.shine);
  ctx.lineWidth = 0.9;
  ctx.beginPath();
  ctx.moveTo(-half * 0.34, peak + 0.2);
  ctx.quadraticCurveTo(-half * 0.15, peak - 1.4, 0, peak + upper * 0.2);
  ctx.quadraticCurveTo(half * 0.15, peak - 1.4, half * 0.34, peak + 0.2);
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {MouthLook} look @param {MouthPose} pose */
function drawLowerLip(ctx, shape, look, pose) {
  const { half, inner, corner, bottom, lower } = shape;
  const edge = bottom + lower;
  const path = new Path2D();
  path.moveTo(-half, corner);
  path.lineTo(-inner, corner);
  traceLowerEdge(path, shape, 1);
  path.lineTo(half, corner);
  path.bezierCurveTo(half * 0.93, corner + (edge - corner) * 0.6, half * 0.58, edge, 0, edge);
  path.bezierCurveTo(-half * 0.58, edge, -half * 0.93, corner + (edge - corner) * 0.6, -half, corner);
  path.closePath();
  ctx.fillStyle = gradientBetween(ctx, [0, bottom - 1], [0, edge],
    [0, mix(look.lip, look.lipDeep, 0.5)], [0.3, look.lip], [0.75, mix(look.lip, look.lipDeep, 0.12)], [1, mix(look.lip, look.lipDeep, 0.55)]);
  ctx.fill(path);
  within(ctx, path, () => {
    const shine = look.shine * (0.75 + 0.4 * pose.round) * (1 - 0.5 * pose.tuck);
    glow(ctx, -half * 0.12, bottom + lower * 0.42, half * 0.42, lower * 0.36, "#ffffff", 0.5 * shine);
    glow(ctx, half * 0.3, bottom + lower * 0.48, half * 0.22, lower * 0.3, "#ffffff", 0.22 * shine);
  });
}

/** @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {MouthLook} look */
function drawLipLine(ctx, { half, corner, top }, look) {
  ctx.strokeStyle = fade(mix(look.lipDeep, "#20060a", 0.6), 0.85);
  ctx.lineWidth = 1.5;
  ctx.lineCap = "round";
  ctx.beginPath();
  ctx.moveTo(-half * 0.98, corner);
  ctx.bezierCurveTo(-half * 0.6, top + (corner - top) * 0.3 + 0.8, -half * 0.25, top - 1, 0, top + 1);
  ctx.bezierCurveTo(half * 0.25, top - 1, half * 0.6, top + (corner - top) * 0.3 + 0.8, half * 0.98, corner);
  ctx.stroke();
}

/**
 * What the lips do to the skin: a shadow under them, dimples at the corners, the furrow from the nose.
 * @param {CanvasRenderingContext2D} ctx @param {MouthShape} shape @param {MouthLook} look @param {MouthPose} pose
 */
function shadeAround(ctx, { half, corner, bottom, lower, top, upper }, look, pose) {
  glow(ctx, 1, bottom + lower + 5, half * 0.62, 7.5, look.shade, 0.55);
  bothSides(ctx, () => {
    glow(ctx, half + 1, corner + 1, 8, 8, look.shade, 0.5);
    const pull = 0.14 + 0.2 * Math.max(0, pose.width) + 0.1 * pose.jaw;
    glow(ctx, half * 0.5 + 17, -14 + corner * 0.5, 9, 20, look.shade, pull);
  });
  glow(ctx, 0, top - upper - 6, 5, 8, look.shade, 0.25);
}

/** @param {number} from @param {number} to @param {number} value @returns {number} 0 … 1 */
function smooth(from, to, value) {
  const part = Math.min(Math.max((value - from) / (to - from), 0), 1);
  return part * part * (3 - 2 * part);
}
