"""Seats at video avatars: who waits for one and who has one, counted over all server processes.

A video connection is dear and its service lets few begin in a minute, so every seat is a row: in
the queue, then connected, then kept for the bill. A process that dies stops saying that its rows
live, and they end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from sessions_app.models.event import Event
from sessions_app.models.transcript import LiveSession, State

MOST_QUEUED = 20
"""Of one event: whoever comes later would wait for ten minutes and more at Azure's pace."""
TICKET_LIVES_FOR = timedelta(seconds=30)
"""A browser needs a few seconds to find its addresses; an unused ticket keeps others waiting."""
LOST_AFTER = timedelta(seconds=20)
"""Seats whose process has not reported for this long have ended; a living one does each second."""


class SeatState(models.TextChoices):
    QUEUED = "queued", "in the queue"
    READY = "ready", "may connect"
    CONNECTING = "connecting", "connecting"
    PLAYING = "playing", "playing"
    ENDED = "ended", "ended"


class QueueFull(Exception):
    """So many wait for a video seat of this event that another would wait in vain."""


class VideoResource(models.Model):
    """An account at the video's service, against which connections count. Its row is the lock."""

    name = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def lock(cls, name: str) -> VideoResource:
        """The row, held until the transaction ends, so that one process at a time hands out."""
        cls.objects.get_or_create(name=name)
        return cls.objects.select_for_update().get(name=name)


@dataclass(frozen=True, slots=True)
class SeatView:
    """How a seat stands; `position` counts from 1 among the event's waiting, 0 once it has left."""

    state: str
    position: int
    reason: str
    ready_until: datetime | None


class SeatQuerySet(models.QuerySet["VideoSeat"]):
    def running(self) -> Self:
        return self.exclude(state=SeatState.ENDED)

    def end(self, reason: str, now: datetime) -> int:
        """End those that have not ended; one that ends for want of life ended when it was seen."""
        at = F("seen_at") if reason == "lost" else now
        return self.running().update(state=SeatState.ENDED, ended_at=at, reason=reason)


class VideoSeat(models.Model):
    """One listener's wait for a video avatar and the connection that came of it.

    The connection is paid from `opened_at` to `ended_at`. `reason` says why it ended, in a word
    of the protocol.
    """

    resource = models.ForeignKey(VideoResource, on_delete=models.PROTECT, related_name="seats")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="seats")
    language = models.CharField(max_length=35)
    state = models.CharField(
        max_length=10, choices=SeatState.choices, default=SeatState.QUEUED, db_index=True
    )
    queued_at = models.DateTimeField(default=timezone.now)
    ready_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True)
    spoken_characters = models.PositiveIntegerField(default=0)

    objects = SeatQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["resource", "opened_at"], name="seat_pace")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SeatState.values), name="seat_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False)
                | (~Q(state="ended") & Q(ended_at__isnull=True)),
                name="seat_ended_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} of session {self.session_id}: {self.state}"

    @classmethod
    def queue(cls, session: LiveSession, language: str, resource: str) -> tuple[VideoSeat, int]:
        """Wait for a seat; also tells the position. Raises QueueFull."""
        with transaction.atomic():
            held = VideoResource.lock(resource)
            waiting = cls.objects.filter(event=session.event_id, state=SeatState.QUEUED).count()
            if waiting >= MOST_QUEUED:
                raise QueueFull
            seat = cls.objects.create(
                resource=held, event_id=session.event_id, session=session, language=language
            )
            return seat, waiting + 1

    @classmethod
    def look(cls, resource: str, held: Collection[int]) -> dict[int, SeatView]:
        """Say that the seats held here live, let in whose turn it is, and tell how they stand."""
        now = timezone.now()
        with transaction.atomic():
            account = VideoResource.lock(resource)
            running = account.seats.running()
            running.filter(pk__in=held).update(seen_at=now)
            running.filter(seen_at__lt=now - LOST_AFTER).end("lost", now)
            running.filter(state=SeatState.READY, ready_until__lt=now).end("expired", now)
            running.filter(session__state=State.ENDED).end("session_ended", now)
            cls._let_in(account, now)
        waiting = account.seats.filter(state=SeatState.QUEUED).values_list("event", "pk")
        positions: dict[int, int] = {}
        counted: Counter[int] = Counter()
        for event, pk in waiting.order_by("pk"):
            counted[event] += 1
            positions[pk] = counted[event]
        return {
            seat.pk: SeatView(seat.state, positions.get(seat.pk, 0), seat.reason, seat.ready_until)
            for seat in account.seats.filter(pk__in=held)
        }

    @classmethod
    def _let_in(cls, resource: VideoResource, now: datetime) -> None:
        """First come, first served; an event whose seats are taken does not hold up another."""
        taken = resource.seats.running().exclude(state=SeatState.QUEUED)
        connections, seconds = settings.AZURE_AVATAR_PACE
        # A ticket counts until it is used or has expired, the connection it opens from then on.
        begun = resource.seats.filter(
            Q(opened_at__gt=now - timedelta(seconds=seconds)) | Q(state=SeatState.READY)
        )
        left = min(settings.AZURE_AVATAR_MAX_OPEN - taken.count(), connections - begun.count())
        if left <= 0:
            return
        of_event = Counter(taken.values_list("event", flat=True))
        waiting = resource.seats.filter(state=SeatState.QUEUED).select_related("event")
        for seat in waiting.order_by("pk"):
            if of_event[seat.event_id] >= seat.event.video_seats:
                continue
            seat.state, seat.ready_until = SeatState.READY, now + TICKET_LIVES_FOR
            seat.save(update_fields=["state", "ready_until"])
            of_event[seat.event_id] += 1
            left -= 1
            if left == 0:
                return

    def connect(self) -> bool:
        """The ticket is used: the connection counts from now. False where it came too late."""
        now = timezone.now()
        ready = VideoSeat.objects.filter(pk=self.pk, state=SeatState.READY, ready_until__gte=now)
        return bool(ready.update(state=SeatState.CONNECTING, opened_at=now))

    def play(self) -> bool:
        """The listener sees the video. False where the seat has ended meanwhile."""
        connecting = VideoSeat.objects.filter(pk=self.pk, state=SeatState.CONNECTING)
        return bool(connecting.update(state=SeatState.PLAYING))

    def end(self, reason: str) -> None:
        """Leave the queue, or stop the bill. Ending twice changes nothing."""
        VideoSeat.objects.filter(pk=self.pk).end(reason, timezone.now())

    @property
    def connected_s(self) -> float:
        """Seconds of connection so far, which are paid."""
        if self.opened_at is None:
            return 0.0
        return ((self.ended_at or timezone.now()) - self.opened_at).total_seconds()

    def count_spoken(self, characters: int) -> None:
        """Add to what its voice has spoken, which is billed apart from the video."""
        VideoSeat.objects.filter(pk=self.pk).update(
            spoken_characters=F("spoken_characters") + characters
        )
