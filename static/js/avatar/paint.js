/** Colour and brush helpers shared by everything that paints the figure. */

/** @typedef {[x: number, y: number]} Point */
/** @typedef {Point[]} Curve a start, then three points (two controls and an end) for each piece */

/** @param {string} hex #RRGGBB @returns {number[]} */
function channels(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** @param {string} from #RRGGBB @param {string} to #RRGGBB @param {number} part 0 … 1 @returns {string} #RRGGBB */
export function mix(from, to, part) {
  const other = channels(to);
  const mixed = channels(from).map((value, i) => Math.round(value + (other[i] - value) * part));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {string} hex #RRGGBB @param {number} opacity 0 … 1 @returns {string} */
export function fade(hex, opacity) {
  return `rgba(${channels(hex).join(",")},${opacity})`;
}

/**
 * Numbers that look random and are the same each time, so that a figure is drawn alike after every resize.
 * @param {number} seed
 * @returns {() => number} next number, 0 … 1
 */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

/**
 * Fill a shape with a blurred edge. A shadow is used because canvas filters are missing in Safari.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Path2D} path
 * @param {string} colour
 * @param {number} blur in drawing units
 * @param {GlobalCompositeOperation} [mode]
 */
export function soft(ctx, path, colour, blur, mode = "source-over") {
  const away = 4000;
  const at = ctx.getTransform();
  ctx.save();
  ctx.globalCompositeOperation = mode;
  ctx.shadowColor = colour;
  ctx.shadowBlur = blur * 2 * Math.hypot(at.a, at.b);
  ctx.shadowOffsetX = away;
  ctx.setTransform(at.a, at.b, at.c, at.d, at.e - away, at.f);
  ctx.fillStyle = "#000";
  ctx.fill(path);
  ctx.restore();
}

/**
 * A soft round patch of light or shade.
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x @param {number} y @param {number} rx @param {number} ry
 * @param {string} hex #RRGGBB
 * @param {number} opacity at its centre
 * @param {GlobalCompositeOperation} [mode]
 */
export function glow(ctx, x, y, rx, ry, hex, opacity, mode = "source-over") {
  ctx.save();
  ctx.globalCompositeOperation = mode;
  ctx.translate(x, y);
  ctx.scale(rx, ry);
  const gradient = ctx.createRadialGradient(0, 0, 0, 0, 0, 1);
  gradient.addColorStop(0, fade(hex, opacity));
  gradient.addColorStop(0.45, fade(hex, opacity * 0.55));
  gradient.addColorStop(1, fade(hex, 0));
  ctx.fillStyle = gradient;
  ctx.beginPath();
  ctx.arc(0, 0, 1, 0, 2 * Math.PI);
  ctx.fill();
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Point} from @param {Point} to
 * @param {...[number, string]} stops
 * @returns {CanvasGradient}
 */
export function gradientBetween(ctx, from, to, ...stops) {
  const gradient = ctx.createLinearGradient(...from, ...to);
  for (const [at, colour] of stops) gradient.addColorStop(at, colour);
  return gradient;
}

/**
 * Hair, folds, weave: many fine strokes between two guide curves.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Curve} first
 * @param {Curve} second with as many points
 * @param {{count: number, colours: string[], opacity: number, width?: number, jitter?: number, seed?: number}} brush
 */
export function strands(ctx, first, second, { count, colours, opacity, width = 1.4, jitter = 4, seed = 1 }) {
  const random = randomFrom(seed);
  ctx.save();
  ctx.lineCap = "round";
  for (let i = 0; i < count; i += 1) {
    const part = (i + random()) / count;
    const points = first.map(([x, y], k) => [
      x + (second[k][0] - x) * part + (random() - 0.5) * jitter,
      y + (second[k][1] - y) * part + (random() - 0.5) * jitter,
    ]);
    ctx.strokeStyle = fade(colours[Math.floor(random() * colours.length)], opacity * (0.4 + 0.6 * random()));
    ctx.lineWidth = width * (0.5 + random());
    ctx.beginPath();
    ctx.moveTo(points[0][0], points[0][1]);
    for (let k = 1; k + 2 < points.length; k += 3) {
      ctx.bezierCurveTo(points[k][0], points[k][1], points[k + 1][0], points[k + 1][1], points[k + 2][0], points[k + 2][1]);
    }
    ctx.stroke();
  }
  ctx.restore();
}

/** @param {Curve} curve @returns {Curve} the same on the other side of the face */
export function mirrored(curve) {
  return curve.map(([x, y]) => [-x, y]);
}

/**
 * Draw something twice, the second time mirrored, so that faces and clothes stay symmetric.
 * @param {CanvasRenderingContext2D} ctx
 * @param {(side: -1 | 1) => void} paint
 */
export function bothSides(ctx, paint) {
  for (const side of /** @type {const} */ ([1, -1])) {
    ctx.save();
    ctx.scale(side, 1);
    paint(side);
    ctx.restore();
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Path2D} path
 * @param {() => void} paint
 */
export function within(ctx, path, paint) {
  ctx.save();
  ctx.clip(path);
  paint();
  ctx.restore();
}
