"""A session's summary in real Chromium: its plots, a phone, and paper."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from sessions_app.models import (
    AudienceSample,
    Event,
    ListenerReport,
    LiveSession,
    SessionLogEntry,
    Translation,
)
from tests.browser.conftest import DESKTOP, PHONE, OpenBrowser
from tests.browser.pages import PASSWORD, scrolls_sideways
from tests.conftest import Server
from tests.speech_app.test_review import say

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("clean_log")]

MakeEvent = Callable[..., Event]

INK = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) colours.add(data.slice(at, at + 3).join());
  }
  return ["0,114,178", "213,94,0"].map((colour) => colours.has(colour));
}"""
"""Whether the first and the second line's colours are anywhere on a canvas."""

KEEP_WORDS = """
window.drawn = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
  window.drawn.push(text);
  return fillText.call(this, text, ...where);
};
"""
"""Keeps what is written on canvases in `drawn`."""

PALE = """() => [...document.querySelectorAll("#content *")]
  .filter((element) => element.checkVisibility() && element.innerText?.trim())
  .filter((element) => getComputedStyle(element).color !== "rgb(0, 0, 0)")
  .map((element) => element.tagName)"""
"""Elements whose text is not black."""

PAPER = (680, 1000)
"""What is left of A4 between margins of 15 mm, in CSS pixels."""


@pytest.fixture
def session(server: Server, make_event: MakeEvent) -> LiveSession:
    """Half an hour in seven languages that has gone through a lot."""
    languages = ("es-ES", "fr-FR", "it-IT", "pt-BR", "ca-ES", "gl-ES")
    event = make_event(*languages, title="Spring meeting of everybody " + "W" * 60)
    user = User.objects.create_superuser("root", password=PASSWORD)
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=True,
        take_over=False,
    )
    for number in range(20):
        say(session, f"Sentence {number}.", es="Frase.", fr="Phrase.")
        session.segments.filter(number=number + 1).update(
            start_ms=number * 90_000, end_ms=number * 90_000 + 4000, final_ms=310
        )
        Translation.objects.filter(segment__number=number + 1).update(
            caption_ms=500 + 37 * number, speech_ms=900 + 61 * (number % 7)
        )
    session.end()
    start = timezone.now() - timedelta(minutes=30)
    LiveSession.objects.update(started_at=start, ended_at=timezone.now(), paused_ms=61_000)
    for index, code in enumerate(languages):
        for minute in range(0, 30, 3):
            AudienceSample.objects.create(
                session=session,
                language=code,
                at=start + timedelta(minutes=minute),
                listeners=(index + 2) * (minute + 4) % 31,
                with_sound=0,
            )
    for kind, text in (("problem", "Speech recognition has stopped."), ("action", "Muted.")):
        SessionLogEntry.objects.create(
            session=session, kind=kind, code="x", text=text, author=user, at=start
        )
    ListenerReport.objects.create(event=event, language="es-ES", message="<i>مرحبا</i> " * 20)
    return session


def open_summary(page: Page, server: Server, session: LiveSession) -> None:
    page.goto(f"{server.url}/office/sessions/{session.pk}/summary/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#audience-plot canvas")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_summary_is_drawn_and_fits(
    server: Server,
    session: LiveSession,
    open_browser: OpenBrowser,
    size: tuple[int, int],
    dark: bool,
) -> None:
    page = open_browser().page(size=size, color_scheme="dark" if dark else "light")
    open_summary(page, server, session)
    for plot in ("audience", "delays"):
        assert page.locator(f"#{plot}-plot canvas").evaluate(INK) == [True, True]
    assert not scrolls_sideways(page)
    if folder := os.environ.get("SHOTS"):
        page.screenshot(
            path=f"{folder}/summary-{size[0]}-{'dark' if dark else 'light'}.png", full_page=True
        )
        if size == DESKTOP and not dark:
            page.pdf(path=f"{folder}/summary.pdf", format="A4")


def test_plots_have_the_times_of_the_rest_of_the_page(
    server: Server, session: LiveSession, open_browser: OpenBrowser
) -> None:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    LiveSession.objects.update(started_at=start, ended_at=start + timedelta(minutes=30))
    AudienceSample.objects.update(at=start)
    # Half an hour off, so that full hours lie elsewhere, too.
    page = open_browser().page(timezone_id="Asia/Kolkata", init_script=KEEP_WORDS)
    open_summary(page, server, session)
    ticks = {text for text in page.evaluate("drawn") if ":" in text}
    times = [start + timedelta(minutes=minute) for minute in range(0, 31, 5)]
    assert ticks == {f"{at:%H:%M}" for at in times}


def test_on_paper_all_is_black_and_nothing_is_cut_off(
    server: Server, session: LiveSession, open_browser: OpenBrowser
) -> None:
    page = open_browser().page()
    open_summary(page, server, session)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    widths = page.locator(".u-wrap").evaluate_all("all => all.map((one) => one.offsetWidth)")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER[0], "height": PAPER[1]})
    assert page.evaluate(PALE) == []
    room = page.locator(".wide").evaluate("wide => [wide.clientWidth, wide.scrollWidth]")
    assert room[0] == room[1]
    assert widths == [620, 620]
    assert room[0] >= 620


def test_a_session_without_listeners_says_so(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    session = LiveSession.go_live(
        make_event("es-ES").speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    session.end()
    page = open_browser().page(size=PHONE)
    page.goto(f"{server.url}/office/sessions/{session.pk}/summary/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No listeners are recorded.")).to_be_visible()
    assert page.locator("canvas").count() == 0
