"""What an export reads: one session's transcript in the languages that stand in one file.

Rows are read through open cursors in chunks: two queries for what was said and two for each
language, however long the talk was, and no more than a chunk of each in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import models
from django.utils import timezone

from sessions_app.models import Correction, Language, LiveSession, Translation
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
        # What an operator has dropped or still has in their hands, no listener has seen.
        seen = self.session.segments.filter(dropped_at=None).exclude(held_until__gt=timezone.now())
        segments = seen.order_by("number").values_list(
            "number", "start_ms", "end_ms", "source_language", "text"
        )
        corrections = _BySegment(_corrections(segment__session=self.session, translation=None))
        streams = [_Stream(self.session, column) for column in self.columns]
        for number, start_ms, end_ms, spoken, text in segments.iterator(chunk_size=_ROWS_AT_ONCE):
            said = _Said(number, spoken, text, corrections.newest(number))
            texts = tuple(self._wanted(stream.text_of(said)) for stream in streams)
            yield Line(number, start_ms, end_ms, spoken, texts)

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


class _Corrected(NamedTuple):
    """The newest correction of a text; `machine` where the machine wrote it, too."""

    text: str
    machine: bool


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said in a segment: as recognised, and its newest correction."""

    number: int
    language: str
    text: str
    corrected: _Corrected | None


class _BySegment:
    """Rows in spoken order, each beginning with its segment's number, to be asked in that order.

    Read beside the segments rather than joined to each: a database without fresh statistics would
    search all corrections for every segment.
    """

    def __init__(self, rows: models.QuerySet[Any, tuple[Any, ...]]) -> None:
        self._rows = rows.iterator(chunk_size=_ROWS_AT_ONCE)
        self._next = next(self._rows, None)

    def last(self, number: int) -> tuple[Any, ...] | None:
        """The last row of this segment, without its number."""
        found = None
        while self._next is not None and self._next[0] <= number:
            if self._next[0] == number:
                found = self._next[1:]
            self._next = next(self._rows, None)
        return found

    def newest(self, number: int) -> _Corrected | None:
        """The newest of a segment's corrections."""
        row = self.last(number)
        return _Corrected(*row) if row else None


def _corrections(**which: object) -> models.QuerySet[Any, tuple[Any, ...]]:
    return (
        Correction.objects.filter(**which)
        .order_by("segment__number", "pk")
        .values_list("segment__number", "text", "machine")
    )


class _Stream:
    """A session's texts in one language, as `FinalCaption.of` gives them to listeners."""

    def __init__(self, session: LiveSession, column: Column) -> None:
        self._column = column
        mine = Translation.objects.filter(session=session, language=column.language)
        self._translations = _BySegment(
            mine.order_by("segment__number").values_list("segment__number", "text", "reviewed_at")
        )
        self._corrections = _BySegment(
            _corrections(translation__session=session, translation__language=column.language)
        )

    def text_of(self, said: _Said) -> Text:
        spoken = self._column.language == said.language
        # What was said is there before any translation is.
        early = (said.text, None) if spoken else None
        row = self._translations.last(said.number) or early
        corrected = self._corrections.newest(said.number)
        if row is None:
            return Text(None, TextState.MISSING, None)
        if corrected is None and spoken:
            corrected = said.corrected
        machine, reviewed_at = row
        shown = machine if corrected is None else corrected.text
        if shown is None:
            return Text(None, TextState.FAILED, None)
        by_machine = corrected is None or corrected.machine
        state = TextState.MACHINE if by_machine else TextState.CORRECTED
        if reviewed_at or self._column.review is ReviewState.REVIEWED:
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
