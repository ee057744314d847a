/** Puts the drawn avatar on the page and lets its lips follow the voice. */
import { startAvatarLoop } from "../avatar/loop.js";
import { Presenter } from "../avatar/presenter.js";

/** What is drawn now reaches the eye one frame later. */
const DRAWN_AHEAD_MS = 20;

export class Stage {
  #presenter;
  #stopLoop = null;
  #clock;
  /** Milliseconds the loudspeaker lags behind what the browser believes. */
  lipDelayMs = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} look the `avatar` of `joined`
   * @param {() => number|null} heardMs of the speech that plays
   */
  constructor(canvas, look, heardMs) {
    const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#presenter = new Presenter(canvas, look, { reducedMotion });
    new ResizeObserver(() => this.#presenter.resize()).observe(canvas);
    this.#clock = () => {
      const heard = heardMs();
      return heard === null ? null : heard + DRAWN_AHEAD_MS - this.lipDelayMs;
    };
  }

  /** @param {object} look */
  setLook(look) {
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
    if (shown && !this.#stopLoop) this.#stopLoop = startAvatarLoop(this.#presenter, this.#clock);
    if (!shown) {
      this.#stopLoop?.();
      this.#stopLoop = null;
    }
  }
}
