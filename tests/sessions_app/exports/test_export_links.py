"""Links that are given away: what they open, for how long, and for how long at most."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from avatartranslate.logs import HideSpeakerTokens
from sessions_app.exports.links import Link
from sessions_app.exports.order import Order
from sessions_app.exports.transcript import Wanted
from sessions_app.exports.views import MOST_DOWNLOADS
from sessions_app.models import LiveSession
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


def token_for(session: LiveSession, giver: User, *, days: int) -> str:
    order = Order((session.pk,), ("txt",), ("es-ES",), False, Wanted.ALL)
    return Link(order, giver.pk, timezone.now() + timedelta(days=days)).token()


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
