/**
 * What the operator wants, with the server's answer to it.
 *
 * @typedef {{ok: boolean, message: string}} Answer
 */

const ANSWER_WITHIN_MS = 10_000;
const NO_CONNECTION = "There is no connection to the server now. Try again when it is back.";
const NO_ANSWER = "The server has not answered. Look whether it was done, and try again.";

export class Commands {
  #send;
  #onAnswer;
  #last = 0;
  /** @type {Map<number, (answer: Answer) => void>} */
  #waiting = new Map();

  /**
   * @param {(message: object) => boolean} send
   * @param {(answer: Answer) => void} onAnswer each one that is worth showing
   */
  constructor(send, onAnswer) {
    this.#send = send;
    this.#onAnswer = onAnswer;
  }

  /** @param {string} type @param {object} [fields] @returns {Promise<Answer>} */
  async give(type, fields = {}) {
    const ref = ++this.#last;
    if (!this.#send({ type, ref, ...fields })) {
      const answer = { ok: false, message: NO_CONNECTION };
      this.#onAnswer(answer);
      return answer;
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(ref, { ok: false, message: NO_ANSWER }), ANSWER_WITHIN_MS);
      this.#waiting.set(ref, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  /** @param {{ref: number, ok: boolean, message: string}} message */
  answered({ ref, ok, message }) {
    this.#settle(ref, { ok, message });
  }

  #settle(ref, answer) {
    this.#waiting.get(ref)?.(answer);
    this.#waiting.delete(ref);
    if (answer.message) this.#onAnswer(answer);
  }
}
