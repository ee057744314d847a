/** Hair and head coverings, painted once per size: what falls behind the neck, and what lies over the face. */

import { bothSides, fade, glow, gradientBetween, mirrored, mix, randomFrom, soft, strands, within } from "./paint.js";

/** @typedef {{deep: string, base: string, light: string}} HairColours all #RRGGBB */
/** @typedef {import("./paint.js").Curve} Curve */

/**
 * @typedef {Object} HairStyle
 * @property {(ctx: CanvasRenderingContext2D, colours: HairColours) => void} [back]
 * @property {(ctx: CanvasRenderingContext2D, colours: HairColours) => void} front
 * @property {() => Path2D} [shadow] what throws a shadow on the face
 * @property {boolean} [underChin] goes round the chin and moves with it
 */

/** @param {string} outline SVG path data */
const shape = (outline) => new Path2D(outline);

/** @param {CanvasRenderingContext2D} ctx @param {Path2D} path @param {HairColours} colours @param {number} from y @param {number} to y */
function fillHair(ctx, path, { deep, base, light }, from, to) {
  ctx.fillStyle = gradientBetween(ctx, [-70, from], [50, to],
    [0, mix(base, deep, 0.08)], [0.22, mix(base, light, 0.35)], [0.45, base], [1, mix(base, deep, 0.75)]);
  ctx.fill(path);
}

/** @param {CanvasRenderingContext2D} ctx @param {HairColours} colours @param {Curve} first @param {Curve} second @param {number} count @param {number} seed */
function comb(ctx, { deep, base, light }, first, second, count, seed) {
  strands(ctx, first, second, { count, colours: [deep, deep, base], opacity: 0.42, width: 1.7, jitter: 5, seed });
  strands(ctx, first, second, { count: Math.round(count * 0.7), colours: [light, mix(light, "#ffffff", 0.25)], opacity: 0.34, width: 1.2, jitter: 5, seed: seed + 7 });
}

/** A band of light across the crown. @param {CanvasRenderingContext2D} ctx @param {Path2D} band @param {string} colour @param {number} opacity */
function sheen(ctx, band, colour, opacity) {
  soft(ctx, band, fade(colour, opacity), 7, "screen");
}

const wavesRight = () => shape("M-30-160C20-178 110-170 124-66C130-18 128 20 140 62C150 98 156 130 140 168C130 192 108 206 88 204C104 176 94 152 98 122C102 92 90 74 97 44C102 12 98-16 90-44C76-84 22-96-26-148Z");
const wavesLeft = () => shape("M-22-161C-66-172-116-160-124-70C-128-20-126 16-136 60C-146 96-152 126-138 164C-128 188-106 202-86 200C-100 172-92 150-98 120C-103 92-92 70-98 42C-104 12-101-18-96-44C-90-86-62-112-26-148Z");

/** @type {HairStyle} */
export const waves = {
  back(ctx, colours) {
    const mass = shape("M0-150C80-150 122-116 124-40C126 20 160 80 148 150C140 196 104 214 60 212L-60 212C-104 214-140 196-148 150C-160 80-126 20-124-40C-122-116-80-150 0-150Z");
    fillHair(ctx, mass, { ...colours, base: mix(colours.base, colours.deep, 0.55), light: colours.base }, -160, 200);
    within(ctx, mass, () => bothSides(ctx, (side) => {
      comb(ctx, { ...colours, light: colours.base }, [[50, -60], [60, 40], [50, 100], [44, 210]], [[128, -60], [132, 40], [160, 100], [140, 210]], 60, 3 + side);
      glow(ctx, 40, 120, 60, 90, "#120604", 0.55);
    }));
  },
  front(ctx, colours) {
    for (const [path, side] of /** @type {[Path2D, 1 | -1][]} */ ([[wavesLeft(), -1], [wavesRight(), 1]])) {
      fillHair(ctx, path, colours, -165, 190);
      within(ctx, path, () => {
        if (side > 0) {
          comb(ctx, colours, [[-30, -148], [10, -110], [72, -96], [90, -44], [100, 0], [86, 60], [96, 90], [106, 120], [92, 170], [92, 206]],
            [[-28, -152], [20, -206], [120, -170], [126, -60], [130, 0], [128, 30], [142, 64], [160, 110], [160, 170], [128, 204]], 150, 21);
        } else {
          comb(ctx, colours, [[-22, -146], [-62, -112], [-90, -86], [-96, -44], [-104, 0], [-92, 60], [-98, 90], [-104, 120], [-92, 170], [-88, 202]],
            [[-24, -152], [-60, -204], [-124, -160], [-126, -64], [-128, 0], [-126, 30], [-140, 64], [-156, 110], [-156, 170], [-122, 200]], 140, 23);
        }
        sheen(ctx, shape(side > 0 ? "M6-132C50-140 90-116 108-70L118-84C104-128 56-158 6-146Z" : "M-50-134C-84-122-102-98-112-66L-118-84C-112-116-92-140-56-148Z"), colours.light, 0.55);
        glow(ctx, side * 112, 120, 26, 60, colours.light, 0.3, "screen");
        glow(ctx, side * 96, 30, 14, 60, "#120604", 0.3);
      });
    }
  },
  shadow: () => {
    const path = wavesRight();
    path.addPath(wavesLeft());
    return path;
  },
};

