/** Offers the time zone this computer is set to, to whoever has chosen none or is choosing. */

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const offer = /** @type {HTMLFormElement | null} */ (document.getElementById("zone-offer"));
const form = /** @type {HTMLFormElement | null} */ (document.getElementById("time-zone-form"));

if (zone) {
  for (const place of document.querySelectorAll("[data-browser-zone]")) place.textContent = zone;
  if (form) offerChoice(form);
  else if (offer && offer.dataset.zone !== zone) {
    /** @type {HTMLButtonElement} */ (offer.querySelector("[data-take-zone]")).value = zone;
    offer.hidden = false;
  }
}

/** @param {HTMLFormElement} chosen */
function offerChoice(chosen) {
  const select = /** @type {HTMLSelectElement} */ (chosen.elements.namedItem("time_zone"));
  const known = [...select.options].some((option) => option.value === zone);
  if (!known || select.value === zone) return;
  const hint = /** @type {HTMLElement} */ (chosen.querySelector(".browser-zone"));
  hint.hidden = false;
  hint.querySelector("[data-take-zone]").addEventListener("click", () => {
    select.value = zone;
    select.focus();
  });
}
