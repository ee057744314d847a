/** Buttons with `data-copy` put that text on the clipboard. */

for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      // Without HTTPS a browser has no clipboard for pages.
      button.textContent = "Copy it from the address above";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
