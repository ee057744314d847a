"""One recognition of the SDK, from its first sample to its end, handed over to the event loop.

The SDK calls back on native threads of its own, where an exception is lost and a pause delays
everything after it: callbacks only hand over. Starting and stopping can block for ten seconds
and more, so both happen on a thread that belongs to the recogniser and ends with it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import azure.cognitiveservices.speech as sdk

from speech_app.backends.base import SAMPLE_RATE

from .credentials import Access

logger = logging.getLogger(__name__)

TICKS_PER_SAMPLE = 10_000_000 // SAMPLE_RATE
LONGEST_TEXT_BYTES = 2047
"""What the SDK's Python code has room for; of a longer text only the JSON holds all."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be recognised. `candidates` stands for `source` where the language is detected."""

    source: str
    candidates: Sequence[str]
    targets: Sequence[str]
    phrases: Sequence[str]

    def spoken(self, detected: str) -> str:
        """The language of what was heard, where the service has detected this one or none ("")."""
        if not self.candidates:
            return self.source
        known = {code.lower(): code for code in self.candidates}
        return known.get(detected.lower(), self.candidates[0])


@dataclass(frozen=True, slots=True)
class Manner:
    """How to recognise: `segmentation_silence_ms` ends a phrase; `profanity` is masked, removed
    or raw; so much audio (`upload_ahead_ms`) may be uploaded faster than it was spoken."""

    segmentation_silence_ms: int
    profanity: str
    upload_ahead_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """Recognised speech, `[start, end)` in samples from the session's first.

    `text` is empty where the service made out that nothing was said. `language` is what this
    recogniser listened for or detected, whatever is spoken by the time its result arrives.
    `translations` goes by the service's codes, in small letters.
    """

    start: int
    end: int
    final: bool
    text: str
    language: str
    translations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Connected:
    """The service has taken the connection."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone; the SDK may well open another."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The recognition has ended by an error; `details` are for the log, without secrets."""

    code: sdk.CancellationErrorCode
    details: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """All audio is recognised."""


Event = Heard | Connected | Disconnected | Failed | Stopped


