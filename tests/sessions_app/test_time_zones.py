"""Times as the organiser who looks at them reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from sessions_app.models import Event, Preferences
from tests.forms import form_of
from tests.sessions_app.test_admin import address

MakeEvent = Callable[..., Event]
SUMMER = datetime(2031, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def organiser(client: Client, db: None) -> User:
    user = User.objects.create_superuser("organiser")
    client.force_login(user)
    return user


def choose(client: Client, zone: str, back: str = "") -> int:
    response = client.post(reverse("time-zone"), {"time_zone": zone, "next": back})
    return response.status_code


def test_times_are_shown_and_asked_for_in_ones_own_zone(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    event = make_event("es-ES")
    event.starts_at = SUMMER
    event.save()
    path = address(Event, "change", event.pk)
    assert 'name="starts_at_1" value="12:00:00"' in client.get(path).text
    assert choose(client, "Asia/Kolkata") == 302
    page = client.get(path)
    form = page.context["adminform"].form
    assert 'name="starts_at_1" value="17:30:00"' in page.text
    assert "Asia/Kolkata (UTC+05:30)" in form.fields["starts_at"].help_text
    assert "1 July 2031, 17:30 IST" in client.get(address(Event, "changelist")).text
    client.post(path, form_of(page) | {"starts_at_0": "2031-07-01", "starts_at_1": "09:00"})
    event.refresh_from_db()
    assert event.starts_at == datetime(2031, 7, 1, 3, 30, tzinfo=UTC)
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_zone_is_ones_own(client: Client, organiser: User) -> None:
    choose(client, "Europe/Berlin")
    assert "Times in <bdi>Europe/Berlin</bdi>" in client.get(reverse("admin:index")).text
    client.force_login(User.objects.create_user("other", is_staff=True))
    assert "Times in <bdi>UTC</bdi>" in client.get(reverse("admin:index")).text


def test_the_computers_zone_is_offered_until_one_is_chosen(client: Client, organiser: User) -> None:
    assert 'id="zone-offer"' in client.get(reverse("admin:index")).text
    choose(client, "UTC")
    assert 'id="zone-offer"' not in client.get(reverse("admin:index")).text


@pytest.mark.parametrize("zone", ["", "Europe/Atlantis", "../../etc/passwd", "x" * 500, "\x00"])
def test_what_is_no_zone_is_refused_in_words(client: Client, organiser: User, zone: str) -> None:
    response = client.post(reverse("time-zone"), {"time_zone": zone})
    assert (response.status_code, Preferences.objects.count()) == (200, 0)
    assert response.context["form"].errors


@pytest.mark.parametrize(
    "back", ["https://elsewhere.example/", "//elsewhere.example", "javascript:1"]
)
def test_choosing_leads_back_to_a_page_of_ours_alone(
    client: Client, organiser: User, back: str
) -> None:
    for wanted, expected in ((back, "/admin/"), ("/admin/auth/user/", "/admin/auth/user/")):
        response = client.post(reverse("time-zone"), {"time_zone": "UTC", "next": wanted})
        assert response["Location"] == expected


@pytest.mark.django_db
def test_only_staff_choose(client: Client) -> None:
    client.force_login(User.objects.create_user("listener"))
    assert client.get(reverse("time-zone")).status_code == 302
    assert choose(client, "UTC") == 302
    assert Preferences.objects.count() == 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
async def test_pages_that_wait_for_the_speech_service_know_the_zone_too() -> None:
    user = await User.objects.acreate_superuser("organiser")
    await Preferences.objects.acreate(user=user, time_zone="Asia/Kolkata")
    client = AsyncClient()
    await client.aforce_login(user)
    page = await client.get(reverse("admin:index"))
    assert b"Times in <bdi>Asia/Kolkata</bdi>" in page.content
