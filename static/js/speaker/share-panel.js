import { copyText } from "./copy-text.js";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id));

/** Names by which a computer reaches nothing but itself. */
const LOOPBACK = /^(localhost|127\..*|\[::1\])$/;

/**
 * @typedef {object} Links
 * @property {string} title
 * @property {string} listener_url
 * @property {string} qr_url
 * @property {string} [rehearsal_url]
 * @property {string} [rehearsal_qr_url]
 */

/** The link for listeners, as text, as a QR code, to copy and to share. */
export class SharePanel {
  #links;
  #rehearsal = false;

  /** @param {Links} links */
  constructor(links) {
    this.#links = links;
    element("only-here").hidden = !LOOPBACK.test(new URL(links.listener_url).hostname);
    element("copy-link").addEventListener("click", () => this.#copy());
    const share = element("share-link");
    share.hidden = !navigator.share;
    share.addEventListener("click", () => this.#share());
  }

  /** @param {boolean} rehearsal Which of the two links is shown. */
  show(rehearsal) {
    if (rehearsal === this.#rehearsal) return;
    this.#rehearsal = rehearsal;
    const link = /** @type {HTMLAnchorElement} */ (element("listener-link"));
    link.href = this.#url;
    link.textContent = this.#url;
    const qr = /** @type {HTMLImageElement} */ (element("qr"));
    qr.src = (rehearsal && this.#links.rehearsal_qr_url) || this.#links.qr_url;
    qr.alt = rehearsal ? "QR code of the rehearsal link" : "QR code of the listener link";
    element("share-rehearsal").hidden = !rehearsal;
    element("copied").textContent = "";
  }

  get #url() {
    return (this.#rehearsal && this.#links.rehearsal_url) || this.#links.listener_url;
  }

  async #copy() {
    const copied = await copyText(this.#url);
    element("copied").textContent = copied ? "Copied." : "Copying did not work. Mark the link above and copy it by hand.";
  }

  async #share() {
    try {
      await navigator.share({ title: this.#links.title, url: this.#url });
    } catch {
      // Closing the share sheet is no error.
    }
  }
}
