/** The chosen voice to be heard and the chosen avatar to be seen on the quick-create page. */
import { AvatarPicture } from "../preview/avatar-picture.js";
import { VoicePanel } from "../preview/voice-panel.js";

const data = JSON.parse(document.getElementById("preview-data").textContent);
const form = /** @type {HTMLFormElement} */ (document.getElementById("create"));

showAvatar();
offerVoices();

function showAvatar() {
  const picture = new AvatarPicture();
  form.elements.avatar.after(picture.element);
  const follow = () => {
    const avatar = data.avatars[form.elements.avatar.value];
    picture.show(avatar ? {
      ...avatar,
      background_colour: form.elements.background_colour.value,
      transparent: form.elements.transparent.checked,
      crop: form.elements.crop.checked,
    } : null);
  };
  form.addEventListener("input", follow);
  follow();
}

/** A sentence in one of the ticked languages, by the voice the event would get. */
function offerVoices() {
  const ids = new Map(Object.entries(data.voices.languages).map(([id, { code }]) => [code, id]));
  const language = document.createElement("select");
  language.id = "say-in";
  const label = document.createElement("label");
  label.htmlFor = language.id;
  label.textContent = "In";
  const panel = new VoicePanel(data.voices, () => {
    const code = language.selectedOptions[0]?.dataset.code ?? "";
    return { language: language.value, voice: String(data.chosen[code]?.[form.elements.voice.value] ?? "") };
  });
  const follow = () => {
    const before = language.value;
    const ticked = [...form.querySelectorAll("input[name=languages]:checked")].map((box) => box.value);
    language.replaceChildren(...ticked.map((code) => {
      const id = ids.get(code);
      const option = new Option(data.voices.languages[id].name, id, false, id === before);
      option.dataset.code = code;
      return option;
    }));
    panel.refresh();
  };
  const more = document.createElement("details");
  more.className = "say-sentence";
  const summary = document.createElement("summary");
  summary.textContent = "Say a sentence";
  more.append(summary, label, language, panel.element);
  form.elements.voice.after(more);
  form.addEventListener("change", follow);
  follow();
}
