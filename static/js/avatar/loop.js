/** Draws a presenter at the pace of the screen while somebody can see it. */

/** @typedef {import("./presenter.js").Presenter} Presenter */

/**
 * @typedef {(() => void) & {readonly fps: number}} StopAvatar ends the loop when called; `fps` is the mean of the last second
 */

/**
 * @param {Presenter} presenter
 * @param {() => number | null} clock ms of the sentence the listener has heard, null at rest
 * @returns {StopAvatar}
 */
export function startAvatarLoop(presenter, clock) {
  let request = 0;
  /** @type {number[]} */
  let frames = [];

  /** @param {number} nowMs */
  const draw = (nowMs) => {
    // Asked for first, so that a clock that stops the loop stops this one too.
    request = requestAnimationFrame(draw);
    presenter.draw(clock(), nowMs);
    frames.push(nowMs);
    while (frames[0] < nowMs - 1000) frames.shift();
  };
  const follow = () => {
    cancelAnimationFrame(request);
    frames = [];
    if (!document.hidden) request = requestAnimationFrame(draw);
  };

  document.addEventListener("visibilitychange", follow);
  follow();

  const stop = () => {
    document.removeEventListener("visibilitychange", follow);
    cancelAnimationFrame(request);
    frames = [];
  };
  return /** @type {StopAvatar} */ (
    Object.defineProperty(stop, "fps", {
      get: () => (frames.length < 2 ? 0 : ((frames.length - 1) * 1000) / (frames[frames.length - 1] - frames[0])),
    })
  );
}
