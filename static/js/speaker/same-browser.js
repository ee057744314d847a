const ASK_AGAIN_MS = 10_000;
const ANSWER_WITHIN_MS = 1_000;

/**
 * Notices other pages of ours in the same browser: a listener's page whose voice the microphone would
 * hear, and this very page open in another tab.
 */
export class SameBrowser {
  #channel = new BroadcastChannel("avatartranslate");
  #answered = { listener: false, speaker: false };

  /**
   * @param {{path: string, client: string}} self
   * @param {{onListener: (open: boolean) => void, onTwin: (open: boolean) => void}} handlers
   */
  constructor(self, { onListener, onTwin }) {
    this.self = self;
    this.#channel.onmessage = ({ data }) => this.#receive(data, { onListener, onTwin });
    const ask = () => {
      this.#answered = { listener: false, speaker: false };
      this.#channel.postMessage({ type: "who-listens" });
      this.#channel.postMessage({ type: "who-speaks", ...self });
      setTimeout(() => {
        if (!this.#answered.listener) onListener(false);
        if (!this.#answered.speaker) onTwin(false);
      }, ANSWER_WITHIN_MS);
    };
    ask();
    setInterval(ask, ASK_AGAIN_MS);
  }

  #receive(message, { onListener, onTwin }) {
    if (message.type === "listener-open") {
      this.#answered.listener ||= message.sound;
      if (message.sound) onListener(true);
      return;
    }
    if (message.path !== this.self.path) return;
    if (message.type === "who-speaks") this.#channel.postMessage({ type: "speaker-open", ...this.self });
    if (message.type === "who-speaks" || message.type === "speaker-open") {
      this.#answered.speaker = true;
      onTwin(true);
    }
  }
}
