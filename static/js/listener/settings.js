/** The settings sheet and the quick controls: what the listener chooses, shown and remembered. */
import { canPlay } from "./player.js";

/** @typedef {import("./preferences.js").Preferences} Preferences */

const byId = (id) => document.getElementById(id);

const delayInWords = (ms) => `${Math.abs(ms)} ms ${ms > 0 ? "later" : "earlier"}`;

export class Settings {
  #form = byId("settings").querySelector("form");
  #preferences;

  /**
   * @param {Preferences} preferences
   * @param {() => void} onChange called inside the click, after the choice is stored
   */
  constructor(preferences, onChange) {
    this.#preferences = preferences;
    const choose = (some) => {
      preferences.choose(some);
      this.show();
      onChange();
    };
    byId("open-settings").addEventListener("click", () => byId("settings").showModal());
    byId("mute").addEventListener("click", () => choose({ muted: !preferences.choices.muted }));
    this.#form.addEventListener("input", () => choose(this.#read()));
    for (const radio of this.#form.elements.mode) {
      if (radio.value !== "captions") radio.disabled = !canPlay;
    }
    this.show();
  }

  /** Puts the choices into the controls and onto the page, where CSS finds them. */
  show() {
    const { mode, size, original, volume, muted, lipDelayMs } = this.#preferences.choices;
    const { elements } = this.#form;
    elements.mode.value = mode;
    elements.size.value = String(size);
    elements.original.checked = original;
    elements.volume.value = String(volume);
    elements.lipDelayMs.value = String(lipDelayMs);
    elements["lip-delay-output"].value = lipDelayMs ? delayInWords(lipDelayMs) : "";
    byId("mute").setAttribute("aria-pressed", String(muted));
    const { dataset } = document.documentElement;
    dataset.mode = mode;
    dataset.size = String(size);
    dataset.original = String(original);
    dataset.muted = String(muted);
  }

  #read() {
    const { elements } = this.#form;
    return {
      mode: elements.mode.value,
      size: Number(elements.size.value),
      original: elements.original.checked,
      volume: Number(elements.volume.value),
      lipDelayMs: Number(elements.lipDelayMs.value),
    };
  }
}
