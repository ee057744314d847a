/** The settings sheet and the quick controls: what the listener chooses, shown and remembered. */
import { canPlay } from "./player.js";

/** @typedef {import("./preferences.js").Preferences} Preferences */

const byId = (id) => document.getElementById(id);

const delayInWords = (ms) => `${Math.abs(ms)} ms ${ms > 0 ? "later" : "earlier"}`;

export class Settings {
  #form = byId("settings").querySelector("form");
  #preferences;
  #offersVideo = false;

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

  /** @param {boolean} offered whether the event has a video avatar to choose */
  offerVideo(offered) {
    this.#offersVideo = offered;
    byId("video-choice").hidden = !offered;
    this.show();
  }

  /** Puts the choices into the controls and onto the page, where CSS finds them. */
  show() {
    const { mode, video, size, original, volume, muted, lipDelayMs } = this.#preferences.choices;
    const { elements } = this.#form;
    elements.mode.value = mode === "avatar" && video && this.#offersVideo ? "video" : mode;
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
    const mode = elements.mode.value;
    const { video } = this.#preferences.choices;
    return {
      mode: mode === "video" ? "avatar" : mode,
      video: mode === "video" || (video && !(mode === "avatar" && this.#offersVideo)),
      size: Number(elements.size.value),
      original: elements.original.checked,
      volume: Number(elements.volume.value),
      lipDelayMs: Number(elements.lipDelayMs.value),
    };
  }
}
