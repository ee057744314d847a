/** Puts into words how things stand and what to do about it. */

/** @typedef {"waiting"|"live"|"paused"|"ended"} EventState */

/**
 * @typedef {object} Words
 * @property {string} tone names the look of the label
 * @property {string} label a word or two
 * @property {string} sentence what it means for the listener
 */

/** @type {Record<EventState, Words>} */
const STATES = {
  waiting: {
    tone: "waiting",
    label: "Waiting",
    sentence: "The speaker has not started yet. This page will start by itself.",
  },
  live: { tone: "live", label: "Live", sentence: "" },
  paused: {
    tone: "paused",
    label: "Paused",
    sentence: "The speaker is taking a break. This page goes on by itself.",
  },
  ended: {
    tone: "ended",
    label: "Ended",
    sentence: "The talk has ended. What was said stays here to read.",
  },
};

/** @param {EventState} state @returns {Words} */
export function stateInWords(state) {
  return STATES[state] ?? STATES.waiting;
}

/**
 * @param {number} seconds until the next attempt; 0 while it is being made
 * @param {boolean} tooMany the server asked to wait
 * @returns {Words}
 */
export function reconnectingInWords(seconds, tooMany) {
  const when = seconds > 0 ? ` in ${seconds} s` : "…";
  return {
    tone: "reconnecting",
    label: `${tooMany ? "Trying again" : "Reconnecting"}${when}`,
    sentence: tooMany
      ? "Too many attempts from this network. The page tries again by itself."
      : "The connection was lost. Nothing is missed: the captions will be filled in.",
  };
}

/** @type {Record<string, string>} why there is no video, where a listener may wonder */
const NO_VIDEO = {
  full: "All video places are taken.",
  busy: "The video is very busy.",
  unavailable: "There is no video for this language.",
};

/**
 * What the drawn avatar stands in for.
 * @param {import("./video.js").VideoState} state
 * @param {{position?: number, reason?: string}} detail
 * @returns {string} "" where there is nothing to explain
 */
export function videoInWords(state, { position, reason }) {
  switch (state) {
    case "asked":
    case "connecting":
      return "The video is starting…";
    case "queued":
      return position === 1
        ? "The video starts soon: you are next."
        : `Waiting for the video: number ${position} in the queue.`;
    case "off":
      return NO_VIDEO[reason] ?? "";
    default:
      return "";
  }
}

/** @type {Record<string, string>} by problem.code, where the server has no words of its own */
const PROBLEMS = {
  backend_down: "The translation service has a problem. Captions go on as soon as it is back.",
  storage_down: "The server cannot store anything right now. Captions go on as soon as it can.",
  overloaded: "The server is very busy. Captions and voice may come late.",
  internal: "Something went wrong on the server. The page goes on by itself.",
  bad_message: "This page and the server do not understand each other. Please reload the page.",
  unknown_language: "This event is not translated into that language. Please choose another.",
  language_unavailable: "That language cannot be translated right now. Please choose another.",
  rehearsal: "This is a rehearsal for invited listeners only. Ask the speaker for the link.",
};

/** @param {{code: string, message?: string}} problem @returns {string} */
export function problemInWords(problem) {
  return problem.message || PROBLEMS[problem.code] || PROBLEMS.internal;
}

/**
 * Why the connection is closed for good.
 * @param {number|null} code close code
 * @param {{code: string, message?: string}|null} problem the last one before the close
 * @returns {{title: string, sentence: string, next: "pin"|"sign_in"|"language"|"code"|"retry"}}
 *   `next`: what the page offers: a PIN, signing in, another language or join code, another attempt
 */
export function refusalInWords(code, problem) {
  const words = problem ? problemInWords(problem) : null;
  if (problem?.code === "pin") {
    return { title: "This event asks for a PIN", sentence: words, next: "pin" };
  }
  if (problem?.code === "sign_in") {
    return { title: "Please sign in", sentence: words, next: "sign_in" };
  }
  if (problem?.code.includes("language")) {
    return { title: "Language not available", sentence: words, next: "language" };
  }
  switch (code) {
    case 4403:
      return {
        title: "Not admitted",
        sentence: words ?? "This event is for invited listeners. Ask the organiser for the link.",
        next: "code",
      };
    case 4404:
      return {
        title: "No such event",
        sentence: "There is no event with this code. Check it, or ask the organiser.",
        next: "code",
      };
    case 4410:
      return {
        title: "Link no longer valid",
        sentence: "The organiser has withdrawn this link. Ask for a new one.",
        next: "code",
      };
    case 4400:
      return { title: "Please reload", sentence: PROBLEMS.bad_message, next: "retry" };
    default:
      return {
        title: "Disconnected",
        sentence: words ?? "The server has closed the connection.",
        next: "retry",
      };
  }
}
