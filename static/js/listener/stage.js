/** Puts the avatar on the page: the drawn one, whose lips follow the voice, or its video. */
import { startAvatarLoop } from "../avatar/loop.js";
import { Presenter } from "../avatar/presenter.js";
import { startKeying } from "./video-key.js";

/** What is drawn now reaches the eye one frame later. */
const DRAWN_AHEAD_MS = 20;

/**
 * @typedef {object} Places
 * @property {HTMLCanvasElement} drawn
 * @property {HTMLVideoElement} video
 * @property {HTMLCanvasElement} keyed the video without its green
 */

export class Stage {
  #presenter;
  #stopLoop = null;
  #clock;
  #places;
  #look;
  #shown = false;
  #stopKeying = null;
  /** Milliseconds the loudspeaker lags behind what the browser believes. */
  lipDelayMs = 0;

  /**
   * @param {Places} places
   * @param {object} look the `avatar` of `joined`
   * @param {() => number|null} heardMs of the speech that plays
   */
  constructor(places, look, heardMs) {
    const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#places = places;
    this.#look = look;
    this.#presenter = new Presenter(places.drawn, look, { reducedMotion });
    new ResizeObserver(() => this.#presenter.resize()).observe(places.drawn);
    this.#clock = () => {
      const heard = heardMs();
      return heard === null ? null : heard + DRAWN_AHEAD_MS - this.lipDelayMs;
    };
  }

  /** @param {object} look */
  setLook(look) {
    this.#look = look;
    this.#presenter.setLook(look);
  }

  /** @param {[number, number][]|null} visemes of the speech that starts now */
  setSpeech(visemes) {
    this.#presenter.setSpeech(visemes);
  }

  get mouthOpenness() {
    return this.#presenter.mouthOpenness;
  }

  /** Draws only while it is shown. @param {boolean} shown */
  set shown(shown) {
    this.#shown = shown;
    this.#follow();
  }

  /** The video takes the drawn avatar's place. @param {MediaStream} stream */
  showVideo(stream) {
    const { video, keyed } = this.#places;
    video.srcObject = stream;
    // Its sound goes through the player, so that no browser stops it from starting.
    video.muted = true;
    video.play().catch(() => {});
    const { transparent, crop, background_colour: background } = this.#look;
    video.style.backgroundColor = background;
    // A portrait is shown whole; of a wide picture the sides are empty.
    for (const place of [video, keyed]) place.classList.toggle("whole", crop);
    if (transparent) this.#stopKeying = startKeying(video, keyed);
    document.documentElement.dataset.video = transparent ? "keyed" : "plain";
    this.#follow();
  }

  /** The drawn avatar is back. */
  hideVideo() {
    this.#stopKeying?.();
    this.#stopKeying = null;
    this.#places.video.srcObject = null;
    delete document.documentElement.dataset.video;
    this.#follow();
  }

  #follow() {
    const draws = this.#shown && this.#places.video.srcObject === null;
    if (draws) this.#stopLoop ??= startAvatarLoop(this.#presenter, this.#clock);
    if (!draws) {
      this.#stopLoop?.();
      this.#stopLoop = null;
    }
  }
}
