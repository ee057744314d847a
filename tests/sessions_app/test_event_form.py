"""An event's form: what a newcomer fills in, what the rest begins with, and what it warns of."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from sessions_app.concerns import concerns, overlapping
from sessions_app.models import Avatar, Event, EventMember, Language, Speaker, Voice
from sessions_app.models.event import Role
from tests.forms import form_of
from tests.sessions_app.test_admin import address

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]
NOON = datetime(2031, 6, 3, 12, tzinfo=UTC)


@pytest.fixture
def ann(client: Client) -> User:
    """An organiser without superuser rights, signed in."""
    user = User.objects.create_user("ann", first_name="Ann", last_name="Lee", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="sessions_app"))
    client.force_login(user)
    return user


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob", is_staff=True)


def fill_in(client: Client, path: str, **answers: Any) -> Any:
    """Open a form, change these answers, send it."""
    data = form_of(client.get(path)) | answers
    return client.post(path, data)


TITLE_AND_TIME = {"title": "Annual meeting", "starts_at_0": "2031-06-03", "starts_at_1": "12:00"}


def test_a_title_and_a_time_are_enough(client: Client, ann: User) -> None:
    response = fill_in(client, address(Event, "add"), **TITLE_AND_TIME)
    event = Event.objects.get()
    assert response["Location"] == address(Event, "change", event.pk)
    assert (event.title, event.starts_at, event.duration_min) == ("Annual meeting", NOON, 60)
    assert (event.owner, event.access, event.avatar.kind) == (ann, "open", "drawn")
    assert [language.code for language in event.source_languages.all()] == ["en-US"]
    assert [row.language.code for row in event.languages.all()] == ["es-ES"]
    assert [speaker.name for speaker in event.speakers.all()] == ["Ann Lee"]


@pytest.mark.parametrize(
    ("missing", "field", "words"),
    [
        ({"title": ""}, "title", "This field is required."),
        (
            {"starts_at_0": "", "starts_at_1": ""},
            "starts_at",
            "Say on which day and when it starts.",
        ),
        ({"access": "pin"}, "pin", "Write the PIN that listeners shall type."),
        ({"access": "pin", "pin": "a b"}, "pin", "Use 4 to 12 letters or digits."),
    ],
)
def test_what_is_missing_is_said_beside_its_field(
    client: Client, ann: User, missing: dict[str, str], field: str, words: str
) -> None:
    response = fill_in(client, address(Event, "add"), **(TITLE_AND_TIME | missing))
    assert response.context["adminform"].form.errors == {field: [words]}
    assert Event.objects.count() == 0


def test_many_languages_are_chosen_at_once_with_voices_that_fit(client: Client, ann: User) -> None:
    page = client.get(address(Event, "add"))
    offered = page.context["adminform"].form.fields["add_languages"].queryset
    chosen = {language.code: language.pk for language in offered}
    wanted = ["fr-FR", "it-IT", "pt-BR"]
    answers = {"add_languages": [chosen[code] for code in wanted], "voices": "male"}
    fill_in(client, address(Event, "add"), **TITLE_AND_TIME, **answers)
    event = Event.objects.get()
    rows = [(row.language.code, row.voice) for row in event.languages.order_by("language__code")]
    assert [code for code, _ in rows] == wanted
    assert [(v.language.code, v.gender, v.backend) for _, v in rows if v] == [
        (code, "male", "embedded") for code in wanted
    ]
    page = client.get(address(Event, "change", event.pk))
    left = page.context["adminform"].form.fields["add_languages"].queryset
    assert {language.code for language in left} == chosen.keys() - set(wanted)


def test_adding_languages_leaves_those_there_as_they_are(
    client: Client, ann: User, make_event: MakeEvent
) -> None:
    event = make_event("es-ES")
    Event.objects.update(owner=ann)
    before = event.languages.get()
    path = address(Event, "change", event.pk)
    left = client.get(path).context["adminform"].form.fields["add_languages"].queryset
    fill_in(client, path, add_languages=[left.get(code="it-IT").pk])
    assert event.languages.get(language__code="es-ES") == before
    assert event.languages.get(language__code="es-ES").voice is None
    assert event.languages.count() == 2


def test_a_language_that_is_ticked_and_has_a_line_is_there_once(client: Client, ann: User) -> None:
    spanish = Language.objects.get(code="es-ES").pk
    line = {"languages-TOTAL_FORMS": 1, "languages-0-language": spanish}
    fill_in(client, address(Event, "add"), **TITLE_AND_TIME, **line, add_languages=[spanish])
    assert [row.language_id for row in Event.objects.get().languages.all()] == [spanish]


def test_an_event_made_in_a_hurry_may_stay_without_a_time(
    client: Client, ann: User, make_event: MakeEvent
) -> None:
    event = make_event("es-ES")
    Event.objects.update(owner=ann)
    response = fill_in(client, address(Event, "change", event.pk), title="Renamed")
    event.refresh_from_db()
    assert (response.status_code, event.title, event.starts_at) == (302, "Renamed", None)


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "اجتماع\u200fسنوي", "Fête 🎉 &amp; “more”"]
)
def test_any_title_survives_and_is_shown_as_text(client: Client, ann: User, title: str) -> None:
    fill_in(client, address(Event, "add"), **(TITLE_AND_TIME | {"title": title}))
    event = Event.objects.get()
    assert event.title == title
    page = client.get(address(Event, "change", event.pk)).content.decode()
    assert "<script>alert" not in page


# Warnings


def test_an_event_without_languages_or_in_the_past_is_saved_with_a_warning(
    client: Client, ann: User
) -> None:
    late = {"starts_at_0": "2020-01-01", "add_languages": []}
    response = fill_in(client, address(Event, "add"), **(TITLE_AND_TIME | late))
    event = Event.objects.get()
    assert response.status_code == 302
    said = concerns(event, ann)
    assert [text.split(":")[0] for text in said] == [
        "It is translated into no language yet",
        "Its time is in the past",
    ]
    page = client.get(address(Event, "change", event.pk))
    assert page.context["concerns"] == said
    # Saving leads to the list, which says it, too.
    listed = client.post(address(Event, "change", event.pk), form_of(page), follow=True)
    messages = [str(message) for message in listed.context["messages"]][1:3]
    assert messages == [f"Annual meeting: {text}" for text in said]
    event.closed_at = timezone.now()
    assert concerns(event, ann) == []


def at(event: Event, starts_at: datetime, minutes: int, owner: User | None = None) -> Event:
    event.starts_at, event.duration_min, event.owner = starts_at, minutes, owner
    event.save()
    return event


def test_events_at_the_same_time_are_found(make_event: MakeEvent) -> None:
    event = at(make_event(), NOON, 60)
    before = at(make_event(), NOON - timedelta(hours=1), 60)
    long = at(make_event(), NOON - timedelta(hours=23), 24 * 60)
    within = at(make_event(), NOON + timedelta(minutes=59), 1)
    after = at(make_event(), NOON + timedelta(hours=1), 60)
    closed = at(make_event(), NOON, 60)
    closed.closed_at = NOON
    closed.save()
    assert overlapping(event) == [long, within]
    assert overlapping(before) == [long]
    assert overlapping(after) == []
    assert overlapping(make_event()) == []


def test_of_other_peoples_events_only_the_number_is_told(
    ann: User, bob: User, make_event: MakeEvent
) -> None:
    event = at(make_event("es-ES"), NOON, 60, ann)
    at(make_event(title="Mine too"), NOON, 30, ann)
    secret = at(make_event(title="Merger talks"), NOON, 60, bob)
    assert concerns(event, ann) == [
        "At the same time there is another event of the same owner: “Mine too” (12:00–12:30).",
        "At the same time there is one event of somebody else. "
        "Ask whoever runs this server whether it carries both.",
    ]
    # Who may see the event, but not its owner's other ones, is told no name either.
    EventMember.objects.create(event=secret, user=ann, role=Role.REVIEWER)
    at(make_event(title="Layoffs"), NOON, 60, bob)
    assert [text for text in concerns(secret, ann) if "Layoffs" in text] == []
    assert [text for text in concerns(secret, bob) if "Layoffs" in text] != []


# Speakers


def test_a_link_is_sent_by_mail_as_it_is(client: Client, ann: User, make_event: MakeEvent) -> None:
    event = at(make_event("es-ES", title="R&D? 100 % “täglich” + #1"), NOON, 60, ann)
    speaker = event.speakers.get()
    speaker.name = "Zoë & Co\r\nBcc: everybody@example.org"
    speaker.save()
    invitation = client.get(address(Event, "change", event.pk)).context["invitations"][0]
    address_, query = invitation.mail.split("?")
    assert address_ == "mailto:"
    assert [part.split("=")[0] for part in query.split("&")] == ["subject", "body"]
    # A mail program takes a plus sign for a plus sign: none may stand for a blank.
    read = parse_qs(urlsplit(invitation.mail.replace("+", "%2B")).query)
    assert read["subject"] == ["Your link to speak at R&D? 100 % “täglich” + #1"]
    lines = read["body"][0].split("\r\n")
    assert lines[0] == "Hello Zoë & Co Bcc: everybody@example.org,"
    assert f"http://testserver/speaker/{speaker.token}/" in lines
    assert "It begins on 3 June 2031, 12:00 (UTC)." in lines


def test_who_reviews_an_event_does_not_see_its_secret_links(
    client: Client, ann: User, bob: User, make_event: MakeEvent
) -> None:
    event = at(make_event("es-ES"), NOON, 60, bob)
    EventMember.objects.create(event=event, user=ann, role=Role.REVIEWER)
    page = client.get(address(Event, "change", event.pk))
    assert event.speakers.get().token not in page.content.decode()


def test_the_page_asks_no_more_often_for_more_speakers_and_terms(
    client: Client,
    ann: User,
    make_event: MakeEvent,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    event = at(make_event("es-ES"), NOON, 60, ann)

    def add(count: int) -> None:
        for number in range(count):
            Speaker.objects.create(event=event, name=f"Speaker {number}")
            event.glossary.create(term=f"Term {event.glossary.count()}")

    add(3)
    path = address(Event, "change", event.pk)
    client.get(path)  # what is read once in a process is read now
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    add(27)
    with django_assert_num_queries(len(few)):
        client.get(path)


def test_the_page_asks_no_more_often_for_more_languages(
    client: Client, ann: User, make_event: MakeEvent
) -> None:
    """Each line with a voice and an avatar, some of which are not to be had here."""
    event = at(make_event("es-ES"), NOON, 60, ann)
    path = address(Event, "change", event.pk)
    video = Avatar.objects.filter(kind="video")[0]
    azure = Voice.objects.filter(backend="azure", language__code="es-ES")[0]
    event.languages.update(avatar=video, voice=azure)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page = client.get(path)
        options = re.findall(r"<option[^>]* selected>([^<]*)", page.content.decode())
        assert options.count(f"{video} – not available here") == event.languages.count()
        assert f"{azure} – not available here" in options
        return len(captured)

    queries()  # what is read once in a process is read now
    few = queries()
    for language in Language.objects.filter(code__in=["fr-FR", "ca-ES", "gl-ES", "it-IT", "pt-BR"]):
        voice = language.voices.filter(backend="embedded")[0]
        event.languages.create(language=language, voice=voice, avatar=video)
    assert queries() == few


# A closed event


def test_a_closed_event_says_so_and_is_opened_again(
    client: Client, ann: User, bob: User, make_event: MakeEvent
) -> None:
    event = at(make_event("es-ES"), NOON, 60, ann)
    event.closed_at = timezone.now()
    event.save()
    assert "This event was closed on" in client.get(address(Event, "change", event.pk)).text
    path = reverse("event-reopen", args=[event.pk])
    assert client.get(path).status_code == 405
    client.force_login(bob)
    assert client.post(path).status_code == 404
    event.refresh_from_db()
    assert event.closed_at is not None
    client.force_login(ann)
    assert client.post(path)["Location"] == address(Event, "change", event.pk)
    event.refresh_from_db()
    assert event.closed_at is None
