/**
 * Keeps the screen on while somebody speaks or listens. The browser takes the lock away whenever
 * the page is hidden, so it is taken again when the page comes back.
 */

/** @type {WakeLockSentinel|null} */
let lock = null;
let wanted = false;

/** Call from a click; safe to call again. A browser without wake locks is left as it is. */
export async function keepScreenOn() {
  if (!wanted) document.addEventListener("visibilitychange", takeLock);
  wanted = true;
  await takeLock();
}

export async function letScreenSleep() {
  wanted = false;
  document.removeEventListener("visibilitychange", takeLock);
  await lock?.release();
  lock = null;
}

async function takeLock() {
  if (!wanted || document.visibilityState !== "visible" || !navigator.wakeLock) return;
  if (lock && !lock.released) return;
  try {
    lock = await navigator.wakeLock.request("screen");
  } catch {
    lock = null; // refused, for example to save battery: the page works all the same
  }
}
