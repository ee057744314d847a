/** What went wrong with a microphone, in words for the speaker. */
export class MicrophoneError extends Error {}

/** Whether this browser lets this page near a microphone at all. */
export function canUseMicrophone() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/**
 * @param {string} deviceId Empty for the usual one.
 * @param {boolean} clean Whether the browser removes echo and noise and evens out the loudness.
 * @returns {Promise<MediaStream>}
 * @throws {MicrophoneError}
 */
export async function openMicrophone(deviceId, clean) {
  if (!canUseMicrophone()) {
    throw new MicrophoneError(
      "The browser allows a microphone only on this computer itself or over HTTPS. Open this page with an address that begins with https:// – or use a recording, which works here too.",
    );
  }
  const wishes = { channelCount: 1, echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean };
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: deviceId ? { ...wishes, deviceId: { exact: deviceId } } : wishes,
    });
  } catch (error) {
    throw new MicrophoneError(inPlainWords(/** @type {DOMException} */ (error)));
  }
}

/** @returns {Promise<MediaDeviceInfo[]>} Empty until the user has allowed a microphone. */
export async function listMicrophones() {
  if (!canUseMicrophone()) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "audioinput" && device.deviceId && device.label);
}

/** @param {DOMException} error */
function inPlainWords({ name, message }) {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The browser does not let this page use the microphone. Click the sign left of the address at the top of the window, allow the microphone for this page, then try again.";
    case "NotFoundError":
      return "No microphone was found. Plug one in and try again, or use a recording.";
    case "OverconstrainedError":
      return "The chosen microphone is not there any more. Choose another one.";
    case "NotReadableError":
    case "AbortError":
      return "The microphone is there but gives no sound; another program may be using it. Close that program or choose another microphone.";
    default:
      return `The microphone could not be opened (${message || name}). Choose another one or use a recording.`;
  }
}
