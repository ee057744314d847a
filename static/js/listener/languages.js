/** The languages of an event as a listener sees them. */

/**
 * @typedef {object} Language
 * @property {string} code BCP 47
 * @property {string} name in English
 * @property {string} native_name
 * @property {"ltr"|"rtl"} direction
 * @property {boolean} muted by the organiser, for now
 */

/** So many are seen at a glance. */
const FEW = 4;

const primary = (code) => code.toLowerCase().split("-")[0];

/**
 * @param {Language[]} languages
 * @param {(string|null|undefined)[]} wishes language codes, the most wanted first
 * @returns {Language|null} the first wish that can be met: exactly, else in the same language
 */
export function bestLanguage(languages, wishes) {
  for (const wish of wishes) {
    if (!wish) continue;
    const exact = languages.find((language) => language.code.toLowerCase() === wish.toLowerCase());
    const near = languages.find((language) => primary(language.code) === primary(wish));
    if (exact ?? near) return exact ?? near;
  }
  return languages[0] ?? null;
}

/** @param {Language} language @returns {string} as it may stand alone: "Español", not "español" */
function nativeName({ code, name, native_name: native }) {
  const shown = native || name;
  return shown.charAt(0).toLocaleUpperCase(code) + shown.slice(1);
}

/**
 * @param {HTMLSelectElement} select
 * @param {Language[]} languages
 * @param {string} chosen language code
 */
export function fillLanguageSelect(select, languages, chosen) {
  select.replaceChildren(...languages.map((language) => {
    const name = nativeName(language);
    const option = new Option(language.muted ? `${name} (muted)` : name, language.code);
    option.lang = language.code;
    return option;
  }));
  select.value = chosen;
}

/**
 * Marks on which sides of a list, if it scrolls, there is more than it shows.
 * @param {HTMLElement} list
 */
function tellWhatIsHidden(list) {
  const tell = () => {
    const below = list.scrollHeight - list.clientHeight - list.scrollTop;
    const sides = [list.scrollTop > 4 ? "above" : "", below > 4 ? "below" : ""];
    list.dataset.more = sides.join(" ").trim();
  };
  list.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(list);
}

/**
 * Large radio buttons, native name first.
 * @param {HTMLElement} container
 * @param {Language[]} languages
 * @param {string} chosen language code
 */
export function fillLanguageChoices(container, languages, chosen) {
  container.replaceChildren(...languages.map((language) => {
    const label = document.createElement("label");
    label.className = "language-choice";
    const radio = document.createElement("input");
    radio.type = "radio";
    radio.name = "language";
    radio.value = language.code;
    radio.checked = language.code === chosen;
    const native = document.createElement("span");
    native.className = "language-native";
    native.lang = language.code;
    native.dir = language.direction;
    native.textContent = nativeName(language);
    const english = document.createElement("span");
    english.className = "language-english";
    const shown = [native.textContent === language.name ? "" : language.name, language.muted ? "(muted)" : ""];
    english.textContent = shown.join(" ").trim();
    label.append(radio, native, english);
    return label;
  }));
  document.getElementById("language-count").textContent =
    languages.length > FEW ? `${languages.length} to choose from` : "";
  tellWhatIsHidden(container);
}
