/**
 * What the page says in each state. All in one place, so that it reads as one voice.
 *
 * @typedef {import("./speaker-session.js").Phase} Phase
 * @typedef {{title: string, detail: string, button: string, enabled: boolean}} Words
 */

/**
 * @param {Phase | "opening"} phase `opening`: the browser is being asked for the sound.
 * @param {{rehearsal: boolean, connected: boolean, unsentSeconds: number, recording: boolean}} facts
 * @returns {Words}
 */
export function describe(phase, { rehearsal, connected, unsentSeconds, recording }) {
  const keepOn = recording ? "The recording goes on: it" : "Keep speaking: what you say";
  const seconds = Math.round(unsentSeconds);
  const stillToSend = seconds > 1 ? `The last ${seconds} seconds are still on their way.` : "Your last words are still on their way.";
  switch (phase) {
    case "connecting":
      return words("Connecting…", "One moment.", "Start", false);
    case "ready":
      return words("Ready when you are", rehearsal ? "Press Start to rehearse." : "Press Start and speak.", "Start");
    case "open":
      return words("The session is still open", "Press Resume to go on where it stopped.", "Resume");
    case "opening":
      return words("Opening the microphone…", "If the browser asks, allow it.", "Start", false);
    case "starting":
      return words("Starting…", "You can begin to speak.", "Starting…", false);
    case "live":
      return words(rehearsal ? "Rehearsal is live" : "You are live", recording ? "The recording is being translated." : "Speak. You are being translated.", "Pause");
    case "pausing":
      return words("Pausing…", connected ? "The last words are being translated." : `No connection. ${stillToSend}`, "Resume");
    case "paused":
      return words("Paused", connected ? "Nobody hears you now. Press Resume to go on." : "Nobody hears you now. The connection is lost; it comes back by itself.", "Resume");
    case "ending":
      return words("Ending…", connected ? "The last words are being translated." : `No connection. ${stillToSend} Leave this page open.`, "Ending…", false);
    case "ended":
      return words("The session has ended", "Thank you. Press Start again to open a new session.", "Start again");
    case "reconnecting":
      return words("Connection lost – trying again", `${keepOn} is kept and will be sent.${unsentSeconds >= 1 ? ` ${Math.round(unsentSeconds)} seconds are waiting.` : ""}`, "Pause");
    case "busy":
      return words("Somebody else is speaking", "Only one person at a time can speak in a session.", "Start", false);
    case "taken-over":
      return words("You speak somewhere else now", "Another page or another speaker has taken over this session. If that was not meant, speak here again.", "Speak here again");
    case "revoked":
      return words("This link was withdrawn", "The organiser has revoked it. Ask them for a new one.", "Start", false);
    case "wrong-link":
      return words("This link does not work", "There is no such speaker link. Ask the organiser for the right one.", "Start", false);
    case "refused":
      return words("The server turned this page away", "Load the page again. If that does not help, tell the organiser.", "Try again");
  }
}

/**
 * What to do about a problem, beside the server's own words.
 * `finishing`: the speaker has stopped, and what was said is not all done with; as `stopped` where absent.
 * @type {Record<string, {running: string, finishing?: string, stopped: string}>}
 */
const ADVICE = {
  overloaded: {
    running: "What you say is kept, and this page tries again by itself.",
    stopped: "Try again when another session has ended, or ask the organiser.",
  },
  backend_down: {
    running: "Go on: what you say is kept. If this lasts for more than a minute, tell the organiser.",
    stopped: "Try again in a minute. If that does not help, tell the organiser.",
  },
  storage_down: {
    running: "Go on speaking: what you say is kept, and stored as soon as possible. Leave this page open.",
    finishing: "What you said is kept, and stored as soon as possible. Leave this page open.",
    stopped: "Try again in a minute. If that does not help, tell the organiser.",
  },
  internal: {
    running: "What you say is kept. If the page does not recover by itself, load it again.",
    stopped: "Try again, or load the page again.",
  },
  language_unavailable: { running: "Choose another language.", stopped: "Choose another language, or ask the organiser." },
  unknown_language: { running: "Choose another language.", stopped: "Choose another language." },
};

/**
 * @param {import("./speaker-session.js").Problem} problem
 * @param {"running" | "finishing" | "stopped"} now Whether the speaker is speaking on.
 */
export function describeProblem({ code, message }, now) {
  const advice = ADVICE[code]?.[now] ?? ADVICE[code]?.stopped;
  return advice ? `${message} ${advice}` : message;
}

/** @param {number} seconds @returns {string} 1:02:03 or 2:03 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** @param {string} title @param {string} detail @param {string} button @param {boolean} [enabled] @returns {Words} */
function words(title, detail, button, enabled = true) {
  return { title, detail, button, enabled };
}
