"""The emulator, seen through the unmodified Azure Speech SDK and other ordinary clients."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from tests.azure_emulator.running import Emulator

try:
    import azure.cognitiveservices.speech as speechsdk
except (ImportError, OSError) as error:  # Without libasound2 its library cannot be loaded.
    pytest.skip(f"The Azure Speech SDK cannot be loaded: {error}", allow_module_level=True)

pytestmark = pytest.mark.azure

ROOT = Path(__file__).parents[2]
TICKS_PER_MS = 10_000
WITHIN_S = 60
SSML = (
    '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="es-ES">'
    '<voice name="es-ES-ElviraNeural"><prosody rate="{rate}">{text}</prosody></voice></speak>'
)


def talk(language: str) -> list[str]:
    sentences = json.loads((ROOT / f"tests/data/quarterly-update.{language}.json").read_text())
    return [sentence["text"] for sentence in sentences["sentences"]]


def recording() -> bytes:
    with wave.open(str(ROOT / "static/audio/quarterly-update.en.wav")) as file:
        pcm: bytes = file.readframes(file.getnframes())
        return pcm


def seconds(pcm: bytes, start: float, end: float) -> bytes:
    return pcm[int(start * 16_000) * 2 : int(end * 16_000) * 2]


class Recogniser:
    """A real TranslationRecognizer and everything it has said."""

    def __init__(
        self, emulator: Emulator, key: str, targets: Sequence[str], auto: Sequence[str]
    ) -> None:
        config = speechsdk.translation.SpeechTranslationConfig(
            subscription=key, endpoint=emulator.translation_url
        )
        config.set_property_by_name("SPEECH-TransmitLengthBeforThrottleMs", "600000")
        config.set_property_by_name("SPEECH-TelemetryDataEnabled", "false")
        for target in targets:
            config.add_target_language(target)
        detection = None
        if auto:
            config.set_property(
                speechsdk.PropertyId.SpeechServiceConnection_LanguageIdMode, "Continuous"
            )
            detection = speechsdk.languageconfig.AutoDetectSourceLanguageConfig(list(auto))
        else:
            config.speech_recognition_language = "en-US"
        self.audio = speechsdk.audio.PushAudioInputStream()
        self.recognizer = speechsdk.translation.TranslationRecognizer(
            translation_config=config,
            audio_config=speechsdk.audio.AudioConfig(stream=self.audio),
            auto_detect_source_language_config=detection,
        )
        self.partials: list[Any] = []
        self.finals: list[Any] = []
        self.failures: list[Any] = []
        self.connections = 0
        self._changed = threading.Condition()
        self._ended = False
        self.connection = speechsdk.Connection.from_recognizer(self.recognizer)
        self.recognizer.recognizing.connect(lambda event: self._note(self.partials, event.result))
        self.recognizer.recognized.connect(lambda event: self._note(self.finals, event.result))
        self.recognizer.canceled.connect(self._cancelled)
        self.recognizer.session_stopped.connect(lambda _event: self._end())
        self.connection.connected.connect(lambda _event: self._count())

    def _note(self, into: list[Any], what: Any) -> None:
        with self._changed:
            into.append(what)
            self._changed.notify_all()

    def _cancelled(self, event: Any) -> None:
        if event.cancellation_details.reason != speechsdk.CancellationReason.EndOfStream:
            self._note(self.failures, event.cancellation_details.code)

    def _count(self) -> None:
        with self._changed:
            self.connections += 1
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def until(self, wanted: Callable[[Recogniser], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self), WITHIN_S)

    def hear(self, *parts: bytes) -> None:
        """Recognise this audio to its end."""
        for part in parts:
            self.audio.write(part)
        self.audio.close()
        self.until(lambda self: self._ended)

    def texts(self, language: str = "") -> list[str]:
        return [
            final.translations[language] if language else final.text
            for final in self.finals
            if final.text
        ]

    def close(self) -> None:
        self.recognizer.stop_continuous_recognition_async().get()
        for signal in ("recognizing", "recognized", "canceled", "session_stopped"):
            getattr(self.recognizer, signal).disconnect_all()
        self.connection.connected.disconnect_all()
        del self.connection, self.recognizer


@contextmanager
def recognising(
    emulator: Emulator,
    key: str = "ok",
    targets: Sequence[str] = ("es", "de", "ja"),
    auto: Sequence[str] = (),
) -> Iterator[Recogniser]:
    recogniser = Recogniser(emulator, key, targets, auto)
    recogniser.recognizer.start_continuous_recognition_async().get()
    try:
        yield recogniser
    finally:
        recogniser.close()


def synthesizer(url: str, key: str = "ok") -> Any:
    config = speechsdk.SpeechConfig(subscription=key, endpoint=url)
    config.set_speech_synthesis_output_format(
        speechsdk.SpeechSynthesisOutputFormat.Audio24Khz48KBitRateMonoMp3
    )
    config.set_property_by_name("SpeechSynthesis_MaxRetryTimes", "0")
    return speechsdk.SpeechSynthesizer(speech_config=config, audio_config=None)


def decoded(audio: bytes) -> tuple[int, np.ndarray[Any, Any]]:
    with av.open(BytesIO(audio), "r") as container:
        frames = list(container.decode(audio=0))
    return frames[0].sample_rate, np.concatenate([f.to_ndarray().ravel() for f in frames])


def test_talk_is_heard_in_three_languages(emulator: Emulator) -> None:
    with recognising(emulator) as recogniser:
        recogniser.hear(recording())
        assert recogniser.texts() == talk("en")
        assert recogniser.texts("es") == talk("es")
        assert recogniser.texts("de")[3] == (
            "Das ist das beste Ergebnis in der Geschichte unseres Unternehmens."
        )
        assert (
            recogniser.texts("ja")[-1] == "どうもありがとうございました。また来月お会いしましょう。"
        )
        starts = [final.offset / TICKS_PER_MS for final in recogniser.finals if final.text]
        assert np.allclose(starts[:3], [500, 4496, 7662], atol=40)
        first = [each for each in recogniser.partials if each.offset == recogniser.finals[0].offset]
        assert first[-1].text == "good morning everyone and welcome to our quarterly update"
        assert [len(each.text) for each in first] == sorted(len(each.text) for each in first)
        assert all(first[-1].translations["es"].startswith(p.translations["es"]) for p in first)


def test_part_of_the_talk_is_found_and_a_jump_noticed(emulator: Emulator) -> None:
    pcm = recording()
    with recognising(emulator) as recogniser:
        recogniser.hear(seconds(pcm, 7.3, 15.5), seconds(pcm, 28.9, 32.5))
        assert recogniser.texts() == [talk("en")[2], talk("en")[3], talk("en")[7]]


def test_other_speech_is_heard_too(emulator: Emulator) -> None:
    noise = np.random.default_rng(1).normal(0, 2000, 32_000).astype(np.int16).tobytes()
    with recognising(emulator) as recogniser:
        recogniser.hear(bytes(16_000), noise, bytes(64_000))
        assert len(recogniser.texts()) == 1
        assert recogniser.texts()[0].startswith("Unscripted speech ")
        assert recogniser.texts("es")[0].startswith("Discurso fuera del guion ")


@pytest.mark.parametrize("code", ["1000", "1011", "abort"])
def test_lost_connection_loses_and_doubles_nothing(emulator: Emulator, code: str) -> None:
    with recognising(emulator, f"key-stt-close-{code}-once@10") as recogniser:
        recogniser.hear(recording())
        assert recogniser.texts() == talk("en")
        assert recogniser.connections == 2
        starts = [final.offset / TICKS_PER_MS for final in recogniser.finals if final.text]
        assert np.allclose(starts[2:4], [7662, 12330], atol=40)


def test_languages_change_while_it_listens(emulator: Emulator) -> None:
    pcm = recording()
    with recognising(emulator, targets=["es"]) as recogniser:
        recogniser.audio.write(seconds(pcm, 0, 7.3))
        recogniser.until(lambda each: len(each.finals) == 2)
        recogniser.recognizer.add_target_language("it")
        recogniser.recognizer.remove_target_language("es")
        recogniser.hear(seconds(pcm, 7.3, 12))
        assert [set(final.translations) for final in recogniser.finals if final.text] == [
            {"es"},
            {"es"},
            {"it"},
        ]
        assert emulator.state()["updates"] == [["es", "it"], ["it"]]
        assert recogniser.connections == 1


def test_spoken_language_is_detected(emulator: Emulator) -> None:
    with recognising(emulator, auto=["fr-FR", "en-US"]) as recogniser:
        recogniser.hear(seconds(recording(), 0, 7.3))
        detected = [
            final.properties[
                speechsdk.PropertyId.SpeechServiceConnection_AutoDetectSourceLanguageResult
            ]
            for final in recogniser.finals
            if final.text
        ]
        assert detected == ["en-US", "en-US"]
        assert recogniser.texts() == talk("en")[:2]


def test_wrong_key_fails_at_once(emulator: Emulator) -> None:
    with recognising(emulator, "key-401") as recogniser:
        recogniser.until(lambda each: bool(each.failures))
        assert recogniser.failures == [speechsdk.CancellationErrorCode.AuthenticationFailure]


def test_language_can_be_missing(emulator: Emulator) -> None:
    with recognising(emulator, "key-missing-language-de") as recogniser:
        recogniser.hear(seconds(recording(), 0, 4.4))
        assert set(recogniser.finals[0].translations) == {"es", "ja"}


def test_unknown_fault_is_refused(emulator: Emulator) -> None:
    with recognising(emulator, "key-tired") as recogniser:
        recogniser.until(lambda each: bool(each.failures))
        assert emulator.state()["problems"][0].startswith("There is no fault 'tired'")


def test_voice_is_audible_and_tells_its_visemes_and_words(emulator: Emulator) -> None:
    speaker = synthesizer(emulator.synthesis_url)
    visemes: list[tuple[int, int]] = []
    words: list[str] = []
    ended = threading.Semaphore(0)

    def see(event: Any) -> None:
        visemes.append((event.audio_offset, event.viseme_id))
        if len(visemes) > 1 and event.viseme_id == 0:
            ended.release()

    speaker.viseme_received.connect(see)
    speaker.synthesis_word_boundary.connect(lambda event: words.append(event.text))
    normal = speaker.speak_ssml_async(SSML.format(rate="1.0", text="Hola a todos.")).get()
    assert ended.acquire(timeout=WITHIN_S)
    seen = list(visemes)
    fast = speaker.speak_ssml_async(SSML.format(rate="+100%", text="Hola a todos.")).get()
    assert ended.acquire(timeout=WITHIN_S)
    for signal in (speaker.viseme_received, speaker.synthesis_word_boundary):
        signal.disconnect_all()
    del speaker

    rate, samples = decoded(normal.audio_data)
    assert rate == 24_000
    assert np.sqrt((samples**2).mean()) > 0.05
    assert len(samples) > 1.5 * len(decoded(fast.audio_data)[1])
    assert seen == sorted(seen)
    assert len(seen) == len("Holaatodos") + 2
    assert seen[-1][0] / TICKS_PER_MS < 1000 * len(samples) / rate
    assert words[:3] == ["Hola", "a", "todos"]
    state = emulator.state()
    assert [each["text"] for each in state["spoken"]] == ["Hola a todos."] * 2
    assert state["characters"] == 26
    assert state["opened"] == {"tts": 1}


def test_text_that_was_not_escaped_is_found_out(emulator: Emulator) -> None:
    speaker = synthesizer(emulator.synthesis_url)
    result = speaker.speak_ssml_async(SSML.format(rate="1.0", text="Smith & Sons")).get()
    assert result.cancellation_details.error_code == speechsdk.CancellationErrorCode.BadRequest
    assert emulator.state()["problems"][0].startswith("SSML is not well-formed XML")


def test_voice_can_be_refused_and_lost(emulator: Emulator) -> None:
    def outcome(key: str) -> Any:
        speaker = synthesizer(emulator.synthesis_url, key)
        text = "Una frase que dura más de un segundo."
        result = speaker.speak_ssml_async(SSML.format(rate="1.0", text=text)).get()
        return result.cancellation_details.error_code

    assert outcome("key-tts-429") == speechsdk.CancellationErrorCode.TooManyRequests
    assert outcome("key-tts-close-1011@1") == speechsdk.CancellationErrorCode.ServiceError


class Viewer:
    """What a browser does with an avatar: offers, watches and listens."""

    def __init__(self) -> None:
        self._connection = RTCPeerConnection()
        self._connection.addTransceiver("video", "recvonly")
        self._connection.addTransceiver("audio", "recvonly")
        self.pictures: list[np.ndarray[Any, Any]] = []
        self.loudness: list[float] = []
        self.events: list[str] = []
        self.changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        channel = self._connection.createDataChannel("eventChannel")

        @channel.on("message")
        def note(message: str) -> None:
            self.events.append(json.loads(message)["event"]["eventType"])

        @self._connection.on("track")
        def watch(track: MediaStreamTrack) -> None:
            self._tasks.append(asyncio.create_task(self._watch(track)))

    async def _watch(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            async with self.changed:
                if isinstance(frame, av.VideoFrame):
                    self.pictures.append(frame.to_ndarray(format="rgb24").astype(int))
                elif isinstance(frame, av.AudioFrame):
                    self.loudness.append(float(np.abs(frame.to_ndarray().astype(int)).mean()))
                self.changed.notify_all()

    async def offer(self) -> str:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        offer = {"type": "offer", "sdp": self._connection.localDescription.sdp}
        return base64.b64encode(json.dumps(offer).encode()).decode()

    async def accept(self, answer: str) -> None:
        described = json.loads(base64.b64decode(answer))
        await self._connection.setRemoteDescription(RTCSessionDescription(**described))

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S), self.changed:
            await self.changed.wait_for(wanted)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.close()


class Avatar:
    """A real synthesizer connected as an avatar."""

    def __init__(self, emulator: Emulator, offer: str, key: str = "ok") -> None:
        self._synthesizer = synthesizer(emulator.avatar_url, key)
        self.connection = speechsdk.Connection.from_speech_synthesizer(self._synthesizer)
        video = {
            "protocol": {
                "name": "WebRTC",
                "webrtcConfig": {"clientDescription": offer, "iceServers": []},
            },
            "format": {
                "crop": {"topLeft": {"x": 600, "y": 0}, "bottomRight": {"x": 1320, "y": 1080}}
            },
            "talkingAvatar": {
                "customized": False,
                "character": "lisa",
                "style": "casual-sitting",
                "background": {"color": "#00FF00FF"},
            },
        }
        context = json.dumps({"synthesis": {"video": video}})
        self.connection.set_message_property("speech.config", "context", context)

    async def speak(self, text: str) -> Any:
        ssml = SSML.format(rate="1.0", text=text)
        return await asyncio.to_thread(lambda: self._synthesizer.speak_ssml_async(ssml).get())

    async def connect(self) -> str:
        """The answer to the offer."""
        result = await asyncio.to_thread(lambda: self._synthesizer.speak_text_async("").get())
        assert result.reason == speechsdk.ResultReason.SynthesizingAudioCompleted
        started = self._synthesizer.properties.get_property_by_name(
            "SpeechSDKInternal-ExtraTurnStartMessage"
        )
        answer: str = json.loads(started)["webrtc"]["connectionString"]
        return answer

    def close(self) -> None:
        self.connection.close()
        del self.connection, self._synthesizer


async def test_avatar_is_seen_and_heard_and_can_be_interrupted(emulator: Emulator) -> None:
    viewer = Viewer()
    avatar = Avatar(emulator, await viewer.offer())
    try:
        await viewer.accept(await avatar.connect())
        await viewer.until(lambda: len(viewer.pictures) > 5 and len(viewer.loudness) > 20)
        assert viewer.pictures[-1].shape == (270, 180, 3)
        corner = viewer.pictures[-1][5:20, 5:20].reshape(-1, 3).mean(axis=0)
        assert np.allclose(corner, [0, 255, 0], atol=30)
        assert max(viewer.loudness) < 10
        idle = len(viewer.pictures)

        await avatar.speak("Hola a todos, buenos días.")
        spoken = viewer.pictures[idle:]
        mouths = [picture[165:210, 60:120] for picture in spoken]
        moved = [np.abs(b - a).mean() for a, b in pairwise(mouths)]
        assert sum(each > 2 for each in moved) > 5
        assert max(viewer.loudness) > 500

        long = asyncio.create_task(avatar.speak("Una frase muy larga. " * 20))
        await emulator.until(lambda state: len(state["spoken"]) == 2)
        avatar.connection.send_message_async("synthesis.control", '{"action":"stop"}').get()
        await long
        await avatar.speak("Ya.")
        state = emulator.state()
        assert [each["done"] for each in state["spoken"]] == [True, False, True]
        assert (state["open"], state["peers_open"], state["peers_opened"]) == ({"avatar": 1}, 1, 1)
        await viewer.until(lambda: viewer.events.count("EVENT_TYPE_SWITCH_TO_IDLE") == 3)
        assert viewer.events[:3] == [
            "EVENT_TYPE_TURN_START",
            "EVENT_TYPE_SWITCH_TO_SPEAKING",
            "EVENT_TYPE_SWITCH_TO_IDLE",
        ]
    finally:
        await asyncio.to_thread(avatar.close)
        await viewer.close()
    state = await emulator.until(lambda state: not state["open"])
    assert state["peers_open"] == 0
    assert state["avatar_seconds"] > 1


async def test_avatars_have_a_pace_and_an_idle_limit(emulator: Emulator) -> None:
    emulator.set_limits(avatars_per_minute=1, avatar_idle_s=1)
    viewer = Viewer()
    offer = await viewer.offer()
    first, second = Avatar(emulator, offer), Avatar(emulator, offer)
    try:
        await first.connect()
        refused = await second.speak("Hola.")
        code = refused.cancellation_details.error_code
        assert code == speechsdk.CancellationErrorCode.TooManyRequests
        state = await emulator.until(lambda state: not state["open"])
        assert (state["peers_open"], state["peers_opened"]) == (0, 1)
    finally:
        await asyncio.to_thread(first.close)
        await asyncio.to_thread(second.close)
        await viewer.close()


def test_relay_token_names_ice_servers(emulator: Emulator) -> None:
    key = {"Ocp-Apim-Subscription-Key": "ok"}
    for base in ("", "/tts"):
        url = f"{emulator.endpoint}{base}/cognitiveservices/avatar/relay/token/v1"
        assert httpx.get(url, headers=key).json() == {
            "Urls": [f"turn:127.0.0.1:{emulator.port}"],
            "Username": "emulated",
            "Password": "emulated",
        }
        assert httpx.get(url).status_code == 401
        refused = httpx.get(url, headers={"Ocp-Apim-Subscription-Key": "key-relay-429"})
        assert refused.status_code == 429


def test_token_stands_for_its_key_until_it_expires(emulator: Emulator) -> None:
    def voices(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{emulator.endpoint}/tts/cognitiveservices/voices/list"
        return httpx.get(url, headers=headers).status_code

    def token(key: str) -> str:
        url = f"{emulator.endpoint}/sts/v1.0/issueToken"
        return httpx.post(url, headers={"Ocp-Apim-Subscription-Key": key}).text

    assert voices(token("ok")) == 200
    assert voices(token("key-voices-403")) == 403
    assert voices("emulated.99.token") == 401
    emulator.set_limits(token_life_s=0)
    assert voices(token("ok")) == 401


def test_sdk_works_with_a_token(emulator: Emulator) -> None:
    url = f"{emulator.endpoint}/sts/v1.0/issueToken"
    token = httpx.post(url, headers={"Ocp-Apim-Subscription-Key": "ok"}).text
    config = speechsdk.SpeechConfig(endpoint=emulator.synthesis_url)
    config.authorization_token = token
    speaker = speechsdk.SpeechSynthesizer(speech_config=config, audio_config=None)
    result = speaker.speak_ssml_async(SSML.format(rate="1.0", text="Hola.")).get()
    assert result.reason == speechsdk.ResultReason.SynthesizingAudioCompleted
    assert [each["key"] for each in emulator.state()["spoken"]] == ["ok"]


def test_written_text_is_translated_with_its_dictionary(emulator: Emulator) -> None:
    term = '<mstrans:dictionary translation="Niña &amp; Co">Contoso</mstrans:dictionary>'
    for path in ("/translate", "/translator/text/v3.0/translate"):
        answer = httpx.post(
            f"{emulator.endpoint}{path}",
            params={"api-version": "3.0", "from": "en", "to": ["es", "nl"]},
            headers={"Ocp-Apim-Subscription-Key": "ok"},
            json=[{"Text": talk("en")[4]}, {"Text": f"Ask {term} now."}],
        )
        texts = [[each["text"] for each in text["translations"]] for text in answer.json()]
        assert texts == [
            [talk("es")[4], f"[nl] {talk('en')[4]}"],
            ["[es] Ask Niña & Co now.", "[nl] Ask Niña & Co now."],
        ]


async def test_server_that_never_answers_keeps_its_clients_waiting(emulator: Emulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
    writer.write(
        b"GET /stt/speech/universal/v2 HTTP/1.1\r\nHost: emulator\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nOcp-Apim-Subscription-Key: key-silent\r\n\r\n"
    )
    await emulator.until(lambda state: state["requests"].get("stt") == 1)
    # The answer to this later request shows that the emulator has had time for the first one.
    assert emulator.state()["opened"] == {}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(1)
    writer.close()
    await writer.wait_closed()
