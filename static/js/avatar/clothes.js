/** Neck, shoulders and what they wear, painted once per size. */

import { bothSides, fade, glow, gradientBetween, mix, soft, strands, within } from "./paint.js";

/** @typedef {import("./head.js").Skin} Skin */

/**
 * @typedef {Object} BodyLook
 * @property {number} neck half width
 * @property {number} shoulder 1 for broad ones
 */

/**
 * @typedef {Object} Outfit
 * @property {"crew" | "turtleneck" | "shirt" | "blouse" | "vneck"} top
 * @property {string} colour #RRGGBB of the top
 * @property {string} [jacket] #RRGGBB
 * @property {string} [cardigan] #RRGGBB
 * @property {string} [tie] #RRGGBB
 * @property {string} [scarf] #RRGGBB of cloth over neck and shoulders
 * @property {string} [necklace] #RRGGBB
 * @property {boolean} [knit]
 */

/** Far below any frame, so that tall canvases are filled. */
const HEM = 1400;

/** @param {BodyLook} body @returns {Path2D} */
function torsoPath({ neck, shoulder }) {
  const n = neck + 10;
  const s = shoulder;
  const path = new Path2D();
  path.moveTo(-n, 158);
  path.lineTo(n, 158);
  path.bezierCurveTo(n + 22, 186, 112 * s, 194, 156 * s, 208);
  path.bezierCurveTo(206 * s, 224, 226 * s, 262, 236 * s, 340);
  path.bezierCurveTo(244 * s, 420, 250 * s, 520, 252 * s, HEM);
  path.lineTo(-252 * s, HEM);
  path.bezierCurveTo(-250 * s, 520, -244 * s, 420, -236 * s, 340);
  path.bezierCurveTo(-226 * s, 262, -206 * s, 224, -156 * s, 208);
  path.bezierCurveTo(-112 * s, 194, -n - 22, 186, -n, 158);
  path.closePath();
  return path;
}

/** @param {CanvasRenderingContext2D} ctx @param {BodyLook} body @param {Skin} skin @param {Outfit} outfit @param {number} chinY */
export function drawBody(ctx, body, skin, outfit, chinY) {
  drawNeck(ctx, body, skin, chinY);
  const torso = torsoPath(body);
  ctx.save();
  if (outfit.jacket) {
    // Only between the lapels, or its colour shines through at the edge of the jacket.
    ctx.beginPath();
    ctx.rect(-120, 0, 240, HEM);
    ctx.clip();
  }
  TOPS[outfit.top](ctx, body, torso, outfit);
  ctx.restore();
  if (outfit.cardigan) drawFront(ctx, body, torso, outfit.cardigan, false);
  if (outfit.jacket) drawFront(ctx, body, torso, outfit.jacket, true);
  if (outfit.scarf) drawScarf(ctx, body, outfit.scarf);
}

/** @param {CanvasRenderingContext2D} ctx @param {BodyLook} body @param {Skin} skin @param {number} chinY */
function drawNeck(ctx, { neck, shoulder }, skin, chinY) {
  const path = new Path2D();
  path.moveTo(-neck, 40);
  path.bezierCurveTo(-neck + 3, 110, -neck, 140, -neck - 8, 160);
  path.bezierCurveTo(-neck - 30, 188, -120 * shoulder, 196, -160 * shoulder, 214);
  path.lineTo(-120, 420);
  path.lineTo(120, 420);
  path.lineTo(160 * shoulder, 214);
  path.bezierCurveTo(120 * shoulder, 196, neck + 30, 188, neck + 8, 160);
  path.bezierCurveTo(neck, 140, neck - 3, 110, neck, 40);
  path.closePath();
  ctx.fillStyle = gradientBetween(ctx, [-neck, 0], [neck, 0], [0, mix(skin.base, skin.shade, 0.3)], [0.35, skin.base], [1, mix(skin.base, skin.shade, 0.75)]);
  ctx.fill(path);
  within(ctx, path, () => {
    const chinShadow = new Path2D();
    chinShadow.ellipse(8, chinY - 34, neck + 26, 72, 0, 0, 2 * Math.PI);
    soft(ctx, chinShadow, fade(skin.deep, 0.62), 9, "multiply");
    bothSides(ctx, (side) => {
      ctx.strokeStyle = fade(skin.deep, 0.1);
      ctx.lineWidth = 4;
      ctx.lineCap = "round";
      ctx.beginPath();
      ctx.moveTo(neck - 8, 130);
      ctx.quadraticCurveTo(neck - 20, 180, 10, 212);
      ctx.stroke();
      glow(ctx, 52, 212, 46, 9, side < 0 ? skin.light : skin.base, 0.5);
      glow(ctx, 48, 222, 46, 8, skin.shade, 0.4);
    });
    glow(ctx, 0, 206, 12, 10, skin.deep, 0.14);
    glow(ctx, -10, 262, 70, 50, skin.light, 0.25);
  });
}

