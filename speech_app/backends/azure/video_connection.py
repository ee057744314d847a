"""One avatar connection of the SDK: it speaks one utterance at a time and never comes back.

The SDK would open a lost connection again with the old offer, and speak where nobody sees it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

import azure.cognitiveservices.speech as sdk

from .credentials import Access
from .voice_connection import SynthesisFailed

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_UTTERANCE_MS = 180_000
"""The SDK sends a sentence again whose sound it has not got by then; an avatar's never comes."""
ANSWER = "SpeechSDKInternal-ExtraTurnStartMessage"
STOP = json.dumps({"action": "stop"})


class VideoConnection:
    """`lost` is called on the event loop once, when the connection is gone, whoever ended it."""

    _open: WeakSet[VideoConnection] = WeakSet()

    def __init__(
        self,
        url: str,
        access: Access,
        context: str,
        *,
        scrub: Callable[[str], str],
        lost: Callable[[], None],
    ) -> None:
        self._url = url
        self._access = access
        self._context = context
        self._scrub = scrub
        self._lost = lost
        self._gone = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._synthesizer: Any = None
        self._connection: Any = None
        self._closed: Future[None] | None = None
        self._using = threading.Lock()

    async def connect(self) -> str:
        """The service's SDP answer as base64 of JSON. Raises SynthesisFailed."""
        return await asyncio.wrap_future(_in_background(self._connect))

    async def say(self, ssml: str) -> None:
        """Returns when it has been said. Raises SynthesisFailed."""
        await asyncio.wrap_future(_in_background(self._say, ssml))

    async def interrupt(self) -> None:
        """End what is being said; the media go on."""
        connection = self._connection
        if connection is not None and not self._gone.is_set():
            await asyncio.to_thread(_send_stop, connection)

    def close(self) -> Future[None]:
        """Close in the background, at once. Returns when it has ended."""
        if self._closed is None:
            self._gone.set()
            self._closed = _in_background(self._close)
        return self._closed

    # On other threads

    def _connect(self) -> str:
        with self._using:
            return self._get_answer()

    def _get_answer(self) -> str:
        try:
            if not self._gone.is_set():
                self._build()
                self._complete(self._synthesizer.speak_text_async("").get())
            answer = self._synthesizer.properties.get_property_by_name(ANSWER)
            return str(json.loads(answer)["webrtc"]["connectionString"])
        except RuntimeError as error:
            raise self._failed(error) from None
        except (ValueError, KeyError, TypeError):
            code = sdk.CancellationErrorCode.ServiceError
            raise SynthesisFailed(code, "The service has sent no answer.") from None

    def _build(self) -> None:
        config = sdk.SpeechConfig(subscription=self._access.key or None, endpoint=self._url)
        if self._access.token:
            config.authorization_token = self._access.token
        for name, value in (
            ("SpeechSynthesis_FirstChunkTimeoutMs", str(LONGEST_UTTERANCE_MS)),
            ("SpeechSynthesis_AllChunkTimeoutMs", str(LONGEST_UTTERANCE_MS)),
            ("SpeechSynthesis_MaxRetryTimes", "0"),
            ("SPEECH-TelemetryDataEnabled", "false"),
        ):
            config.set_property_by_name(name, value)
        self._synthesizer = sdk.SpeechSynthesizer(speech_config=config, audio_config=None)
        self._connection = sdk.Connection.from_speech_synthesizer(self._synthesizer)
        self._connection.disconnected.connect(lambda _: self._disconnected())
        VideoConnection._open.add(self)
        self._connection.set_message_property("speech.config", "context", self._context)

    def _say(self, ssml: str) -> None:
        with self._using:
            if self._gone.is_set():
                code = sdk.CancellationErrorCode.ConnectionFailure
                raise SynthesisFailed(code, "The connection is gone.")
            try:
                self._complete(self._synthesizer.speak_ssml_async(ssml).get())
            except RuntimeError as error:
                raise self._failed(error) from None

    def _close(self) -> None:
        """In this order; any other lets a native thread call into objects that are gone."""
        self._break()  # whereupon what is being said ends
        with self._using:
            self._break()
            if self._connection is not None:
                self._connection.disconnected.disconnect_all()
            VideoConnection._open.discard(self)
            self._connection = None
            self._synthesizer = None

    def _complete(self, result: Any) -> None:
        if result.reason == sdk.ResultReason.Canceled:
            details = result.cancellation_details
            raise SynthesisFailed(details.error_code, self._scrub(details.error_details))

    def _failed(self, error: RuntimeError) -> SynthesisFailed:
        """The SDK raises these with a trace of its own code."""
        return SynthesisFailed(sdk.CancellationErrorCode.RuntimeError, self._scrub(str(error)))

    def _break(self) -> None:
        """Stopping a synthesizer closes its socket, and with it the avatar's media."""
        synthesizer = self._synthesizer
        if synthesizer is not None:
            with contextlib.suppress(RuntimeError):
                synthesizer.stop_speaking_async().get()

    def _disconnected(self) -> None:
        self._gone.set()
        # A loop that is closed has nobody who listens.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._lost)


def _send_stop(connection: Any) -> None:
    with contextlib.suppress(RuntimeError):
        connection.send_message_async("synthesis.control", STOP).get()


def _in_background(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
    """On a thread that the end of the process does not wait for: it may hang in the SDK."""
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(work(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, name="azure-avatar", daemon=True).start()
    return future


@atexit.register
def _close_all() -> None:
    """The SDK's objects must be gone before the interpreter is: what is left would crash it."""
    for connection in list(VideoConnection._open):
        connection._gone.set()
        connection._close()
