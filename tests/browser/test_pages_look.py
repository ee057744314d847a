"""Every page on the narrowest phone: nothing sticks out at the side."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from sessions_app.models import Event
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import (
    captions,
    end_session,
    go_live,
    join,
    join_here,
    listener_link,
    open_speaker,
    scrolls_sideways,
    sign_in,
    speak_recording,
    speaker_link,
)
from tests.conftest import Server

pytestmark = pytest.mark.browser

MakeEvent = Callable[..., Event]

LONG_TITLE = "Jahreshauptversammlung der Donaudampfschifffahrtsgesellschaft and all of its friends"
LANGUAGES = ("es-ES", "fr-FR", "pt-BR", "it-IT", "ca-ES", "gl-ES", "ar-SA")


def test_joining_and_being_refused(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event(*LANGUAGES, title=LONG_TITLE)
    browser = open_browser()
    browser.expect("status of 404")
    page = browser.page(size=PHONE)
    for path in ("/", "/listener/ZZZZ9999/", "/speaker/nobody/", "/nowhere/"):
        page.goto(server.url + path)
        expect(page.locator("h1")).to_be_visible()
        assert not scrolls_sideways(page), path
    page.goto(listener_link(server, event))
    assert not scrolls_sideways(page)
    join_here(page, page.locator("input[name=language]:checked").get_attribute("value") or "")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Settings").click()
    assert not scrolls_sideways(page)


@pytest.mark.embedded
def test_a_talk_on_two_phones(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event(*LANGUAGES, title=LONG_TITLE)
    browser = open_browser()
    listener, speaker = browser.page(size=PHONE), browser.page(size=PHONE)
    join(listener, listener_link(server, event), "es-ES", sound=False)
    open_speaker(speaker, speaker_link(server, event))
    assert not scrolls_sideways(speaker)
    speak_recording(speaker)
    go_live(speaker)
    expect(captions(listener)).not_to_have_count(0)
    assert not scrolls_sideways(speaker)
    assert not scrolls_sideways(listener)
    end_session(speaker)


def test_creating_an_event(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    page = open_browser().page(size=PHONE)
    sign_in(page, server)
    expect(page.get_by_label("Title")).to_be_visible()
    assert not scrolls_sideways(page)
    page.get_by_label("Title").fill(LONG_TITLE)
    page.get_by_role("button", name="Create event").click()
    expect(page.locator("#created-title")).to_contain_text("is ready")
    assert not scrolls_sideways(page)
