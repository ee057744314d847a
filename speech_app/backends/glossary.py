"""Finding an event's terms in a text, and what to write for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from speech_app.backends.base import GlossaryEntry


def renderings_in(language: str, glossary: Sequence[GlossaryEntry]) -> dict[str, str]:
    """What to write for each term in this language; a term without a translation is absent."""
    found = {entry.term: _rendering(entry, language) for entry in glossary}
    return {term: rendering for term, rendering in found.items() if rendering is not None}


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


def term_key(term: str) -> str:
    """What is equal for every way to write a term that `terms_pattern` finds."""
    return " ".join(term.lower().split())


def terms_pattern(keys: Iterable[str]) -> re.Pattern[str]:
    """Any of the terms as whole words, the longest first; blanks match any white space."""
    longest_first = sorted(keys, key=len, reverse=True)
    either = "|".join(r"\s+".join(map(re.escape, key.split())) for key in longest_first)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)
