"""Search and replace over a whole transcript: seen before it is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sessions_app.review.changes import Place
from sessions_app.review.difference import Piece, difference
from sessions_app.review.transcript import Transcript

MOST_LINES = 300
"""Lines replaced at once: as many as a person looks through."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in the translations, or in what was spoken, and what is put instead."""

    find: str
    replacement: str
    spoken: bool
    match_case: bool
    whole_words: bool

    def replaced(self, text: str) -> str:
        """The text with every occurrence replaced, without the blanks that are then too many."""
        found = self._pattern.sub(lambda _: self.replacement, text)
        return " ".join(found.split()) if found != text else text

    @property
    def _pattern(self) -> re.Pattern[str]:
        wanted = re.escape(self.find)
        if self.whole_words:
            wanted = rf"(?<!\w){wanted}(?!\w)"
        return re.compile(wanted, re.NOFLAG if self.match_case else re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Replacement:
    """A line as it would become; `last` is the correction it was seen with."""

    number: int
    last: int
    text: str
    changes: Sequence[Piece]

    def place(self, search: Search) -> Place:
        return Place(self.number, spoken=search.spoken, last=self.last)


def replacements(transcript: Transcript, search: Search) -> tuple[list[Replacement], bool]:
    """What would change, in spoken order, and whether there is more than `MOST_LINES`."""
    found: list[Replacement] = []
    for words in transcript.words(spoken=search.spoken):
        text = search.replaced(words.text)
        if text == words.text:
            continue
        if len(found) == MOST_LINES:
            return found, True
        changes = difference(words.text, text)
        found.append(Replacement(words.number, words.last, text, changes))
    return found, False
