"""The page in the back office, and the ways to it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sessions_app.exports import FORMATS
from sessions_app.models import Event, EventMember, LiveSession
from sessions_app.models.event import Role
from tests.sessions_app.exports.conftest import Say, Visitor

pytestmark = pytest.mark.django_db

HELLO = [(0, 900, {"en-US": "Hello.", "es-ES": "Hola."})]
CHOICE = {"formats": ["txt"], "languages": ["es-ES"], "wanted": "all", "days": "7"}


def page_of(*sessions: LiveSession) -> str:
    query = "&".join(f"session={session.pk}" for session in sessions)
    return f"{reverse('admin:sessions_app_livesession_export')}?{query}"


@pytest.fixture
def organiser(make_event: Callable[..., Event]) -> User:
    """Without any right beyond the events that are theirs."""
    user = User.objects.create_user("organiser", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="Organiser")[0])
    views = Permission.objects.filter(
        content_type__app_label="sessions_app", codename__startswith="view"
    )
    user.user_permissions.add(*views)
    return user


@pytest.fixture
def session(say: Say, organiser: User) -> LiveSession:
    """Of the organiser's own event."""
    session = say(HELLO)
    session.event.owner = organiser
    session.event.save()
    return session


def name_of(response: Any) -> str:
    """What a browser calls a download."""
    disposition = response["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    return unquote(disposition.partition("=")[2].removeprefix("utf-8''").strip('"'))


def errors_of(response: Any) -> list[str]:
    assert response.status_code == 200
    return [error for errors in response.context["form"].errors.values() for error in errors]


# Downloads


@pytest.mark.parametrize("key", FORMATS)
def test_one_format_in_one_language_is_a_file(
    organiser: User, session: LiveSession, key: str
) -> None:
    response = Visitor(organiser).post(page_of(session), **CHOICE | {"formats": [key]})
    assert response.status_code == 200
    assert response["Content-Type"] == FORMATS[key].content_type
    assert name_of(response) == f"Weekly meeting 2026-03-04 17-05 es-ES.{key}"
    assert len(response.body) > 0


def test_a_file_has_what_was_said(organiser: User, session: LiveSession) -> None:
    response = Visitor(organiser).post(page_of(session), **CHOICE)
    assert response.body.decode().splitlines()[-1] == "[0:00] Hola."


def test_a_name_beyond_ascii_reaches_the_browser(organiser: User, session: LiveSession) -> None:
    Event.objects.filter(pk=session.event_id).update(title='年会 "1"')
    response = Visitor(organiser).post(page_of(session), **CHOICE)
    assert name_of(response) == "年会 1 2026-03-04 17-05 es-ES.txt"


def test_several_files_are_a_zip_that_says_how_many(organiser: User, session: LiveSession) -> None:
    choice = CHOICE | {"formats": ["txt", "srt"], "languages": ["en-US", "es-ES"]}
    response = Visitor(organiser).post(page_of(session), **choice)
    assert response["Content-Type"] == "application/zip"
    assert response["X-Export-Files"] == "4"
    assert len(zipfile.ZipFile(io.BytesIO(response.body)).namelist()) == 4


def test_everything_needs_no_choice(organiser: User, session: LiveSession) -> None:
    response = Visitor(organiser).post(
        page_of(session), wanted="all", days="7", side_by_side="on", everything=""
    )
    assert response["X-Export-Files"] == str(2 * len(FORMATS))


def test_a_choice_that_cannot_be_made_says_why(organiser: User, session: LiveSession) -> None:
    visitor = Visitor(organiser)
    none = visitor.post(page_of(session), wanted="all", days="7")
    assert errors_of(none) == ["Choose at least one format.", "Choose at least one language."]
    one = visitor.post(page_of(session), **CHOICE | {"side_by_side": "on"})
    assert errors_of(one) == ["Choose exactly two languages to have them side by side."]


def test_a_translation_is_ticked_at_first_or_what_the_page_was_asked_for(
    organiser: User, session: LiveSession
) -> None:
    visitor = Visitor(organiser)
    assert visitor.get(page_of(session)).context["form"]["languages"].value() == ["es-ES"]
    asked = visitor.get(page_of(session) + "&language=en-US")
    assert asked.context["form"]["languages"].value() == ["en-US"]


def test_a_session_in_which_nothing_was_said_says_so(
    client: Client, organiser: User, session: LiveSession, say: Say
) -> None:
    silent = say([], event=session.event)
    client.force_login(organiser)
    assert "Nothing has been said here yet" in client.get(page_of(silent)).content.decode()


def test_more_sessions_ask_the_database_no_more_often(
    client: Client, organiser: User, session: LiveSession, say: Say
) -> None:
    client.force_login(organiser)

    def queries(count: int) -> int:
        sessions = [say(HELLO, event=session.event) for _ in range(count)]
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page_of(*sessions)).status_code == 200
        return len(captured)

    assert queries(3) == queries(30)


