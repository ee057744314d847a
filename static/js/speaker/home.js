/** The copy buttons of the quick-create page. */
import { copyText } from "./copy-text.js";

const SHOWN_MS = 2500;

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-copy]"))) {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener("click", async () => {
    const copied = await copyText(button.dataset.copy ?? "");
    button.textContent = copied ? "Copied" : "Copying did not work";
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = label; }, SHOWN_MS);
  });
}
