"""What an organiser hands out and looks at beside an event's form, and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar
from pytest_django import Settings

from sessions_app.costs import Costs
from sessions_app.models import (
    Avatar,
    Event,
    EventLanguage,
    EventMember,
    GlossaryTerm,
    Language,
    LiveSession,
    Preferences,
    Voice,
)
from sessions_app.models.event import Role
from tests.people import person
from tests.sessions_app.test_admin import address

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]
NOON = datetime(2031, 6, 3, 12, tzinfo=UTC)
PAGES: dict[str, set[Role]] = {
    "event-poster": {Role.ORGANISER, Role.REVIEWER, Role.OPERATOR},
    "event-calendar": {Role.ORGANISER, Role.REVIEWER, Role.OPERATOR},
    "event-glossary": {Role.ORGANISER, Role.REVIEWER, Role.OPERATOR},
    "glossary-export": {Role.ORGANISER, Role.REVIEWER, Role.OPERATOR},
    "event-preflight": {Role.ORGANISER, Role.OPERATOR},
    "event-copy": {Role.ORGANISER},
    "glossary-import": {Role.ORGANISER},
    "glossary-trial": {Role.ORGANISER},
}
"""Each page, and who of the people given to an event may open it."""


@pytest.fixture
def ann(client: Client) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def event(ann: User, make_event: MakeEvent) -> Event:
    event = make_event("es-ES", "ar-SA", title="Merger <b>talks</b> 🎉")
    event.owner, event.starts_at = ann, NOON
    event.save()
    GlossaryTerm.objects.create(event=event, term="Secret project")
    return event


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_for_those_they_are_for_and_nobody_else(
    client: Client, event: Event, page: str
) -> None:
    path = reverse(page, args=[event.pk])
    assert client.get(path).status_code == 200
    other = User.objects.create_user("bob", is_staff=True)
    Event.objects.create(title="Bob's own", avatar=event.avatar, owner=other)
    client.force_login(other)
    hidden = client.get(path)
    assert (hidden.status_code, b"Merger" in hidden.content) == (404, False)
    assert client.get(reverse(page, args=[10**9])).status_code == 404
    for role in Role:
        member = EventMember.objects.create(event=event, user=other, role=role)
        expected = 200 if role in PAGES[page] else 404
        assert client.get(path).status_code == expected, role
        member.delete()
    client.logout()
    assert client.get(path)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("page", ["event-copy", "glossary-import", "event-reopen"])
def test_what_belongs_to_someone_else_is_not_changed(
    client: Client, event: Event, page: str
) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    for role in (Role.REVIEWER, Role.OPERATOR):
        EventMember.objects.create(event=event, user=bob, role=role)
    client.force_login(bob)
    answer = {"title": "x", "repeat": "once", "day": "2031-01-01", "at": "10:00", "create": ""}
    assert client.post(reverse(page, args=[event.pk]), answer).status_code == 404
    assert Event.objects.count() == 1


# The poster


@pytest.mark.parametrize(
    ("public_url", "warned"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.20:8000", False),
        ("https://talks.example.org", False),
    ],
)
def test_an_address_that_no_phone_reaches_is_told_before_it_is_handed_out(
    client: Client, event: Event, settings: Settings, public_url: str, warned: bool
) -> None:
    client.force_login(person("boss", "Administrator"))
    settings.PUBLIC_URL = public_url
    poster = client.get(reverse("event-poster", args=[event.pk])).text
    form = client.get(reverse("admin:sessions_app_event_change", args=[event.pk])).text
    assert event.join_code in form
    assert ("works on this computer only" in poster) is warned
    assert ("works on this computer only" in form) is warned


def test_a_poster_has_all_that_a_listener_needs(client: Client, ann: User, event: Event) -> None:
    Preferences.choose_time_zone(ann.pk, "Europe/Berlin")
    page = client.get(reverse("event-poster", args=[event.pk])).text
    for text in (
        "Merger &lt;b&gt;talks&lt;/b&gt; 🎉",
        "3 June 2031, 14:00 (Europe/Berlin)",
        f"{event.join_code[:4]} {event.join_code[4:]}",
        f"/listener/{event.join_code}/qr.svg",
        'lang="ar-SA" dir="rtl"',
        Language.objects.get(code="es-ES").native_name,
    ):
        assert text in page
    assert "PIN" not in page
    assert "on this computer only" not in page
    event.access, event.pin = "pin", "x4711"
    event.save()
    assert "x4711" in client.get(reverse("event-poster", args=[event.pk])).text
    event.access, event.starts_at = "open", None
    event.save()
    page = client.get(reverse("event-poster", args=[event.pk])).text
    assert "x4711" not in page


# The calendar file


def entry(client: Client, event: Event) -> Any:
    response = client.get(reverse("event-calendar", args=[event.pk]))
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(response.content).walk("VEVENT")[0]


def test_a_calendar_takes_the_event_as_it_is(client: Client, event: Event) -> None:
    event.title = "A, b; c\\d\r\nATTENDEE:mailto:x@example.org\x07 " + "ü" * 80
    event.duration_min = 90
    event.save()
    found = entry(client, event)
    assert str(found["summary"]) == "A, b; c\\d  ATTENDEE:mailto:x@example.org  " + "ü" * 80
    assert "attendee" not in found
    assert (found["dtstart"].dt, found["dtend"].dt) == (NOON, NOON + timedelta(minutes=90))
    link = f"http://testserver/listener/{event.join_code}/"
    assert (str(found["url"]), str(found["status"])) == (link, "CONFIRMED")
    assert str(found["description"]).splitlines() == [
        f"Listen in your language: {link}",
        f"Join code: {event.join_code}",
    ]
    raw = client.get(reverse("event-calendar", args=[event.pk])).content
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))


def test_a_calendar_takes_a_change_for_the_same_event(client: Client, event: Event) -> None:
    before = entry(client, event)
    Event.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(days=1))
    event.refresh_from_db()
    event.starts_at = NOON + timedelta(days=1)
    event.save()
    after = entry(client, event)
    assert str(after["uid"]) == str(before["uid"])
    assert after["sequence"] > before["sequence"]
    assert after["dtstart"].dt == NOON + timedelta(days=1)


def test_an_event_that_is_called_off_is_taken_out(client: Client, ann: User, event: Event) -> None:
    before = entry(client, event)["sequence"]
    Event.objects.filter(pk=event.pk).update(
        created_at=timezone.now() - timedelta(days=1), changed_at=timezone.now() - timedelta(days=1)
    )
    User.objects.filter(pk=ann.pk).update(is_superuser=True)
    chosen = {"action": "close", "_selected_action": [event.pk]}
    client.post(address(Event, "changelist"), chosen)
    found = entry(client, event)
    assert str(found["status"]) == "CANCELLED"
    assert found["sequence"] > before


def test_without_a_time_there_is_nothing_for_a_calendar(client: Client, event: Event) -> None:
    event.starts_at = None
    event.save()
    response = client.get(reverse("event-calendar", args=[event.pk]))
    assert response["Location"] == address(Event, "change", event.pk)


# What is in use


@pytest.fixture
def administrator(client: Client) -> User:
    user = User.objects.create_superuser("root")
    client.force_login(user)
    return user


def delete(client: Client, row: Any) -> tuple[list[str], bool]:
    """Where the page says that it is used, and whether it is still there."""
    path = address(type(row), "delete", row.pk)
    page = client.get(path)
    client.post(path, {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(address(type(row), "changelist"), chosen)
    return page.context["protected"], type(row).objects.filter(pk=row.pk).exists()


def test_what_an_event_uses_is_not_deleted_and_the_event_is_named(
    client: Client, event: Event, administrator: User
) -> None:
    spanish = event.languages.get(language__code="es-ES")
    spanish.voice = Voice.objects.filter(language__code="es-ES")[0]
    spanish.avatar = Avatar.objects.create(name="Own", character="own")
    spanish.save()
    link = f"<a href='{address(Event, 'change', event.pk)}'>Merger &lt;b&gt;talks&lt;/b&gt; 🎉</a>"
    for row in (spanish.voice, spanish.avatar, event.avatar):
        assert delete(client, row) == ([f"{row}: the event {link}"], True)


def test_a_spoken_language_is_not_deleted_either(
    client: Client, event: Event, administrator: User
) -> None:
    klingon = Language.objects.create(code="tlh", name="Klingon", native_name="tlhIngan")
    event.source_languages.add(klingon)
    uses, is_there = delete(client, klingon)
    assert (len(uses), is_there) == (1, True)
    assert list(event.source_languages.order_by("code").values_list("code", flat=True)) == [
        "en-US",
        "tlh",
    ]
    event.source_languages.remove(klingon)
    assert delete(client, klingon) == ([], False)


def test_a_voice_nobody_uses_is_deleted(client: Client, administrator: User) -> None:
    assert delete(client, Voice.objects.all()[0]) == ([], False)


def test_an_event_people_spoke_at_says_why_it_stays(
    client: Client, event: Event, administrator: User
) -> None:
    session = LiveSession.objects.create(event=event, client="tab", source_language="en-US")
    page = client.get(address(Event, "delete", event.pk)).text
    assert "people spoke at it, and their transcripts would be lost" in page
    client.post(address(Event, "delete", event.pk), {"post": "yes"})
    assert list(event.live_sessions.all()) == [session]


# What it will cost


def test_an_estimate_counts_voices_seats_and_time(event: Event) -> None:
    event.duration_min, event.video_seats = 90, 2
    EventLanguage.objects.filter(event=event, language__code="ar-SA").update(muted=True)
    assert Costs.estimate(event, "azure") == Costs(
        avatar_minutes=180.0, characters=81_000, audio_hours=1.5, hours=1.5
    )
    assert Costs.estimate(event, "embedded").so_far == 0
