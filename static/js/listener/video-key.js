/** Takes the green out of a video: WebRTC carries no transparency, so the service sends a green one. */

/** More pixels than this cost more time than they are worth. */
const MOST_WIDTH = 720;
/** How much greener than red and blue a pixel is where it begins to vanish, and where it is gone. */
const VANISHES_FROM = 40;
const GONE_FROM = 110;

/**
 * Makes green transparent, in place, and takes its reflection off what stays.
 * @param {Uint8ClampedArray} pixels RGBA
 */
export function keyOutGreen(pixels) {
  for (let at = 0; at < pixels.length; at += 4) {
    const strongest = Math.max(pixels[at], pixels[at + 2]);
    const greener = pixels[at + 1] - strongest;
    if (greener <= 0) continue;
    pixels[at + 1] = strongest;
    if (greener > VANISHES_FROM) {
      pixels[at + 3] = (255 * (GONE_FROM - greener)) / (GONE_FROM - VANISHES_FROM);
    }
  }
}

/**
 * Draws each new picture of the video without its green.
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 * @returns {() => void} ends it
 */
export function startKeying(video, canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let request = 0;
  const draw = () => {
    request = requestAnimationFrame(draw);
    const scale = Math.min(1, MOST_WIDTH / video.videoWidth);
    const width = Math.round(video.videoWidth * scale);
    const height = Math.round(video.videoHeight * scale);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.drawImage(video, 0, 0, width, height);
    const picture = context.getImageData(0, 0, width, height);
    keyOutGreen(picture.data);
    context.putImageData(picture, 0, 0);
  };
  draw();
  return () => cancelAnimationFrame(request);
}
