/** The field for a join code: shows it in groups, and takes what people paste. */

const LENGTH = 8;
const GROUP = 4;

/**
 * @param {string} typed a code as a person types it, or a whole link to a listener page
 * @returns {string} at most 8 capital letters and digits
 */
export function joinCodeIn(typed) {
  const link = typed.match(/\/listener\/([^/?#]+)/i);
  return (link ? link[1] : typed).toUpperCase().replace(/[^A-Z0-9]/g, "").slice(0, LENGTH);
}

/** @param {string} code @returns {string} such as "ABCD 2345" */
export function inGroups(code) {
  return code.length > GROUP ? `${code.slice(0, GROUP)} ${code.slice(GROUP)}` : code;
}

const field = document.getElementById("code");
if (field instanceof HTMLInputElement) {
  const show = () => {
    const atEnd = field.selectionEnd === field.value.length;
    const caret = field.selectionStart;
    field.value = inGroups(joinCodeIn(field.value));
    if (!atEnd) field.setSelectionRange(caret, caret);
  };
  show();
  field.addEventListener("input", (event) => { if (!event.isComposing) show(); });
  field.form.addEventListener("submit", (event) => {
    const code = joinCodeIn(field.value);
    if (code) field.value = code;
    else event.preventDefault();
  });
}
