"""Copies of an event at other times, each with a join code and speakers' links of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule
from django.db import transaction

from sessions_app.models import (
    Event,
    EventLanguage,
    EventMember,
    GlossaryTerm,
    GlossaryTranslation,
    Speaker,
)

MOST_COPIES = 60
"""A year of weeks, with some to spare."""
BATCH = 500
"""Rows that go to the database at once."""


class Repeat(StrEnum):
    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    DATES = "dates"


_FREQUENCIES: dict[Repeat, Literal[1, 2, 3]] = {
    Repeat.DAILY: DAILY,
    Repeat.WEEKLY: WEEKLY,
    Repeat.MONTHLY: MONTHLY,
}


class TooMany(Exception):
    """More than MOST_COPIES dates."""


@dataclass(frozen=True, slots=True)
class Start:
    """When a copy begins. `shifted`: the clock skips the wanted time that day; it is later."""

    at: datetime
    shifted: bool


def starts(
    repeat: Repeat, first: datetime, until: date | None, dates: Iterable[date], zone: ZoneInfo
) -> list[Start]:
    """The starts in order, at the same time of day in `zone` in summer and in winter.

    `first` is naive, in that zone. A month without such a day, as February 30, has none. Raises
    TooMany.
    """
    if repeat == Repeat.DATES:
        wanted = [datetime.combine(day, first.time()) for day in sorted(set(dates))]
    elif repeat == Repeat.ONCE or until is None:
        wanted = [first]
    else:
        rule = rrule(
            _FREQUENCIES[repeat],
            dtstart=first,
            until=datetime.combine(until, time.max),
        )
        wanted = [moment for _, moment in zip(range(MOST_COPIES + 1), rule, strict=False)]
    if len(wanted) > MOST_COPIES:
        raise TooMany
    return [_start(moment, zone) for moment in wanted]


def _start(wanted: datetime, zone: ZoneInfo) -> Start:
    at = wanted.replace(tzinfo=zone)
    # Through UTC and back: a time that the clock skips comes back as a later one.
    real = datetime.fromtimestamp(at.timestamp(), zone)
    return Start(real, shifted=real.replace(tzinfo=None, fold=0) != wanted.replace(fold=0))


def copy_event(event: Event, starts_at: Sequence[datetime], title: str = "") -> list[Event]:
    """The event once more at each of these times, open, with everything organisers settled.

    Speakers are invited anew, by other links; those whose link was revoked are not.
    """
    with transaction.atomic():
        return [_copy(event, moment, title or event.title) for moment in starts_at]


def _copy(event: Event, starts_at: datetime, title: str) -> Event:
    copy = Event.objects.create(
        title=title,
        starts_at=starts_at,
        duration_min=event.duration_min,
        access=event.access,
        pin=event.pin,
        avatar=event.avatar,
        video_seats=event.video_seats,
        hold_s=event.hold_s,
        owner=event.owner,
    )
    copy.source_languages.set(event.source_languages.all())
    EventLanguage.objects.bulk_create(
        EventLanguage(
            event=copy,
            language_id=row.language_id,
            voice_id=row.voice_id,
            avatar_id=row.avatar_id,
            muted=row.muted,
        )
        for row in event.languages.all()
    )
    EventMember.objects.bulk_create(
        EventMember(event=copy, user_id=member.user_id, role=member.role)
        for member in event.members.all()
    )
    for speaker in event.speakers.filter(revoked_at=None):
        Speaker.objects.create(event=copy, name=speaker.name)
    _copy_glossary(event, copy)
    return copy


def _copy_glossary(event: Event, copy: Event) -> None:
    there = list(event.glossary.prefetch_related("translations"))
    terms = GlossaryTerm.objects.bulk_create(
        [
            GlossaryTerm(event=copy, term=term.term, keep=term.keep, say_as=term.say_as)
            for term in there
        ],
        batch_size=BATCH,
    )
    GlossaryTranslation.objects.bulk_create(
        [
            GlossaryTranslation(term=new, language_id=said.language_id, text=said.text)
            for old, new in zip(there, terms, strict=True)
            for said in old.translations.all()
        ],
        batch_size=BATCH,
    )


def next_week(event: Event, zone: ZoneInfo, now: datetime) -> datetime:
    """Where a copy is wanted most: a week later, at the same time of day, naive in `zone`."""
    begins = (event.starts_at or now.replace(minute=0, second=0)).astimezone(zone)
    return begins.replace(tzinfo=None, fold=0, microsecond=0) + timedelta(weeks=1)
