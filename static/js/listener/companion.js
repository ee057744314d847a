/**
 * Tells a speaker page in the same browser that this page may make sound, so that the speaker can
 * be advised to wear headphones: otherwise the microphone hears the translation.
 */

/**
 * @param {string} joinCode
 * @param {() => boolean} hasSound whether the voice can be heard now
 * @returns {() => void} call it when that changes
 */
export function announceListener(joinCode, hasSound) {
  if (typeof BroadcastChannel !== "function") return () => {};
  const channel = new BroadcastChannel("avatartranslate");
  const announce = (sound = hasSound()) => {
    channel.postMessage({ type: "listener-open", joinCode, sound });
  };
  channel.onmessage = ({ data }) => {
    if (data?.type === "who-listens") announce();
  };
  addEventListener("pagehide", () => announce(false));
  addEventListener("pageshow", () => announce());
  announce();
  return () => announce();
}
