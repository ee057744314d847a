"""Transcripts that were given away by links."""

from __future__ import annotations

import hashlib

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from sessions_app.models.transcript import LiveSession


class ExportLink(models.Model):
    """What whoever has the link may download, until it expires or is revoked.

    Of the link's secret only a digest is kept: it is told once, to who makes the link. So the time
    a look-up takes tells nothing of it, and neither does the database.
    """

    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    giver = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    recipient = models.CharField(max_length=120, blank=True)
    sessions = models.ManyToManyField(LiveSession, related_name="export_links")
    formats = models.JSONField()
    languages = models.JSONField()
    side_by_side = models.BooleanField()
    wanted = models.CharField(max_length=10)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Link for {self.recipient or 'somebody'}, until {self.expires_at:%Y-%m-%d %H:%M}"

    @staticmethod
    def digest_of(token: str) -> str:
        """What is kept of a link's secret."""
        return hashlib.sha256(token.encode()).hexdigest()

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    def revoke(self, user: User) -> None:
        """Make the link useless at once. Who did it first stays named."""
        if self.revoked_at is None:
            self.revoked_at, self.revoked_by = timezone.now(), user
            self.save(update_fields=["revoked_at", "revoked_by"])
