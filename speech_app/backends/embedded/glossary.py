"""The event's terms, obeyed whatever the translation makes of them. Pure.

A term is put out of the translation's reach by a made-up word of letters only: of the forms tried
(digits, brackets, underscores, letters), it alone survived every pair, the Galician one too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speech_app.backends.base import GlossaryEntry
from speech_app.backends.glossary import term_key, terms_pattern

_MARK = re.compile(r"\bzq([a-z])x([a-z])k\b", re.IGNORECASE)
_LETTERS = "abdefghilmnoprstuv"


def _mark(number: int) -> str:
    first, second = divmod(number, len(_LETTERS))
    return f"Zq{_LETTERS[first % len(_LETTERS)]}x{_LETTERS[second]}k"


@dataclass(frozen=True, slots=True)
class Protected:
    """A text with marks for terms, and what to write for each mark."""

    text: str
    terms: Sequence[str]

    def restore(self, translated: str) -> str | None:
        """The translation with the terms in it, None if it lost or doubled one."""
        marks = {_mark(number).lower(): term for number, term in enumerate(self.terms)}
        found = sorted(match[0].lower() for match in _MARK.finditer(translated))
        if found != sorted(marks):
            return None
        return _MARK.sub(lambda match: marks[match[0].lower()], translated)

    def parts(self) -> list[tuple[str, str | None]]:
        """The text between the marks, each with the term that follows it (None after the last)."""
        pieces = re.split(_MARK.pattern.replace("(", "(?:"), self.text, flags=re.IGNORECASE)
        return list(zip(pieces, [*self.terms, None], strict=True))


def protect(text: str, renderings: Mapping[str, str]) -> Protected:
    """Put every term of the text that has a rendering out of the translation's reach."""
    by_key = {term_key(term): rendering for term, rendering in renderings.items() if term.strip()}
    if not by_key:
        return Protected(text, ())
    terms: list[str] = []

    def replace(match: re.Match[str]) -> str:
        # Ignoring case, a pattern takes a few letters for equal that differ in lower case (ı, ſ).
        rendering = by_key.get(term_key(match[0]))
        if rendering is None:
            return match[0]
        terms.append(rendering)
        return _mark(len(terms) - 1)

    marked = terms_pattern(by_key).sub(replace, text)
    return Protected(marked, tuple(terms))


def say(text: str, glossary: Sequence[GlossaryEntry]) -> str:
    """The text as a voice is to read it: written terms replaced by how they are said."""
    spoken = {term_key(e.term): e.say_as for e in glossary if e.term.strip() and e.say_as}
    return (
        terms_pattern(spoken).sub(lambda match: spoken.get(term_key(match[0]), match[0]), text)
        if spoken
        else text
    )
