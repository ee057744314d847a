/**
 * Face, ears and nose: what keeps its shape while the figure speaks, painted once per size.
 *
 * The origin of all drawing is the point between the eyes; one unit is about a hundredth of half a face's width.
 */

import { bothSides, fade, glow, gradientBetween, mix, randomFrom, soft, within } from "./paint.js";

/**
 * @typedef {Object} Skin all #RRGGBB
 * @property {string} light @property {string} base @property {string} shade @property {string} deep
 * @property {string} blush
 */

/**
 * @typedef {Object} FaceLook
 * @property {number} temple half width at the eyes
 * @property {number} cheek half width at the cheekbones
 * @property {number} jaw half width at the corner of the jaw
 * @property {number} chin half width of the chin
 * @property {number} chinY
 * @property {number} nose half width at the wings
 * @property {number} noseY y of the tip
 * @property {number} bridge 0 flat … 1 strong
 * @property {number} age 0 … 1
 * @property {{colour: string, grey: string, opacity: number}} [beard]
 * @property {boolean} [ears] false where they are covered
 * @property {string} [earring] #RRGGBB
 */

/** @param {FaceLook} face @returns {Path2D} */
export function facePath({ temple, cheek, jaw, chin, chinY }) {
  const path = new Path2D();
  path.moveTo(0, -152);
  path.bezierCurveTo(temple * 0.6, -152, temple, -112, temple, -34);
  path.bezierCurveTo(temple, -6, cheek, 8, cheek, 30);
  path.bezierCurveTo(cheek - 1, 58, jaw + 6, 74, jaw - 3, 92);
  path.bezierCurveTo(jaw - 14, 113, chin + 16, chinY, 0, chinY);
  path.bezierCurveTo(-chin - 16, chinY, -jaw + 14, 113, -jaw + 3, 92);
  path.bezierCurveTo(-jaw - 6, 74, -cheek + 1, 58, -cheek, 30);
  path.bezierCurveTo(-cheek, 8, -temple, -6, -temple, -34);
  path.bezierCurveTo(-temple, -112, -temple * 0.6, -152, 0, -152);
  path.closePath();
  return path;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {FaceLook} face
 * @param {Skin} skin
 * @param {Path2D} [hairShadow] what throws a shadow on the forehead
 */
export function drawFace(ctx, face, skin, hairShadow) {
  if (face.ears !== false) bothSides(ctx, () => drawEar(ctx, face, skin));
  const path = facePath(face);
  ctx.fillStyle = gradientBetween(ctx, [-95, -120], [80, 140],
    [0, mix(skin.base, skin.light, 0.75)], [0.45, skin.base], [1, mix(skin.base, skin.shade, 0.55)]);
  ctx.fill(path);
  within(ctx, path, () => {
    shadeForm(ctx, face, skin);
    shadeFeatures(ctx, face, skin);
    if (face.beard) drawBeard(ctx, face, face.beard);
    if (hairShadow) {
      ctx.translate(4, 9);
      soft(ctx, hairShadow, fade(skin.deep, 0.5), 7, "multiply");
    }
  });
}

/** @param {CanvasRenderingContext2D} ctx @param {FaceLook} face @param {Skin} skin */
function shadeForm(ctx, { temple, cheek, jaw, chinY }, skin) {
  const away = new Path2D();
  away.moveTo(temple + 40, -160);
  away.lineTo(temple - 12, -110);
  away.bezierCurveTo(temple - 6, -40, cheek - 14, 10, cheek - 20, 42);
  away.bezierCurveTo(jaw - 14, 84, jaw - 44, chinY - 22, 6, chinY + 2);
  away.lineTo(40, chinY + 60);
  away.lineTo(temple + 60, chinY);
  away.closePath();
  soft(ctx, away, fade(skin.shade, 0.75), 17, "multiply");
  const near = new Path2D();
  near.moveTo(-temple - 30, -160);
  near.lineTo(-temple + 1, -90);
  near.bezierCurveTo(-temple + 3, -20, -cheek + 6, 20, -cheek + 8, 44);
  near.bezierCurveTo(-jaw + 2, 88, -jaw + 30, chinY - 8, 0, chinY + 4);
  near.lineTo(-temple - 40, chinY + 20);
  near.closePath();
  soft(ctx, near, fade(skin.shade, 0.5), 10, "multiply");
}

/** @param {CanvasRenderingContext2D} ctx @param {FaceLook} face @param {Skin} skin */
function shadeFeatures(ctx, { cheek, chinY, age }, skin) {
  glow(ctx, -18, -84, 74, 48, skin.light, 0.6);
  glow(ctx, -2, chinY - 16, 24, 17, skin.light, 0.4);
  bothSides(ctx, (side) => {
    const lit = side < 0 ? 1 : 0.45;
    glow(ctx, cheek * 0.62, 44, 42, 36, skin.blush, 0.42);
    glow(ctx, cheek * 0.6, 27, 27, 17, skin.light, 0.55 * lit);
    // Sockets: deepest beside the nose.
    glow(ctx, 44, -12, 38, 20, skin.shade, 0.42);
    glow(ctx, 20, -6, 14, 20, skin.shade, 0.5);
    glow(ctx, 46, 21, 26, 8, skin.shade, 0.2 + 0.3 * age);
    glow(ctx, 46, -33, 28, 9, skin.light, 0.3 * lit);
    if (age > 0.2) drawYears(ctx, age, skin);
  });
  // Hollow between nose and upper lip.
  glow(ctx, 0, 67, 6, 11, skin.shade, 0.4);
}

/** @param {CanvasRenderingContext2D} ctx @param {number} age @param {Skin} skin */
function drawYears(ctx, age, skin) {
  ctx.lineCap = "round";
  /** @param {number} width @param {number} opacity @param {...number} points start, control, end */
  const line = (width, opacity, ...points) => {
    ctx.strokeStyle = fade(skin.deep, opacity * age);
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.moveTo(points[0], points[1]);
    ctx.quadraticCurveTo(points[2], points[3], points[4], points[5]);
    ctx.stroke();
  };
  line(7, 0.07, 24, 52, 42, 62, 48, 82);
  line(3, 0.1, 25, 53, 42, 63, 47, 80);
  line(1, 0.3, 73, -1, 80, -3, 86, -8);
  line(1, 0.3, 73, 3, 81, 4, 87, 3);
  line(1.1, 0.24, 30, 19, 46, 26, 62, 18);
  line(1.2, 0.2, 4, -84, 30, -90, 58, -84);
  line(1.2, 0.18, 4, -98, 28, -103, 50, -98);
}

/** @param {CanvasRenderingContext2D} ctx @param {FaceLook} face @param {Skin} skin */
function drawEar(ctx, { cheek, earring }, skin) {
  const x = cheek - 3;
  const ear = new Path2D();
  ear.moveTo(x - 4, -22);
  ear.bezierCurveTo(x + 10, -34, x + 23, -24, x + 20, -2);
  ear.bezierCurveTo(x + 18, 14, x + 13, 22, x + 10, 34);
  ear.bezierCurveTo(x + 7, 46, x - 4, 46, x - 6, 36);
  ear.closePath();
  ctx.fillStyle = gradientBetween(ctx, [x - 4, 0], [x + 22, 0], [0, skin.shade], [0.6, mix(skin.base, skin.shade, 0.35)], [1, mix(skin.base, skin.blush, 0.3)]);
  ctx.fill(ear);
  within(ctx, ear, () => {
    glow(ctx, x + 6, 4, 9, 20, skin.deep, 0.5);
    ctx.strokeStyle = fade(skin.deep, 0.35);
    ctx.lineWidth = 2;
    ctx.lineCap = "round";
    ctx.beginPath();
    ctx.moveTo(x + 1, -18);
    ctx.bezierCurveTo(x + 12, -26, x + 17, -14, x + 14, 4);
    ctx.stroke();
    glow(ctx, x + 17, -12, 5, 12, skin.light, 0.4);
    glow(ctx, x + 5, 36, 6, 7, skin.blush, 0.4);
  });
  if (earring) {
    ctx.fillStyle = gradientBetween(ctx, [x, 40], [x + 8, 48], [0, mix(earring, "#ffffff", 0.7)], [1, mix(earring, "#000000", 0.25)]);
    ctx.beginPath();
    ctx.arc(x + 4, 43, 4, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/**
 * A trimmed beard: many short hairs, thinning towards the cheeks, with clear lips.
 * @param {CanvasRenderingContext2D} ctx
 * @param {FaceLook} face
 * @param {{colour: string, grey: string, opacity: number}} beard
 */
function drawBeard(ctx, { jaw, cheek, chinY }, { colour, grey, opacity }) {
  const mass = new Path2D();
  mass.moveTo(-cheek - 6, 14);
  mass.bezierCurveTo(-cheek + 8, 40, -jaw + 8, 62, -46, 66);
  mass.bezierCurveTo(-32, 60, -20, 59, 0, 64);
  mass.bezierCurveTo(20, 59, 32, 60, 46, 66);
  mass.bezierCurveTo(jaw - 8, 62, cheek - 8, 40, cheek + 6, 14);
  mass.lineTo(cheek + 20, chinY + 20);
  mass.lineTo(-cheek - 20, chinY + 20);
  mass.closePath();
  // Skin shows where the lips move; a path wound the other way round is a hole.
  mass.moveTo(35, 86);
  mass.ellipse(0, 86, 35, 14, 0, 0, 2 * Math.PI, true);
  soft(ctx, mass, fade(colour, opacity), 5);
  const random = randomFrom(11);
  ctx.lineCap = "round";
  for (let i = 0; i < 2800; i += 1) {
    const x = (random() - 0.5) * 2 * (cheek + 4);
    const y = 20 + random() * (chinY - 18);
    const side = Math.abs(x) / cheek;
    const upper = side > 0.42 ? 62 - (side - 0.42) * 78 : 61;
    const onLips = (x / 37) ** 2 + ((y - 86) / 15) ** 2 < 1;
    if (y < upper + random() ** 2 * 20 || onLips) continue;
    const silver = random() < (Math.abs(x) < 26 ? 0.55 : 0.3);
    ctx.strokeStyle = fade(silver ? grey : colour, 0.16 + 0.3 * random());
    ctx.lineWidth = 0.7 + 0.5 * random();
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.quadraticCurveTo(x + x * 0.015, y + 2, x * 0.98 + (random() - 0.5) * 2, y + 4 + random() * 2);
    ctx.stroke();
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {FaceLook} face @param {Skin} skin */
export function drawNose(ctx, { nose, noseY, bridge, age }, skin) {
  const side = new Path2D();
  side.moveTo(7, -22);
  side.bezierCurveTo(10 + 3 * bridge, 0, 9, 18, nose * 0.62, noseY - 8);
  side.bezierCurveTo(nose + 4, noseY - 4, nose + 3, noseY + 8, nose - 4, noseY + 9);
  side.lineTo(7, noseY + 5);
  side.bezierCurveTo(5, 20, 5, 0, 7, -22);
  soft(ctx, side, fade(skin.shade, 0.55 + 0.25 * bridge), 5);
  const left = new Path2D();
  left.moveTo(-9, -20);
  left.bezierCurveTo(-10, 6, -10, 16, -nose * 0.7, noseY - 6);
  left.lineTo(-nose * 0.6, noseY - 10);
  left.bezierCurveTo(-8, 14, -7, 0, -9, -20);
  soft(ctx, left, fade(skin.shade, 0.35 * bridge + 0.12), 3);
  // Underside and the shadow it throws on the lip.
  glow(ctx, 1, noseY + 10, nose * 1.15, 9, skin.shade, 0.85);
  glow(ctx, 3, noseY + 15, nose * 0.9, 8, skin.shade, 0.4);
  glow(ctx, -2, 6, 5.5, 34, skin.light, 0.5 + 0.2 * bridge);
  glow(ctx, -1, noseY - 3, nose * 0.72, 11, skin.light, 0.45);
  glow(ctx, 0, noseY, nose, 12, skin.blush, 0.22);
  glow(ctx, -3, noseY - 5, 5, 4.5, "#ffffff", 0.42);
  bothSides(ctx, () => {
    glow(ctx, nose * 0.52, noseY + 7.5, nose * 0.36, 4.2, skin.deep, 0.95);
    glow(ctx, nose * 0.5, noseY + 8, nose * 0.26, 2.8, mix(skin.deep, "#1a0605", 0.6), 0.9);
    ctx.strokeStyle = fade(skin.deep, 0.2);
    ctx.lineWidth = 2;
    ctx.lineCap = "round";
    ctx.beginPath();
    ctx.moveTo(nose, noseY - 4);
    ctx.bezierCurveTo(nose + 3, noseY - 1, nose + 2.5, noseY + 6, nose - 3, noseY + 8);
    ctx.stroke();
  });
  ctx.strokeStyle = fade(skin.deep, 0.3 + 0.1 * age);
  ctx.lineWidth = 1.4;
  ctx.beginPath();
  ctx.moveTo(-nose * 0.34, noseY + 9.5);
  ctx.quadraticCurveTo(0, noseY + 13, nose * 0.34, noseY + 9.5);
  ctx.stroke();
}
