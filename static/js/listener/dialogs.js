/** The two small dialogs that write to the server: a report to the organiser, and a refusal. */

const byId = (id) => document.getElementById(id);

/** @param {(message: string) => boolean} send whether it was sent */
export function setUpReport(send) {
  const dialog = byId("report");
  const form = dialog.querySelector("form");
  const result = byId("report-result");
  byId("open-report").addEventListener("click", () => {
    byId("settings").close();
    result.textContent = "";
    dialog.showModal();
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = form.elements.message;
    if (!field.value.trim()) return;
    if (send(field.value.trim())) {
      result.textContent = "Sent. Thank you.";
      form.reset();
    } else {
      result.textContent = "There is no connection right now. Please try again in a moment.";
    }
  });
}

/** @type {Record<string, string>} what the button says, by what the page offers next */
const RETRY = { pin: "Join", sign_in: "Sign in" };

export class Refusal {
  #dialog = byId("refusal");
  #form = this.#dialog.querySelector("form");
  #next = "";

  /** @param {(changes: {pin?: string}) => void} onRetry */
  constructor(onRetry) {
    // Closing it would leave a page that does nothing.
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#next === "sign_in") {
        location.reload(); // the server then shows where to sign in
        return;
      }
      const pin = this.#form.elements.pin.value.trim();
      if (this.#next === "pin" && !pin) return;
      this.hide();
      onRetry(pin ? { pin } : {});
    });
  }

  /** @param {{title: string, sentence: string, next: string}} words */
  show({ title, sentence, next }) {
    this.#next = next;
    byId("refusal-title").textContent = title;
    byId("refusal-sentence").textContent = sentence;
    byId("refusal-pin").hidden = next !== "pin";
    byId("refusal-retry").hidden = next === "code";
    byId("refusal-retry").textContent = RETRY[next] ?? "Try again";
    this.#form.elements.pin.value = "";
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  hide() {
    if (this.#dialog.open) this.#dialog.close();
  }
}