/**
 * Cloth with light from the upper left, folds at the arms and the head's shadow.
 * @param {CanvasRenderingContext2D} ctx @param {Path2D} path @param {string} colour @param {number} shoulder
 */
function fillCloth(ctx, path, colour, shoulder) {
  const deep = mix(colour, "#05060c", 0.45);
  const light = mix(colour, "#ffffff", 0.2);
  ctx.fillStyle = gradientBetween(ctx, [-190, 190], [170, 520], [0, light], [0.35, colour], [1, mix(colour, deep, 0.55)]);
  ctx.fill(path);
  within(ctx, path, () => {
    bothSides(ctx, (side) => {
      ctx.lineCap = "round";
      const fold = new Path2D(`M${176 * shoulder} 300C${166 * shoulder} 340 ${172 * shoulder} 420 ${160 * shoulder} 520L${172 * shoulder} 520C${182 * shoulder} 420 ${184 * shoulder} 360 ${180 * shoulder} 300Z`);
      soft(ctx, fold, fade(deep, 0.5), 6);
      soft(ctx, new Path2D(`M${170 * shoulder} 300C140 318 110 330 84 334C112 336 146 332 ${174 * shoulder} 318Z`), fade(deep, 0.2), 7);
      soft(ctx, new Path2D(`M${150 * shoulder} 212C${140 * shoulder} 240 ${150 * shoulder} 270 ${168 * shoulder} 300C${160 * shoulder} 262 ${156 * shoulder} 240 ${160 * shoulder} 214Z`), fade(deep, 0.22), 6);
      glow(ctx, 150 * shoulder, 224, 62, 24, light, side < 0 ? 0.55 : 0.2);
    });
    glow(ctx, 12, 190, 96, 44, deep, 0.6);
  });
}

/** @param {CanvasRenderingContext2D} ctx @param {Path2D} path @param {string} colour */
function ribs(ctx, path, colour) {
  within(ctx, path, () => strands(ctx, [[-240, 190], [-240, 300], [-240, 420], [-240, 900]], [[240, 190], [240, 300], [240, 420], [240, 900]],
    { count: 120, colours: [mix(colour, "#000000", 0.35), mix(colour, "#ffffff", 0.3)], opacity: 0.16, width: 2, jitter: 1, seed: 81 }));
}

/** @param {CanvasRenderingContext2D} ctx @param {Path2D} torso @param {string} opening @param {Outfit} outfit @param {number} shoulder */
function paintWithNeckline(ctx, torso, opening, outfit, shoulder) {
  // The opening and everything above it stays skin.
  const below = new Path2D("M-400-400L400-400L400 1500L-400 1500Z");
  below.addPath(new Path2D(opening));
  ctx.save();
  ctx.clip(below, "evenodd");
  fillCloth(ctx, torso, outfit.colour, shoulder);
  if (outfit.knit) ribs(ctx, torso, outfit.colour);
  ctx.restore();
}

