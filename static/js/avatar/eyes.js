/** Eyes are painted afresh for each frame, brows and glasses once per size. */

import { bothSides, fade, glow, gradientBetween, mix, strands, within } from "./paint.js";

/** @typedef {import("./head.js").Skin} Skin */

/**
 * @typedef {Object} EyeLook
 * @property {number} apart x of an eye's middle
 * @property {number} half half its width
 * @property {number} high how far the upper lid rises
 * @property {number} low how far the lower lid falls
 * @property {number} tilt how much higher the outer corner is
 * @property {number} crease distance of the fold above the lid; 0 for none
 * @property {number} lashes 0 … 1
 * @property {string} iris #RRGGBB
 * @property {string} [shadow] #RRGGBB on the lid
 */

/**
 * @typedef {Object} BrowLook
 * @property {string} colour #RRGGBB
 * @property {number} thick
 * @property {number} arch
 * @property {number} y
 */

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {EyeLook} eye
 * @param {Skin} skin
 * @param {{blink: number, gazeX: number, gazeY: number, smile: number}} state
 */
export function drawEyes(ctx, eye, skin, state) {
  bothSides(ctx, (side) => {
    ctx.translate(eye.apart, 0);
    drawEye(ctx, eye, skin, side, state);
  });
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {EyeLook} eye @param {Skin} skin @param {-1 | 1} side
 * @param {{blink: number, gazeX: number, gazeY: number, smile: number}} state
 */
function drawEye(ctx, eye, skin, side, { blink, gazeX, gazeY, smile }) {
  const { half, tilt } = eye;
  // A smile lifts the lower lid; looking down takes the upper lid along.
  const low = eye.low * (1 - 0.16 * smile);
  const lift = (eye.high + gazeY * -1.5) * (1 - blink) - low * 0.8 * blink;
  const inner = 1.5;
  /** @param {Path2D} path @param {number} up */
  const upper = (path, up) =>
    path.bezierCurveTo(-half * 0.62, inner - up * 1.36, half * 0.42, -up * 1.34 - tilt * 0.4, half, -tilt);

  const opening = new Path2D();
  opening.moveTo(-half, inner);
  upper(opening, lift);
  opening.bezierCurveTo(half * 0.66, low * 1.15, -half * 0.4, low * 1.3, -half, inner);
  opening.closePath();

  drawLid(ctx, eye, skin, upper, lift, inner);
  if (blink < 0.92) within(ctx, opening, () => drawBall(ctx, eye, side, gazeX, gazeY, lift));

  // Wet inner corner.
  if (blink < 0.6) glow(ctx, -half + 2.5, inner, 4, 2.6, mix(skin.blush, "#d9706c", 0.4), 0.8);
  ctx.strokeStyle = fade(skin.deep, 0.28);
  ctx.lineWidth = 1.1;
  ctx.beginPath();
  ctx.moveTo(half, -tilt);
  ctx.bezierCurveTo(half * 0.66, low * 1.15, -half * 0.4, low * 1.3, -half + 2, inner + 0.5);
  ctx.stroke();

  drawLashes(ctx, eye, skin, lift, inner);
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {EyeLook} eye @param {Skin} skin
 * @param {(path: Path2D, lift: number) => void} upper traces the lid's edge from the inner to the outer corner
 * @param {number} lift how far the lid is up @param {number} inner y of the inner corner
 */
function drawLid(ctx, { half, tilt, crease, high, shadow }, skin, upper, lift, inner) {
  const fold = Math.max(crease, 4);
  const top = high + fold;
  const lid = new Path2D();
  lid.moveTo(-half, inner);
  upper(lid, lift);
  lid.bezierCurveTo(half * 0.5, -top * 1.3 - tilt * 0.4, -half * 0.55, inner - top * 1.22, -half, inner);
  lid.closePath();
  ctx.fillStyle = gradientBetween(ctx, [0, -top], [0, -lift + 2],
    [0, fade(skin.base, 0)], [0.35, fade(mix(skin.base, shadow ?? skin.shade, 0.3), 0.75)], [1, mix(skin.base, shadow ?? skin.shade, 0.55)]);
  ctx.fill(lid);
  if (crease === 0) return;
  ctx.strokeStyle = fade(skin.deep, 0.5);
  ctx.lineWidth = 1.5;
  ctx.lineCap = "round";
  ctx.beginPath();
  ctx.moveTo(-half * 0.86, inner - crease * 0.7 - 2);
  ctx.bezierCurveTo(-half * 0.5, -top * 1.02, half * 0.45, -top * 1.18 - tilt * 0.4, half * 1.06, -tilt - crease * 0.45);
  ctx.stroke();
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {EyeLook} eye @param {-1 | 1} side
 * @param {number} gazeX @param {number} gazeY @param {number} lift how far the lid is up
 */
function drawBall(ctx, { half, high, low, iris }, side, gazeX, gazeY, lift) {
  ctx.fillStyle = gradientBetween(ctx, [-half, 0], [half, 0], [0, "#d9cdc8"], [0.3, "#f8f4f0"], [0.7, "#f8f4f0"], [1, "#d4c8c4"]);
  ctx.fillRect(-half - 2, -high * 1.5, 2 * half + 4, (high + low) * 2);

  const x = gazeX * side * half * 0.26 - 0.4;
  const y = gazeY * 3 - 1.6;
  const r = (high + low) * 0.52;
  const deep = mix(iris, "#0c0706", 0.72);
  const ring = ctx.createRadialGradient(x, y + r * 0.35, r * 0.1, x, y, r);
  ring.addColorStop(0, mix(iris, "#ffffff", 0.28));
  ring.addColorStop(0.5, iris);
  ring.addColorStop(0.86, mix(iris, deep, 0.6));
  ring.addColorStop(1, deep);
  ctx.fillStyle = ring;
  disc(ctx, x, y, r);
  ctx.fillStyle = "#0b0707";
  disc(ctx, x, y, r * 0.44);
  ctx.fillStyle = "rgba(255,255,255,.92)";
  disc(ctx, x - side * r * 0.34, y - r * 0.36, r * 0.21);
  ctx.fillStyle = "rgba(255,255,255,.35)";
  disc(ctx, x + side * r * 0.36, y + r * 0.4, r * 0.12);

  // The lid's shadow on the ball.
  ctx.fillStyle = gradientBetween(ctx, [0, -lift - 1], [0, -lift + 8], [0, "rgba(40,22,18,.55)"], [1, "rgba(40,22,18,0)"]);
  ctx.fillRect(-half, -lift * 1.4 - 2, 2 * half, 12 + lift * 0.4);
}

/** @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} r */
function disc(ctx, x, y, r) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fill();
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {EyeLook} eye @param {Skin} skin
 * @param {number} lift how far the lid is up @param {number} inner y of the inner corner
 */
function drawLashes(ctx, { half, high, tilt, lashes }, skin, lift, inner) {
  const thick = 1.9 + 1.9 * lashes;
  const wing = 5 * lashes;
  ctx.fillStyle = mix("#170c0a", skin.deep, 0.18);
  ctx.beginPath();
  ctx.moveTo(-half, inner);
  ctx.bezierCurveTo(-half * 0.62, inner - lift * 1.36, half * 0.42, -lift * 1.34 - tilt * 0.4, half, -tilt);
  ctx.lineTo(half + wing, -tilt - wing * 0.75);
  ctx.bezierCurveTo(half * 0.5, -lift * 1.34 - thick * 1.4 - tilt * 0.4, -half * 0.58, inner - lift * 1.38 - thick * 0.7, -half, inner);
  ctx.fill();
  if (lashes < 0.5) return;
  ctx.strokeStyle = "rgba(23,12,10,.85)";
  ctx.lineWidth = 0.9;
  ctx.lineCap = "round";
  ctx.beginPath();
  // On a shut eye the lashes point down.
  const up = Math.max(lift / high, -0.7);
  for (let i = 0; i < 5; i += 1) {
    const part = 0.52 + i * 0.1;
    const x = -half + 2 * half * part;
    const y = -tilt * part - lift * 1.02 * (1 - ((part - 0.5) * 1.75) ** 2) - 1;
    ctx.moveTo(x, y);
    ctx.quadraticCurveTo(x + 1.5, y - 2.4 * up, x + 3 + i * 0.7, y - (2.6 + lashes) * up);
  }
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx around the middle of the right brow @param {BrowLook} brow */
export function drawBrow(ctx, { colour, thick, arch }) {
  const path = new Path2D();
  path.moveTo(-28, 0);
  path.bezierCurveTo(-18, -4 - arch * 0.3, -2, -arch - thick * 0.5, 9, -arch - thick * 0.4);
  path.bezierCurveTo(20, -arch * 0.85, 28, 0, 33, 7);
  path.bezierCurveTo(24, 1.5, 16, -arch * 0.55 + thick * 0.42, 5, -arch * 0.5 + thick * 0.45);
  path.bezierCurveTo(-6, -arch * 0.35 + thick * 0.5, -20, thick * 0.4, -28, thick * 0.72);
  path.closePath();
  ctx.fillStyle = gradientBetween(ctx, [-30, 0], [34, 0], [0, fade(colour, 0.25)], [0.25, fade(colour, 0.75)], [0.7, fade(colour, 0.9)], [1, fade(colour, 0.55)]);
  ctx.fill(path);
  strands(ctx, [[-28, 4], [-26, 0], [-24, -2], [-21, -4]], [[20, -arch * 0.5], [25, -arch * 0.5], [29, 2], [34, 7]],
    { count: 34, colours: [colour], opacity: 0.55, width: 1.2, jitter: 2.4, seed: 5 });
}

/** @param {CanvasRenderingContext2D} ctx @param {EyeLook} eye @param {string} colour #RRGGBB of the frame */
export function drawGlasses(ctx, { apart }, colour) {
  const lens = new Path2D();
  lens.moveTo(-33, -17);
  lens.bezierCurveTo(-20, -24, 20, -24, 35, -18);
  lens.bezierCurveTo(40, -12, 37, 14, 28, 22);
  lens.bezierCurveTo(16, 29, -14, 29, -25, 21);
  lens.bezierCurveTo(-34, 12, -37, -8, -33, -17);
  lens.closePath();
  bothSides(ctx, (side) => {
    ctx.save();
    ctx.translate(apart + 2, 2);
    within(ctx, lens, () => {
      ctx.fillStyle = gradientBetween(ctx, [-30 * side, -22], [22 * side, 24],
        [0, "rgba(255,255,255,.26)"], [0.36, "rgba(255,255,255,.05)"], [0.37, "rgba(255,255,255,0)"], [1, "rgba(255,255,255,.07)"]);
      ctx.fillRect(-40, -30, 84, 64);
    });
    ctx.lineWidth = 4.2;
    ctx.strokeStyle = gradientBetween(ctx, [0, -24], [0, 26], [0, mix(colour, "#ffffff", 0.12)], [1, colour]);
    ctx.stroke(lens);
    ctx.lineWidth = 1;
    ctx.strokeStyle = "rgba(255,255,255,.28)";
    ctx.beginPath();
    ctx.moveTo(-30, -18.5);
    ctx.bezierCurveTo(-18, -24, 18, -24, 32, -19);
    ctx.stroke();
    ctx.lineWidth = 4;
    ctx.strokeStyle = colour;
    ctx.beginPath();
    ctx.moveTo(35, -12);
    ctx.lineTo(57, -14);
    ctx.stroke();
    ctx.restore();
  });
  ctx.lineWidth = 4;
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.moveTo(-apart + 31, -4);
  ctx.quadraticCurveTo(0, -13, apart - 31, -4);
  ctx.stroke();
}
