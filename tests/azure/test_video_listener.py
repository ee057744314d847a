"""A listener's page in real Chromium that shows the video avatar, loses it and gets it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket, expect

from sessions_app.models import Avatar, Event, LiveSession, VideoSeat
from tests.azure_emulator.running import Emulator
from tests.browser.conftest import OpenBrowser, open_browser, playwright, until
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
    assert missed(event, emulator, voices) == []
    seats = VideoSeat.objects.order_by("pk").values_list("state", "reason")
    until(page, lambda: list(seats.all()) == [("ended", "lost"), ("ended", "session_ended")])
    witnessed = page.evaluate("witnessed")
    by_video = [each["rms"] for each in witnessed if each["videoSpeaking"] and not each["speaking"]]
    assert max(by_video) > LOUDER_THAN_SILENCE
