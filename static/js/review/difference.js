/** @typedef {["same" | "gone" | "new", string]} Piece */

/**
 * A difference as text: what is gone struck out, what is new underlined.
 *
 * @param {Piece[]} pieces
 */
export function difference(pieces) {
  const fragment = document.createDocumentFragment();
  for (const [kind, text] of pieces) {
    if (kind === "same") {
      fragment.append(text);
      continue;
    }
    const piece = document.createElement(kind === "gone" ? "del" : "ins");
    piece.textContent = text;
    fragment.append(piece);
  }
  return fragment;
}
