"""What operators see of an event, read from the database: the same few queries at any size."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sessions_app.costs import Costs
from sessions_app.messages import Message
from sessions_app.models import (
    AudienceCount,
    AudienceSample,
    Correction,
    Event,
    Language,
    LiveSession,
    OperatorPresence,
    Segment,
    SessionLogEntry,
    Translation,
)
from sessions_app.models.audience import NOBODY, Heard
from sessions_app.models.catalogue import BackendName
from sessions_app.models.transcript import State
from sessions_app.review.transcript import name_of
from speech_app.control.messages import (
    Delay,
    Entry,
    HeardLanguage,
    Overview,
    Present,
    Report,
    Samples,
    Sentence,
    ShownSession,
    ShownText,
)

SENTENCES = 50
MEASURED = 100
"""Delays are those of the last sentences: what was slow an hour ago is no news."""
ENTRIES = 50
REPORTS_FOR = timedelta(hours=12)


class Picture(NamedTuple):
    """Messages by a key that stays the same when what they tell of changes."""

    session: int | None
    messages: Mapping[str, Message]


def picture_of(event: Event) -> Picture:
    """All of it but the samples. Reads the database."""
    session = event.live_sessions.select_related("speaker", "event").order_by("-pk").first()
    messages: dict[str, Message] = {"overview": _overview(event, session)}
    if session:
        messages |= {f"sentence {one.segment}": one for one in _sentences(session)}
        messages |= {f"entry {one.id}": one for one in _entries(session)}
    messages |= {f"report {one.id}": one for one in _reports(event, session)}
    return Picture(session.pk if session else None, messages)


def samples_of(session: int, after: int = 0) -> tuple[Samples | None, int]:
    """Those stored after the one with this id, and the id of the last."""
    rows = AudienceSample.objects.filter(session=session, pk__gt=after).order_by("pk")
    found = list(rows.values_list("pk", "at", "language", "listeners"))
    if not found:
        return None, after
    told = Samples(
        session=session,
        rows=[(_ms(at), language, listeners) for _, at, language, listeners in found],
    )
    return told, found[-1][0]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _overview(event: Event, session: LiveSession | None) -> Overview:
    muted = event.muted_languages()
    targets = set(event.target_languages.values_list("code", flat=True))
    running = session is not None and session.state != State.ENDED
    rehearsal = running and session is not None and session.rehearsal
    heard = AudienceCount.totals(event.pk, rehearsal=rehearsal)
    return Overview(
        title=event.title,
        session=_shown(session) if session else None,
        notice=event.notice,
        languages=[
            _heard(language, heard.get(language.code, NOBODY), targets, muted)
            for language in event.offered_languages()
        ],
        delays=_delays(session) if session else [],
        cost=_cost(session) if session else "",
        operators=[
            Present(id=user.pk, name=name_of(user)) for user in OperatorPresence.present(event.pk)
        ],
    )


def _heard(
    language: Language, heard: Heard, targets: Iterable[str], muted: Iterable[str]
) -> HeardLanguage:
    return HeardLanguage(
        code=language.code,
        name=language.name,
        direction=language.direction,
        target=language.code in targets,
        muted=language.code in muted,
        listeners=heard.listeners,
        with_sound=heard.with_sound,
    )


def _shown(session: LiveSession) -> ShownSession:
    return ShownSession(
        id=session.pk,
        state=session.state,
        wanted=session.wanted,
        rehearsal=session.rehearsal,
        speaker=session.speaker.name if session.speaker else "",
        started_at=session.started_at.isoformat(),
        ended_at=session.ended_at.isoformat() if session.ended_at else None,
        hold_s=session.hold_s,
    )


def _cost(session: LiveSession) -> str:
    if session.backend != BackendName.AZURE:
        return "Nothing: everything runs on this server."
    return f"{Costs.of(session).in_words()}."


def _delays(session: LiveSession) -> list[Delay]:
    last = session.segments.order_by("-number").values_list("number", flat=True).first() or 0
    newest = session.segments.filter(number__gt=last - MEASURED)
    taken = list(
        Translation.objects.filter(segment__in=newest).values_list("caption_ms", "speech_ms")
    )
    return [
        _delay("recognition", newest.values_list("final_ms", flat=True)),
        _delay("caption", (caption_ms for caption_ms, _ in taken)),
        _delay("voice", (speech_ms for _, speech_ms in taken)),
    ]


def _delay(stage: str, measured: Iterable[int | None]) -> Delay:
    taken = [ms for ms in measured if ms is not None]
    return Delay(
        stage=stage,
        median_ms=round(statistics.median(taken)) if taken else 0,
        worst_ms=max(taken, default=0),
        count=len(taken),
    )


def _sentences(session: LiveSession) -> Iterator[Sentence]:
    newest = session.segments.select_related("dropped_by").order_by("-number")[:SENTENCES]
    segments = list(newest)[::-1]
    translations: dict[int, list[Translation]] = defaultdict(list)
    for row in Translation.objects.filter(segment__in=segments).order_by("language"):
        translations[row.segment_id].append(row)
    corrections: dict[tuple[int, int | None], Correction] = {}
    for correction in Correction.objects.filter(segment__in=segments).order_by("pk"):
        corrections[correction.segment_id, correction.translation_id] = correction
    held_until: datetime | None = None
    for segment in segments:
        rows = translations[segment.pk]
        waits = not segment.dropped_at and not any(row.seq for row in rows)
        if waits and segment.held_until and segment.is_held:
            held_until = max(segment.held_until, held_until or segment.held_until)
        # Its own time may be over, or it was never held: then it waits behind that one.
        waits = waits and (segment.held_until is not None or bool(rows))
        yield _sentence(session, segment, rows, corrections, held_until if waits else None)


def _sentence(
    session: LiveSession,
    segment: Segment,
    translations: Sequence[Translation],
    corrections: Mapping[tuple[int, int | None], Correction],
    held_until: datetime | None,
) -> Sentence:
    own = [row for row in translations if row.language == segment.source_language]
    source = _text(
        segment.text, corrections.get((segment.pk, None)), seen=any(row.seq for row in own)
    )
    dropped = segment.dropped_at is not None
    return Sentence(
        session=session.pk,
        segment=segment.number,
        source_language=segment.source_language,
        source=source,
        translations={
            row.language: _text(
                row.text, corrections.get((segment.pk, row.pk)), seen=row.seq is not None
            )
            for row in translations
            if row not in own
        },
        start_ms=segment.start_ms,
        held_until=held_until.isoformat() if held_until else None,
        dropped_by=(name_of(segment.dropped_by) or "somebody") if dropped else "",
    )


def _text(machine: str | None, correction: Correction | None, *, seen: bool) -> ShownText:
    if correction is None:
        return ShownText(text=machine, last=0, seen=seen)
    return ShownText(text=correction.text, last=correction.pk, seen=seen)


def _entries(session: LiveSession) -> Iterator[Entry]:
    newest = SessionLogEntry.objects.filter(session=session).select_related("author")
    for row in list(newest.order_by("-pk")[:ENTRIES])[::-1]:
        yield Entry(
            session=session.pk,
            id=row.pk,
            at=row.at.isoformat(),
            kind=row.kind,
            text=row.text,
            author=name_of(row.author),
        )


def _reports(event: Event, session: LiveSession | None) -> Iterator[Report]:
    rows = event.reports.order_by("-pk")
    if session:
        rows = rows.filter(created_at__gt=session.started_at - REPORTS_FOR)
    for row in list(rows[:ENTRIES])[::-1]:
        yield Report(
            id=row.pk,
            at=row.created_at.isoformat(),
            language=row.language,
            message=row.message,
        )
