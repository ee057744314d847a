"""What of a translation that is still being spoken is shown. Pure, for every backend.

Each new partial is a new translation of the whole phrase, which rewrites itself as the phrase goes
on. Shown is only what two successive translations agree on from the beginning on.
"""

from __future__ import annotations

import re
import unicodedata

_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Letters of scripts that write no spaces: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
_UNIT = re.compile(rf"\s*(?:{_WITHOUT_SPACES.pattern}|(?:(?!{_WITHOUT_SPACES.pattern})\S)+)")


class ShownPartial:
    """The partial of one segment in one language: make a new one for every segment.

    What two translations agree on is shown, what three agree on is stable. On a read talk 0.03 of
    all words were shown and then taken back.
    """

    def __init__(self) -> None:
        self._stable: list[str] = []
        self._tail: list[str] = []
        self._last: list[list[str]] = []

    def update(self, text: str) -> tuple[str, str]:
        """Take the newest whole translation; returns what is shown now as `(stable, tail)`.

        `stable` only grows while the segment lasts. What is shown is the two joined, verbatim.
        """
        units = _UNIT.findall(text.strip())
        self._last = [*self._last[-2:], units]
        shown = _agreed(self._last[-2:]) if len(self._last) > 1 else 0
        settled = _agreed(self._last) if len(self._last) > 2 else 0
        fixed = len(self._stable)
        if _agreed([self._stable, units]) == fixed:
            self._stable += units[fixed:settled]
            self._tail = units[len(self._stable) : shown]
        else:
            # What comes after a changed beginning cannot be joined to what is on the screen.
            self._tail = []
        return "".join(self._stable), "".join(self._tail)


def _agreed(translations: list[list[str]]) -> int:
    """How many units from the beginning on are the same in all."""
    count = 0
    for units in zip(*translations, strict=False):
        if len({_key(unit) for unit in units}) > 1:
            break
        count += 1
    return count


def _key(unit: str) -> str:
    """A unit without what may still change about it: case, and punctuation."""
    letters = [x for x in unit.casefold().strip() if not unicodedata.category(x).startswith("P")]
    return "".join(letters) or unit.strip()
