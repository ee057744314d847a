"""Voices heard and avatars seen before an event, by an organiser in real Chromium."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from sessions_app.models import Avatar, Event, Language, Voice
from sessions_app.sample_sentences import sample_sentence
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import scrolls_sideways, sign_in
from tests.conftest import Server

pytestmark = pytest.mark.browser

MakeEvent = Callable[..., Event]

MEASURE = """async audio => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaElementSource(audio).connect(analyser).connect(context.destination);
  const samples = new Float32Array(analyser.fftSize);
  window.peak = 0;
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) window.peak = Math.max(window.peak, Math.abs(sample));
  }, 20);
  await context.resume();
}"""
PIXELS = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const ctx = copy.getContext("2d", { willReadFrequently: true });
  ctx.drawImage(canvas, 0, 0);
  return ctx.getImageData(0, 0, canvas.width, canvas.height).data;
}"""
COLOURS = f"canvas => new Set(new Uint32Array(({PIXELS})(canvas).buffer)).size"
CORNER = f"canvas => [...({PIXELS})(canvas).slice(0, 4)]"


def say(panel: Locator) -> None:
    """Press the button and hear the sentence from its beginning to its end."""
    audio = panel.locator("audio")
    audio.evaluate(MEASURE)
    assert panel.page.evaluate("peak") == 0
    panel.get_by_role("button", name="Say it").click()
    expect(panel).to_have_attribute("data-state", "ready")
    expect(audio).to_be_visible()
    expect(audio).to_have_js_property("ended", True)
    assert panel.page.evaluate("peak") > 0.1


def expect_drawn(canvas: Locator) -> None:
    """A figure, with its many shades, is on the canvas."""
    expect(canvas).to_be_visible()
    canvas.page.wait_for_function(
        f"canvas => ({COLOURS})(canvas) > 300", arg=canvas.element_handle()
    )


def open_admin(page: Page, server: Server, path: str) -> None:
    sign_in(page, server)
    expect(page.locator("#create")).to_be_visible()
    page.goto(f"{server.url}/admin/sessions_app/{path}")


@pytest.mark.embedded
def test_a_voice_says_its_own_languages_sentence_and_any_other(
    server: Server, open_browser: OpenBrowser, clean_log: None
) -> None:
    voice = Voice.objects.get(code="fr+f3", language__code="fr-FR")
    browser = open_browser(arguments=["--autoplay-policy=user-gesture-required"])
    page = browser.page(size=PHONE)
    open_admin(page, server, f"voice/{voice.pk}/change/")
    panel = page.locator(".voice-panel")
    expect(panel.get_by_label("Sentence")).to_have_value(sample_sentence("fr-FR"))
    say(panel)
    panel.get_by_label("Sentence").fill("")
    panel.get_by_role("button", name="Say it").click()
    browser.expect("status of 400")
    expect(panel.get_by_role("status")).to_have_text("Write a sentence first.")
    expect(panel.locator("audio")).to_be_hidden()
    assert not scrolls_sideways(page)


@pytest.mark.embedded
def test_an_event_lets_its_voices_be_heard_and_its_avatars_be_seen(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, clean_log: None
) -> None:
    event = make_event("es-ES")
    page = open_browser().page()
    open_admin(page, server, f"event/{event.pk}/change/")
    expect_drawn(page.locator(".field-avatar canvas").first)
    row = page.locator("#languages-0")
    row.get_by_text("Say a sentence").click()
    sentence = row.get_by_label("Sentence")
    expect(sentence).to_have_value(sample_sentence("es-ES"))
    say(row.locator(".voice-panel"))

    # A row that is added later has both, too.
    page.get_by_text("Add another Target language").click()
    added = page.locator("#languages-1")
    added.get_by_text("Say a sentence").click()
    expect(added.get_by_label("Sentence")).to_have_value("")
    choose(page, added.locator(".field-language"), "Italian")
    expect(added.get_by_label("Sentence")).to_have_value(sample_sentence("it-IT"))
    expect(added.locator("canvas")).to_be_hidden()
    choose(page, added.locator(".field-avatar"), "Mei, formal")
    expect_drawn(added.locator("canvas"))


def choose(page: Page, cell: Locator, name: str) -> None:
    """Type a name into a searching select and take the first that it finds."""
    cell.locator(".select2-selection").click()
    page.locator(".select2-search__field:focus").fill(name)
    page.locator(".select2-results__option", has_text=name).first.click()


def test_an_avatar_is_drawn_as_its_fields_say(
    server: Server, open_browser: OpenBrowser, clean_log: None
) -> None:
    drawn = Avatar.objects.get(character="noor", style="casual")
    page = open_browser().page()
    open_admin(page, server, f"avatar/{drawn.pk}/change/")
    canvas = page.locator("[data-preview=avatar] canvas")
    expect_drawn(canvas)
    assert canvas.evaluate(CORNER) == [0xDF, 0xE6, 0xF1, 255]
    page.locator("#id_background_colour").fill("#102030FF")
    page.wait_for_function(
        f"canvas => String(({CORNER})(canvas)) === '16,32,48,255'", arg=canvas.element_handle()
    )
    page.locator("#id_kind").select_option("video")
    expect(canvas).to_be_hidden()
    expect(page.locator(".avatar-card")).to_have_text(
        "Noor, casual. A video from Azure: it has no picture here."
    )


@pytest.mark.embedded
def test_the_quick_way_lets_hear_and_see_as_well(
    server: Server, open_browser: OpenBrowser, clean_log: None
) -> None:
    spanish, french = (Language.objects.get(code=code) for code in ("es-ES", "fr-FR"))
    page = open_browser().page(size=PHONE)
    sign_in(page, server)
    canvas = page.locator(".avatar-picture canvas")
    expect_drawn(canvas)
    page.get_by_label("Avatar", exact=True).select_option(label="Bruno, formal")
    expect_drawn(canvas)
    expect(canvas).to_have_attribute("aria-label", "Picture of Bruno, formal")
    page.get_by_text("Say a sentence").click()
    panel = page.locator(".voice-panel")
    expect(page.get_by_label("In", exact=True).locator("option")).to_have_text([spanish.name])
    page.get_by_label(french.name).check()
    page.get_by_label("In", exact=True).select_option(label=french.name)
    expect(panel.get_by_label("Sentence")).to_have_value(sample_sentence("fr-FR"))
    say(panel)
    assert not scrolls_sideways(page)
