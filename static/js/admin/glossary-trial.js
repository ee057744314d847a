/** Translates a sentence with an event's glossary and without it, and lets both be heard. */
import { ask } from "./fetch-office.js";

const urls = JSON.parse(document.getElementById("trial-data").textContent);
const form = /** @type {HTMLFormElement | null} */ (document.getElementById("trial"));
const results = document.getElementById("trial-results");
const audio = /** @type {HTMLAudioElement} */ (document.getElementById("trial-audio"));
/** The newest question; what answers an older one is left aside. @type {AbortController | null} */
let asking = null;
/** What the results are in. */
let language = "";

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    translate(form);
  });
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-say]"))) {
    button.addEventListener("click", () => say(button));
  }
}

/** @param {HTMLFormElement} asked */
async function translate(asked) {
  const question = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(asked)));
  delete question.csrfmiddlewaretoken;
  results.hidden = true;
  rest();
  await attempt("Translating…", async (signal) => {
    const answer = await (await ask(urls.translate, question, signal)).json();
    if (signal.aborted) return;
    language = question.target;
    write("trial-with", answer.with);
    write("trial-without", answer.without);
    document.getElementById("trial-terms").textContent = answer.terms.length
      ? `Terms found: ${answer.terms.join(", ")}`
      : "No term of the glossary is in this sentence.";
    results.hidden = false;
  });
}

/** @param {HTMLButtonElement} button */
async function say(button) {
  const text = document.getElementById(button.dataset.say).textContent;
  rest();
  await attempt("Preparing the voice…", async (signal) => {
    const response = await ask(urls.say, { text, language, glossary: button.dataset.glossary }, signal);
    const sound = await response.blob();
    if (signal.aborted) return;
    audio.src = URL.createObjectURL(sound);
    audio.hidden = false;
    // Some browsers start no sound that long after the click; the controls are there.
    await audio.play().catch(() => undefined);
  });
}

function rest() {
  audio.pause();
  audio.hidden = true;
  URL.revokeObjectURL(audio.src);
}

/** @param {string} busy @param {(signal: AbortSignal) => Promise<void>} work */
async function attempt(busy, work) {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  tell(busy);
  try {
    await work(mine.signal);
    if (asking === mine) tell("");
  } catch (error) {
    if (asking === mine) tell(/** @type {Error} */ (error).message);
  }
}

/** @param {string} text */
function tell(text) {
  document.getElementById("trial-status").textContent = text;
}

/** @param {string} id @param {string} text */
function write(id, text) {
  const place = document.getElementById(id);
  place.lang = language;
  place.textContent = text;
}
