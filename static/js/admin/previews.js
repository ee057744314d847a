/** Voices to be heard and avatars to be seen in the back office, beside the fields that choose them. */
import { AvatarPicture } from "../preview/avatar-picture.js";
import { VoicePanel } from "../preview/voice-panel.js";

const data = JSON.parse(document.getElementById("preview-data")?.textContent ?? "{}");
const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-preview]"));

if (place?.dataset.preview === "voice") {
  const choice = { voice: String(data.voice.id), language: String(data.voice.language) };
  place.append(new VoicePanel(data.voices, () => choice).element);
} else if (place?.dataset.preview === "avatar") {
  showEditedAvatar(place);
} else if (data.avatars) {
  decorate();
  // Rows that are added later come with fields of their own.
  document.addEventListener("formset:added", decorate);
}

/** The avatar as the fields of its own page say. @param {HTMLElement} place */
function showEditedAvatar(place) {
  const picture = new AvatarPicture();
  place.append(picture.element);
  /** @param {string} name */
  const field = (name) => /** @type {HTMLInputElement | null} */ (document.getElementById(`id_${name}`));
  const follow = () => {
    if (!field("character")) return;
    picture.show({
      kind: /** @type {"drawn" | "video"} */ (field("kind").value),
      name: field("name").value,
      character: field("character").value,
      style: field("style").value,
      background_colour: field("background_colour").value,
      transparent: field("transparent").checked,
      crop: field("crop").checked,
    });
  };
  document.addEventListener("input", follow);
  follow();
}

/** Give every field that chooses a voice or an avatar its preview, once. */
function decorate() {
  for (const select of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("select"))) {
    if (select.name.includes("__prefix__") || select.dataset.previewed) continue;
    const kind = select.name.split("-").at(-1);
    if (kind !== "voice" && kind !== "avatar") continue;
    select.dataset.previewed = "true";
    const beside = document.createElement("div");
    beside.className = "preview-beside";
    (select.closest("td") ?? select.closest(".related-widget-wrapper") ?? select.parentElement).append(beside);
    if (kind === "avatar") besideAvatar(select, beside);
    else besideVoice(select, beside);
  }
}

/** @param {HTMLSelectElement} select @param {HTMLElement} beside */
function besideAvatar(select, beside) {
  const picture = new AvatarPicture();
  beside.append(picture.element);
  const follow = () => picture.show(data.avatars[select.value] ?? null);
  onChange(select, follow);
  follow();
}

/** @param {HTMLSelectElement} select @param {HTMLElement} beside */
function besideVoice(select, beside) {
  const language = /** @type {HTMLSelectElement} */ (
    document.getElementById(select.id.replace(/voice$/, "language")));
  const panel = new VoicePanel(data.voices, () => ({ voice: select.value, language: language.value }));
  const more = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "Say a sentence";
  more.append(summary, panel.element);
  beside.append(more);
  onChange(language, () => panel.refresh());
}

/** @param {HTMLSelectElement} select @param {() => void} follow */
function onChange(select, follow) {
  // The searching selects of the back office tell jQuery only.
  window.django.jQuery(select).on("change", follow);
}
