/** The drawn avatar: one figure on one canvas, one frame per call. */

import { figureOf } from "./characters.js";
import { drawBody } from "./clothes.js";
import { drawBrow, drawEyes, drawGlasses } from "./eyes.js";
import { drawFace, drawNose } from "./head.js";
import { emphasisOf, motionAt, stillAt } from "./motion.js";
import { drawMouth, opennessOf } from "./mouth.js";
import { blendPoses, poseAt, restPose } from "./visemes.js";

/** @typedef {import("./characters.js").Figure} Figure */
/** @typedef {import("./motion.js").Motion} Motion */
/** @typedef {import("./visemes.js").Viseme} Viseme */

/**
 * @typedef {Object} Look the drawn avatar of a `joined` message
 * @property {string} character
 * @property {string} style
 * @property {string} [background_colour] #RRGGBB or #RRGGBBAA
 * @property {boolean} [transparent] leave the canvas clear behind the figure
 * @property {boolean} [crop] closer to the face
 */

/** @typedef {{x: number, y: number, canvas: HTMLCanvasElement, width: number, height: number}} Layer in drawing units */
/** @typedef {Record<"back" | "body" | "face" | "nose" | "brow" | "front", Layer>} Layers */

const MOUTH_Y = 86;
/** The head turns about the top of the neck. */
const PIVOT_Y = 120;
/** Below this line the face follows the jaw. */
const JAW_LINE = 62;
const JAW_DROP = 15;
const DEFAULT_BACKGROUND = "#dfe6f1";
/** More pixels than this cost frames and show nothing. */
const MAX_RATIO = 2;
/** What must be in the frame, in drawing units: the middle's y and the size. */
const FRAMES = { portrait: { y: 40, width: 450, height: 524 }, close: { y: -3, width: 300, height: 388 } };

export class Presenter {
  #canvas;
  #ctx;
  #reducedMotion;
  /** @type {Look} */
  #look;
  /** @type {Figure} */
  #figure;
  /** @type {Layers | null} */
  #layers = null;
  /** What the layers were painted for. */
  #painted = "";
  #scale = 1;
  #originX = 0;
  #originY = 0;
  /** @type {Viseme[] | null} */
  #visemes = null;
  #emphasisAt = emphasisOf(null);
  #emphasis = { nod: 0, brows: 0 };
  #spoken = restPose();
  #pose = restPose();
  #engaged = 0;
  /** @type {number | null} */
  #lastMs = null;

  /**
   * @param {HTMLCanvasElement} canvas sized by the page's style sheet
   * @param {Look} look
   * @param {{reducedMotion?: boolean}} [options] with reduced motion only lips and lids move
   */
  constructor(canvas, look, { reducedMotion = false } = {}) {
    const ctx = canvas.getContext("2d");
    if (!ctx) throw new Error("This browser cannot draw on a canvas.");
    this.#canvas = canvas;
    this.#ctx = ctx;
    this.#reducedMotion = reducedMotion;
    this.#look = look;
    this.#figure = figureOf(look.character);
    this.resize();
  }