class Recogniser:
    """Recognises what is written to it; its events carry samples of the session.

    `ended` is done once nothing of it runs any more, some time after `close`.
    """

    _running: WeakSet[Recogniser] = WeakSet()

    def __init__(
        self,
        request: Request,
        manner: Manner,
        *,
        url: str,
        access: Access,
        scrub: Callable[[str], str],
        first_sample: int,
        take: Callable[[Recogniser, Event], None],
    ) -> None:
        self._request = request
        self._manner = manner
        self._url = url
        self._first_sample = first_sample
        self._scrub = scrub
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._access = access
        self._stream: Any = sdk.audio.PushAudioInputStream(
            sdk.audio.AudioStreamFormat(samples_per_second=SAMPLE_RATE)
        )
        self._recognizer: Any = None
        self._connection: Any = None
        self._targets = list(request.targets)
        self.ended: Future[None] = Future()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="azure-recogniser")
        self._thread.submit(self._start)

    def write(self, pcm: bytes) -> None:
        """Never blocks: the SDK uploads from a copy."""
        if pcm:
            self._stream.write(pcm)

    def end(self) -> None:
        """No more audio comes; `Stopped` follows once all of it is recognised."""
        self._stream.close()

    def translate_into(self, targets: Sequence[str]) -> None:
        """Change the target languages without a new connection."""
        self._thread.submit(self._change_targets, list(targets))

    def renew(self, access: Access) -> None:
        """Take a new token, before the next connection needs it."""
        self._thread.submit(self._change_access, access)

    def close(self) -> None:
        """Stop in the background, until `ended`; nothing is handed over any more."""
        self._take = _nobody
        self._thread.submit(self._stop)
        self._thread.shutdown(wait=False)

    # On the recogniser's own thread

    def _start(self) -> None:
        try:
            self._recognizer = recognizer = self._build()
            self._connection = sdk.Connection.from_recognizer(recognizer)
            Recogniser._running.add(self)
            self._connect_signals()
            recognizer.start_continuous_recognition_async().get()
        except Exception as error:
            # The SDK raises bare RuntimeErrors with a trace of its own code.
            self._hand_over(Failed(sdk.CancellationErrorCode.RuntimeError, self._scrub(str(error))))

    def _build(self) -> Any:
        request, manner = self._request, self._manner
        config = sdk.translation.SpeechTranslationConfig(
            subscription=self._access.key or None,
            endpoint=self._url,
            target_languages=request.targets,
            speech_recognition_language="" if request.candidates else request.source,
        )
        if self._access.token:
            config.authorization_token = self._access.token
        config.set_profanity(sdk.ProfanityOption[manner.profanity.capitalize()])
        config.set_property(
            sdk.PropertyId.Speech_SegmentationSilenceTimeoutMs,
            str(manner.segmentation_silence_ms),
        )
        config.set_property_by_name("SPEECH-TelemetryDataEnabled", "false")
        config.set_property_by_name(
            "SPEECH-TransmitLengthBeforeThrottleMs", str(manner.upload_ahead_ms)
        )
        detect = None
        if request.candidates:
            config.set_property(sdk.PropertyId.SpeechServiceConnection_LanguageIdMode, "Continuous")
            detect = sdk.languageconfig.AutoDetectSourceLanguageConfig(
                languages=list(request.candidates)
            )
        recognizer = sdk.translation.TranslationRecognizer(
            translation_config=config,
            auto_detect_source_language_config=detect,
            audio_config=sdk.audio.AudioConfig(stream=self._stream),
        )
        if request.phrases:
            hints = sdk.PhraseListGrammar.from_recognizer(recognizer)
            for phrase in request.phrases:
                hints.addPhrase(phrase)
        return recognizer

    def _connect_signals(self) -> None:
        self._connection.connected.connect(lambda _: self._hand_over(Connected()))
        self._connection.disconnected.connect(lambda _: self._hand_over(Disconnected()))
        self._recognizer.recognizing.connect(lambda event: self._heard(event.result, final=False))
        self._recognizer.recognized.connect(lambda event: self._heard(event.result, final=True))
        self._recognizer.canceled.connect(self._canceled)
        self._recognizer.session_stopped.connect(lambda _: self._hand_over(Stopped()))

    def _disconnect_signals(self) -> None:
        for holder, names in (
            (self._recognizer, ("recognizing", "recognized", "canceled", "session_stopped")),
            (self._connection, ("connected", "disconnected")),
        ):
            for name in names if holder is not None else ():
                getattr(holder, name).disconnect_all()

    def _change_targets(self, targets: list[str]) -> None:
        if self._recognizer is None:
            return
        for code in set(targets) - set(self._targets):
            self._recognizer.add_target_language(code)
        for code in set(self._targets) - set(targets):
            self._recognizer.remove_target_language(code)
        self._targets = targets

    def _change_access(self, access: Access) -> None:
        self._access = access
        if self._recognizer is not None and access.token:
            self._recognizer.authorization_token = access.token

    def _stop(self) -> None:
        try:
            self._tear_down()
        finally:
            self.ended.set_result(None)

    def _tear_down(self) -> None:
        """In this order; any other lets a native thread call into objects that are gone."""
        self._stream.close()
        if self._recognizer is not None:
            with contextlib.suppress(RuntimeError):
                self._recognizer.stop_continuous_recognition_async().get()
            self._disconnect_signals()
        Recogniser._running.discard(self)
        self._connection = None
        self._recognizer = None
        self._stream = None

    # On native threads

    def _heard(self, result: Any, *, final: bool) -> None:
        start = self._first_sample + result.offset // TICKS_PER_SAMPLE
        end = start + result.duration // TICKS_PER_SAMPLE
        translations = {
            code.lower(): _whole(text, result.json, code)
            for code, text in result.translations.items()
        }
        detected = result.properties.get(
            sdk.PropertyId.SpeechServiceConnection_AutoDetectSourceLanguageResult, ""
        )
        text = "" if result.reason == sdk.ResultReason.NoMatch else _whole(result.text, result.json)
        language = self._request.spoken(detected)
        self._hand_over(Heard(start, end, final, text.strip(), language, translations))

    def _canceled(self, event: Any) -> None:
        details = event.cancellation_details
        if details.reason == sdk.CancellationReason.Error:
            self._hand_over(Failed(details.code, self._scrub(details.error_details)))

    def _hand_over(self, event: Event) -> None:
        # A loop that is closed has nobody who listens.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._arrive, event)

    def _arrive(self, event: Event) -> None:
        self._take(self, event)


def _nobody(recogniser: Recogniser, event: Event) -> None:
    """Takes what a closed recogniser still says."""


def _whole(text: str, raw: str, code: str = "") -> str:
    """A text the SDK may have cut, from the service's own message."""
    if len(text.encode()) < LONGEST_TEXT_BYTES - 4:
        return text
    return _find(json.loads(raw), code) or text


def _find(message: Mapping[str, Any], code: str) -> str:
    body = message.get("SpeechPhrase") or message.get("SpeechHypothesis") or message
    if not code:
        return str(body.get("DisplayText") or body.get("Text") or "")
    translations = message.get("Translations") or message.get("Translation", {}).get(
        "Translations", []
    )
    return next((str(each["Text"]) for each in translations if each["Language"] == code), "")


@atexit.register
def _silence_all() -> None:
    """A callback into an interpreter that is ending would abort the process."""
    for recogniser in list(Recogniser._running):
        recogniser._disconnect_signals()
