"""What a control room's page is told. Times of day are ISO 8601, all others milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sessions_app.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardLanguage:
    """A language of the event and who listens to it now. `target`: it can be muted."""

    code: str
    name: str
    direction: str
    target: bool
    muted: bool
    listeners: int
    with_sound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSession:
    """The event's newest session. `wanted` is an order that is not carried out yet, "" none."""

    id: int
    state: str
    wanted: str
    rehearsal: bool
    speaker: str
    started_at: str
    ended_at: str | None
    hold_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long one stage took after the end of a phrase, over the last `count` measurements."""

    stage: str
    median_ms: int
    worst_ms: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Somebody who has this control room open now, in any process."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(Message):
    """Everything but what was said; sent whole whenever any of it changes."""

    type: ClassVar[str] = "overview"
    title: str
    session: ShownSession | None
    notice: str
    languages: Sequence[HeardLanguage]
    delays: Sequence[Delay]
    cost: str
    operators: Sequence[Present]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownText:
    """One text of a sentence, as it stands now; None where its translation failed.

    `last` is the id of its newest correction, 0 none: who corrects it says which one they saw.
    `seen`: listeners have been sent it.
    """

    text: str | None
    last: int
    seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence(Message):
    """A segment. `dropped_by` is "" where it is not dropped.

    Nobody sees it before `held_until`, be it for one before it; None where it waits for nothing.
    """

    type: ClassVar[str] = "sentence"
    session: int
    segment: int
    source_language: str
    source: ShownText
    translations: Mapping[str, ShownText]
    start_ms: int
    held_until: str | None
    dropped_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Message):
    """A line of the session's log: an action and who did it, or a problem."""

    type: ClassVar[str] = "entry"
    session: int
    id: int
    at: str
    kind: str
    text: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Message):
    """What a listener reported."""

    type: ClassVar[str] = "report"
    id: int
    at: str
    language: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples(Message):
    """How many listened: rows of time in ms since 1970, language, listeners, oldest first."""

    type: ClassVar[str] = "samples"
    session: int
    rows: Sequence[tuple[int, str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Message):
    """The server's time, ms since 1970: by it sentences are held. Also a sign of life."""

    type: ClassVar[str] = "clock"
    now: int
    database: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Message):
    """What came of a command, which the page gave the number `ref`."""

    type: ClassVar[str] = "answer"
    ref: int
    ok: bool
    message: str