  /** How far apart the lips are in the last frame: 0 where they touch … 1. */
  get mouthOpenness() {
    return opennessOf(this.#pose);
  }

  /** @param {Look} look */
  setLook(look) {
    this.#look = look;
    this.#figure = figureOf(look.character);
    this.resize();
  }

  /** @param {Viseme[] | null} visemes the sentence that `heardMs` counts in; not to be changed afterwards */
  setSpeech(visemes) {
    this.#visemes = visemes;
    this.#emphasisAt = emphasisOf(visemes);
  }

  /** Take the canvas's size on the page and paint anew what it changes. */
  resize() {
    const canvas = this.#canvas;
    const ratio = Math.min(devicePixelRatio, MAX_RATIO);
    // A canvas that is not shown has no size on the page and keeps its own.
    const width = Math.round(canvas.clientWidth * ratio) || canvas.width;
    const height = Math.round(canvas.clientHeight * ratio) || canvas.height;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const frame = this.#look.crop ? FRAMES.close : FRAMES.portrait;
    this.#scale = Math.min(width / frame.width, height / frame.height);
    this.#originX = width / 2;
    this.#originY = height / 2 - frame.y * this.#scale;
    const { character, style } = this.#look;
    const wanted = [character, style, this.#scale, this.#originY, height].join();
    if (wanted !== this.#painted) this.#layers = null;
    this.#painted = wanted;
    // A resized canvas is blank: without this it would flash until the next frame.
    if (this.#lastMs !== null) this.#paint(this.#lastMs);
  }

  /**
   * Draw one frame.
   * @param {number | null} heardMs ms of the sentence the listener has heard; null at rest
   * @param {number} nowMs any clock that only goes forward
   */
  draw(heardMs, nowMs) {
    this.#listen(heardMs, nowMs);
    this.#paint(nowMs);
  }

  /** @param {number} nowMs */
  #paint(nowMs) {
    const motion = this.#reducedMotion ? stillAt(nowMs) : motionAt(nowMs, this.#engaged, this.#emphasis);
    this.#layers ??= this.#paintLayers();
    this.#drawBackground();
    this.#ctx.setTransform(this.#scale, 0, 0, this.#scale, this.#originX, this.#originY);
    this.#drawFigure(motion, this.#layers);
  }

  /** @param {number | null} heardMs @param {number} nowMs */
  #listen(heardMs, nowMs) {
    const heard = heardMs !== null && this.#visemes !== null ? { visemes: this.#visemes, at: heardMs } : null;
    const passed = this.#lastMs === null ? 1000 : Math.max(0, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    // A sentence that begins or breaks off is blended in and out, so that the mouth never jumps.
    const step = passed / (heard ? 60 : 140);
    this.#engaged = Math.min(1, Math.max(0, this.#engaged + (heard ? step : -step)));
    if (heard) {
      this.#spoken = poseAt(heard.visemes, heard.at);
      this.#emphasis = this.#emphasisAt(heard.at);
    }
    this.#pose = blendPoses(restPose(), this.#spoken, this.#engaged);
  }

  #drawBackground() {
    const ctx = this.#ctx;
    const { width, height } = this.#canvas;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, width, height);
    if (this.#look.transparent) return;
    ctx.fillStyle = this.#look.background_colour || DEFAULT_BACKGROUND;
    ctx.fillRect(0, 0, width, height);
  }

  /** @param {Motion} motion @param {Layers} layers */
  #drawFigure(motion, layers) {
    const ctx = this.#ctx;
    const { eyes, brows, skin, mouth } = this.#figure;
    const jaw = this.#pose.jaw * JAW_DROP;
    const smile = 0.85 - 0.4 * this.#engaged;
    /** @param {number} depth how far in front of the pivot: near things travel further when the head turns */
    const turn = (depth) => ctx.translate(motion.yaw * depth, motion.pitch * depth * 0.7);

    ctx.save();
    this.#headTransform(motion);
    turn(-2);
    this.#put(layers.back);
    ctx.restore();

    ctx.save();
    ctx.translate(0, -1.2 * motion.breath);
    this.#put(layers.body);
    ctx.restore();

    ctx.save();
    this.#headTransform(motion);
    this.#putWithJaw(layers.face, jaw);
    ctx.save();
    turn(2.4);
    ctx.save();
    ctx.translate(0, MOUTH_Y);
    drawMouth(ctx, this.#pose, { ...mouth, shade: skin.shade }, smile);
    ctx.restore();
    drawEyes(ctx, eyes, skin, { ...motion, smile });
    ctx.translate(0, brows.y - 5 * motion.brows);
    for (const side of [1, -1]) {
      ctx.save();
      ctx.scale(side, 1);
      ctx.translate(eyes.apart, 0);
      this.#put(layers.brow);
      ctx.restore();
    }
    ctx.restore();
    ctx.save();
    turn(4);
    this.#put(layers.nose);
    ctx.restore();
    if (this.#figure.hair.underChin) this.#putWithJaw(layers.front, jaw);
    else this.#put(layers.front);
    ctx.restore();
  }

  /** @param {Motion} motion */
  #headTransform({ yaw, pitch, roll, breath }) {
    const ctx = this.#ctx;
    ctx.translate(yaw * 4, pitch * 4.5 - breath * 1.2 + PIVOT_Y);
    ctx.rotate(roll);
    ctx.translate(0, -PIVOT_Y);
  }

  /** @param {Layer} layer */
  #put({ canvas, x, y, width, height }) {
    this.#ctx.drawImage(canvas, x, y, width, height);
  }

  /** Stretch what lies below the jaw line, to the chin. @param {Layer} layer @param {number} drop */
  #putWithJaw(layer, drop) {
    const { canvas, x, y, width, height } = layer;
    const upper = JAW_LINE - y;
    const cut = (upper / height) * canvas.height;
    const stretch = (height - upper + drop) / (height - upper);
    // A line of overlap, or the background shines through the seam when the head is tilted.
    const lap = 2;
    this.#ctx.drawImage(canvas, 0, 0, canvas.width, cut, x, y, width, upper);
    this.#ctx.drawImage(canvas, 0, cut - lap, canvas.width, canvas.height - cut + lap,
      x, JAW_LINE - (lap * height) / canvas.height, width, (height - upper) * stretch + (lap * height) / canvas.height);
  }

  /** @returns {Layers} */
  #paintLayers() {
    const { face, skin, hair, hairColours, body, outfits, eyes, brows, glasses } = this.#figure;
    const outfit = outfits[this.#look.style] ?? Object.values(outfits)[0];
    const colours = outfit.veil ?? hairColours;
    const bottom = (this.#canvas.height - this.#originY) / this.#scale + 4;
    return {
      back: this.#layer(-170, -190, 340, 420, (ctx) => hair.back?.(ctx, colours)),
      body: this.#layer(-262, 30, 524, Math.max(bottom - 30, 10), (ctx) => drawBody(ctx, body, skin, outfit, face.chinY)),
      face: this.#layer(-130, -160, 260, face.chinY + 164, (ctx) => drawFace(ctx, face, skin, hair.shadow?.())),
      nose: this.#layer(-105, -40, 210, 120, (ctx) => {
        drawNose(ctx, face, skin);
        if (glasses) drawGlasses(ctx, eyes, glasses);
      }),
      brow: this.#layer(-36, -26, 76, 44, (ctx) => drawBrow(ctx, brows)),
      front: this.#layer(-165, -192, 330, 406, (ctx) => hair.front(ctx, colours)),
    };
  }

  /**
   * @param {number} x @param {number} y @param {number} width @param {number} height in drawing units
   * @param {(ctx: CanvasRenderingContext2D) => void} paint
   * @returns {Layer}
   */
  #layer(x, y, width, height, paint) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width * this.#scale);
    canvas.height = Math.ceil(height * this.#scale);
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ctx.scale(this.#scale, this.#scale);
    ctx.translate(-x, -y);
    paint(ctx);
    return { canvas, x, y, width: canvas.width / this.#scale, height: canvas.height / this.#scale };
  }
}
