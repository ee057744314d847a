/** An avatar as its listeners will see it: drawn at rest, or a card for a video. */
import { startAvatarLoop } from "../avatar/loop.js";
import { Presenter } from "../avatar/presenter.js";

/** @typedef {import("../avatar/presenter.js").Look & {kind: "drawn" | "video", name: string}} Avatar */

export class AvatarPicture {
  #root = document.createElement("div");
  #canvas = document.createElement("canvas");
  #card = document.createElement("p");
  /** @type {Presenter | null} */
  #presenter = null;
  /** @type {(() => void) | null} */
  #stop = null;

  constructor() {
    this.#root.className = "avatar-picture";
    this.#canvas.setAttribute("role", "img");
    this.#card.className = "avatar-card";
    this.#root.append(this.#canvas, this.#card);
    // Also when it is opened, or shown for the first time.
    new ResizeObserver(() => this.#presenter?.resize()).observe(this.#canvas);
    this.show(null);
  }

  get element() {
    return this.#root;
  }

  /** @param {Avatar | null} avatar */
  show(avatar) {
    const drawn = avatar?.kind === "drawn";
    this.#root.hidden = !avatar;
    this.#canvas.hidden = !drawn;
    this.#card.hidden = drawn;
    this.#root.classList.toggle("transparent", Boolean(drawn && avatar.transparent));
    if (avatar && drawn) this.#draw(avatar);
    else this.#rest();
    if (avatar && !drawn) this.#describe(avatar);
  }

  /** @param {Avatar} avatar */
  #draw(avatar) {
    this.#canvas.setAttribute("aria-label", `Picture of ${avatar.name}`);
    if (this.#presenter) this.#presenter.setLook(avatar);
    else {
      const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.#presenter = new Presenter(this.#canvas, avatar, { reducedMotion });
    }
    this.#stop ??= startAvatarLoop(this.#presenter, () => null);
  }

  #rest() {
    this.#stop?.();
    this.#stop = null;
  }

  /** @param {Avatar} avatar */
  #describe({ name, style }) {
    const title = document.createElement("strong");
    title.textContent = name;
    const described = name.toLowerCase().includes(style.split("-")[0]) || !style ? "" : `, ${style}`;
    this.#card.replaceChildren(title, `${described}. A video from Azure: it has no picture here.`);
  }
}
