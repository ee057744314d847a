"""What an export reads: one session's transcript in the languages that stand in one file.

Rows are read through open cursors in chunks: one query for the segments and one for each language,
however long the talk was, and no more than a chunk of each in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import models
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from sessions_app.messages import FinalCaption
from sessions_app.models import Correction, Language, LiveSession, Segment, Translation
from sessions_app.models.transcript import ReviewState, State

MARK = "* "
"""Before machine text, where it is marked."""
LEFT_OUT = "[…]"
"""In place of one passage or several that have no text to show."""

_ROWS_AT_ONCE = 500
_LINE_BREAKS = re.compile(r"[\r\n\v\f\x85\u2028\u2029]+")


class Wanted(models.TextChoices):
    """Which text an export has."""

    ALL = "all", "Everything, as listeners read it"
    MARKED = "marked", "Everything; machine text that nobody has reviewed is marked with *"
    REVIEWED = "reviewed", "Only what a person has reviewed or corrected"


class TextState(models.TextChoices):
    """Where a text comes from."""

    MACHINE = "machine"
    CORRECTED = "corrected"
    REVIEWED = "reviewed"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Text:
    """A segment's text in one language.

    `shown` has no line breaks; it is None where there is none, or none that is wanted. `machine`
    is the machine's text, also where a person has corrected it; None where only reviewed text is
    wanted.
    """

    shown: str | None
    state: TextState
    machine: str | None
    marked: bool = False

    def __str__(self) -> str:
        """As people read it: "" where there is nothing."""
        return (MARK if self.marked and self.shown else "") + (self.shown or "")


@dataclass(frozen=True, slots=True)
class Line:
    """A segment and its texts, in the order of the transcript's columns."""

    number: int
    start_ms: int
    end_ms: int
    source_language: str
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A language of a transcript; one that has left the catalogue is called by its code."""

    language: str
    name: str
    native_name: str
    right_to_left: bool
    review: ReviewState

    @classmethod
    def of(cls, code: str, known: Language | None, review: ReviewState) -> Column:
        if known is None:
            return cls(code, code, code, False, review)
        return cls(code, known.name, known.native_name, known.direction == "rtl", review)


@dataclass(frozen=True, slots=True)
class Transcript:
    """One session in one language, or in several beside each other.

    The session comes with its event and speaker.
    """

    session: LiveSession
    columns: tuple[Column, ...]
    wanted: Wanted

    @property
    def title(self) -> str:
        return _LINE_BREAKS.sub(" ", self.session.event.title)

    @property
    def speaker(self) -> str:
        """Who spoke; "" where the invitation is gone."""
        speaker = self.session.speaker
        return _LINE_BREAKS.sub(" ", speaker.name) if speaker else ""

    def facts(self) -> list[str]:
        """What stands above the text, for people: when, who, which languages, which text."""
        started = timezone.localtime(self.session.started_at)
        facts = [f"{started.day} {started:%B %Y, %H:%M} ({started:%Z})"]
        if self.session.rehearsal:
            facts.append("Rehearsal")
        if self.session.state != State.ENDED:
            facts.append("The session was still running when this was exported.")
        if self.speaker:
            facts.append(f"Speaker: {self.speaker}")
        facts += [f"{column.native_name}: {column.review.label}" for column in self.columns]
        if self.wanted is Wanted.MARKED:
            facts.append(f"{MARK.strip()} before a text: no person has reviewed it.")
        if self.wanted is Wanted.REVIEWED:
            facts.append(f"Only text that a person has reviewed; {LEFT_OUT} stands for the rest.")
        return facts

    def lines(self) -> Iterator[Line]:
        """Every segment in spoken order, with what is stored of it when its turn comes."""
        corrected = Correction.objects.filter(segment=OuterRef("pk"), translation=None)
        segments = (
            Segment.objects.filter(session=self.session)
            .annotate(corrected_text=Subquery(corrected.order_by("-pk").values("text")[:1]))
            .order_by("number")
        )
        streams = [_Stream(self.session, column) for column in self.columns]
        for segment in segments.iterator(chunk_size=_ROWS_AT_ONCE):
            texts = tuple(self._wanted(stream.text_of(segment)) for stream in streams)
            yield Line(
                segment.number, segment.start_ms, segment.end_ms, segment.source_language, texts
            )

    def passages(self) -> Iterator[Line | None]:
        """The lines that people read; None where one or more have no text in any language."""
        gap = False
        for line in self.lines():
            if any(text.shown for text in line.texts):
                yield line
                gap = False
            elif not gap and any(text.shown is None for text in line.texts):
                yield None
                gap = True

    def _wanted(self, text: Text) -> Text:
        by_machine = text.state is TextState.MACHINE
        if self.wanted is Wanted.MARKED and by_machine:
            return Text(text.shown, text.state, text.machine, marked=True)
        if self.wanted is Wanted.REVIEWED:
            return Text(None if by_machine else text.shown, text.state, None)
        return text


class _Stream:
    """A session's translations into one language, to be asked for its segments in their order."""

    def __init__(self, session: LiveSession, column: Column) -> None:
        self._column = column
        rows = Translation.objects.shown().filter(session=session, language=column.language)
        self._rows = rows.iterator(chunk_size=_ROWS_AT_ONCE)
        self._next = next(self._rows, None)

    def text_of(self, segment: Segment) -> Text:
        while self._next and self._next.segment.number < segment.number:
            self._next = next(self._rows, None)
        spoken = self._column.language == segment.source_language
        corrected_source: str | None = segment.corrected_text  # type: ignore[attr-defined]
        if self._next is None or self._next.segment.number != segment.number:
            # What was said is there before any translation is.
            if not spoken:
                return Text(None, TextState.MISSING, None)
            return self._text(
                shown=segment.text if corrected_source is None else corrected_source,
                machine=segment.text,
                corrected=corrected_source is not None,
            )
        translation = self._next
        own: str | None = translation.corrected_text  # type: ignore[attr-defined]
        shown = FinalCaption.of(translation).text
        if shown is None:
            return Text(None, TextState.FAILED, None)
        return self._text(
            shown=shown,
            machine=translation.text,
            corrected=own is not None or (spoken and corrected_source is not None),
            reviewed=translation.reviewed_at is not None,
        )

    def _text(
        self, *, shown: str, machine: str | None, corrected: bool, reviewed: bool = False
    ) -> Text:
        state = TextState.CORRECTED if corrected else TextState.MACHINE
        if reviewed or self._column.review is ReviewState.REVIEWED:
            state = TextState.REVIEWED
        return Text(_LINE_BREAKS.sub(" ", shown).strip(), state, machine)


def columns_of(
    session: LiveSession, codes: Sequence[str], known: dict[str, Language]
) -> tuple[Column, ...]:
    """These languages of a session that comes with its reviews, in this order."""
    states = {review.language: ReviewState(review.state) for review in session.reviews.all()}
    return tuple(
        Column.of(code, known.get(code), states.get(code, ReviewState.MACHINE)) for code in codes
    )
