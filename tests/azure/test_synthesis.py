"""Sentences to neural voices with mouth shapes, through the real SDK."""

from __future__ import annotations

import asyncio
import io
import logging

import av
import pytest

from speech_app.backends.azure import synthesizer, voice_connection
from speech_app.backends.azure.backend import AzureBackend
from speech_app.backends.azure.ssml import build_ssml
from speech_app.backends.base import BackendDown, GlossaryEntry, LanguageUnavailable, Speech
from tests.azure.talking import backend_at, native_threads, until
from tests.azure_emulator.running import Emulator

pytestmark = pytest.mark.azure

SENTENCE = "Buenos días a todos."
VOICE = "es-ES-ElviraNeural"


async def say(backend: AzureBackend, text: str = SENTENCE, rate: float = 1.0) -> Speech:
    return await backend.synthesizer().synthesize(text, "es-ES", VOICE, rate)


async def test_a_sentence_becomes_mp3_with_visemes_in_order(emulator: Emulator) -> None:
    async with backend_at(emulator) as backend:
        speech = await say(backend)
    assert speech.mime == "audio/mpeg"
    with av.open(io.BytesIO(speech.audio), "r") as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.layout.name) == (24_000, "mono")
        seconds = sum(f.samples for f in container.decode(stream)) / 24_000
    assert speech.duration_ms == pytest.approx(1000 * seconds, abs=100)
    times = [viseme.offset_ms for viseme in speech.visemes]
    assert len(times) > 5
    assert times == sorted(times)
    assert times[-1] <= speech.duration_ms
    [spoken] = emulator.state()["spoken"]
    assert spoken["format"] == "audio-24khz-48kbitrate-mono-mp3"


async def test_words_are_known_with_their_times(emulator: Emulator) -> None:
    async with backend_at(emulator) as backend:
        said = await backend.connections().voices.say(build_ssml(SENTENCE, "es-ES", VOICE))
    assert [word.text for word in said.words] == ["Buenos", "días", "a", "todos"]
    assert [word.offset_ms for word in said.words] == sorted(w.offset_ms for w in said.words)


async def test_a_faster_rate_is_shorter(emulator: Emulator) -> None:
    async with backend_at(emulator) as backend:
        normal, fast = await say(backend), await say(backend, rate=1.25)
    assert fast.duration_ms < 0.9 * normal.duration_ms
    assert [each["rate"] for each in emulator.state()["spoken"]] == [1.0, 1.25]


async def test_what_looks_like_markup_is_spoken_as_text(emulator: Emulator) -> None:
    text = 'A <break time="9s"/> & "B" \x00\x08\x0b\ufffe ]]> </voice>'
    glossary = [GlossaryEntry("B", say_as='be "<&')]
    async with backend_at(emulator) as backend:
        await backend.synthesizer().synthesize(text, "es-ES", VOICE, 1.1, glossary)
    state = emulator.state()
    assert state["problems"] == []
    [spoken] = state["spoken"]
    assert spoken["text"] == 'A <break time="9s"/> & "B" ]]> </voice>'
    assert spoken["sounds"] == 'A <break time="9s"/> & "be "<&" ]]> </voice>'


async def test_one_connection_says_one_sentence_after_the_other(emulator: Emulator) -> None:
    async with backend_at(emulator) as backend:
        for _ in range(4):
            await say(backend)
        assert emulator.state()["opened"] == {"tts": 1}
        await asyncio.gather(*(say(backend) for _ in range(8)))
        assert emulator.state()["opened"] == {"tts": 8}
    await emulator.until(lambda state: state["open"] == {})
    await until(lambda: native_threads() == [])


async def test_connections_nobody_needs_are_closed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesizer, "IDLE_CLOSES_AFTER_S", 0.2)
    async with backend_at(emulator) as backend:
        await asyncio.gather(say(backend), say(backend))
        await emulator.until(lambda state: state["open"] == {})
        await until(lambda: native_threads() == [])
        assert (await say(backend)).audio


async def test_a_kept_connection_that_has_died_costs_no_sentence(emulator: Emulator) -> None:
    async with backend_at(emulator, "key-tts-close-1011-once@2") as backend:
        lengths = [len((await say(backend)).audio) for _ in range(3)]
    assert lengths == [lengths[0]] * 3


@pytest.mark.parametrize(
    ("key", "words_of_it"),
    [
        ("key-tts-401", "check SPEECH_KEY and SPEECH_REGION"),
        ("key-tts-403", "check that the resource is active"),
        ("key-tts-429", "quota"),
        ("key-tts-500", "Azure Speech"),
        ("key-tts-close-1011", "Azure Speech"),
        ("key-tts-close-1007", "quota"),
        ("key-tts-close-abort@0.5", "Azure Speech"),
        ("key-tts-mute", "Azure Speech"),
        ("key-tts-silent", "Azure Speech"),
        ("key-tts-no-audio", "no sound"),
        ("key-tts-no-turn-end", "Azure Speech"),
    ],
)
async def test_a_sentence_that_cannot_be_said_says_why(
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    key: str,
    words_of_it: str,
) -> None:
    monkeypatch.setattr(voice_connection, "FIRST_SOUND_WITHIN_S", 1)
    monkeypatch.setattr(voice_connection, "ALL_SOUND_WITHIN_S", 2)
    caplog.set_level(logging.DEBUG)
    async with backend_at(emulator, key) as backend:
        with pytest.raises(BackendDown, match=words_of_it) as failed:
            await say(backend)
        assert key not in str(failed.value) + repr(failed.value) + caplog.text
    await until(lambda: native_threads() == [])


async def test_a_voice_without_visemes_is_still_heard(emulator: Emulator) -> None:
    async with backend_at(emulator, "key-tts-no-visemes") as backend:
        speech = await say(backend)
    assert (len(speech.audio) > 1000, speech.visemes) == (True, [])


async def test_a_late_end_of_a_turn_is_waited_for(emulator: Emulator) -> None:
    async with backend_at(emulator, "key-tts-late-turn-end@0.5") as backend:
        assert len((await say(backend)).audio) > 1000


async def test_cancelling_stops_the_sentence_and_its_connection(emulator: Emulator) -> None:
    async with backend_at(emulator, "key-tts-mute") as backend:
        task = asyncio.create_task(say(backend))
        await emulator.until(lambda state: state["spoken"] != [])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await emulator.until(lambda state: state["open"] == {})
        await until(lambda: native_threads() == [])


async def test_no_voice_is_no_failure_of_the_service(emulator: Emulator) -> None:
    async with backend_at(emulator) as backend:
        with pytest.raises(LanguageUnavailable):
            await backend.synthesizer().synthesize(SENTENCE, "eo", "")


async def test_a_token_stands_for_the_key(emulator: Emulator) -> None:
    async with backend_at(emulator, use_token=True) as backend:
        assert (await say(backend)).audio
        assert (await say(backend)).audio
    state = emulator.state()
    assert state["requests"]["token"] == 1
    assert [each["key"] for each in state["spoken"]] == ["ok", "ok"]