/** @type {Record<Outfit["top"], (ctx: CanvasRenderingContext2D, body: BodyLook, torso: Path2D, outfit: Outfit) => void>} */
const TOPS = {
  crew(ctx, { neck, shoulder }, torso, outfit) {
    const n = neck + 12;
    const opening = `M${-n - 24} 120L${-n} 168C${-n + 10} 204 ${-n * 0.5} 222 0 222C${n * 0.5} 222 ${n - 10} 204 ${n} 168L${n + 24} 120Z`;
    paintWithNeckline(ctx, torso, opening, outfit, shoulder);
    collarBand(ctx, `M${-n} 166C${-n + 10} 204 ${-n * 0.5} 222 0 222C${n * 0.5} 222 ${n - 10} 204 ${n} 166`, outfit.colour, 11);
  },
  vneck(ctx, { neck, shoulder }, torso, outfit) {
    const n = neck + 13;
    const opening = `M${-n - 24} 120L${-n} 166C${-n + 8} 196 -26 240 0 276C26 240 ${n - 8} 196 ${n} 166L${n + 24} 120Z`;
    paintWithNeckline(ctx, torso, opening, outfit, shoulder);
    collarBand(ctx, `M${-n} 164C${-n + 8} 196 -26 240 0 276C26 240 ${n - 8} 196 ${n} 164`, outfit.colour, 9);
    if (outfit.necklace) drawNecklace(ctx, neck, outfit.necklace);
  },
  turtleneck(ctx, { neck, shoulder }, torso, outfit) {
    fillCloth(ctx, torso, outfit.colour, shoulder);
    if (outfit.knit) ribs(ctx, torso, outfit.colour);
    const n = neck + 7;
    const roll = new Path2D(`M${-n} 132C${-n * 0.5} 148 ${n * 0.5} 148 ${n} 132C${n + 5} 150 ${n + 7} 172 ${n + 4} 190C${n * 0.6} 208 ${-n * 0.6} 208 ${-n - 4} 190C${-n - 7} 172 ${-n - 5} 150 ${-n} 132Z`);
    soft(ctx, roll, fade("#05060c", 0.4), 8, "source-atop");
    ctx.fillStyle = gradientBetween(ctx, [-n, 0], [n, 0], [0, mix(outfit.colour, "#000000", 0.15)], [0.35, mix(outfit.colour, "#ffffff", 0.16)], [1, mix(outfit.colour, "#000000", 0.4)]);
    ctx.fill(roll);
    within(ctx, roll, () => {
      strands(ctx, [[-n - 4, 130], [-n - 5, 150], [-n - 6, 170], [-n - 3, 196]], [[n + 4, 130], [n + 5, 150], [n + 6, 170], [n + 3, 196]],
        { count: 44, colours: [mix(outfit.colour, "#000000", 0.4), mix(outfit.colour, "#ffffff", 0.3)], opacity: 0.28, width: 2, jitter: 1, seed: 82 });
      glow(ctx, 6, 128, n + 10, 26, "#05060c", 0.5);
    });
  },
  shirt(ctx, { neck, shoulder }, torso, outfit) {
    const n = neck + 11;
    const tip = outfit.tie ? 214 : 248;
    paintWithNeckline(ctx, torso, `M${-n - 6} 110L${-n + 2} 158L0 ${tip}L${n - 2} 158L${n + 6} 110Z`, outfit, shoulder);
    buttons(ctx, tip, outfit.colour);
    if (outfit.tie) drawTie(ctx, outfit.tie);
    bothSides(ctx, (side) => {
      const wing = new Path2D(`M${n - 8} 140C${n + 4} 142 ${n + 10} 152 ${n + 12} 166L${n - 2} 214L${outfit.tie ? 34 : 40} 240L0 ${tip}C14 ${tip - 20} ${n - 16} 186 ${n - 8} 140Z`);
      ctx.save();
      ctx.translate(3, 6);
      soft(ctx, wing, "rgba(5,6,12,.4)", 5, "source-atop");
      ctx.restore();
      ctx.fillStyle = gradientBetween(ctx, [10, 150], [50, 240], [0, mix(outfit.colour, "#05060c", side < 0 ? 0.1 : 0.26)], [0.4, mix(outfit.colour, "#ffffff", side < 0 ? 0.3 : 0.08)], [1, outfit.colour]);
      ctx.fill(wing);
      ctx.strokeStyle = fade("#05060c", 0.18);
      ctx.lineWidth = 1;
      ctx.stroke(wing);
    });
  },
  blouse(ctx, { neck, shoulder }, torso, outfit) {
    const n = neck + 13;
    paintWithNeckline(ctx, torso, `M${-n - 24} 120L${-n} 164C${-n + 4} 190 -34 236 0 262C34 236 ${n - 4} 190 ${n} 164L${n + 24} 120Z`, outfit, shoulder);
    bothSides(ctx, () => {
      for (const [x, opacity] of [[26, 0.3], [54, 0.24], [84, 0.18]]) {
        soft(ctx, new Path2D(`M${x} 236C${x + 8} 290 ${x - 4} 360 ${x + 4} 460L${x + 9} 460C${x + 4} 360 ${x + 16} 290 ${x + 5} 236Z`), fade(mix(outfit.colour, "#05060c", 0.5), opacity), 3);
      }
    });
    collarBand(ctx, `M${-n} 162C${-n + 4} 190 -34 236 0 262C34 236 ${n - 4} 190 ${n} 162`, outfit.colour, 5);
    if (outfit.necklace) drawNecklace(ctx, neck, outfit.necklace);
  },
};

