"""One synthesizer of the SDK with its connection, which says one sentence at a time."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import azure.cognitiveservices.speech as sdk

from speech_app.backends.base import Viseme

from .credentials import Access

TICKS_PER_MS = 10_000
FIRST_SOUND_WITHIN_S = 8
ALL_SOUND_WITHIN_S = 15
"""Without these the SDK sends the sentence again after 40 s and gives up after 80 (run)."""
COMPLETED_WITHIN_S = 0.5
DRAIN_S = 0.01
"""Sound, visemes and words come on three threads; the last ones may lag behind the end (run)."""


class SynthesisFailed(Exception):
    """The service has not said the sentence; `details` are for the log, without secrets."""

    def __init__(self, code: sdk.CancellationErrorCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True)
class Word:
    """A word and where it is said."""

    offset_ms: int
    duration_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """MP3 (24 kHz, mono, 48 kbit/s) with mouth shapes and words, both in order of time."""

    audio: bytes
    duration_ms: int
    visemes: list[Viseme]
    words: list[Word]


@dataclass(slots=True)
class _Sentence:
    """What has come of the sentence under way."""

    visemes: list[Viseme] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    completed: threading.Event = field(default_factory=threading.Event)
    news: threading.Event = field(default_factory=threading.Event)


class VoiceConnection:
    """Not for two sentences at once. `used` once it has said one."""

    _open: WeakSet[VoiceConnection] = WeakSet()

    def __init__(self, url: str, access: Access, scrub: Callable[[str], str]) -> None:
        self._url = url
        self._scrub = scrub
        self._access = access
        self._synthesizer: Any = None
        self._sentence = _Sentence()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="azure-voice")
        self.used = False

    async def say(self, ssml: str) -> Said:
        """Raises SynthesisFailed. If the awaiting task is cancelled, the connection closes."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._say, ssml)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            threading.Thread(target=self._interrupt, name="azure-voice-stop").start()
            raise

    def renew(self, access: Access) -> None:
        """Take a new token before the next connection needs it."""
        self._thread.submit(self._change_access, access)

    def close(self) -> Future[None]:
        """Stop in the background. Returns when it has ended."""
        closed = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        return closed

    # On the connection's own thread

    def _say(self, ssml: str) -> Said:
        try:
            return self._say_it(ssml)
        except RuntimeError as error:
            # The SDK raises these with a trace of its own code.
            details = self._scrub(str(error))
            raise SynthesisFailed(sdk.CancellationErrorCode.RuntimeError, details) from None

    def _say_it(self, ssml: str) -> Said:
        if self._synthesizer is None:
            self._synthesizer = self._build()
            VoiceConnection._open.add(self)
        sentence = self._sentence = _Sentence()
        result = self._synthesizer.speak_ssml_async(ssml).get()
        self.used = True
        if result.reason != sdk.ResultReason.SynthesizingAudioCompleted:
            details = result.cancellation_details
            raise SynthesisFailed(details.error_code, self._scrub(details.error_details))
        sentence.completed.wait(COMPLETED_WITHIN_S)
        while sentence.news.wait(DRAIN_S):
            sentence.news.clear()
        return Said(
            audio=result.audio_data,
            duration_ms=round(result.audio_duration.total_seconds() * 1000),
            visemes=sorted(sentence.visemes, key=lambda viseme: viseme.offset_ms),
            words=sorted(sentence.words, key=lambda word: word.offset_ms),
        )

    def _build(self) -> Any:
        config = sdk.SpeechConfig(subscription=self._access.key or None, endpoint=self._url)
        if self._access.token:
            config.authorization_token = self._access.token
        config.set_speech_synthesis_output_format(
            sdk.SpeechSynthesisOutputFormat.Audio24Khz48KBitRateMonoMp3
        )
        for name, value in (
            ("SpeechSynthesis_FirstChunkTimeoutMs", FIRST_SOUND_WITHIN_S * 1000),
            ("SpeechSynthesis_AllChunkTimeoutMs", ALL_SOUND_WITHIN_S * 1000),
            ("SpeechSynthesis_MaxRetryTimes", 0),
            ("SPEECH-TelemetryDataEnabled", "false"),
        ):
            config.set_property_by_name(name, str(value))
        synthesizer = sdk.SpeechSynthesizer(speech_config=config, audio_config=None)
        synthesizer.viseme_received.connect(self._take_viseme)
        synthesizer.synthesis_word_boundary.connect(self._take_word)
        synthesizer.synthesis_completed.connect(lambda _: self._sentence.completed.set())
        return synthesizer

    def _change_access(self, access: Access) -> None:
        self._access = access
        if self._synthesizer is not None and access.token:
            self._synthesizer.authorization_token = access.token

    def _disconnect_signals(self) -> None:
        synthesizer = self._synthesizer
        if synthesizer is not None:
            for signal in (
                synthesizer.viseme_received,
                synthesizer.synthesis_word_boundary,
                synthesizer.synthesis_completed,
            ):
                signal.disconnect_all()

    def _close(self) -> None:
        """In this order; any other lets a native thread call into objects that are gone."""
        if self._synthesizer is not None:
            with contextlib.suppress(RuntimeError):
                self._synthesizer.stop_speaking_async().get()
            self._disconnect_signals()
        VoiceConnection._open.discard(self)
        self._synthesizer = None

    # On other threads

    def _interrupt(self) -> None:
        synthesizer = self._synthesizer
        if synthesizer is not None:
            with contextlib.suppress(RuntimeError):
                synthesizer.stop_speaking_async().get()

    def _take_viseme(self, event: Any) -> None:
        sentence = self._sentence
        sentence.visemes.append(Viseme(event.audio_offset // TICKS_PER_MS, event.viseme_id))
        sentence.news.set()

    def _take_word(self, event: Any) -> None:
        sentence = self._sentence
        duration_ms = round(event.duration.total_seconds() * 1000)
        sentence.words.append(Word(event.audio_offset // TICKS_PER_MS, duration_ms, event.text))
        sentence.news.set()


@atexit.register
def _silence_all() -> None:
    """A callback into an interpreter that is ending would abort the process."""
    for connection in list(VoiceConnection._open):
        connection._disconnect_signals()
