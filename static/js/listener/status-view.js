/** Shows how things stand: the label in the head, the explanation, banners, and refusals. */
import { startInWords } from "./entry.js";
import { reconnectingInWords, stateInWords } from "./status.js";

const byId = (id) => document.getElementById(id);

export class StatusView {
  #eventState = "waiting";
  #countdown = 0;
  #startsAt;
  /** @type {string} What was read and put away does not come back with every reconnect. */
  #dismissedNotice = "";

  /** @param {string|null} startsAt ISO time of the event */
  constructor(startsAt) {
    this.#startsAt = startsAt;
    for (const button of document.querySelectorAll(".banner .dismiss")) {
      button.addEventListener("click", () => {
        const banner = button.closest(".banner");
        banner.hidden = true;
        if (banner.id === "notice") this.#dismissedNotice = byId("notice-text").textContent;
      });
    }
  }

  /** @param {import("./status.js").EventState} state */
  set eventState(state) {
    this.#eventState = state;
    if (document.documentElement.dataset.connection === "open") this.#showEventState();
  }

  /**
   * @param {"connecting"|"open"|"waiting"|"closed"} connection
   * @param {number|null} retryInMs
   * @param {boolean} tooMany
   */
  showConnection(connection, retryInMs, tooMany) {
    clearInterval(this.#countdown);
    document.documentElement.dataset.connection = connection;
    if (connection === "open") this.#showEventState();
    if (connection === "connecting" && byId("state").textContent) {
      this.#show(reconnectingInWords(0, false), false);
    }
    if (connection === "waiting") this.#countDown(performance.now() + retryInMs, tooMany);
    if (connection === "closed") this.#show({ tone: "ended", label: "Disconnected", sentence: "" });
  }

  /** @param {"notice"|"problem"|"trouble"|"muted"} banner @param {string} text */
  showBanner(banner, text) {
    if (banner === "notice" && text === this.#dismissedNotice) return;
    byId(`${banner}-text`).textContent = text;
    byId(banner).hidden = false;
  }

  /** @param {"notice"|"problem"|"trouble"|"muted"} banner */
  hideBanner(banner) {
    byId(banner).hidden = true;
  }

  #countDown(untilMs, tooMany) {
    const tick = (announced) => {
      const seconds = Math.max(0, Math.ceil((untilMs - performance.now()) / 1000));
      this.#show(reconnectingInWords(seconds, tooMany), announced);
    };
    tick(true);
    this.#countdown = setInterval(() => tick(false), 500);
  }

  #showEventState() {
    const words = stateInWords(this.#eventState);
    const starts = this.#eventState === "waiting" ? startInWords(this.#startsAt) : "";
    this.#show({ ...words, sentence: [words.sentence, starts].filter(Boolean).join(" ") });
  }

  /** A countdown is not read out second by second. */
  #show({ tone, label, sentence }, announced = true) {
    const state = byId("state");
    state.dataset.tone = tone;
    state.textContent = label;
    byId("explanation").textContent = sentence;
    if (announced) byId("state-announcement").textContent = `${label}. ${sentence}`;
  }
}