const fringe = () => shape("M0-173C-58-170-104-120-102-40C-70-33-40-36-2-36C36-36 70-33 102-40C104-120 58-170 0-173Z");
const bobSide = () => shape("M-6-173C76-176 123-132 126-56C129 0 133 62 124 100C119 119 100 125 82 117C92 100 97 78 97 50C98 14 94-18 90-50C84-110 50-150-6-173Z");

/** @type {HairStyle} */
export const bob = {
  back(ctx, colours) {
    const mass = shape("M0-150C80-150 116-116 120-40C126 20 136 70 124 108C110 128 60 122 0 122C-60 122-110 128-124 108C-136 70-126 20-120-40C-116-116-80-150 0-150Z");
    fillHair(ctx, mass, { ...colours, base: mix(colours.base, colours.deep, 0.6), light: colours.base }, -160, 120);
    within(ctx, mass, () => glow(ctx, 0, 90, 110, 70, "#050306", 0.5));
  },
  front(ctx, colours) {
    bothSides(ctx, (side) => {
      const lock = bobSide();
      fillHair(ctx, lock, colours, -170, 120);
      within(ctx, lock, () => {
        comb(ctx, colours, [[0, -170], [50, -150], [86, -110], [92, -44], [96, 0], [102, 70], [84, 118]], [[0, -173], [84, -182], [126, -132], [126, -52], [130, 0], [140, 80], [112, 122]], 110, 31 + side);
        glow(ctx, 116, 8, 12, 46, colours.light, 0.5, "screen");
        glow(ctx, 90, 40, 10, 70, "#050306", 0.4);
      });
    });
    const top = fringe();
    fillHair(ctx, top, colours, -170, -30);
    within(ctx, top, () => {
      const left = /** @type {Curve} */ ([[-2, -174], [-60, -170], [-106, -116], [-100, -38]]);
      comb(ctx, colours, left, [[0, -170], [-8, -130], [-6, -80], [-4, -34]], 110, 33);
      comb(ctx, colours, mirrored(left), [[0, -170], [8, -130], [6, -80], [4, -34]], 110, 34);
      sheen(ctx, shape("M-88-96C-58-120 58-120 88-96L84-85C56-106-56-106-84-85Z"), colours.light, 0.75);
    });
    // The fringe ends in tips.
    strands(ctx, [[-99, -50], [-100, -46], [-100, -42], [-99, -36]], [[99, -50], [100, -46], [100, -42], [99, -36]],
      { count: 130, colours: [colours.deep, colours.base], opacity: 0.45, width: 1.6, jitter: 3.5, seed: 35 });
  },
  shadow: () => {
    const path = fringe();
    for (const side of [1, -1]) path.addPath(bobSide(), new DOMMatrix([side, 0, 0, 1, 0, 0]));
    return path;
  },
};

const swept = () => shape("M-99-32C-112-70-112-118-84-146C-66-172-18-184 24-178C76-172 110-138 109-88C110-66 106-46 99-30C98-46 97-62 92-76C82-96 56-98 24-102C-14-106-44-112-62-120C-76-104-88-84-91-66C-94-54-96-42-99-32Z");

