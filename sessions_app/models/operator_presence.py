"""Which operators have a control room open now, as each server process tells of its own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from sessions_app.models.event import Event

PRESENT_FOR = timedelta(seconds=10)
"""Operators of a process that has died are shown this long; living ones report more often."""


class OperatorPresence(models.Model):
    """Somebody whose control room is open in one process. Expires unless reported again."""

    process = models.CharField(max_length=40)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="operators_present")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["event", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["process", "event", "user"], name="operator_present_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.event}"

    @classmethod
    def report(cls, process: str, event: int, users: Collection[int]) -> None:
        """Replace what this process reported of this event; forget processes that died."""
        now = timezone.now()
        with transaction.atomic():
            cls.objects.filter(Q(process=process) | Q(expires_at__lt=now), event=event).delete()
            # An account may have been deleted while its page was open.
            there = User.objects.filter(pk__in=users).values_list("pk", flat=True) if users else ()
            OperatorPresence.objects.bulk_create(
                OperatorPresence(
                    process=process, event_id=event, user_id=user, expires_at=now + PRESENT_FOR
                )
                for user in there
            )

    @classmethod
    def present(cls, event: int) -> list[User]:
        """Everybody who is there, once, in the order of their names."""
        rows = cls.objects.filter(event=event, expires_at__gt=timezone.now())
        people = User.objects.filter(pk__in=rows.order_by().values("user"))
        return list(people.order_by("last_name", "first_name", "username"))
