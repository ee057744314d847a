"""What a person has settled for the back office as they see it."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone


def check_time_zone(name: str) -> None:
    """Raises ValidationError for a name that is no time zone."""
    if name not in available_timezones():
        raise ValidationError("Choose a time zone of the list, such as Europe/Berlin.")


class Preferences(models.Model):
    """One person's; without a row, or with an empty time zone, the installation's holds."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    time_zone = models.CharField(max_length=64, blank=True, validators=[check_time_zone])
    first_steps_dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"

    @classmethod
    def choose_time_zone(cls, user: int, name: str) -> None:
        """Show this person all times in this zone."""
        cls.objects.update_or_create(user_id=user, defaults={"time_zone": name})

    @classmethod
    def dismiss_first_steps(cls, user: int) -> None:
        """Show this person the first steps no more."""
        cls.objects.update_or_create(
            user_id=user, defaults={"first_steps_dismissed_at": timezone.now()}
        )
