"""Names of exported files that every file system takes."""

from __future__ import annotations

import re
import unicodedata

_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*]')
_BREAKS = {"Cc", "Zl", "Zp"}
_INVISIBLE = {"Cf", "Cs", "Co", "Cn"}
"""Marks among them: one that turns text around could hide a file's extension."""
LONGEST_TITLE_BYTES = 120
"""Leaves room for date, languages and extension in the 255 bytes a name may have."""


def safe(title: str) -> str:
    """As much of a title as can stand in a file's name."""
    visible = ""
    for character in unicodedata.normalize("NFC", title):
        category = unicodedata.category(character)
        if category not in _INVISIBLE:
            visible += " " if category in _BREAKS else character
    words = _NOT_IN_NAMES.sub(" ", visible).split()
    short = " ".join(words).encode()[:LONGEST_TITLE_BYTES].decode(errors="ignore")
    return short.strip(" .") or "Transcript"


def number_again(name: str, taken: set[str], extension: str = "") -> str:
    """Name and extension, with a number where a file system may have taken that name.

    `taken` then has it, too.
    """
    free, count = name + extension, 1
    while free.casefold() in taken:
        count += 1
        free = f"{name} ({count}){extension}"
    taken.add(free.casefold())
    return free
