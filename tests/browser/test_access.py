"""Joining an event that asks for a PIN or for an account."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from sessions_app.models import Event
from sessions_app.models.event import Access
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import PASSWORD, expect_listener_state, listener_link
from tests.conftest import Server
from tests.people import person

pytestmark = pytest.mark.browser

MakeEvent = Callable[..., Event]


def test_a_listener_types_a_wrong_pin_and_then_the_right_one(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES", title="Board meeting")
    event.access, event.pin = Access.PIN, "Blue42"
    event.save()
    page = open_browser().page(size=PHONE)
    page.goto(listener_link(server, event))
    expect(page.get_by_role("heading", name="Join with a PIN")).to_be_visible()
    assert "Board meeting" not in page.content()
    # Without a PIN the form is not sent.
    page.locator("#join-captions").click()
    expect(page.locator("#entry")).to_be_visible()
    page.locator("#entry").get_by_label("PIN").fill("blue43")
    page.locator("#join-captions").click()
    refusal = page.get_by_role("dialog", name="This event asks for a PIN")
    expect(refusal.get_by_role("alert")).to_have_text(
        "This is not the PIN of this event. Check it and try again."
    )
    assert "Board meeting" not in page.content()
    refusal.get_by_label("PIN").fill("blue42")
    refusal.get_by_role("button", name="Join", exact=True).click()
    expect_listener_state(page, "Waiting")
    expect(page.locator("#title")).to_have_text("Board meeting")
    expect(page).to_have_title("Board meeting")
    expect(refusal).to_be_hidden()
    assert "blue42" not in page.url.lower()
    # The organiser changes it meanwhile.
    event.pin = "Green7"
    event.save()
    expect(refusal).to_be_visible()
    refusal.get_by_label("PIN").fill("Green7")
    page.keyboard.press("Enter")
    expect(refusal).to_be_hidden()
    expect_listener_state(page, "Waiting")
    expect(page.locator("#problem")).to_be_hidden()


def test_a_listener_signs_in_and_is_back_at_the_event(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES", "fr-FR", title="Board meeting")
    person("ann", is_staff=False, password=PASSWORD)
    page = open_browser().page(size=PHONE)
    page.goto(f"{listener_link(server, event)}?lang=fr-FR")
    event.access = Access.SIGNED_IN
    event.save()
    page.locator("#join-captions").click()
    page.get_by_role("dialog", name="Please sign in").get_by_role("button").click()
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(
        "This name and password do not belong together. Check both and try again."
    )
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{listener_link(server, event)}?lang=fr-FR")
    page.locator("#join-captions").click()
    expect_listener_state(page, "Waiting")
