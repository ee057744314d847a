/** Asks the back office something that needs the speech service. */

/**
 * @param {string} url
 * @param {Record<string, string>} question
 * @param {AbortSignal} signal
 * @returns {Promise<Response>} a good answer; rejects with an Error whose message says what to do
 */
export async function ask(url, question, signal) {
  const token = /** @type {HTMLInputElement} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(question),
      headers: { "X-CSRFToken": token.value },
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error("The server does not answer. Check the connection and try again.");
  }
  if (response.ok) return response;
  const refusal = await response.json().catch(() => null);
  throw new Error(refusal?.message ?? "This did not work. Load the page again and try once more.");
}
