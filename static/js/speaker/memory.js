/**
 * What this browser remembers for one speaker link. A browser that forbids it just forgets.
 */
export class Memory {
  #prefix;

  /** @param {string} path The link's own part of each key. */
  constructor(path) {
    this.#prefix = `avatartranslate:${path}:`;
  }

  /** @param {string} name @returns {string | null} */
  recall(name) {
    try {
      return localStorage.getItem(this.#prefix + name);
    } catch {
      return null;
    }
  }

  /** @param {string} name @param {string} value */
  keep(name, value) {
    try {
      localStorage.setItem(this.#prefix + name, value);
    } catch {
      // Private browsing, or the disk is full: asked again next time.
    }
  }
}

/**
 * The name of this tab to the server: the same after a reload, another in another tab.
 * @returns {string}
 */
export function tabName() {
  const key = "avatartranslate:client";
  try {
    const known = sessionStorage.getItem(key);
    if (known) return known;
    const fresh = randomName();
    sessionStorage.setItem(key, fresh);
    return fresh;
  } catch {
    return randomName();
  }
}

function randomName() {
  // crypto.randomUUID is missing over plain HTTP.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
