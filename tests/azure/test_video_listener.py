"""A listener's page in real Chromium that shows the video avatar, loses it and gets it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket, expect

from sessions_app.models import Avatar, Event, LiveSession, VideoSeat
from tests.azure_emulator.running import Emulator
from tests.browser.conftest import DESKTOP, PHONE, OpenBrowser, open_browser, playwright, until
from tests.browser.pages import (
    end_session,
    go_live,
    join,
    listener_link,
    open_speaker,
    speak_recording,
    speaker_link,
    stored,
)
from tests.conftest import LaunchServer, Server

__all__ = ["open_browser", "playwright"]
pytestmark = [pytest.mark.azure, pytest.mark.browser]

MakeEvent = Callable[..., Event]

PICTURE = """() => {
  const video = document.getElementById("video");
  const small = new OffscreenCanvas(64, 64);
  const context = small.getContext("2d");
  context.drawImage(video, 0, 0, 64, 64);
  return [...context.getImageData(0, 0, 64, 64).data];
}"""
WATCH = """() => {
  window.witnessed = [];
  setInterval(() => {
    const { video, rms, speaking, videoSpeaking } = window.avatarTranslate;
    witnessed.push({ video, rms, speaking, videoSpeaking });
  }, 100);
}"""
KEYED = """async () => {
  const canvas = document.getElementById("video-keyed");
  await new Promise((done) => { setTimeout(done, 500); });
  const alpha = (x, y) => canvas.getContext("2d").getImageData(x, y, 1, 1).data[3];
  return [alpha(2, 2), alpha(canvas.width >> 1, canvas.height >> 1)];
}"""
"""Opacity of the corner and of the middle of the picture, 0 to 255."""
LOUDER_THAN_SILENCE = 0.01


@pytest.fixture
def server(launch_server: LaunchServer) -> Server:
    """Browsers are opened once the database is there; each test launches its own server."""
    return None  # type: ignore[return-value]


def launch_azure(launch_server: LaunchServer, emulator: Emulator, **environment: str) -> Server:
    return launch_server(
        SPEECH_BACKEND="azure",
        SPEECH_PRIVATE_ENDPOINT=emulator.endpoint,
        **{"SPEECH_KEY": "ok", "AZURE_AVATAR_PACE": "20,60", **environment},
    )


def with_video(event: Event, *, seats: int = 1, **options: Any) -> Event:
    lisa = Avatar.objects.get(character="lisa")
    if options:
        lisa = lisa.with_options(
            **{"background_colour": "#FFFFFFFF", "transparent": False, "crop": False, **options}
        )
    event.avatar, event.video_seats = lisa, seats
    event.save()
    return event


def go_live_by_hand(event: Event) -> None:
    LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
        backend="azure",
    )


class Voices:
    """The segments whose speech came to a page as audio."""

    def __init__(self, page: Page) -> None:
        self.segments: list[int] = []
        page.on("websocket", self._follow)

    def _follow(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._note)

    def _note(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            length = int.from_bytes(frame[:4], "big")
            self.segments.append(json.loads(frame[4 : 4 + length])["segment"])


def until_video(page: Page, state: str) -> None:
    page.wait_for_function("state => avatarTranslate.video === state", arg=state)


def spoken_by_video(emulator: Emulator) -> list[str]:
    """What avatars have said to its end."""
    spoken = emulator.state()["spoken"]
    return [each["text"] for each in spoken if each["format"] == "webrtc" and each["done"]]


def nothing_open(emulator: Emulator) -> bool:
    state = emulator.state()
    return not state["open"].get("avatar") and not state["peers_open"]


def missed(event: Event, emulator: Emulator, voices: Voices) -> list[str]:
    """What was said in Spanish and neither spoken by a video nor sent as audio."""
    said = spoken_by_video(emulator)
    texts = enumerate(stored(event, "es-ES"), start=1)
    return [text for number, text in texts if text not in said and number not in voices.segments]


@pytest.mark.timeout(300)
def test_a_video_that_is_lost_is_replaced_without_missing_a_sentence_and_comes_back(
    launch_server: LaunchServer,
    emulator: Emulator,
    make_event: MakeEvent,
    open_browser: OpenBrowser,
) -> None:
    event = with_video(make_event("es-ES"))
    server = launch_azure(launch_server, emulator, SPEECH_KEY="key-avatar-close-1011-once@17")
    page = open_browser().page()
    voices = Voices(page)
    speaker = open_browser().page()
    join(page, listener_link(server, event), "es-ES")
    expect(page.locator("#avatar")).to_be_visible()
    page.evaluate(WATCH)
    open_speaker(speaker, speaker_link(server, event))
    speak_recording(speaker)
    go_live(speaker)

    until_video(page, "playing")
    expect(page.locator("#avatar")).to_be_hidden()
    until(page, lambda: bool(spoken_by_video(emulator)))
    first = page.evaluate(PICTURE)
    page.wait_for_timeout(500)
    assert page.evaluate(PICTURE) != first

    until_video(page, "off")
    expect(page.locator("#avatar")).to_be_visible()
    before = len(spoken_by_video(emulator))
    until_video(page, "playing")
    until(page, lambda: len(spoken_by_video(emulator)) > before)

    until(page, lambda: LiveSession.objects.get().segments.count() == 14, within_s=120)
    end_session(speaker)
    until_video(page, "off")
    until(page, lambda: nothing_open(emulator))
    until(page, lambda: missed(event, emulator, voices) == [])
    seats = VideoSeat.objects.order_by("pk").values_list("state", "reason")
    until(page, lambda: list(seats.all()) == [("ended", "lost"), ("ended", "session_ended")])
    witnessed = page.evaluate("witnessed")
    by_video = [each["rms"] for each in witnessed if each["videoSpeaking"] and not each["speaking"]]
    assert max(by_video) > LOUDER_THAN_SILENCE


def test_media_that_stop_are_noticed_by_the_page(
    launch_server: LaunchServer,
    emulator: Emulator,
    make_event: MakeEvent,
    open_browser: OpenBrowser,
) -> None:
    event = with_video(make_event("es-ES"))
    server = launch_azure(launch_server, emulator, SPEECH_KEY="key-avatar-lost-peer-once@6")
    page = open_browser().page()
    go_live_by_hand(event)
    join(page, listener_link(server, event), "es-ES")
    until_video(page, "playing")
    until_video(page, "off")
    expect(page.locator("#avatar")).to_be_visible()
    until(page, lambda: nothing_open(emulator))
    until_video(page, "playing")
    expect(page.locator("#avatar")).to_be_hidden()


def test_a_refused_video_leaves_the_drawn_avatar(
    launch_server: LaunchServer,
    emulator: Emulator,
    make_event: MakeEvent,
    open_browser: OpenBrowser,
) -> None:
    event = with_video(make_event("es-ES"))
    server = launch_azure(launch_server, emulator, SPEECH_KEY="key-avatar-429")
    page = open_browser().page()
    go_live_by_hand(event)
    join(page, listener_link(server, event), "es-ES")
    expect(page.locator("#video-state")).to_have_text("The video is very busy.")
    expect(page.locator("#avatar")).to_be_visible()


def test_listeners_wait_in_a_queue_and_choose_what_they_see(
    launch_server: LaunchServer,
    emulator: Emulator,
    make_event: MakeEvent,
    open_browser: OpenBrowser,
) -> None:
    event = with_video(make_event("es-ES"), transparent=True, crop=True)
    server = launch_azure(launch_server, emulator)
    browser = open_browser()
    first, second, third = (browser.page(size=size) for size in (DESKTOP, PHONE, DESKTOP))
    go_live_by_hand(event)
    for page in (first, second, third):
        join(page, listener_link(server, event), "es-ES")
        until_video(page, "playing" if page is first else "queued")
    expect(first.locator("#video-state")).to_be_empty()
    expect(second.locator("#video-state")).to_have_text("The video starts soon: you are next.")
    expect(third.locator("#video-state")).to_have_text(
        "Waiting for the video: number 2 in the queue."
    )
    for page in (first, second):
        expect(page.get_by_text("AI-generated voice and avatar")).to_be_visible()
    expect(second.locator("#avatar")).to_be_visible()

    corner, middle = first.evaluate(KEYED)
    assert corner == 0
    assert middle == 255

    first.get_by_role("button", name="Settings").click()
    expect(first.get_by_role("radio", name="Video")).to_be_checked()
    first.get_by_role("radio", name="Avatar").check()
    until_video(first, "off")
    until_video(second, "playing")
    expect(third.locator("#video-state")).to_have_text("The video starts soon: you are next.")
    expect(first.locator("#avatar")).to_be_visible()
    first.get_by_role("radio", name="Video").check()
    until_video(first, "queued")
    second.get_by_role("button", name="Settings").click()
    second.get_by_role("radio", name="Captions only").check()
    until_video(third, "playing")
    third.close()
    until_video(first, "playing")
    first.close()
    second.close()
    until_open_page = browser.page()
    until(until_open_page, lambda: nothing_open(emulator))


def test_an_event_without_video_offers_none(
    launch_server: LaunchServer,
    emulator: Emulator,
    make_event: MakeEvent,
    open_browser: OpenBrowser,
) -> None:
    event = with_video(make_event("es-ES"), seats=0)
    server = launch_azure(launch_server, emulator)
    page = open_browser().page()
    go_live_by_hand(event)
    join(page, listener_link(server, event), "es-ES")
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_role("radio", name="Voice only")).to_be_visible()
    expect(page.get_by_role("radio", name="Video")).to_be_hidden()
    assert page.evaluate("avatarTranslate.video") == "off"
    assert not VideoSeat.objects.exists()
