"""What people do on the pages, and what they see there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from sessions_app.models import Event, LiveSession
from tests.conftest import Server

PASSWORD = "a-long-one"  # noqa: S105


def speaker_link(server: Server, event: Event) -> str:
    """The link of the event's only speaker."""
    return server.url + event.speakers.get().get_absolute_url()


def listener_link(server: Server, event: Event) -> str:
    return server.url + event.get_absolute_url()


def heard(event: Event) -> list[str]:
    """What the database holds as said in the event's only session."""
    segments = LiveSession.objects.get(event=event).segments.order_by("number")
    return list(segments.values_list("text", flat=True))


def stored(event: Event, language: str) -> list[str]:
    """What the database holds as translated there; "" where it could not be."""
    session = LiveSession.objects.get(event=event)
    rows = session.translations.filter(language=language).order_by("segment__number")
    return [text or "" for text in rows.values_list("text", flat=True)]


def sign_in(page: Page, server: Server) -> None:
    """Open the quick-create page as an organiser who is new."""
    User.objects.create_superuser("organiser", password=PASSWORD)
    page.goto(f"{server.url}/speaker/")
    page.get_by_label("Username").fill("organiser")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def open_speaker(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("body")).not_to_have_attribute("data-state", "connecting")


def press_start(page: Page) -> None:
    """Press the big button, and agree where the page asks for consent."""
    page.locator("#main-button").click()
    agree = page.locator("#consent-agree")
    if agree.is_visible():
        agree.click()


def expect_speaker_state(page: Page, state: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-state", state)


def go_live(page: Page) -> None:
    press_start(page)
    expect_speaker_state(page, "live")


def end_session(page: Page) -> None:
    """Press End, confirm, and wait until everything that was said is stored."""
    page.locator("#end-button").click()
    page.locator("#end-yes").click()
    expect_speaker_state(page, "ended")


def speak_recording(page: Page, *files: Any) -> None:
    """Choose a file as the sound; without one, the sample talk."""
    page.locator("input[name=source][value=recording]").check()
    if files:
        page.locator("#recording-file").set_input_files(*files)
    else:
        page.locator("#use-sample").click()


def said(page: Page) -> Locator:
    """The speaker's own finished words, as the speaker's page shows them."""
    return page.locator("#captions li[data-final=true] .source")


def translated(page: Page, language: str) -> Locator:
    """Their translations, as the speaker's page shows them."""
    return page.locator(f"#captions li[data-final=true] p.translation[lang={language}]")


def join(page: Page, url: str, language: str, *, sound: bool = True) -> None:
    """Open a listener's page, choose the language and join."""
    page.goto(url)
    page.locator(f"input[name=language][value={language}]").check()
    join_here(page, language, sound=sound)


def join_here(page: Page, language: str, *, sound: bool = True) -> None:
    page.locator("#join" if sound else "#join-captions").click()
    page.wait_for_function(
        """language => avatarTranslate.connection === "open"
            && avatarTranslate.language === language""",
        arg=language,
    )


def expect_listener_state(page: Page, label: str) -> None:
    """The state in words, as the head of the listener's page shows it."""
    expect(page.locator("#state")).to_have_text(label)


def captions(page: Page) -> Locator:
    """The finished captions a listener reads, in order."""
    return page.locator(".caption[data-state=final] .settled")


def scrolls_sideways(page: Page) -> bool:
    # Until its styles have come, a page is wider than it will be.
    page.wait_for_load_state("load")
    wider: bool = page.evaluate(
        "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
    )
    return wider


WATCH_AND_LISTEN = """
() => {
  window.witnessed = [];
  setInterval(() => {
    const { speaking, rms, mouthOpenness, captions } = avatarTranslate;
    const partial = captions.filter(({ final }) => !final).map(({ stable, tail }) => stable + tail);
    witnessed.push({ at: performance.now(), speaking, rms, mouthOpenness, partial });
  }, 80);
}
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """A look at the page and an ear at the loudspeaker, some ten times a second.

    `silent_for_ms` counts from the end of the last speech, None while one plays. `rms` is of full
    scale 1; `mouth` is 0 closed to 1 open; `partial` is what stands there of an unfinished caption.
    """

    silent_for_ms: float | None
    rms: float
    mouth: float
    partial: str


def watch_and_listen(page: Page) -> None:
    page.evaluate(WATCH_AND_LISTEN)


def witnessed(page: Page) -> list[Moment]:
    """Everything since `watch_and_listen`."""
    moments: list[Moment] = []
    spoke_at = float("-inf")
    for look in page.evaluate("witnessed"):
        if look["speaking"]:
            spoke_at = look["at"]
        silent = None if look["speaking"] else look["at"] - spoke_at
        partial = "".join(look["partial"])
        moments.append(Moment(silent, look["rms"], look["mouthOpenness"], partial))
    return moments
