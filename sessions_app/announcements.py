"""What an organiser tells every listener of an event: a notice, and languages that are muted.

Both stand in the database, where every process looks every 2 s; the channel layer makes it sooner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from asgiref.sync import async_to_sync

from sessions_app.broadcast import publish_announcement
from sessions_app.models import Event, EventLanguage

LONGEST_NOTICE = 300


@dataclass(frozen=True, slots=True)
class Announced:
    """`notice`: "" none. `muted`: codes of the languages in which nothing is to be heard."""

    notice: str = ""
    muted: frozenset[str] = frozenset()


def announced_at(events: Iterable[int]) -> Mapping[int, Announced]:
    """What is announced now, by event. Two queries."""
    events = list(events)
    muted: dict[int, set[str]] = {event: set() for event in events}
    rows = EventLanguage.objects.filter(event__in=events, muted=True)
    for event, code in rows.values_list("event", "language__code"):
        muted[event].add(code)
    notices = Event.objects.filter(pk__in=events).values_list("pk", "notice")
    return {event: Announced(notice, frozenset(muted[event])) for event, notice in notices}


def announce(event: Event, text: str) -> None:
    """Tell every listener this until something else is announced; "" takes it back.

    Raises ValueError where it is longer than LONGEST_NOTICE characters.
    """
    text = " ".join(text.split())
    if len(text) > LONGEST_NOTICE:
        raise ValueError(f"Write at most {LONGEST_NOTICE} characters.")
    Event.objects.filter(pk=event.pk).update(notice=text)
    async_to_sync(publish_announcement)(event.pk)


def mute(event: Event, language: str, *, on: bool) -> bool:
    """Let nothing be spoken in a language, or let it be again; captions go on.

    Returns whether the event is translated into it.
    """
    changed = event.languages.filter(language__code=language).update(muted=on)
    if changed:
        async_to_sync(publish_announcement)(event.pk)
    return bool(changed)