# Ways to it


def test_a_session_has_a_link_to_its_export(
    client: Client, organiser: User, session: LiveSession
) -> None:
    client.force_login(organiser)
    page = client.get(reverse("admin:sessions_app_livesession_change", args=[session.pk]))
    assert f'href="{page_of(session)}"' in page.content.decode()


def chosen_by(client: Client, model: str, action: str, *keys: int) -> Any:
    return client.post(
        reverse(f"admin:sessions_app_{model}_changelist"),
        {"action": action, "_selected_action": keys},
    )


def sessions_in(response: Any) -> set[str]:
    return set(parse_qs(urlsplit(response["Location"]).query)["session"])


def test_chosen_sessions_and_events_lead_to_the_page(
    client: Client, session: LiveSession, say: Say
) -> None:
    client.force_login(User.objects.create_superuser("administrator"))
    second = say(HELLO, event=session.event)
    say(HELLO, event=session.event, rehearsal=True)
    response = chosen_by(client, "livesession", "export_sessions", session.pk)
    assert sessions_in(response) == {str(session.pk)}
    response = chosen_by(client, "event", "export_events", session.event_id)
    assert sessions_in(response) == {str(session.pk), str(second.pk)}


def test_an_event_without_sessions_says_that_there_is_nothing(
    client: Client, make_event: Callable[..., Event]
) -> None:
    client.force_login(User.objects.create_superuser("administrator"))
    response = chosen_by(client, "event", "export_events", make_event().pk)
    page = client.get(response["Location"] or ".")
    assert [str(message) for message in page.context["messages"]] == [
        "There is nothing to export: choose what has a session whose transcript is yours."
    ]


# Who may


@pytest.mark.parametrize(
    ("role", "status"),
    [(None, 404), (Role.OPERATOR, 404), (Role.REVIEWER, 200), (Role.ORGANISER, 200)],
)
def test_only_who_may_export_an_event_does(
    session: LiveSession, role: Role | None, status: int
) -> None:
    other = User.objects.create_user("other", is_staff=True)
    if role:
        EventMember.objects.create(event=session.event, user=other, role=role)
    visitor = Visitor(other)
    assert visitor.get(page_of(session)).status_code == status
    assert visitor.post(page_of(session), **CHOICE).status_code == status
    assert visitor.post(page_of(session), **CHOICE, link="").status_code == status


def test_one_foreign_session_among_ones_own_is_not_let_through(
    organiser: User, session: LiveSession, say: Say
) -> None:
    foreign = say(HELLO, title="Somebody else's")
    assert Visitor(organiser).post(page_of(session, foreign), **CHOICE).status_code == 404


@pytest.mark.parametrize("query", ["", "session=", "session=x", "session=²", f"session={'9' * 30}"])
def test_bad_addresses_are_not_found(organiser: User, query: str) -> None:
    path = f"{reverse('admin:sessions_app_livesession_export')}?{query}"
    assert Visitor(organiser).get(path).status_code == 404


def test_nobody_exports_without_signing_in(session: LiveSession) -> None:
    response = Visitor().post(page_of(session), **CHOICE)
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")
