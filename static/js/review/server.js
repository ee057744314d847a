/** What the review page asks of its server. */

/** An answer other than the one wanted; the message tells a person what to do. */
export class Refusal extends Error {
  /** @param {string} message @param {number} status 0: no answer @param {import("./line-view.js").Line[]} lines */
  constructor(message, status, lines = []) {
    super(message);
    this.status = status;
    this.lines = lines;
  }
}

/** @typedef {Record<string, string | number | boolean>} Fields */

export class Server {
  #url;
  #language;

  /** @param {string} url of the review page @param {string} language its code */
  constructor(url, language) {
    this.#url = url;
    this.#language = language;
  }

  /** @param {string} name @param {Fields} fields @returns {Promise<any>} */
  async ask(name, fields) {
    return (await this.#fetch(name, fields, {})).json();
  }

  /** @param {string} name @param {Fields} fields @returns {Promise<any>} */
  async tell(name, fields) {
    return (await this.#post(name, fields)).json();
  }

  /** @param {string} name @param {Fields} fields */
  async sound(name, fields) {
    return (await this.#post(name, fields)).blob();
  }

  /** @param {string} name @param {Fields} fields */
  #post(name, fields) {
    // It changes when somebody signs in again in another tab.
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
    return this.#fetch(name, {}, {
      method: "POST",
      headers: { "X-CSRFToken": token },
      body: parameters(fields),
    });
  }

  /** @param {string} name @param {Fields} query @param {RequestInit} init */
  async #fetch(name, query, init) {
    const address = `${this.#url}${name}/?${parameters({ ...query, lang: this.#language })}`;
    let response;
    try {
      response = await fetch(address, init);
    } catch {
      throw new Refusal("The server does not answer. Check the connection and try again.", 0);
    }
    if (response.ok) return response;
    const body = await response.json().catch(() => null);
    throw new Refusal(body?.message ?? otherwise(response.status), response.status, body?.lines);
  }
}

/** @param {Fields} fields */
function parameters(fields) {
  return new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

/** @param {number} status */
function otherwise(status) {
  if (status === 403) return "Sign in again in another tab, then repeat this; nothing you wrote is lost.";
  return "This did not work. Try again in a moment.";
}
