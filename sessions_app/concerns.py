"""What an organiser should know about an event's plan; nothing of it keeps the event from being."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.formats import time_format

from sessions_app.models import Event
from sessions_app.permissions import Action, events_for

LONGEST = timedelta(days=1)
"""No event is planned longer: see `Event.duration_min`."""
NAMED = 5


def concerns(event: Event, user: AbstractBaseUser | AnonymousUser) -> list[str]:
    """Plain sentences with a way out, none for a closed event.

    Of events this person may not see, only the number is told.
    """
    if event.closed_at is not None:
        return []
    found = []
    if not event.languages.exists():
        found.append(
            "It is translated into no language yet: "
            "listeners will read the spoken words. Tick languages under “Translate into”."
        )
    if event.ends_at and event.ends_at < timezone.now():
        found.append("Its time is in the past: set a new time, or close it under “Organisation”.")
    return [*found, *_overlaps(event, user)]


def _overlaps(event: Event, user: AbstractBaseUser | AnonymousUser) -> list[str]:
    together = overlapping(event)
    own = [other for other in together if other.owner_id == event.owner_id]
    seen = set(
        events_for(user, Action.VIEW)
        .filter(pk__in=[other.pk for other in together])
        .values_list("pk", flat=True)
    )
    found = []
    if mine := [other for other in own if other.pk in seen]:
        whose = "of the same owner" if event.owner_id else "without an owner"
        found.append(f"At the same time there is another event {whose}: {_named(mine)}.")
    if others := len(together) - len(mine):
        found.append(
            "At the same time there is one event of somebody else. "
            "Ask whoever runs this server whether it carries both."
            if others == 1
            else f"At the same time there are {others} events of others. "
            "Ask whoever runs this server whether it carries them all."
        )
    return found


def overlapping(event: Event) -> list[Event]:
    """Other open events whose planned times overlap this one's, the earliest first."""
    if event.starts_at is None or event.ends_at is None:
        return []
    near = Event.objects.filter(
        closed_at=None, starts_at__gt=event.starts_at - LONGEST, starts_at__lt=event.ends_at
    ).exclude(pk=event.pk)
    return [
        other
        for other in near.order_by("starts_at", "pk")
        if other.ends_at and other.ends_at > event.starts_at
    ]


def _named(events: Sequence[Event]) -> str:
    names = [f"“{event}” ({'–'.join(_times(event))})" for event in events[:NAMED]]
    more = len(events) - NAMED
    return ", ".join([*names, *([f"{more} more"] if more > 0 else [])])


def _times(event: Event) -> Iterable[str]:
    return [
        time_format(timezone.localtime(moment), "TIME_FORMAT")
        for moment in (event.starts_at, event.ends_at)
        if moment
    ]
