"""Links that are given away: what they open, for how long, and how they are taken back."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from avatartranslate.logs import HideSpeakerTokens
from sessions_app.exports.links import give_away
from sessions_app.exports.order import Order
from sessions_app.exports.transcript import Wanted
from sessions_app.exports.views import MOST_DOWNLOADS
from sessions_app.models import EventMember, ExportLink, LiveSession
from sessions_app.models.event import Role
from tests.sessions_app.exports.conftest import Say, Visitor, add
from tests.sessions_app.exports.test_export_page import CHOICE, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def organiser() -> User:
    return User.objects.create_user("organiser", is_staff=True)


@pytest.fixture
def session(say: Say, organiser: User) -> LiveSession:
    """Of the organiser's own event, and still running."""
    session = say([(0, 900, {"en-US": "Hello.", "es-ES": "Hola."})], ended=False)
    session.event.owner = organiser
    session.event.save()
    return session


@pytest.fixture
def token(organiser: User, session: LiveSession) -> str:
    return token_for(session, organiser, days=7)


def token_for(
    session: LiveSession, giver: User, *others: LiveSession, days: int, recipient: str = ""
) -> str:
    sessions = tuple(one.pk for one in (session, *others))
    order = Order(sessions, ("txt",), ("es-ES",), False, Wanted.ALL)
    _, token = give_away(order, giver, timezone.now() + timedelta(days=days), recipient)
    return token


def listed(user: User, *sessions: LiveSession) -> list[tuple[str, str, str]]:
    """For whom, by whom and why no longer: the links on the page of these sessions."""
    given = Visitor(user).get(page_of(*sessions)).context["given"]
    return [(one.recipient, one.giver, one.ended) for one in given]


def revoke(user: User, session: LiveSession, link: object) -> Any:
    return Visitor(user).post(page_of(session), revoke=str(link))


def page(token: str) -> str:
    return reverse("export", args=[token])


def download(token: str) -> str:
    return reverse("export-download", args=[token])


def test_the_page_makes_a_link_that_a_stranger_can_use(
    organiser: User, session: LiveSession
) -> None:
    made = Visitor(organiser).post(page_of(session), **CHOICE, link="")
    link = made.context["link"]
    assert link.startswith("http://testserver/export/")
    stranger = Visitor()
    opened = stranger.get(link.removeprefix("http://testserver"))
    assert opened.status_code == 200
    assert "Weekly meeting" in opened.body.decode()
    file = stranger.get(opened.context["request"].path + "download/")
    assert file["Content-Disposition"] == (
        'attachment; filename="Weekly meeting 2026-03-04 17-05 es-ES.txt"'
    )
    assert file.body.decode().splitlines()[-1] == "[0:00] Hola."


def test_a_link_is_at_the_public_address(
    organiser: User, session: LiveSession, settings: object
) -> None:
    settings.PUBLIC_URL = "https://talks.example.org"  # type: ignore[attr-defined]
    made = Visitor(organiser).post(page_of(session), **CHOICE, link="")
    assert made.context["link"].startswith("https://talks.example.org/export/")


def test_a_link_gives_what_is_there_when_it_is_used(session: LiveSession, token: str) -> None:
    add(session, [(1000, 1900, {"en-US": "Bye.", "es-ES": "Adiós."})])
    assert Visitor().get(download(token)).body.decode().splitlines()[-1] == "[0:01] Adiós."


@pytest.mark.parametrize("path", [page, download])
def test_an_expired_link_says_so(organiser: User, session: LiveSession, path: object) -> None:
    expired = token_for(session, organiser, days=-1)
    response = Client().get(path(expired))  # type: ignore[operator]
    assert response.status_code == 410
    assert "This link has expired" in response.content.decode()


@pytest.mark.parametrize("path", [page, download])
def test_a_changed_or_foreign_link_opens_nothing(token: str, path: object) -> None:
    changed = ("A" if token[0] != "A" else "B") + token[1:]
    other_purpose = signing.dumps({"s": [1]}, salt="something else")
    for wrong in (changed, token[:-1], "x", other_purpose):
        assert Client().get(path(wrong)).status_code == 404  # type: ignore[operator]


def test_a_link_ends_when_its_giver_may_no_longer_export(
    organiser: User, session: LiveSession, token: str
) -> None:
    assert Client().get(page(token)).status_code == 200
    organiser.is_active = False
    organiser.save()
    assert Client().get(page(token)).status_code == 404
    assert Client().get(download(token)).status_code == 404


def test_a_link_ends_with_the_ownership_of_its_event(
    organiser: User, session: LiveSession, token: str
) -> None:
    session.event.owner = User.objects.create_user("successor", is_staff=True)
    session.event.save()
    assert Client().get(download(token)).status_code == 404


def test_a_link_that_everybody_uses_at_once_asks_for_patience(token: str) -> None:
    cache.clear()
    visitor = Visitor()
    for _ in range(MOST_DOWNLOADS):
        assert visitor.get(download(token)).status_code == 200
    refused = visitor.get(download(token))
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    cache.clear()


def test_programs_that_preview_links_cause_no_download(token: str) -> None:
    assert Client().head(page(token)).status_code == 200
    assert Client().head(download(token)).status_code == 405


