"""Who listens now, counted by every server process for its own sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.db.models import Sum
from django.utils import timezone

from sessions_app.models.event import Event

COUNT_LIVES_FOR = timedelta(seconds=30)
"""A process that has died is no longer counted after this; living ones report more often."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How many listen in a language, and how many of them with sound."""

    listeners: int
    with_sound: int


NOBODY = Heard(0, 0)


@dataclass(frozen=True, slots=True)
class StreamKey:
    """Listeners are counted by event, language, and whether they were invited to rehearsals."""

    event: int
    language: str
    rehearsal: bool


class AudienceCount(models.Model):
    """One process's listeners of one event in one language. Expires unless reported again."""

    process = models.CharField(max_length=40)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="audience_counts")
    language = models.CharField(max_length=35)
    rehearsal = models.BooleanField(default=False)
    listeners = models.PositiveIntegerField(default=0)
    with_sound = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["event", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["process", "event", "language", "rehearsal"], name="audience_counted_once"
            ),
            models.CheckConstraint(
                condition=models.Q(with_sound__lte=models.F("listeners")),
                name="audience_with_sound_listens",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listeners} in {self.language}"

    @classmethod
    def report(cls, process: str, counts: Mapping[StreamKey, Heard]) -> None:
        """Replace what this process reported before; forget processes that died."""
        now = timezone.now()
        with transaction.atomic():
            cls.objects.filter(process=process).delete()
            cls.objects.filter(expires_at__lt=now).delete()
            AudienceCount.objects.bulk_create(
                AudienceCount(
                    process=process,
                    event_id=key.event,
                    language=key.language,
                    rehearsal=key.rehearsal,
                    listeners=heard.listeners,
                    with_sound=heard.with_sound,
                    expires_at=now + COUNT_LIVES_FOR,
                )
                for key, heard in counts.items()
            )

    @classmethod
    def totals(cls, event_id: int, *, rehearsal: bool) -> dict[str, Heard]:
        """By language, over all processes; during a rehearsal only those invited to it."""
        rows = cls.objects.filter(event_id=event_id, expires_at__gt=timezone.now())
        if rehearsal:
            rows = rows.filter(rehearsal=True)
        grouped = (
            rows.order_by().values("language").annotate(a=Sum("listeners"), b=Sum("with_sound"))
        )
        return {row["language"]: Heard(row["a"], row["b"]) for row in grouped}


class ListenerReport(models.Model):
    """A problem a listener told the organiser about."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="reports")
    language = models.CharField(max_length=35)
    message = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.message[:80]
