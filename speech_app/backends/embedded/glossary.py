"""The event's terms, obeyed whatever the translation makes of them. Pure.

A term is put out of the translation's reach by a made-up word of letters only: of the forms tried
(digits, brackets, underscores, letters), it alone survived every pair, the Galician one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from speech_app.backends.base import GlossaryEntry

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
    by_key = {_key(term): rendering for term, rendering in renderings.items() if term.strip()}
    if not by_key:
        return Protected(text, ())
    terms: list[str] = []

    def replace(match: re.Match[str]) -> str:
        terms.append(by_key[_key(match[0])])
        return _mark(len(terms) - 1)

    marked = _pattern(by_key).sub(replace, text)
    return Protected(marked, tuple(terms))


def renderings_in(language: str, glossary: Sequence[GlossaryEntry]) -> dict[str, str]:
    """What to write for each term in this language; a term without a translation is absent."""
    found = {entry.term: _rendering(entry, language) for entry in glossary}
    return {term: rendering for term, rendering in found.items() if rendering is not None}


def say(text: str, glossary: Sequence[GlossaryEntry]) -> str:
    """The text as a voice is to read it: written terms replaced by how they are said."""
    spoken = {_key(e.term): e.say_as for e in glossary if e.term.strip() and e.say_as}
    return _pattern(spoken).sub(lambda match: spoken[_key(match[0])], text) if spoken else text


def _rendering(entry: GlossaryEntry, language: str) -> str | None:
    if entry.keep:
        return entry.term
    exact = entry.translations.get(language)
    if exact:
        return exact
    primary = language.partition("-")[0]
    return next(
        (
            text
            for code, text in entry.translations.items()
            if text and code.partition("-")[0] == primary
        ),
        None,
    )


def _key(term: str) -> str:
    return " ".join(term.lower().split())


def _pattern(keys: Iterable[str]) -> re.Pattern[str]:
    """Any of the terms as whole words, the longest first; blanks match any white space."""
    longest_first = sorted(keys, key=len, reverse=True)
    either = "|".join(r"\s+".join(map(re.escape, key.split())) for key in longest_first)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)