def test_the_key_of_a_link_stays_out_of_the_log(token: str) -> None:
    record = logging.LogRecord(
        "uvicorn", logging.INFO, "", 0, '"GET %s HTTP/1.1" 200', (download(token),), None
    )
    HideSpeakerTokens().filter(record)
    assert record.getMessage() == '"GET /export/***/download/ HTTP/1.1" 200'


# Taking one back


def test_a_link_is_listed_with_what_it_gives_and_for_whom(
    organiser: User, session: LiveSession
) -> None:
    Visitor(organiser).post(page_of(session), **CHOICE, link="", recipient="The <b>press</b>")
    page = Visitor(organiser).get(page_of(session))
    (given,) = page.context["given"]
    assert (given.recipient, given.giver) == ("The <b>press</b>", "organiser")
    assert (given.what, given.sessions, given.ended) == ("Spanish (Spain): Plain text (TXT)", 1, "")
    week = timezone.now() + timedelta(days=7)
    assert abs(given.until - week) < timedelta(minutes=5)
    text = page.body.decode()
    assert "The &lt;b&gt;press&lt;/b&gt;" in text
    assert "<b>press" not in text


@pytest.mark.parametrize("path", [page, download])
def test_one_link_is_revoked_and_another_still_works(
    organiser: User, session: LiveSession, path: Any
) -> None:
    theirs = token_for(session, organiser, days=7, recipient="Press")
    others = token_for(session, organiser, days=7, recipient="Board")
    link = ExportLink.objects.get(recipient="Press")
    assert Client().get(path(theirs)).status_code == 200
    answer = revoke(organiser, session, link.pk)
    assert (answer.status_code, answer["Location"]) == (302, page_of(session))
    refused = Client().get(path(theirs))
    assert refused.status_code == 410
    assert "This link has been taken back" in refused.content.decode()
    assert Client().get(path(others)).status_code == 200
    assert listed(organiser, session) == [
        ("Board", "organiser", ""),
        ("Press", "organiser", "revoked by organiser"),
    ]


def test_the_secret_of_a_link_is_told_once_and_not_stored(
    organiser: User, session: LiveSession
) -> None:
    made = Visitor(organiser).post(page_of(session), **CHOICE, link="")
    token = made.context["link"].rstrip("/").rpartition("/")[2]
    assert len(token) == 43
    assert token not in Visitor(organiser).get(page_of(session)).body.decode()
    assert token not in str(ExportLink.objects.values_list())


def test_an_expired_link_is_listed_as_such(organiser: User, session: LiveSession) -> None:
    token_for(session, organiser, days=-1)
    assert listed(organiser, session) == [("", "organiser", "expired")]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ORGANISER])
def test_whoever_may_export_the_session_sees_and_revokes_its_links(
    organiser: User, session: LiveSession, role: Role
) -> None:
    token = token_for(session, organiser, days=7, recipient="Press")
    colleague = User.objects.create_user("colleague", is_staff=True)
    EventMember.objects.create(event=session.event, user=colleague, role=role)
    assert listed(colleague, session) == [("Press", "organiser", "")]
    assert revoke(colleague, session, ExportLink.objects.get().pk).status_code == 302
    assert Client().get(page(token)).status_code == 410
    assert listed(organiser, session) == [("Press", "organiser", "revoked by colleague")]


def test_nobody_else_sees_guesses_or_revokes_a_link(
    organiser: User, session: LiveSession, say: Say
) -> None:
    token = token_for(session, organiser, days=7, recipient="Press")
    link = ExportLink.objects.get().pk
    operator = User.objects.create_user("operator", is_staff=True)
    EventMember.objects.create(event=session.event, user=operator, role=Role.OPERATOR)
    rival = User.objects.create_user("rival", is_staff=True)
    own = say([(0, 900, {"en-US": "Hello.", "es-ES": "Hola."})])
    own.event.owner = rival
    own.event.save()
    for stranger in (operator, rival):
        assert Visitor(stranger).get(page_of(session)).status_code == 404
        assert revoke(stranger, session, link).status_code == 404
    # Not through a page of one's own either, where it answers as what does not exist.
    assert listed(rival, own) == []
    for key in (link, 987_654, "1 or 1", "٣", ""):
        assert revoke(rival, own, key).status_code == 404
    assert Client().get(page(token)).status_code == 200


def test_a_link_to_sessions_of_two_events_tells_each_only_of_its_own(
    organiser: User, session: LiveSession, say: Say
) -> None:
    other = say([(0, 900, {"en-US": "Hello.", "es-ES": "Hola."})], title="Secret meeting")
    other.event.owner = organiser
    other.event.save()
    token = token_for(session, organiser, other, days=7)
    colleague = User.objects.create_user("colleague", is_staff=True)
    EventMember.objects.create(event=session.event, user=colleague, role=Role.REVIEWER)
    seen = Visitor(colleague).get(page_of(session))
    assert [one.sessions for one in seen.context["given"]] == [2]
    assert "Secret meeting" not in seen.body.decode()
    assert len(listed(organiser, session, other)) == 1
    revoke(colleague, session, ExportLink.objects.get().pk)
    assert Client().get(page(token)).status_code == 410


def test_more_links_ask_the_database_no_more_often(
    client: Client, organiser: User, session: LiveSession
) -> None:
    client.force_login(organiser)

    def queries(count: int) -> int:
        for _ in range(count):
            token_for(session, organiser, days=7)
            token_for(session, organiser, days=-1)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page_of(session)).status_code == 200
        return len(captured)

    assert queries(2) == queries(10)
