"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

Piece = tuple[Literal["same", "gone", "new"], str]
"""A stretch of text, and whether both texts have it, only the older one or only the newer one."""

_WORDS = re.compile(
    # Scripts that put no blanks between words are compared character by character.
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    r"|\s+"
    r"|[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)


def difference(old: str, new: str) -> list[Piece]:
    """The pieces in reading order; without the "new" ones they are `old`, without "gone" `new`."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    pieces: list[Piece] = []
    gone = new = ""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for operation, i, j, k, m in matcher.get_opcodes():
        old_words, new_words = "".join(before[i:j]), "".join(after[k:m])
        # A blank between two changes is no rest for the eye: it belongs to both.
        if operation != "equal" or (gone + new and j < len(before) and old_words.isspace()):
            gone, new = gone + old_words, new + new_words
            continue
        pieces += _changed(gone, new)
        pieces.append(("same", old_words))
        gone = new = ""
    return pieces + _changed(gone, new)


def _changed(gone: str, new: str) -> list[Piece]:
    found: list[Piece] = [("gone", gone), ("new", new)]
    return [piece for piece in found if piece[1]]
