"""The back office's lists and forms, full of what people really write, on a desk and a phone."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from sessions_app.models import Event, EventMember, LiveSession
from sessions_app.models.event import Role
from tests.browser.conftest import DESKTOP, PHONE, OpenBrowser
from tests.browser.pages import PASSWORD, scrolls_sideways
from tests.conftest import Server
from tests.speech_app.test_review import say

pytestmark = pytest.mark.browser

LONG_TITLE = "Jahreshauptversammlung der Donaudampfschifffahrtsgesellschaft and all of its friends"
CUT_OFF = """() => [...document.querySelectorAll("#result_list, #languages-group .tabular")]
  .flatMap((one) => {
    const place = one.closest(".results, .tabular");
    return place.scrollWidth > place.clientWidth ? [[place.scrollWidth, place.clientWidth]] : [];
  })"""
"""Widths of what is inside and of what is seen, of tables that must be scrolled."""


@pytest.fixture
def session(server: Server, make_event: Callable[..., Event]) -> LiveSession:
    """The last of several, each of a different kind."""
    root = User.objects.create_superuser("root", password=PASSWORD)
    helper = User.objects.create_user("a.helper.with.a.long.name@example.org", is_staff=True)
    for number, title in enumerate((LONG_TITLE, "Town hall", "اجتماع سنوي")):
        event = make_event("es-ES", "ar-SA", "pt-BR", "it-IT", title=title)
        event.owner, event.starts_at = root, timezone.now() + timedelta(days=number)
        event.join_code = f"WWWWWWW{number + 2}"  # none is wider
        event.save()
        EventMember.objects.create(event=event, user=helper, role=Role.OPERATOR)
        speaker = event.speakers.get()
        speaker.name = "Dr. Maximiliane von Hohenlohe-Oehringen"
        speaker.save()
        session = LiveSession.go_live(
            speaker, client="tab", source_language="en-US", rehearsal=number == 1, take_over=False
        )
        say(session, "Good morning.", es="Buenos días.", fr=None)
        if number:
            session.end()
    return session


def open_page(page: Page, server: Server, path: str) -> None:
    page.goto(server.url + path)
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#content")).to_be_visible()
    page.wait_for_load_state("networkidle")


PAGES: dict[str, Callable[[LiveSession], str]] = {
    "sessions": lambda _: reverse("admin:sessions_app_livesession_changelist"),
    "events": lambda _: reverse("admin:sessions_app_event_changelist"),
    "event": lambda one: reverse("admin:sessions_app_event_change", args=[one.event_id]),
    "new event": lambda _: reverse("admin:sessions_app_event_add"),
    "session": lambda one: reverse("admin:sessions_app_livesession_change", args=[one.pk]),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_cut_off(
    server: Server,
    session: LiveSession,
    open_browser: OpenBrowser,
    size: tuple[int, int],
    name: str,
) -> None:
    page = open_browser().page(size=size)
    open_page(page, server, PAGES[name](session))
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/office-{name}-{size[0]}.png", full_page=True)
    assert not scrolls_sideways(page)
    if size == DESKTOP:
        assert page.evaluate(CUT_OFF) == []
