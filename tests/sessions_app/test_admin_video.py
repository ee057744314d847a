"""What the back office says about video avatars and costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from sessions_app.models import Avatar, CaptionStream, Event, LiveSession, VideoResource, VideoSeat
from tests.forms import form_of

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


@pytest.fixture(autouse=True)
def organiser(client: Client) -> User:
    user = User.objects.create_superuser("organiser")
    client.force_login(user)
    return user


def run(event: Event, backend: str) -> LiveSession:
    """An hour with audio, two voices and ten minutes of video."""
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
        backend=backend,
    )
    session.end()
    now = timezone.now()
    LiveSession.objects.update(
        started_at=now - timedelta(hours=1), ended_at=now, acked_samples=16_000 * 3600
    )
    for language in ("es-ES", "fr-FR"):
        CaptionStream.objects.create(session=session, language=language, spoken_characters=50_000)
    VideoSeat.objects.create(
        resource=VideoResource.objects.create(name="westeurope"),
        event=event,
        session=session,
        language="es-ES",
        state="ended",
        opened_at=now - timedelta(minutes=10),
        ended_at=now,
    )
    return session


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (
            "azure",
            "9.00 EUR, 9.00 EUR an hour (10.0 minutes of video, 100000 characters spoken, "
            "1.00 hours of audio)",
        ),
        ("embedded", "none: it ran on this machine"),
    ],
)
def test_a_session_shows_what_it_has_cost(
    client: Client, make_event: MakeEvent, settings: Settings, backend: str, words: str
) -> None:
    settings.PRICE_AVATAR_MINUTE, settings.PRICE_MILLION_CHARACTERS = 0.5, 15.0
    settings.PRICE_AUDIO_HOUR, settings.PRICE_CURRENCY = 2.5, "EUR"
    session = run(make_event("es-ES", "fr-FR"), backend)
    page = client.get(reverse("admin:sessions_app_livesession_change", args=[session.pk]))
    assert words in page.content.decode()


@pytest.mark.parametrize(("seats", "warned"), [(0, True), (3, False)])
def test_an_organiser_learns_that_a_video_needs_seats(
    client: Client, make_event: MakeEvent, seats: int, warned: bool
) -> None:
    event = make_event("es-ES")
    Event.objects.update(avatar=Avatar.objects.get(character="lisa"))
    address = reverse("admin:sessions_app_event_change", args=[event.pk])
    data = form_of(client.get(address))
    data["video_seats"] = seats
    page = client.post(address, data, follow=True)
    assert ("Nobody sees the video avatar" in page.content.decode()) == warned
    event.refresh_from_db()
    assert event.video_seats == seats
