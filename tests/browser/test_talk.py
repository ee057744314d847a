"""A talk in the speaker's page, heard and read in listeners' pages beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from sessions_app.models import Event, LiveSession
from tests.azure_emulator.running import emulator_process
from tests.bench.accuracy import sentences, word_error_rate
from tests.browser.conftest import PHONE, Chromium, OpenBrowser, until, write_recording
from tests.browser.pages import (
    Moment,
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
    speak_recording,
    speaker_link,
    stored,
    translated,
    watch_and_listen,
    witnessed,
)
from tests.clients import SAMPLE_TALK, recorded, silence
from tests.conftest import LaunchServer, Server

pytestmark = [pytest.mark.browser, pytest.mark.embedded]

MakeEvent = Callable[..., Event]

TALK_MS = 56_338
FIRST_SENTENCE = "Good morning, everyone, and welcome to our quarterly update."
SECOND_SENTENCE = "Today I want to share three things with you."
REST_MS = 1_500
"""How long a page is watched after its last speech: the mouth must be seen at rest."""
LOUDER_THAN_SILENCE = 0.01
"""RMS of full scale 1, −40 dB; speech of the embedded voice lies near 0.1."""


def until_heard(page: Page, event: Event, audio_ms: int) -> None:
    """Wait until so much sound has been dealt with and stored."""
    session = LiveSession.objects.get(event=event)

    def dealt_with() -> bool:
        session.refresh_from_db()
        return session.acked_samples >= audio_ms * 16

    until(page, dealt_with, within_s=150)


def until_played(page: Page, share: float) -> None:
    """Wait until so much of the recording has been spoken, of 1."""
    bar = page.locator("#recording-bar")
    until(page, lambda: float(bar.get_attribute("value") or 0) > share)


def expect_voice(page: Page, speeches: int) -> None:
    """So many speeches were heard, with silence after them and partial captions before."""
    page.wait_for_function("all => avatarTranslate.speechesPlayed === all", arg=speeches)
    page.wait_for_timeout(REST_MS)
    moments = witnessed(page)
    speaking = [moment.rms for moment in moments if moment.silent_for_ms is None]
    assert max(speaking) > LOUDER_THAN_SILENCE
    assert max(moment.rms for moment in resting(moments)) < LOUDER_THAN_SILENCE / 10
    assert any(moment.partial for moment in moments)


def expect_lips(page: Page) -> None:
    """The mouth opened while the voice spoke, and only then."""
    moments = witnessed(page)
    assert max(moment.mouth for moment in moments if moment.silent_for_ms is None) > 0.3
    assert max(moment.mouth for moment in resting(moments)) < 0.05


def resting(moments: list[Moment]) -> list[Moment]:
    """Those a second or more after the last speech."""
    return [moment for moment in moments if (moment.silent_for_ms or 0) > 1_000]


@pytest.mark.timeout(400)
def test_a_talk_is_heard_and_read_in_two_languages(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    # A browser of their own: echo cancellation would take the listeners' voices for an echo.
    expect_talk(server, make_event("es-ES", "fr-FR"), open_browser(), open_browser(SAMPLE_TALK))


@pytest.mark.azure
@pytest.mark.timeout(400)
def test_the_same_talk_is_heard_and_read_with_azure(
    launch_server: LaunchServer, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    talk = write_recording(tmp_path / "talk.wav", recorded(0, TALK_MS), silence(60_000))
    people = open_browser()
    with emulator_process() as emulator:
        server = launch_server(
            SPEECH_BACKEND="azure", SPEECH_KEY="ok", SPEECH_PRIVATE_ENDPOINT=emulator.endpoint
        )
        expect_talk(server, make_event("es-ES", "fr-FR"), people, people, talk)


def expect_talk(
    server: Server, event: Event, listeners: Chromium, speakers: Chromium, file: Path | None = None
) -> None:
    """The whole sample talk, into Spanish and French, paused, ended, read again.

    It is spoken by the speakers' browser's microphone, or from a file, which has silence after it.
    """
    # Small, because a machine without a GPU that is busy drawing loses sound of the microphone.
    spanish, french = listeners.page(size=PHONE), listeners.page(size=PHONE)
    speaker = speakers.page()
    join(spanish, listener_link(server, event), "es-ES")
    join(french, listener_link(server, event), "fr-FR")
    french.get_by_role("button", name="Settings").click()
    french.get_by_role("radio", name="Voice only").check()
    french.get_by_role("button", name="Done").click()
    expect_listener_state(spanish, "Waiting")
    open_speaker(speaker, speaker_link(server, event))
    if file:
        speak_recording(speaker, file)
    listening = speaker.locator("#audience li")
    expect(listening).to_have_text(["Spanish (Spain) 1", "French (France) 1"])
    watch_and_listen(spanish)
    watch_and_listen(french)

    go_live(speaker)
    expect_listener_state(spanish, "Live")
    until_heard(speaker, event, TALK_MS + 1_000)

    english, in_spanish, in_french = heard(event), stored(event, "es-ES"), stored(event, "fr-FR")
    assert word_error_rate(" ".join(sentences("en")), " ".join(english)) <= 0.05
    assert len(in_spanish) == len(in_french) == len(english)
    assert in_spanish[0].startswith("Buenos días")
    assert in_french[0].startswith("Bonjour")
    expect(said(speaker)).to_have_text(english)
    expect(translated(speaker, "es-ES")).to_have_text(in_spanish)
    expect(captions(spanish)).to_have_text(in_spanish)
    expect(captions(french)).to_have_text(in_french)

    for page in (spanish, french):
        expect_voice(page, len(english))
    expect_lips(spanish)

    speaker.locator("#main-button").click()
    expect_speaker_state(speaker, "paused")
    expect_listener_state(spanish, "Paused")
    go_live(speaker)
    expect_listener_state(spanish, "Live")
    end_session(speaker)
    expect_listener_state(spanish, "Ended")
    expect_listener_state(french, "Ended")

    join(spanish, listener_link(server, event), "es-ES", sound=False)
    expect_listener_state(spanish, "Ended")
    expect(captions(spanish)).to_have_text(in_spanish)
    spanish.locator("#language").select_option("fr-FR")
    expect(captions(spanish)).to_have_text(in_french)


def test_a_pause_in_a_recording_loses_nothing(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    event = make_event("es-ES")
    people = open_browser()
    listener, speaker = people.page(), people.page()
    join(listener, listener_link(server, event), "es-ES")
    open_speaker(speaker, speaker_link(server, event))
    parts = [recorded(0, 4_000), silence(6_000), recorded(4_000, 7_500)]
    speak_recording(speaker, write_recording(tmp_path / "talk.wav", *parts))
    go_live(speaker)
    until_played(speaker, 4 / 13.5)
    speaker.locator("#main-button").click()
    expect_speaker_state(speaker, "paused")
    expect_listener_state(listener, "Paused")
    go_live(speaker)
    expect(speaker.locator("[data-code=recording-over]")).to_be_visible(timeout=30_000)
    end_session(speaker)
    assert heard(event) == [FIRST_SENTENCE, SECOND_SENTENCE]
    expect(captions(listener)).to_have_text(stored(event, "es-ES"))


def test_a_connection_lost_in_the_middle_of_a_phrase_loses_nothing(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    event = make_event("es-ES")
    people = open_browser()
    listener, speaker = people.page(), people.page()
    lines: list[tuple[WebSocketRoute, WebSocketRoute]] = []
    for page in (listener, speaker):
        page.route_web_socket(
            re.compile("/ws/"), lambda line: lines.append((line, line.connect_to_server()))
        )
    join(listener, listener_link(server, event), "es-ES", sound=False)
    open_speaker(speaker, speaker_link(server, event))
    speak_recording(speaker, write_recording(tmp_path / "talk.wav", recorded(0, 7_500)))
    go_live(speaker)
    until_played(speaker, 5.3 / 7.5)
    assert len(lines) == 2
    for to_page, to_server in lines[:2]:
        to_server.close(code=1001)
        to_page.close(code=1012)
    expect(speaker.locator("[data-code=recording-over]")).to_be_visible()
    expect(said(speaker)).to_have_text([FIRST_SENTENCE, SECOND_SENTENCE])
    end_session(speaker)
    assert len(lines) == 4
    assert heard(event) == [FIRST_SENTENCE, SECOND_SENTENCE]
    expect(captions(listener)).to_have_text(stored(event, "es-ES"))
    expect_listener_state(listener, "Ended")


def test_two_events_at_once_never_cross(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    people = open_browser()
    events = [make_event("es-ES", title="First"), make_event("es-ES", title="Second")]
    talks = [(0, 4_400), (4_000, 7_500)]
    listeners, speakers = [people.page(), people.page()], [people.page(), people.page()]
    for at, event in enumerate(events):
        join(listeners[at], listener_link(server, event), "es-ES", sound=False)
        open_speaker(speakers[at], speaker_link(server, event))
        speak_recording(speakers[at], write_recording(tmp_path / f"{at}.wav", recorded(*talks[at])))
        expect(speakers[at].locator("#recording-name")).to_contain_text(f"{at}.wav (0:0")
    for page in speakers:
        press_start(page)
    for page in speakers:
        expect(page.locator("[data-code=recording-over]")).to_be_visible(timeout=30_000)
        end_session(page)
    assert [heard(event) for event in events] == [[FIRST_SENTENCE], [SECOND_SENTENCE]]
    for page, event in zip(listeners, events, strict=True):
        expect(captions(page)).to_have_text(stored(event, "es-ES"))
    assert stored(events[0], "es-ES") != stored(events[1], "es-ES")


def test_reloading_the_speakers_page_goes_on_with_the_session(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    event = make_event("es-ES")
    people = open_browser(write_recording(tmp_path / "talk.wav", recorded(0, 4_000)))
    listener, speaker = people.page(), people.page()
    join(listener, listener_link(server, event), "es-ES", sound=False)
    open_speaker(speaker, speaker_link(server, event))
    go_live(speaker)
    expect(said(speaker)).to_have_text([FIRST_SENTENCE])
    speaker.on("dialog", lambda dialog: dialog.accept())  # "leave this page?"
    speaker.reload()
    expect_speaker_state(speaker, "open")
    expect(said(speaker)).to_have_text([FIRST_SENTENCE])
    # The microphone's recording begins again: the same words once more.
    go_live(speaker)
    expect(said(speaker)).to_have_text([FIRST_SENTENCE] * 2)
    end_session(speaker)
    assert heard(event) == [FIRST_SENTENCE] * 2
    expect(captions(listener)).to_have_text(stored(event, "es-ES"))
    expect_listener_state(listener, "Ended")
