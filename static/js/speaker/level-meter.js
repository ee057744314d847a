import { SoundWatch } from "./sound-watch.js";

const HINTS = {
  "fine": "",
  "no-sound": "No sound is arriving. Is the microphone switched off or muted, or is another one chosen?",
  "too-loud": "Too loud. Move away from the microphone a little or turn it down.",
};
const HINTS_FOR_RECORDING = {
  "fine": "",
  "no-sound": "The recording is silent here.",
  "too-loud": "The recording is very loud; words may be misheard.",
};
/** What the meter shows as empty; speech lies some 10 to 40 dB above. */
const FLOOR_DB = -60;
/** A falling bar is easier to read than one that jumps. */
const FALL_PER_BLOCK = 0.08;

/** Shows how loud the sound is, and says so when it is nothing or too much. */
export class LevelMeter {
  #watch = new SoundWatch();
  #shown = 0;

  /** @param {{root: HTMLElement, meter: HTMLElement, bar: HTMLElement, hint: HTMLElement}} elements */
  constructor({ root, meter, bar, hint }) {
    this.root = root;
    this.meter = meter;
    this.bar = bar;
    this.hint = hint;
  }

  /** @param {number} peak 0 to 1 @param {"microphone" | "recording"} kind */
  show(peak, kind) {
    this.root.hidden = false;
    const decibels = 20 * Math.log10(Math.max(peak, 1e-6));
    const level = Math.max(0, Math.min(1, 1 - decibels / FLOOR_DB));
    this.#shown = Math.max(level, this.#shown - FALL_PER_BLOCK);
    this.bar.style.transform = `scaleX(${this.#shown.toFixed(3)})`;
    this.meter.setAttribute("aria-valuenow", String(Math.round(100 * this.#shown)));
    const verdict = this.#watch.judge(peak, performance.now());
    this.root.dataset.verdict = verdict;
    const hint = (kind === "microphone" ? HINTS : HINTS_FOR_RECORDING)[verdict];
    // Setting the same text again would make a screen reader say it again.
    if (this.hint.textContent !== hint) this.hint.textContent = hint;
  }

  hide() {
    this.root.hidden = true;
    this.#watch.reset();
    this.#shown = 0;
    this.hint.textContent = "";
    delete this.root.dataset.verdict;
  }
}
