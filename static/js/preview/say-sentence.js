/** Asks the server to say a sentence. */

/**
 * @typedef {object} Sentence
 * @property {string} text
 * @property {string} language its id in the catalogue
 * @property {string} voice its id; empty: the language's default
 */

/**
 * @param {string} url
 * @param {Sentence} sentence
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>} sound; rejects with an Error whose message tells a person what to do
 */
export async function saySentence(url, sentence, signal) {
  const token = /** @type {HTMLInputElement} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams({ ...sentence }),
      headers: { "X-CSRFToken": token.value },
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error("The server does not answer. Check the connection and try again.");
  }
  if (response.ok) return response.blob();
  const refusal = await response.json().catch(() => null);
  throw new Error(refusal?.message ?? "This did not work. Load the page again and try once more.");
}
