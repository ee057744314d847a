"""Every version of a text: whose it is, since when, and what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sessions_app.models import Correction
from sessions_app.review.difference import Piece, difference
from sessions_app.review.transcript import Transcript, name_of


@dataclass(frozen=True, slots=True)
class Version:
    """A text in its time; `what` says in words how it came about."""

    what: str
    at: datetime
    changes: Sequence[Piece]


def history(transcript: Transcript, number: int, *, spoken: bool) -> list[Version]:
    """All versions of one text of a line, the machine's first; none where the line is gone."""
    segment = transcript.session.segments.filter(number=number).first()
    if segment is None:
        return []
    row = None
    if not spoken and transcript.language != segment.source_language:
        row = segment.translations.filter(language=transcript.language).first()
    machine = row.text if row else segment.text
    created = row.created_at if row else segment.created_at
    first = "Recognised" if row is None else "Translated"
    if machine is None:
        first = "The translation failed"
    versions = [Version(first, created, [("same", machine)] if machine else [])]
    before = machine or ""
    corrections = segment.corrections.filter(translation=row).select_related("author")
    for correction in corrections.order_by("pk"):
        versions.append(
            Version(_what(correction), correction.created_at, difference(before, correction.text))
        )
        before = correction.text
    return versions


def _what(correction: Correction) -> str:
    author = name_of(correction.author) or "somebody whose account was deleted"
    if correction.undoes_id:
        return f"Undone by {author}"
    if correction.machine:
        return f"Translated again at the wish of {author}"
    return f"Corrected by {author}"
