"""A transcript reviewed in real Chromium, by keyboard alone, while somebody listens."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from sessions_app.models import Correction, Event, EventMember, LiveSession
from sessions_app.models.event import Role
from sessions_app.review.transcript import FIRST_WINDOW
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import PASSWORD, captions, join, listener_link, scrolls_sideways
from tests.conftest import Server
from tests.speech_app.test_review import say

pytestmark = pytest.mark.browser

MakeEvent = Callable[..., Event]

TRIES = 40


@pytest.fixture
def session(server: Server, make_event: MakeEvent) -> LiveSession:
    """A talk that goes on, of three lines; two reviewers may correct it."""
    event = make_event("es-ES", "fr-FR", title="Spring meeting")
    for name in ("maria", "paul"):
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        EventMember.objects.create(event=event, user=user, role=Role.REVIEWER)
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    say(session, "Good morning.", es="Buenos días.", fr="Bonjour.")
    say(session, "We sold fifteen cars.", es="Vendimos quince coches.", fr="Nous.")
    say(session, "Thank you.", es="Gracias.", fr="Merci.")
    return session


def open_review(page: Page, server: Server, session: LiveSession, name: str = "maria") -> None:
    """Sign in and open the transcript, without a mouse."""
    page.goto(f"{server.url}/admin/review/{session.pk}/?lang=es-ES")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#lines [role=row]").first).to_be_focused()


def translation(page: Page, number: int) -> Locator:
    return page.locator(f"[data-number='{number}'] .translation .shown")


def marks(page: Page, number: int) -> Locator:
    return page.locator(f"[data-number='{number}'] .marks span")


def expect_marked(page: Page, number: int) -> None:
    expect(page.locator(f"[data-number='{number}']")).to_be_focused()


def tab_to(page: Page, target: Locator) -> None:
    for _ in range(TRIES):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("The keyboard does not get there.")


def test_a_transcript_is_reviewed_by_keyboard_while_somebody_listens(
    server: Server, session: LiveSession, open_browser: OpenBrowser, clean_log: None
) -> None:
    browser = open_browser()
    listener = browser.page(size=PHONE)
    join(listener, listener_link(server, session.event), "es-ES", sound=False)
    expect(captions(listener)).to_have_text(["Buenos días.", "Vendimos quince coches.", "Gracias."])
    page = browser.page()
    open_review(page, server, session)
    keys = page.keyboard

    # Accept the first line; correct the second one, which the listener sees.
    keys.press("a")
    expect_marked(page, 2)
    expect(marks(page, 1)).to_have_text(["accepted by maria"])
    keys.press("e")
    keys.press("ControlOrMeta+a")
    keys.type("Vendimos cincuenta coches.")
    keys.press("Enter")
    expect(captions(listener).nth(1)).to_have_text("Vendimos cincuenta coches.")
    expect_marked(page, 3)
    expect(page.get_by_role("status").first).to_have_text("Line 2 is saved.")
    expect(marks(page, 2)).to_have_text(["corrected by maria", "accepted by maria"])
    changes = page.locator("[data-number='2'] .translation .changes")
    expect(changes.locator("del")).to_have_text("quince")
    expect(changes.locator("ins")).to_have_text("cincuenta")
    expect(page.locator("#review-state")).to_have_value("in_review")

    # See its history, then take the correction back.
    keys.press("k")
    expect_marked(page, 2)
    keys.press("h")
    expect(page.locator("#history-list li")).to_have_text(
        [re.compile("^Corrected by maria"), re.compile("^Translated")]
    )
    keys.press("Escape")
    expect_marked(page, 2)
    keys.press("u")
    expect(captions(listener).nth(1)).to_have_text("Vendimos quince coches.")
    expect(marks(page, 2)).to_have_count(0)

    # The talk goes on meanwhile: what is said appears by itself.
    say(session, "One more thing.", es="Una cosa más.", fr="Encore.")
    expect(translation(page, 4)).to_have_text("Una cosa más.")
    expect(page.locator("[data-count=all]")).to_have_text("4")


def test_search_replace_and_undo_need_no_mouse(
    server: Server, session: LiveSession, open_browser: OpenBrowser, clean_log: None
) -> None:
    browser = open_browser()
    listener = browser.page(size=PHONE)
    join(listener, listener_link(server, session.event), "es-ES", sound=False)
    page = browser.page()
    open_review(page, server, session)
    keys = page.keyboard
    keys.press("a")
    expect_marked(page, 2)

    # Search and replace: see, leave one out, replace, undo.
    keys.press("r")
    keys.type("o")
    keys.press("Tab")
    keys.type("0")
    keys.press("Enter")
    matches = page.locator("#replace-matches li")
    expect(matches).to_have_count(2)
    expect(page.locator("#replace-apply")).to_be_focused()
    tab_to_first = page.locator("#replace-matches input").first
    page.locator("#replace-dialog").evaluate("dialog => dialog.querySelector('input').focus()")
    tab_to(page, tab_to_first)
    keys.press("Space")
    expect(page.locator("#replace-apply")).to_have_text("Replace in 1 line")
    tab_to(page, page.locator("#replace-apply"))
    keys.press("Enter")
    expect(captions(listener)).to_have_text(["Buenos días.", "Vendim0s quince c0ches.", "Gracias."])
    expect(page.locator("#replace-undo")).to_be_focused()
    keys.press("Enter")
    expect(captions(listener).nth(1)).to_have_text("Vendimos quince coches.")
    keys.press("Escape")

    # Only what is not accepted; then a search; then the keys.
    expect_marked(page, 2)
    keys.press("f")
    keys.press("f")
    rows = page.locator("#lines [role=row]")
    expect(rows).to_have_count(2)
    keys.press("/")
    keys.type("thank")
    expect(rows).to_have_count(1)
    keys.press("Enter")
    expect_marked(page, 3)
    keys.press("?")
    expect(page.locator("#keys-dialog")).to_be_visible()
    expect(page.locator("#keys-list dd")).to_have_count(20)
    keys.press("Escape")


def test_two_reviewers_in_one_sentence_lose_nothing(
    server: Server, session: LiveSession, open_browser: OpenBrowser, clean_log: None
) -> None:
    browser = open_browser()
    browser.expect("status of 409")
    page, other = browser.page(), browser.page()
    open_review(page, server, session, "maria")
    open_review(other, server, session, "paul")
    page.keyboard.press("e")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Muy buenos días.")
    other.keyboard.press("e")
    other.keyboard.type(" Hola.")
    other.keyboard.press("Enter")
    # Maria sees on her page that Paul was faster, and still writes.
    expect(marks(page, 1)).to_have_text(["corrected by paul", "accepted by paul"])
    page.keyboard.press("Enter")
    dialog = page.locator("#conflict-dialog")
    expect(dialog).to_contain_text("paul has changed line 1 meanwhile.")
    expect(dialog.locator("#conflict-theirs")).to_have_text("Buenos días. Hola.")
    expect(dialog.get_by_label("Your text")).to_have_value("Muy buenos días.")
    # Closing the window decides nothing.
    page.keyboard.press("Escape")
    expect(page.get_by_label("Translation, line 1")).to_have_value("Muy buenos días.")
    page.get_by_label("Translation, line 1").press("Enter")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Your text").fill("Muy buenos días. Hola.")
    dialog.get_by_role("button", name="Save my text").press("Enter")
    expect(translation(page, 1)).to_have_text("Muy buenos días. Hola.")
    expect(translation(other, 1)).to_have_text("Muy buenos días. Hola.")
    assert list(Correction.objects.order_by("pk").values_list("author__username", "text")) == [
        ("paul", "Buenos días. Hola."),
        ("maria", "Muy buenos días. Hola."),
    ]


def test_what_was_written_is_kept_until_it_is_saved(
    server: Server, session: LiveSession, open_browser: OpenBrowser, clean_log: None
) -> None:
    browser = open_browser()
    browser.expect("status of 404")
    page = browser.page(size=PHONE)
    open_review(page, server, session)
    page.keyboard.press("s")
    page.keyboard.type(" Everyone.")
    page.keyboard.press("Escape")
    expect(marks(page, 1)).to_have_text(["unsaved text"])
    session.segments.get(number=1).delete()
    page.keyboard.press("s")
    field = page.get_by_label("What was spoken, line 1")
    expect(field).to_have_value("Good morning. Everyone.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(
        "Line 1 was deleted meanwhile. Your text is still in line 1."
    )
    expect(field).to_have_value("Good morning. Everyone.")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Throw away").click()
    expect(marks(page, 1)).to_have_count(0)


def test_a_long_transcript_is_loaded_as_it_is_scrolled(
    server: Server, session: LiveSession, open_browser: OpenBrowser, clean_log: None
) -> None:
    for number in range(4, 451):
        say(session, f"Sentence {number}.", es=f"Frase {number}.")
    session.end()
    page = open_browser().page()
    open_review(page, server, session)
    rows = page.locator("#lines [role=row]")
    expect(rows).to_have_count(FIRST_WINDOW)
    page.keyboard.press("End")
    expect_marked(page, FIRST_WINDOW)
    page.keyboard.press("j")
    expect_marked(page, FIRST_WINDOW + 1)
    page.keyboard.press("g")
    page.keyboard.type("0:07:00")
    page.keyboard.press("Enter")
    expect_marked(page, 420)
    page.keyboard.press("k")
    expect_marked(page, 419)
    page.keyboard.press("End")
    expect_marked(page, 450)