/** @param {CanvasRenderingContext2D} ctx @param {string} outline @param {string} colour @param {number} width */
function collarBand(ctx, outline, colour, width) {
  const path = new Path2D(outline);
  ctx.save();
  ctx.lineCap = "butt";
  ctx.lineJoin = "round";
  ctx.strokeStyle = fade("#05060c", 0.22);
  ctx.lineWidth = width + 4;
  ctx.stroke(path);
  ctx.strokeStyle = gradientBetween(ctx, [-60, 0], [60, 0], [0, mix(colour, "#ffffff", 0.2)], [1, mix(colour, "#05060c", 0.25)]);
  ctx.lineWidth = width;
  ctx.stroke(path);
  ctx.restore();
}

/** @param {CanvasRenderingContext2D} ctx @param {number} from y @param {string} colour */
function buttons(ctx, from, colour) {
  ctx.fillStyle = fade("#05060c", 0.14);
  ctx.fillRect(9, from, 2, HEM);
  for (let y = from + 26; y < 700; y += 58) {
    ctx.fillStyle = mix(colour, "#05060c", 0.3);
    ctx.beginPath();
    ctx.arc(0, y, 3.4, 0, 2 * Math.PI);
    ctx.fill();
    ctx.fillStyle = mix(colour, "#ffffff", 0.4);
    ctx.beginPath();
    ctx.arc(-0.6, y - 0.8, 2.4, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {string} colour */
function drawTie(ctx, colour) {
  const blade = new Path2D("M-12 236L12 236L30 470L0 520L-30 470Z");
  soft(ctx, blade, "rgba(5,6,12,.35)", 6);
  ctx.fillStyle = gradientBetween(ctx, [-26, 240], [30, 470], [0, mix(colour, "#ffffff", 0.18)], [0.5, colour], [1, mix(colour, "#05060c", 0.4)]);
  ctx.fill(blade);
  within(ctx, blade, () => {
    ctx.strokeStyle = fade(mix(colour, "#ffffff", 0.7), 0.4);
    ctx.lineWidth = 2.6;
    for (let y = 190; y < 560; y += 22) {
      ctx.beginPath();
      ctx.moveTo(-40, y + 34);
      ctx.lineTo(40, y);
      ctx.stroke();
    }
  });
  const knot = new Path2D("M-19 206C-8 200 8 200 19 206L12 240C6 244-6 244-12 240Z");
  ctx.fillStyle = gradientBetween(ctx, [-16, 204], [16, 242], [0, mix(colour, "#ffffff", 0.24)], [0.6, colour], [1, mix(colour, "#05060c", 0.45)]);
  ctx.fill(knot);
}

/** @param {CanvasRenderingContext2D} ctx @param {number} neck @param {string} colour */
function drawNecklace(ctx, neck, colour) {
  ctx.strokeStyle = gradientBetween(ctx, [-neck, 0], [neck, 0], [0, mix(colour, "#ffffff", 0.35)], [1, mix(colour, "#05060c", 0.3)]);
  ctx.lineWidth = 1.8;
  ctx.beginPath();
  ctx.moveTo(-neck - 4, 168);
  ctx.quadraticCurveTo(-18, 230, 0, 234);
  ctx.quadraticCurveTo(18, 230, neck + 4, 168);
  ctx.stroke();
  ctx.fillStyle = mix(colour, "#ffffff", 0.3);
  ctx.beginPath();
  ctx.arc(0, 238, 4.2, 0, 2 * Math.PI);
  ctx.fill();
}

/**
 * An open front over the top: a jacket with lapels, or a cardigan with a band.
 * @param {CanvasRenderingContext2D} ctx @param {BodyLook} body @param {Path2D} torso @param {string} colour @param {boolean} lapels
 */
function drawFront(ctx, { neck, shoulder }, torso, colour, lapels) {
  const n = neck + 12;
  const deep = mix(colour, "#05060c", 0.5);
  bothSides(ctx, (side) => {
    const meets = lapels ? 6 : 26;
    const half = new Path2D(`M${n - 4} 140L300 140L300 ${HEM}L${lapels ? -6 : 44} ${HEM}L${lapels ? -6 : 40} 520L${-meets * (lapels ? 1 : -1)} 430C${lapels ? 26 : 44} 360 ${n + 14} 250 ${n - 4} 140Z`);
    ctx.save();
    ctx.clip(torso);
    soft(ctx, half, "rgba(5,6,12,.5)", 7);
    ctx.clip(half);
    ctx.scale(side, 1);
    fillCloth(ctx, torso, colour, shoulder);
    if (!lapels) ribs(ctx, torso, colour);
    ctx.restore();
    if (!lapels) {
      ctx.strokeStyle = mix(colour, "#05060c", 0.18);
      ctx.lineWidth = 12;
      ctx.beginPath();
      ctx.moveTo(n + 1, 158);
      ctx.bezierCurveTo(n + 18, 250, 50, 360, 34, 430);
      ctx.lineTo(46, HEM);
      ctx.stroke();
      return;
    }
    const lapel = new Path2D(`M${n - 6} 142C${n + 10} 150 ${n + 18} 164 ${n + 20} 178L${n + 42} 246L${n + 22} 254L${n + 48} 272C${n + 34} 330 40 390 -6 430C16 350 ${n + 2} 250 ${n - 6} 142Z`);
    ctx.save();
    ctx.translate(4, 6);
    soft(ctx, lapel, "rgba(5,6,12,.5)", 6, "source-atop");
    ctx.restore();
    ctx.fillStyle = gradientBetween(ctx, [n, 170], [n + 30, 420], [0, mix(colour, "#ffffff", side < 0 ? 0.2 : 0.08)], [0.5, mix(colour, "#ffffff", side < 0 ? 0.1 : 0.02)], [1, mix(colour, deep, 0.3)]);
    ctx.fill(lapel);
    ctx.strokeStyle = fade(deep, 0.7);
    ctx.lineWidth = 1.2;
    ctx.stroke(lapel);
  });
}

/** @param {CanvasRenderingContext2D} ctx @param {BodyLook} body @param {string} colour */
function drawScarf(ctx, { shoulder }, colour) {
  const deep = mix(colour, "#05060c", 0.5);
  const light = mix(colour, "#ffffff", 0.3);
  const drape = new Path2D(`M-74 124C-96 158-128 186-${150 * shoulder} 204C-128 240-84 268-30 282C40 300 104 262 ${154 * shoulder} 206C132 186 96 158 74 124C50 84-50 84-74 124Z`);
  soft(ctx, drape, "rgba(5,6,12,.45)", 8, "source-atop");
  ctx.fillStyle = gradientBetween(ctx, [-120, 120], [110, 330], [0, light], [0.4, colour], [1, mix(colour, deep, 0.6)]);
  ctx.fill(drape);
  within(ctx, drape, () => {
    strands(ctx, [[-96, 110], [-50, 160], [50, 196], [110, 140]], [[-150, 200], [-90, 290], [40, 330], [150, 206]],
      { count: 12, colours: [deep, light], opacity: 0.3, width: 6, jitter: 8, seed: 83 });
    glow(ctx, 6, 150, 104, 62, deep, 0.75);
  });
}
