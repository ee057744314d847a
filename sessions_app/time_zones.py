"""Times as the person reads them who looks at the back office."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware
from django.utils.formats import date_format

from sessions_app.models import Preferences

BACK_OFFICE = ("/admin/", "/office/", "/speaker/")
"""Where organisers read times. No other page asks the database who reads it."""

Answer = Callable[[HttpRequest], HttpResponse]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware
def time_zone_middleware(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Answers the pages of the back office in the time zone of whoever asks."""
    if iscoroutinefunction(get_response):
        answer_later = cast("AsyncAnswer", get_response)

        async def in_zone_async(request: HttpRequest) -> HttpResponse:
            if not request.path.startswith(BACK_OFFICE):
                return await answer_later(request)
            zone = await sync_to_async(zone_of)(await request.auser())
            with timezone.override(zone):
                return await answer_later(request)

        return in_zone_async
    answer = cast("Answer", get_response)

    def in_zone(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(BACK_OFFICE):
            return answer(request)
        with timezone.override(zone_of(request.user)):
            return answer(request)

    return in_zone


def zone_of(user: AbstractBaseUser | AnonymousUser) -> ZoneInfo:
    """The time zone this person has chosen, or else the installation's."""
    chosen = ""
    if user.is_authenticated:
        # Kept on the user: the page asks for it again.
        preferences: Preferences | None = getattr(user, "preferences", None)
        chosen = preferences.time_zone if preferences else ""
    return ZoneInfo(chosen) if chosen else timezone.get_default_timezone()


def in_words(moment: datetime) -> str:
    """Day, time and zone, such as “3 June 2026, 14:00 (Europe/Berlin)”, in the current zone."""
    return f"{date_format(timezone.localtime(moment), 'DATETIME_FORMAT')} ({zone_name()})"


def with_zone(moment: datetime) -> str:
    """Day, time and the zone in short, such as “3 June 2026, 14:00 CEST”, in the current zone."""
    local = timezone.localtime(moment)
    return f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname()}"


def zone_name() -> str:
    """The current time zone's name."""
    return timezone.get_current_timezone_name()


def zone_offset(moment: datetime) -> str:
    """How far the current zone is from UTC at that moment, such as “UTC+02:00”."""
    offset = timezone.localtime(moment).strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}"
