/** A sentence to be changed, a button, and the voice that says it. */
import { saySentence } from "./say-sentence.js";

/**
 * @typedef {object} Language
 * @property {string} code
 * @property {string} name
 * @property {"ltr" | "rtl"} direction
 * @property {string} sentence to begin with
 */
/** @typedef {{language: string, voice: string}} Choice ids in the catalogue; "" where nothing is chosen */
/** @typedef {{url: string, longest: number, languages: Record<string, Language>}} VoiceData */

let panels = 0;

export class VoicePanel {
  #data;
  #choose;
  #root = document.createElement("div");
  #text = document.createElement("textarea");
  #button = document.createElement("button");
  #status = document.createElement("p");
  #audio = document.createElement("audio");
  /** The language whose sentence stands there, as long as nobody has changed it. */
  #offered = "";
  /** @type {AbortController | null} */
  #asking = null;

  /**
   * @param {VoiceData} data
   * @param {() => Choice} choose asked whenever the button is pressed
   */
  constructor(data, choose) {
    this.#data = data;
    this.#choose = choose;
    panels += 1;
    const label = document.createElement("label");
    label.textContent = "Sentence";
    this.#text.id = label.htmlFor = `say-sentence-${panels}`;
    this.#text.rows = 2;
    this.#text.maxLength = data.longest;
    this.#button.type = "button";
    this.#button.className = "button";
    this.#button.textContent = "Say it";
    this.#button.addEventListener("click", () => this.say());
    this.#status.setAttribute("role", "status");
    this.#status.className = "voice-status";
    this.#audio.controls = true;
    this.#audio.hidden = true;
    this.#root.className = "voice-panel";
    this.#root.append(label, this.#text, this.#button, this.#status, this.#audio);
    this.refresh();
  }

  get element() {
    return this.#root;
  }

  /** Follow a change of the language, unless the sentence is somebody's own. */
  refresh() {
    const { language } = this.#choose();
    const known = this.#data.languages[language];
    this.#text.lang = known?.code ?? "";
    this.#text.dir = known?.direction ?? "auto";
    const own = this.#text.value !== (this.#data.languages[this.#offered]?.sentence ?? "");
    if (own) return;
    this.#text.value = known?.sentence ?? "";
    this.#offered = language;
  }

  async say() {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.#audio.pause();
    this.#audio.hidden = true;
    this.#tell("Preparing the voice…", "busy");
    try {
      const sentence = { text: this.#text.value, ...this.#choose() };
      const sound = await saySentence(this.#data.url, sentence, asking.signal);
      if (this.#asking === asking) await this.#play(sound);
    } catch (error) {
      if (this.#asking === asking) this.#tell(/** @type {Error} */ (error).message, "failed");
    }
  }

  /** @param {Blob} sound */
  async #play(sound) {
    URL.revokeObjectURL(this.#audio.src);
    this.#audio.src = URL.createObjectURL(sound);
    this.#audio.hidden = false;
    this.#tell("", "ready");
    try {
      await this.#audio.play();
    } catch {
      // Some browsers start no sound that long after the click.
      this.#tell("Press play to hear it.", "ready");
    }
  }

  /** @param {string} message @param {"busy" | "ready" | "failed"} state */
  #tell(message, state) {
    this.#status.textContent = message;
    this.#root.dataset.state = state;
    this.#root.setAttribute("aria-busy", String(state === "busy"));
  }
}