/** @type {HairStyle} */
export const sideSwept = {
  front(ctx, colours) {
    // Cropped sides, greyer than the top.
    bothSides(ctx, () => {
      const side = shape("M88-84C104-84 111-60 106-30C105-12 103 2 97 14C96-6 95-24 92-42Z");
      soft(ctx, side, fade(mix(colours.base, colours.light, 0.4), 0.85), 2);
      within(ctx, side, () => comb(ctx, { ...colours, deep: colours.base }, [[90, -80], [94, -40], [96, -10], [96, 12]], [[110, -80], [112, -50], [106, -10], [102, 10]], 40, 41));
    });
    const mass = swept();
    fillHair(ctx, mass, colours, -178, 40);
    within(ctx, mass, () => {
      comb(ctx, colours, [[-62, -118], [-10, -104], [50, -104], [92, -76], [96, -62], [98, -46], [99, -32]],
        [[-66, -152], [-10, -222], [116, -196], [110, -88], [110, -66], [106, -46], [100, -30]], 170, 42);
      comb(ctx, colours, [[-62, -120], [-80, -104], [-90, -80], [-97, -36]], [[-66, -150], [-112, -156], [-118, -90], [-102, -36]], 60, 43);
      sheen(ctx, shape("M-30-140C10-160 66-152 92-112L84-108C60-138 12-144-28-130Z"), colours.light, 0.5);
      glow(ctx, -64, -126, 10, 26, colours.deep, 0.5);
      glow(ctx, 90, -60, 18, 40, colours.light, 0.25, "screen");
    });
  },
  shadow: swept,
};

const cropped = () => shape("M-99-40C-108-110-76-170 0-171C76-170 108-110 99-40C97-52 96-66 93-80C82-104 62-112 30-113C10-114-10-114-30-113C-62-112-82-104-93-80C-96-66-97-52-99-40Z");

/** @type {HairStyle} */
export const shortCurls = {
  front(ctx, colours) {
    bothSides(ctx, () => {
      ctx.fillStyle = gradientBetween(ctx, [0, -70], [0, 6], [0, fade(colours.base, 0.95)], [1, fade(colours.base, 0)]);
      ctx.fill(shape("M84-92C94-96 97-66 97-30L97 6L91 6C92-14 90-40 86-62Z"));
    });
    const mass = cropped();
    fillHair(ctx, mass, colours, -172, -40);
    const random = randomFrom(51);
    within(ctx, mass, () => {
      for (let i = 0; i < 1500; i += 1) {
        const x = (random() - 0.5) * 214;
        const y = -176 + random() * 140;
        const lit = Math.max(0, 1 - Math.hypot(x + 34, y + 146) / 95);
        ctx.strokeStyle = random() < 0.3 + 0.4 * lit ? fade(colours.light, 0.22 + 0.4 * lit) : fade(colours.deep, 0.5);
        ctx.lineWidth = 1 + random();
        ctx.beginPath();
        const start = random() * 6;
        ctx.arc(x, y, 1.6 + random() * 2, start, start + 3.6);
        ctx.stroke();
      }
    });
    // A soft outline and hairline instead of a cut edge.
    for (let i = 0; i < 420; i += 1) {
      const part = random();
      const angle = Math.PI * (0.96 - 0.92 * part);
      const onCrown = random() < 0.6;
      const x = onCrown ? Math.cos(angle) * 98 : (part - 0.5) * 184;
      const y = onCrown ? -62 - Math.max(0, Math.sin(angle)) * 108 : -114 + 34 * (2 * Math.abs(part - 0.5)) ** 4;
      ctx.fillStyle = fade(colours.deep, 0.5);
      ctx.beginPath();
      ctx.arc(x + (random() - 0.5) * 4, y + (random() - 0.5) * 4, 1 + random() * 1.4, 0, 7);
      ctx.fill();
    }
  },
  shadow: cropped,
};

const silver = () => shape("M-98 22C-124 4-132-60-116-110C-100-164-44-190 10-184C72-182 118-150 124-92C130-50 122 2 98 26C101 2 100-24 92-46C84-74 66-86 40-98C16-108-16-118-38-138C-52-112-78-94-90-62C-98-38-100-6-98 22Z");

