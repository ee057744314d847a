"""The whole speaker's page, with the server behind it: what goes wrong, and recordings."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from playwright.sync_api import FilePayload, Page, expect

from sessions_app.models import Event, Speaker
from tests.browser.conftest import PHONE, OpenBrowser, write_recording
from tests.browser.pages import (
    captions,
    end_session,
    expect_listener_state,
    expect_speaker_state,
    go_live,
    heard,
    join,
    listener_link,
    open_speaker,
    press_start,
    said,
    sign_in,
    speak_recording,
    speaker_link,
    stored,
)
from tests.clients import recorded, silence
from tests.conftest import LaunchServer, Server

pytestmark = [pytest.mark.browser, pytest.mark.embedded]

MakeEvent = Callable[..., Event]

SENTENCE = "Good morning, everyone, and welcome to our quarterly update."
SENTENCE_PCM = (0, 4_400)
FAKE_MICROPHONE = ["--use-fake-device-for-media-stream"]
KEEP_TRACKS = """
navigator.mediaDevices.getUserMedia = new Proxy(navigator.mediaDevices.getUserMedia, {
  apply: async (open, self, wishes) => {
    const stream = await Reflect.apply(open, self, wishes);
    window.track = stream.getAudioTracks()[0];
    return stream;
  },
});
"""


def notice(page: Page, code: str) -> Any:
    return page.locator(f"#notices [data-code={code}] p")


def test_a_microphone_that_is_refused_is_explained(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    page = open_browser(arguments=FAKE_MICROPHONE).page(permissions=[])
    open_speaker(page, speaker_link(server, make_event("es-ES")))
    press_start(page)
    expect(notice(page, "source")).to_contain_text("does not let this page use the microphone")
    expect_speaker_state(page, "ready")


def test_a_computer_without_a_microphone_is_told_so(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    page = open_browser().page(permissions=["microphone"])
    open_speaker(page, speaker_link(server, make_event("es-ES")))
    press_start(page)
    expect(notice(page, "source")).to_have_text(
        "No microphone was found. Plug one in and try again, or use a recording."
    )
    expect_speaker_state(page, "ready")


def test_where_the_browser_hides_the_microphone_recordings_still_work(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    """As over plain HTTP from another computer: no microphone, no AudioWorklet."""
    event = make_event("es-ES")
    hidden = (
        "Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined });"
        "Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: undefined });"
    )
    browser = open_browser()
    browser.expect("ScriptProcessorNode is deprecated")
    page = browser.page(init_script=hidden)
    open_speaker(page, speaker_link(server, event))
    expect(notice(page, "source")).to_contain_text("only on this computer itself or over HTTPS")
    speak_recording(page, write_recording(tmp_path / "talk.wav", recorded(*SENTENCE_PCM)))
    go_live(page)
    expect(said(page)).to_have_text([SENTENCE])
    end_session(page)


def test_a_microphone_that_disappears_is_noticed_and_can_be_replaced(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    event = make_event("es-ES")
    talk = write_recording(tmp_path / "talk.wav", recorded(*SENTENCE_PCM))
    page = open_browser(talk).page(init_script=KEEP_TRACKS)
    open_speaker(page, speaker_link(server, event))
    go_live(page)
    expect(said(page)).to_have_text([SENTENCE])
    page.evaluate("() => { track.stop(); track.dispatchEvent(new Event('ended')); }")
    expect(notice(page, "gone")).to_contain_text("The microphone is gone.")
    expect_speaker_state(page, "live")
    page.get_by_role("button", name="Use another microphone").click()
    expect(notice(page, "gone")).to_have_count(0)
    expect(said(page)).to_have_text([SENTENCE] * 2)
    end_session(page)
    assert heard(event) == [SENTENCE] * 2


def test_no_sound_and_too_much_sound_are_noticed(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    square = struct.pack("<160h", *[32_767] * 80, *[-32_768] * 80) * 700
    talk = write_recording(tmp_path / "talk.wav", square, silence(20_000))
    page = open_browser(talk).page()
    open_speaker(page, speaker_link(server, make_event("es-ES")))
    page.locator("#clean").uncheck()
    page.get_by_role("button", name="Try the microphone").click()
    hint = page.locator("#level-hint")
    expect(hint).to_contain_text("Too loud.")
    expect(hint).to_contain_text("No sound is arriving.")
    expect_speaker_state(page, "ready")


def test_what_is_no_recording_is_refused(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    page = open_browser().page()
    open_speaker(page, speaker_link(server, make_event("es-ES")))
    letter: FilePayload = {
        "name": "talk.wav",
        "mimeType": "audio/wav",
        "buffer": b"Dear Sir,\n" * 500,
    }
    speak_recording(page, letter)
    expect(page.locator("#recording-name")).to_contain_text(
        "“talk.wav” is not a recording that this browser can play."
    )
    press_start(page)
    expect(notice(page, "source")).to_contain_text("Choose a recording first")
    expect_speaker_state(page, "ready")


def encoded(kind: str, codec: str) -> bytes:
    """The first sentence of the sample talk, stereo at 44.1 kHz, as another kind of file."""
    samples = numpy.frombuffer(recorded(*SENTENCE_PCM), dtype="<i2").reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = 16_000
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=44_100, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler(
            format=stream.format, layout="stereo", rate=44_100, frame_size=stream.frame_size
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "mime", "kind", "codec"),
    [
        ("talk.wav", "audio/wav", "wav", "pcm_s16le"),
        ("talk.mp3", "audio/mpeg", "mp3", "mp3"),
        ("talk.m4a", "audio/mp4", "ipod", "aac"),
    ],
)
def test_a_recording_speaks_instead_of_the_microphone(  # noqa: PLR0917
    server: Server,
    make_event: MakeEvent,
    open_browser: OpenBrowser,
    name: str,
    mime: str,
    kind: str,
    codec: str,
) -> None:
    event = make_event("es-ES")
    page = open_browser().page()
    open_speaker(page, speaker_link(server, event))
    speak_recording(page, FilePayload(name=name, mimeType=mime, buffer=encoded(kind, codec)))
    expect(page.locator("#recording-name")).to_contain_text(f"{name} (0:04)")
    go_live(page)
    expect(said(page)).to_have_text([SENTENCE])
    expect(notice(page, "recording-over")).to_be_visible()
    end_session(page)


def test_a_recording_of_two_hours_is_taken_as_it_is(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(1)
        recording.setframerate(8_000)
        for _ in range(120):
            recording.writeframes(b"\x80" * 60 * 8_000)
    event = make_event("es-ES")
    page = open_browser().page()
    open_speaker(page, speaker_link(server, event))
    speak_recording(page, path)
    expect(page.locator("#recording-name")).to_have_text("long.wav (2:00:00)")
    go_live(page)
    expect(page.locator("#recording-time")).to_contain_text(" of 2:00:00, 1:59:")
    end_session(page)
    assert heard(event) == []


def test_the_sample_talk_is_at_hand(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    page = open_browser().page(size=PHONE)
    open_speaker(page, speaker_link(server, make_event("es-ES")))
    speak_recording(page)
    expect(page.locator("#recording-name")).to_have_text("The sample talk (0:56)")
    go_live(page)
    expect(page.locator("#captions li .source")).to_contain_text("Good morning")
    end_session(page)


def test_nothing_starts_without_consent(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    page = open_browser().page()
    open_speaker(page, speaker_link(server, event))
    speak_recording(page)
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Not now").click()
    expect_speaker_state(page, "ready")
    assert not event.live_sessions.exists()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="I agree, start").click()
    expect_speaker_state(page, "live")
    assert event.speakers.get().consented_at is not None
    end_session(page)
    page.get_by_role("button", name="Start again").click()  # and is not asked again
    expect_speaker_state(page, "live")
    end_session(page)


def test_links_that_are_wrong_or_withdrawn(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    browser = open_browser()
    browser.expect("status of 404|status of 410")
    page = browser.page(size=PHONE)
    page.goto(f"{server.url}/speaker/nobody/")
    expect(page.get_by_role("heading")).to_have_text("This speaker link does not exist")
    link = speaker_link(server, event)
    open_speaker(page, link)
    event.speakers.get().revoke()
    expect(page.locator("#state-text")).to_have_text("This link was withdrawn")
    expect(page.locator("#main-button")).to_be_disabled()
    page.goto(link)
    expect(page.get_by_role("heading")).to_have_text("This speaker link is no longer valid")


def test_a_second_speaker_has_to_take_over(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    event = make_event("es-ES")
    first_link = speaker_link(server, event)
    other = Speaker.objects.create(event=event, name="Second speaker")
    browser = open_browser()
    first, second = browser.page(), browser.page()
    open_speaker(first, first_link)
    speak_recording(first)
    go_live(first)
    open_speaker(second, server.url + other.get_absolute_url())
    speak_recording(second, write_recording(tmp_path / "talk.wav", recorded(*SENTENCE_PCM)))
    press_start(second)
    expect(second.locator("#take-over-question")).to_be_visible()
    second.get_by_role("button", name="Leave it to them").click()
    expect(second.locator("#take-over-question")).to_be_hidden()
    expect_speaker_state(first, "live")

    press_start(second)
    second.get_by_role("button", name="Take over").click()
    expect_speaker_state(second, "live")
    expect(first.locator("#state-text")).to_have_text("You speak somewhere else now")
    expect(said(second).last).to_have_text(SENTENCE)
    end_session(second)
    expect(first.locator("#main-button")).to_have_text("Speak here again")


def test_the_same_page_open_twice_is_noticed(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    browser = open_browser()
    first = browser.page()
    open_speaker(first, speaker_link(server, event))
    twin = browser.watch(first.context.new_page())
    open_speaker(twin, speaker_link(server, event))
    for page in (first, twin):
        expect(notice(page, "twin")).to_contain_text("This page is open twice in this browser.")
    twin.close()
    expect(notice(first, "twin")).to_have_count(0)


def test_headphones_are_advised_beside_a_listener_with_sound(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    browser = open_browser()
    page = browser.page()
    open_speaker(page, speaker_link(server, event))
    listener = browser.watch(page.context.new_page())
    join(listener, listener_link(server, event), "es-ES")
    expect(notice(page, "listener")).to_contain_text("Wear headphones")
    listener.get_by_role("button", name="Mute the voice").click()
    expect(notice(page, "listener")).to_have_count(0)


def test_the_speaker_reads_how_many_listen_in_which_language(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("es-ES")
    browser = open_browser()
    page, spanish, english = browser.page(), browser.page(), browser.page()
    open_speaker(page, speaker_link(server, event))
    join(spanish, listener_link(server, event), "es-ES", sound=False)
    join(english, listener_link(server, event), "en-US", sound=False)
    expect(page.locator("#audience [data-language=es-ES]")).to_have_text("Spanish (Spain) 1")
    expect(page.locator("#audience [data-language=en-US]")).to_have_text(
        "English (United States) 1"
    )


@pytest.mark.parametrize("public_url", ["", "http://192.0.2.7:8000"])
def test_a_listeners_address_that_no_phone_can_open_says_so(
    launch_server: LaunchServer, make_event: MakeEvent, open_browser: OpenBrowser, public_url: str
) -> None:
    server = launch_server(PUBLIC_URL=public_url)
    page = open_browser().page()
    open_speaker(page, speaker_link(server, make_event("es-ES")))
    expect(page.get_by_text("works on this computer only")).to_be_visible(visible=not public_url)


def test_a_rehearsal_is_heard_by_the_invited_only(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    event = make_event("es-ES")
    browser = open_browser()
    invited, other, page = browser.page(), browser.page(), browser.page()
    open_speaker(page, speaker_link(server, event))
    speak_recording(page, write_recording(tmp_path / "talk.wav", recorded(*SENTENCE_PCM)))
    page.locator("#rehearsal").check()
    link = page.locator("#listener-link").get_attribute("href")
    assert link
    join(invited, link, "es-ES", sound=False)
    join(other, listener_link(server, event), "es-ES", sound=False)
    go_live(page)
    expect(page.locator("#state-text")).to_contain_text("Rehearsal")
    expect_listener_state(invited, "Live")
    expect(said(page)).to_have_text([SENTENCE])
    end_session(page)
    expect(captions(invited)).to_have_text(stored(event, "es-ES"))
    expect_listener_state(other, "Waiting")
    expect(captions(other)).to_have_count(0)


def test_an_organiser_creates_an_event_and_speaks_at_it(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    make_event("es-ES", title="Somebody else's event")
    browser = open_browser()
    page, listener = browser.page(), browser.page(size=PHONE)
    sign_in(page, server)
    page.get_by_label("Title").fill("Staff <meeting>")
    page.get_by_label("French (France)").check()
    page.get_by_label("Voice").select_option(label="A man's voice")
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("heading", name="“Staff <meeting>” is ready")).to_be_visible()
    event = Event.objects.get(title="Staff <meeting>")
    languages = event.target_languages.order_by("code").values_list("code", flat=True)
    assert list(languages) == ["es-ES", "fr-FR"]
    expect(page.locator("#created-code")).to_have_text(event.join_code)
    expect(page.locator(".events h3")).to_have_text(["Staff <meeting>"])

    link = page.locator("#created-listener-link").get_attribute("href")
    assert link == listener_link(server, event)
    join(listener, link, "fr-FR", sound=False)
    page.get_by_role("link", name="Speak now").click()
    expect_speaker_state(page, "ready")
    speak_recording(page, write_recording(tmp_path / "talk.wav", recorded(*SENTENCE_PCM)))
    go_live(page)
    expect(said(page)).to_have_text([SENTENCE])
    end_session(page)
    expect(captions(listener)).to_have_text(stored(event, "fr-FR"))


def test_a_session_is_begun_and_ended_with_the_keyboard_alone(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    event = make_event("es-ES")
    talk = write_recording(tmp_path / "talk.wav", recorded(*SENTENCE_PCM))
    page = open_browser(talk).page()
    open_speaker(page, speaker_link(server, event))
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="I agree, start")).to_be_focused()
    page.keyboard.press("Enter")
    expect_speaker_state(page, "live")
    expect(said(page)).to_have_text([SENTENCE])
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="No, go on")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect_speaker_state(page, "ended")
    assert heard(event) == [SENTENCE]
