"""What a process that interprets a session looks up every second: orders, and who listens.

Operators work through any process. What they want stands in the database, so that it needs no
channel layer and outlives every process.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from sessions_app.models import AudienceCount, AudienceSample, Event, LiveSession
from sessions_app.models.audience import NOBODY, Heard

LOOK_EVERY_S = 1.0
SAMPLE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Orders:
    """`wanted` is the state an operator wants the session in, "" none."""

    wanted: str
    is_held: bool
    muted: frozenset[str]
    heard: Mapping[str, Heard]


def orders_for(session: LiveSession) -> Orders:
    """What is wanted of this session now, and who listens. Reads the database."""
    row = LiveSession.objects.filter(pk=session.pk).values_list("wanted", "hold_s").first()
    wanted, hold_s = row or ("", 0)
    event = Event.objects.filter(pk=session.event_id).first()
    return Orders(
        wanted=wanted,
        is_held=hold_s > 0,
        muted=event.muted_languages() if event else frozenset(),
        heard=AudienceCount.totals(session.event_id, rehearsal=session.rehearsal),
    )


class Sampler:
    """Stores how many listen, where that has changed, at most every `SAMPLE_EVERY_S`."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._stored: dict[str, Heard] | None = None
        self._sampled_at = float("-inf")

    def sample(self, heard: Mapping[str, Heard]) -> None:
        """Writes to the database."""
        if time.monotonic() - self._sampled_at < SAMPLE_EVERY_S:
            return
        if self._stored is None:
            # An earlier run of the session, in any process, may have left somebody listening.
            rows = AudienceSample.objects.filter(session=self._session).order_by("pk")
            known = rows.values_list("language", "listeners", "with_sound")
            self._stored = {code: Heard(*counts) for code, *counts in known}
        before = self._stored
        now = {code: heard.get(code, NOBODY) for code in {*before, *heard}}
        changed = {code: count for code, count in now.items() if before.get(code) != count}
        AudienceSample.objects.bulk_create(
            AudienceSample(
                session_id=self._session,
                language=code,
                listeners=count.listeners,
                with_sound=count.with_sound,
            )
            for code, count in changed.items()
        )
        self._stored, self._sampled_at = now, time.monotonic()