/** @type {HairStyle} */
export const softCrop = {
  back(ctx, colours) {
    const mass = shape("M0-150C80-150 120-110 122-40C122 10 116 44 96 62C88 66 80 60 78 50L-78 50C-80 60-88 66-96 62C-116 44-122 10-122-40C-120-110-80-150 0-150Z");
    fillHair(ctx, mass, { ...colours, base: mix(colours.base, colours.deep, 0.6), light: colours.base }, -160, 90);
    bothSides(ctx, (side) => comb(ctx, { ...colours, light: colours.base }, [[60, 0], [80, 20], [84, 40], [76, 62]], [[122, -40], [122, 0], [116, 40], [92, 66]], 40, 60 + side));
  },
  front(ctx, colours) {
    const mass = silver();
    fillHair(ctx, mass, colours, -184, 30);
    within(ctx, mass, () => {
      comb(ctx, colours, [[-38, -138], [10, -108], [78, -96], [97, 22]], [[-40, -150], [-30, -244], [160, -214], [116, 14]], 180, 61);
      comb(ctx, colours, [[-38, -138], [-66, -104], [-98, -60], [-97, 20]], [[-40, -152], [-120, -216], [-150, -50], [-106, 18]], 130, 62);
      sheen(ctx, shape("M-16-150C40-160 84-130 104-78L96-72C76-118 34-140-14-138Z"), "#ffffff", 0.4);
      sheen(ctx, shape("M-64-136C-92-112-106-80-110-44L-102-42C-98-76-84-104-58-126Z"), "#ffffff", 0.34);
      glow(ctx, -40, -142, 12, 22, colours.deep, 0.5);
      glow(ctx, 92, -10, 14, 34, colours.deep, 0.35);
      glow(ctx, -94, -10, 12, 34, colours.deep, 0.35);
    });
  },
  shadow: silver,
};

const veil = () => shape("M0-184C92-184 134-118 131-30C131 44 118 104 84 142C60 168 40 178 0 180C-40 178-60 168-84 142C-118 104-131 44-131-30C-134-118-92-184 0-184ZM0-112C-56-112-91-76-93-22C-95 34-92 72-74 102C-54 130-30 141 0 141C30 141 54 130 74 102C92 72 95 34 93-22C91-76 56-112 0-112Z");

/** @type {HairStyle} */
export const headscarf = {
  back(ctx, { deep, base }) {
    // The cap under the scarf shows round the face.
    ctx.fillStyle = mix(base, deep, 0.85);
    ctx.fill(shape("M0-150C80-150 118-110 118-30C118 60 100 130 0 170C-100 130-118 60-118-30C-118-110-80-150 0-150Z"));
  },
  front(ctx, colours) {
    const scarf = veil();
    fillHair(ctx, scarf, colours, -184, 180);
    within(ctx, scarf, () => {
      bothSides(ctx, () => strands(ctx,
        [[0, -118], [58, -116], [96, -80], [97, -10], [98, 60], [80, 120], [10, 146]],
        [[0, -184], [92, -184], [136, -110], [129, -10], [130, 70], [104, 150], [0, 182]],
        { count: 10, colours: [colours.deep, colours.light], opacity: 0.3, width: 5, jitter: 3, seed: 71 }));
      sheen(ctx, shape("M-70-142C-34-166 20-168 54-152L50-140C20-152-30-150-62-130Z"), colours.light, 0.55);
      glow(ctx, 104, 60, 36, 110, colours.deep, 0.45);
    });
    // The hem turns inwards round the face.
    ctx.strokeStyle = fade(colours.deep, 0.55);
    ctx.lineWidth = 2.4;
    ctx.stroke(shape("M0-112C-56-112-91-76-93-22C-95 34-92 72-74 102C-54 130-30 141 0 141C30 141 54 130 74 102C92 72 95 34 93-22C91-76 56-112 0-112Z"));
    ctx.strokeStyle = fade(colours.light, 0.5);
    ctx.lineWidth = 1.6;
    ctx.stroke(shape("M0-115C-58-115-94-78-96-22C-98 34-95 73-77 104"));
  },
  shadow: veil,
  underChin: true,
};
