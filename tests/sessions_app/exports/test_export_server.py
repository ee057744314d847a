"""Exports through the whole server, with recipients that give up."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Callable, Iterator

import httpx
import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from sessions_app.exports import FORMATS
from sessions_app.models import Event, LiveSession
from tests.conftest import Server
from tests.sessions_app.exports.conftest import add

PASSWORD = secrets.token_urlsafe()
EVERYTHING = {"wanted": "all", "days": "7", "everything": ""}


@pytest.fixture
def session(server: Server, make_event: Callable[..., Event]) -> LiveSession:
    """Still running, with more than fits into the buffers between server and recipient."""
    session = LiveSession.go_live(
        make_event("es-ES").speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    texts = {"en-US": "Hello.", "es-ES": "Hola."}
    add(session, [(number * 1000, number * 1000 + 900, texts) for number in range(100)])
    return session


@pytest.fixture
def page_path(session: LiveSession) -> str:
    return f"{reverse('admin:sessions_app_livesession_export')}?session={session.pk}"


@pytest.fixture
def organiser(server: Server, page_path: str) -> Iterator[httpx.Client]:
    """Signed in, with the export page open."""
    User.objects.create_superuser("organiser", password=PASSWORD)
    with httpx.Client(base_url=server.url, timeout=60, follow_redirects=True) as client:
        client.get("/admin/login/")
        form = {"username": "organiser", "password": PASSWORD, "next": page_path}
        token = {"X-CSRFToken": client.cookies["csrftoken"]}
        assert client.post("/admin/login/", data=form, headers=token).url.path in page_path
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


@pytest.mark.usefixtures("clean_log")
def test_everything_arrives_during_the_talk_also_after_others_gave_up(
    organiser: httpx.Client, page_path: str
) -> None:
    for _ in range(3):
        with organiser.stream("POST", page_path, data=EVERYTHING) as given_up:
            assert given_up.headers["X-Export-Files"] == str(2 * len(FORMATS))
            next(given_up.iter_raw())
    whole = organiser.post(page_path, data=EVERYTHING)
    archive = zipfile.ZipFile(io.BytesIO(whole.content))
    assert archive.testzip() is None
    assert len(archive.namelist()) == 2 * len(FORMATS)
    assert "no-store" in whole.headers["Cache-Control"].split(", ")
