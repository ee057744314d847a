"""What a live session has cost at its service, from prices in the settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from sessions_app.models import Event, LiveSession
from sessions_app.models.catalogue import BackendName

SAMPLES_PER_HOUR = 16_000 * 3600
SECONDS_PER_HOUR = 3600
CHARACTERS_PER_HOUR = 54_000
"""What one voice says in an hour of talk: 15 characters a second."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Amounts in PRICE_CURRENCY; `per_hour` is the mean over the session so far."""

    avatar_minutes: float
    characters: int
    audio_hours: float
    hours: float

    @classmethod
    def of(cls, session: LiveSession) -> Costs:
        """Nothing where the session ran on this machine alone."""
        now = timezone.now()
        hours = ((session.ended_at or now) - session.started_at).total_seconds() / SECONDS_PER_HOUR
        if session.backend != BackendName.AZURE:
            return cls(avatar_minutes=0.0, characters=0, audio_hours=0.0, hours=hours)
        seats = session.seats.filter(opened_at__isnull=False)
        connected_s = sum(seat.connected_s for seat in seats)
        spoken = [
            rows.aggregate(total=Sum("spoken_characters"))["total"] or 0
            for rows in (session.streams, seats)
        ]
        return cls(
            avatar_minutes=connected_s / 60,
            characters=sum(spoken),
            audio_hours=session.acked_samples / SAMPLES_PER_HOUR,
            hours=hours,
        )

    @classmethod
    def estimate(cls, event: Event, backend: str) -> Costs:
        """What the event will cost at most if it takes the planned time and everything is used."""
        hours = event.duration_min / 60
        if backend != BackendName.AZURE:
            return cls(avatar_minutes=0.0, characters=0, audio_hours=0.0, hours=hours)
        voices = event.languages.filter(muted=False).count()
        return cls(
            avatar_minutes=float(event.video_seats * event.duration_min),
            characters=round(voices * CHARACTERS_PER_HOUR * hours),
            audio_hours=hours,
            hours=hours,
        )

    @property
    def so_far(self) -> float:
        amount: float = (
            self.avatar_minutes * settings.PRICE_AVATAR_MINUTE
            + self.characters / 1_000_000 * settings.PRICE_MILLION_CHARACTERS
            + self.audio_hours * settings.PRICE_AUDIO_HOUR
        )
        return amount

    @property
    def per_hour(self) -> float:
        return self.so_far / self.hours if self.hours > 0 else 0.0

    def in_words(self) -> str:
        """For the organiser: the amount, the rate and what it is made of."""
        currency = settings.PRICE_CURRENCY
        return (
            f"{self.so_far:.2f} {currency}, {self.per_hour:.2f} {currency} an hour "
            f"({self.avatar_minutes:.1f} minutes of video, {self.characters} characters spoken, "
            f"{self.audio_hours:.2f} hours of audio)"
        )
