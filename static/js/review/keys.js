/** Keys of the marked line, and the list of them that people can look at. */

/**
 * @typedef {object} Binding
 * @property {string[]} keys as `KeyboardEvent.key` names them; capital letters mean Shift
 * @property {string} does in words
 * @property {() => unknown} run
 */

/** @type {Record<string, string>} */
const NAMES = { ArrowDown: "↓", ArrowUp: "↑" };

/**
 * Listen where the lines are: letters typed elsewhere do nothing.
 *
 * @param {HTMLElement} grid
 * @param {Binding[]} bindings
 */
export function listen(grid, bindings) {
  grid.addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    const element = /** @type {HTMLElement} */ (target);
    if (ctrlKey || metaKey || altKey || element.closest("textarea")) return;
    if (element.closest("button") && key === "Enter") return;
    const wanted = bindings.find(({ keys }) => keys.includes(key));
    if (!wanted) return;
    event.preventDefault();
    wanted.run();
  });
}

/** @param {HTMLElement} list @param {Binding[]} bindings */
export function describe(list, bindings) {
  for (const { keys, does } of bindings) {
    const term = document.createElement("dt");
    keys.forEach((key, index) => {
      if (index) term.append(" or ");
      const cap = document.createElement("kbd");
      const shifted = key.length === 1 && key !== key.toLowerCase();
      cap.textContent = NAMES[key] ?? (shifted ? `Shift ${key}` : key.length === 1 ? key.toUpperCase() : key);
      term.append(cap);
    });
    const description = document.createElement("dd");
    description.textContent = does;
    list.append(term, description);
  }
}
