"""The whole listener's page, with the server behind it: joining, choosing, reading back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from sessions_app.models import Event, LiveSession
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import (
    captions,
    expect_listener_state,
    join,
    join_here,
    listener_link,
)
from tests.conftest import Server

pytestmark = pytest.mark.browser

MakeEvent = Callable[..., Event]

NOT_FOUND = r"status of 404 \(Not Found\)"
UNKNOWN_CODE = "There is no event with this code. Check each letter and try again."


def tell(event: Event, language: str, *texts: str | None) -> LiveSession:
    """A session that has ended, in which this was said and translated; None: it could not be."""
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=True,
    )
    for number, text in enumerate(texts):
        segment = session.finish_segment(
            source_language="en-US",
            text=f"Sentence {number + 1}.",
            start_ms=number * 4_000,
            end_ms=number * 4_000 + 3_000,
            acked_frame=number,
            acked_samples=number * 64_000,
        )
        session.finish_translation(segment, language, text)
    session.end()
    return session


def chosen_language(page: Page) -> str | None:
    return page.locator("input[name=language]:checked").get_attribute("value")


def test_a_code_is_typed_as_people_type_it(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES", title="Spring meeting")
    page = open_browser().page(size=PHONE)
    page.goto(server.url)
    code = event.join_code.lower()
    page.get_by_label("Join code").fill(f" {code[:4]} {code[4:]} ")
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(listener_link(server, event))
    expect(page.get_by_role("heading", name="Spring meeting")).to_be_visible()


def test_an_unknown_code_is_refused_in_plain_words(
    server: Server, open_browser: OpenBrowser
) -> None:
    browser = open_browser()
    browser.expect(NOT_FOUND)
    page = browser.page()
    page.goto(server.url)
    page.get_by_label("Join code").fill("ZZZZ9999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(UNKNOWN_CODE)
    expect(page.get_by_label("Join code")).to_have_value("ZZZZ 9999")
    page.goto(f"{server.url}/listener/ZZZZ9999/")
    expect(page.get_by_role("alert")).to_have_text(UNKNOWN_CODE)


@pytest.mark.parametrize(
    ("address", "browser_language", "chosen"),
    [
        ("/?lang=fr-FR", "es-ES", "fr-FR"),
        ("/?lang=FR-fr", "es-ES", "fr-FR"),
        ("?lang=fr-FR", "es-ES", "fr-FR"),
        ("/", "fr-CA", "fr-FR"),
        ("/?lang=xx-XX", "es-MX", "es-ES"),
        ("/?lang=%3Cscript%3E", "es-ES", "es-ES"),
    ],
)
def test_a_language_is_preselected(  # noqa: PLR0917
    server: Server,
    make_event: MakeEvent,
    open_browser: OpenBrowser,
    address: str,
    browser_language: str,
    chosen: str,
) -> None:
    event = make_event("es-ES", "fr-FR")
    page = open_browser().page(locale=browser_language)
    page.goto(f"{server.url}/listener/{event.join_code}{address}")
    expect(page.locator("input[name=language]:checked")).to_have_value(chosen)
    join_here(page, chosen)
    expect_listener_state(page, "Waiting")


def test_without_web_audio_there_are_captions(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    tell(event, "es-ES", "Hola.")
    page = open_browser().page(
        init_script="delete window.AudioContext; delete window.webkitAudioContext"
    )
    page.goto(listener_link(server, event))
    expect(page.get_by_text("This browser cannot play the voice. Captions work.")).to_be_visible()
    expect(page.get_by_role("button", name="Join and listen")).to_be_hidden()
    page.locator("input[name=language][value=es-ES]").check()
    join_here(page, "es-ES", sound=False)
    expect(captions(page)).to_have_text(["Hola."])


def test_a_page_can_be_joined_with_the_keyboard_alone(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES", "fr-FR")
    page = open_browser().page()
    page.goto(server.url)
    page.keyboard.type(event.join_code)
    page.keyboard.press("Enter")
    page.wait_for_url(listener_link(server, event))
    page.keyboard.press("Tab")
    before = chosen_language(page)
    page.keyboard.press("ArrowDown")
    language = chosen_language(page)
    assert language != before
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("language => avatarTranslate.language === language", arg=language)
    assert page.evaluate("avatarTranslate.soundRunning")


def test_history_goes_back_to_the_beginning_without_pulling_the_reader_away(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    texts = [f"Frase número {number}." for number in range(1, 131)]
    tell(event, "es-ES", *texts)
    page = open_browser().page(size=PHONE)
    join(page, listener_link(server, event), "es-ES", sound=False)
    expect(captions(page)).to_have_text(texts[-50:])
    expect(page.locator(".caption").last).to_be_in_viewport()
    expect(page.locator(".caption").last.locator(".caption-time")).to_have_text("8:36")

    page.locator("#captions").evaluate("box => { box.scrollTop = 0; }")
    expect(captions(page)).to_have_text(texts[-100:])
    expect(page.get_by_text("Frase número 81.", exact=True)).to_be_in_viewport()
    page.get_by_role("button", name="Older captions").click()
    expect(captions(page)).to_have_text(texts)
    expect(page.get_by_role("button", name="Older captions")).to_be_hidden()
    page.get_by_role("button", name="Newest").click()
    expect(page.locator(".caption").last).to_be_in_viewport()


def test_a_correction_takes_the_place_of_what_was_shown(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    session = tell(event, "es-ES", "Uno.", "Dos.")
    page = open_browser().page()
    join(page, listener_link(server, event), "es-ES", sound=False)
    expect(captions(page)).to_have_text(["Uno.", "Dos."])
    session.translations.get(text="Uno.").correct("Un <b>nuevo</b> texto.", None)
    expect(captions(page)).to_have_text(["Un <b>nuevo</b> texto.", "Dos."])
    expect(page.locator(".caption.corrected .caption-note")).to_have_text("Corrected")


def test_a_language_written_from_right_to_left(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES", "ar-SA")
    tell(event, "ar-SA", "مرحبا بالجميع.", None)
    page = open_browser().page(size=PHONE)
    page.goto(listener_link(server, event))
    expect(page.locator(".language-native[lang=ar-SA]")).to_have_attribute("dir", "rtl")
    page.locator("input[name=language][value=ar-SA]").check()
    join_here(page, "ar-SA")
    text = page.locator(".caption-text").first
    expect(text).to_have_text("مرحبا بالجميع.")
    expect(text).to_have_attribute("lang", "ar-SA")
    expect(text).to_have_css("direction", "rtl")
    time, words = page.locator(".caption-time").first.bounding_box(), text.bounding_box()
    assert time
    assert words
    assert time["x"] > words["x"]
    untranslated = page.locator(".caption[data-state=untranslated]")
    expect(untranslated.locator(".caption-note")).to_have_text("Not translated yet")
    expect(untranslated.locator(".caption-source")).to_have_text("Sentence 2.")


def test_what_a_listener_chooses_is_kept(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES", "fr-FR")
    tell(event, "fr-FR", "Bonjour.")
    page = open_browser().page()
    join(page, listener_link(server, event), "fr-FR")
    expect(page.locator("#avatar")).to_be_visible()
    small = page.locator(".caption-text").evaluate("node => getComputedStyle(node).fontSize")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="Voice only").check()
    page.get_by_role("radio", name="Very large").check()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#avatar")).to_be_hidden()
    expect(page.get_by_text("AI-generated voice")).to_be_visible()

    page.reload()
    expect(page.locator("input[name=language]:checked")).to_have_value("fr-FR")
    join_here(page, "fr-FR")
    expect(page.locator("#avatar")).to_be_hidden()
    large = page.locator(".caption-text").evaluate("node => getComputedStyle(node).fontSize")
    assert float(re.sub("px", "", large)) > float(re.sub("px", "", small))


def test_another_language_shows_nothing_of_the_one_before(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES", "fr-FR")
    tell(event, "es-ES", "Hola.")
    page = open_browser().page()
    join(page, listener_link(server, event), "es-ES")
    expect(captions(page)).to_have_text(["Hola."])
    page.get_by_label("Language").select_option("fr-FR")
    expect(captions(page)).to_have_text([])
    page.get_by_label("Language").select_option("es-ES")
    expect(captions(page)).to_have_text(["Hola."])
