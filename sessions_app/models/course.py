"""How a live session went: who listened when, what people did, and what did not work."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from sessions_app.models.transcript import LiveSession


class AudienceSample(models.Model):
    """How many listened in a language from this moment on, until the next sample of it.

    Stored when the number has changed, at most every 10 s.
    """

    session = models.ForeignKey(
        LiveSession, on_delete=models.CASCADE, related_name="audience_samples"
    )
    language = models.CharField(max_length=35)
    at = models.DateTimeField(default=timezone.now)
    listeners = models.PositiveIntegerField()
    with_sound = models.PositiveIntegerField()

    class Meta:
        ordering = ["session", "at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(with_sound__lte=F("listeners")), name="sample_with_sound_listens"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.language}: {self.listeners}"


class EntryKind(models.TextChoices):
    """What a line of a session's log is about."""

    ACTION = "action", "done by a person"
    PROBLEM = "problem", "problem"


class SessionLogEntry(models.Model):
    """Something people did to a live session, or something that did not work, in plain words.

    `code` is a problem's code of the protocol, or the name of the action.
    """

    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    code = models.CharField(max_length=40)
    text = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["session", "pk"]
        verbose_name = "log entry"
        verbose_name_plural = "log entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=EntryKind.values), name="log_entry_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.text[:80]}"
