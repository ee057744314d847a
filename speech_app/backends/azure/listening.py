"""Continuous recognition that outlives every recogniser: nothing is lost, nothing comes twice.

Audio is kept until it is dealt with: until the final it belongs to has come, or until it is known
to be silence. A recogniser that fails, goes silent or falls behind is replaced by another that
hears the kept audio again; what the old one still says is not listened to.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import azure.cognitiveservices.speech as sdk

from sessions_app import metrics
from speech_app.backends.base import SAMPLE_RATE, BackendDown, Silence, Trouble

from .authorization import Authorization
from .credentials import Access
from .kept_audio import KeptAudio
from .recogniser import Connected, Disconnected, Event, Failed, Heard, Recogniser, Request, Stopped
from .refusals import UNREACHABLE, is_passing, refusal

logger = logging.getLogger(__name__)

WATCH_EVERY_S = 0.25
CONNECT_WITHIN_S = 8.0
"""The SDK says nothing where a server takes the connection and never answers (run: watched for
minutes). A handshake over the slowest usable line takes a second or two."""
RECONNECT_WITHIN_S = 4.0
"""The SDK reconnects in about 0.26 s; after five connections it gives up without a word (run)."""
RETRY_AFTER_S = (0.0, 1.0, 2.0, 5.0, 10.0)
"""Pauses before the next recogniser after failures in a row; the last one repeats."""
RETRY_REFUSED_AFTER_S = 3.0
UNHEARD_S = 15.0
"""So much audio with speech in it and not one word of it: the service sends partials within a
second and finals after at most half a minute of them."""
TWICE_UNHEARD = 2
NO_WORDS = (
    "There is sound, but no words are recognised in it: check the microphone and which language "
    "is set as the spoken one."
)
UNHEARD_AGAIN_S = 60.0
"""Between new recognisers for sound, such as music, that two recognisers heard nothing in."""
SPEECH_IN_UNHEARD_S = 1.0
NO_WORD = ((5.0, 0.3), (UNHEARD_S, SPEECH_IN_UNHEARD_S))
"""Seconds after which a connected service would have told a word in a sound, and the length in
seconds from which a sound may be one: shorter ones are clicks, coughs, the echo after a final."""
ONSET_S = 0.5
"""Kept before a sound and at the end of a silence: words begin softly."""
ECHO_S = 0.2
"""Sound this shortly after a final is the rest of it: a word that begins there goes on."""
ACKNOWLEDGE_EVERY_S = 1.0
ROTATE_AFTER_S = 240.0
"""A long connection is reported to fall behind: seconds after five minutes (sdk-js issue 913)."""
LAG_WORTH_ROTATING_S = 2.0
"""A fresh connection is reported 0.7 s behind (the same issue)."""
LAGS_MEASURED = 5
FINISH_WITHIN_S = 8.0
FINISH_SILENCE_WITHIN_S = 2.0
"""For the end of a recognition that has nothing left to say: servers leave it out at times."""


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


class Listening:
    """Takes audio, and emits partials, finals, silences and troubles in their order.

    `make(request, first_sample, take)` makes a recogniser.
    """

    def __init__(
        self,
        request: Request,
        make: Callable[[Request, int, Callable[[Recogniser, Event], None]], Recogniser],
        emit: Callable[[Heard | Silence | Trouble], None],
        *,
        authorization: Authorization,
        segmentation_silence_ms: int,
    ) -> None:
        self._request = request
        self._make = make
        self._emit = emit
        self._authorization = authorization
        self._release: Callable[[], None] | None = None
        self._pause_s = segmentation_silence_ms / 1000
        self._audio = KeptAudio()
        self._recogniser: Recogniser | None = None
        self._connected = False
        self._was_connected = False
        self._since = 0.0
        self._began = 0.0
        self._hearing: Heard | None = None
        self._opened: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._drain_at = 0
        self._draining = asyncio.Lock()
        self._failures = 0
        self._told = ""
        self._retry: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._heard_at_sample = 0
        self._unheard_times = 0
        self._lags: deque[float] = deque(maxlen=LAGS_MEASURED)
        self._rotate = False
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Begin to listen. Raises BackendDown in plain words; close it then."""
        await self._authorization.current()
        self._release = self._authorization.hold(self._renew)
        self._opened = asyncio.get_running_loop().create_future()
        self._watching = asyncio.create_task(self._watch())
        self._begin()
        await self._opened

    def feed(self, pcm: bytes) -> None:
        """Take audio; never blocks."""
        if self._closed:
            return
        self._audio.add(pcm, time.monotonic())
        if self._drained is None:
            if self._recogniser:
                self._recogniser.write(pcm)
            self._acknowledge_silence()

    @property
    def source(self) -> str:
        """What it listens for now; what `recognise` was asked for comes after the drain."""
        return self._request.source

    def translate_into(self, targets: Sequence[str]) -> None:
        """The service's codes of the target languages from now on."""
        self._request = replace(self._request, targets=targets)
        if self._recogniser:
            self._recogniser.translate_into(targets)

    def rotate_at_silence(self) -> None:
        """Go on with a new recogniser as soon as nobody speaks."""
        self._rotate = True

    async def drain(self) -> None:
        """Emit all that was said so far; `recognise` or `close` is to follow at once."""
        async with self._draining:
            if not self._closed:
                await self._drain_now()

    def recognise(self, request: Request) -> None:
        """Listen for this to everything that is not dealt with."""
        if not self._closed:
            self._request = request
            self._begin()

    async def finish(self) -> None:
        """Emit all that was said; nothing is listened to any more."""
        await self.drain()
        self.close()

    def close(self) -> None:
        """End at once; recognisers stop in the background. May be called twice."""
        self._closed = True
        self._retire()
        if self._release:
            self._release()
            self._release = None
        if self._watching:
            self._watching.cancel()
            self._watching = None
        if self._retry:
            self._retry.cancel()
            self._retry = None
        for waited in (self._opened, self._drained):
            if waited and not waited.done():
                waited.cancel()

    def _renew(self, access: Access) -> None:
        if self._recogniser:
            self._recogniser.renew(access)

    # One recogniser after the other

    def _begin(self) -> None:
        """Listen with a new recogniser to everything that is not dealt with."""
        self._retire()
        self._hearing = None
        self._rotate = False
        self._lags.clear()
        self._connected = self._was_connected = False
        now = time.monotonic()
        self._since = self._began = self._heard_at = now
        self._heard_at_sample = self._audio.start
        first = self._audio.start
        self._recogniser = self._make(self._request, first, self._take)
        if self._drained:
            self._recogniser.write(self._audio.between(first, self._drain_at))
            self._recogniser.end()
        else:
            self._recogniser.write(self._audio.between(first, self._audio.end))

    def _retire(self) -> None:
        if self._recogniser:
            self._recogniser.close()
            self._recogniser = None

    def _fail(self, message: str, *, passing: bool) -> None:
        """Replace the recogniser after a while; those who wait for the first one are told."""
        self._retire()
        if self._opened and not self._opened.done():
            self._opened.set_exception(BackendDown(message))
            return
        # One failure that passes by itself is nobody's business.
        if (not passing or self._failures) and self._told != message:
            self._told = message
            self._emit(Trouble("backend_down", message))
        pause = (
            RETRY_AFTER_S[min(self._failures, len(RETRY_AFTER_S) - 1)]
            if passing
            else RETRY_REFUSED_AFTER_S
        )
        self._failures += 1
        metrics.count_worker_restart("azure_recognition")
        self._retry = asyncio.get_running_loop().call_later(pause, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        if not self._closed:
            self._begin()

    def _take(self, recogniser: Recogniser, event: Event) -> None:
        if recogniser is not self._recogniser or self._closed:
            return
        match event:
            case Connected():
                self._connected = self._was_connected = True
                if self._opened and not self._opened.done():
                    self._opened.set_result(None)
            case Disconnected():
                self._connected = False
                self._since = time.monotonic()
            case Heard():
                self._hear(event)
            case Failed(code, details):
                logger.warning("Recognition failed: %s: %s", code.name, details)
                self._fail(refusal(code, details), passing=is_passing(code))
            case Stopped():
                self._stopped()

    def _stopped(self) -> None:
        if self._drained:
            if not self._drained.done():
                self._drained.set_result(None)
        else:
            self._fail(refusal(sdk.CancellationErrorCode.ServiceError, ""), passing=True)

    # What is heard

    def _hear(self, heard: Heard) -> None:
        now = time.monotonic()
        self._heard_at, self._heard_at_sample = now, self._audio.end
        self._failures = self._unheard_times = 0
        self._told = ""
        if heard.end <= self._audio.start:
            # After a reconnect the service hears again what it may have told already.
            return
        heard = replace(heard, end=min(heard.end, max(self._audio.end, heard.start + 1)))
        if heard.final:
            self._hear_final(heard, now)
        elif heard.text and heard != self._hearing:
            self._lags.append(self._audio.behind(heard.end, now))
            self._hearing = heard
            self._emit(heard)

    def _hear_final(self, final: Heard, now: float) -> None:
        self._lags.append(max(0.0, self._audio.behind(final.end, now) - self._pause_s))
        self._hearing = None
        self._audio.forget_before(final.end, echo=_samples(ECHO_S))
        self._emit(final if final.text else Silence(final.end))
        if self._drained is None:
            self._rotate_if_due(now)

    def _rotate_if_due(self, now: float) -> None:
        lag = statistics.median(self._lags)
        age = now - self._began
        if lag > LAG_WORTH_ROTATING_S or age > ROTATE_AFTER_S:
            self._rotate = True
        if self._rotate and (lag > 2 * LAG_WORTH_ROTATING_S or age > 2 * ROTATE_AFTER_S):
            # Nobody pauses: between two sentences will do.
            logger.info("A new recogniser after %.0f s, %.1f s behind", age, lag)
            self._begin()

    def _acknowledge_silence(self) -> None:
        """Let go of audio that cannot become a phrase, about once a second."""
        audio = self._audio
        if self._hearing or audio.end - audio.start < _samples(ONSET_S + ACKNOWLEDGE_EVERY_S):
            return
        loud = audio.first_loud()
        until = (audio.end if loud is None else loud) - _samples(ONSET_S)
        if loud is not None:
            until = max(until, self._sound_without_words())
        if until - audio.start < _samples(ACKNOWLEDGE_EVERY_S):
            return
        audio.forget_before(until)
        self._emit(Silence(until))
        if self._rotate and loud is None and self._drained is None:
            self._begin()

    def _sound_without_words(self) -> int:
        """Up to where sound is known to be no speech, 0 where nothing is known."""
        audio = self._audio
        if not self._connected:
            return 0
        if self._unheard_times >= TWICE_UNHEARD:
            return audio.end - _samples(UNHEARD_S)
        connected_for = time.monotonic() - max(self._since, self._began)
        for after, shortest in NO_WORD:
            over = audio.end - _samples(after)
            if connected_for > after and 0 < audio.loud_samples(over) < _samples(shortest):
                return over
        return 0

    # What the SDK does not tell

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if self._recogniser is None:
                continue
            now = time.monotonic()
            patience = RECONNECT_WITHIN_S if self._was_connected else CONNECT_WITHIN_S
            if not self._connected and now - self._since > patience:
                logger.warning("Recognition is not connected for %.1f s", now - self._since)
                self._fail(UNREACHABLE, passing=True)
            elif self._connected and self._is_unheard(now):
                self._unheard_times += 1
                logger.warning("Nothing is recognised in what is said; a new recogniser")
                metrics.count_worker_restart("azure_recognition")
                if self._unheard_times == TWICE_UNHEARD:
                    self._emit(Trouble("backend_down", NO_WORDS))
                self._begin()

    def _is_unheard(self, now: float) -> bool:
        patience = UNHEARD_S if self._unheard_times < TWICE_UNHEARD else UNHEARD_AGAIN_S
        since = self._audio.end - self._heard_at_sample
        return (
            self._drained is None
            and now - self._heard_at > patience
            and since > _samples(patience)
            and self._audio.loud_samples(self._audio.end) > _samples(SPEECH_IN_UNHEARD_S)
        )

    # The end

    async def _drain_now(self) -> None:
        """Wait, not for ever, until all audio so far is dealt with."""
        self._drain_at = self._audio.end
        self._drained = asyncio.get_running_loop().create_future()
        if self._recogniser:
            self._recogniser.end()
        try:
            await self._wait_until_drained(self._drained)
            if self._hearing and not self._drained.cancelled():
                # The service owes the end of it; what it told so far is better than nothing.
                self._hear_final(replace(self._hearing, final=True), time.monotonic())
        finally:
            self._drained = None
        self._audio.forget_before(self._drain_at)

    async def _wait_until_drained(self, drained: asyncio.Future[None]) -> None:
        began = time.monotonic()
        outstanding = (self._drain_at - self._audio.start) / SAMPLE_RATE
        while not drained.done():
            waited = time.monotonic() - began
            quiet = self._hearing is None and self._audio.first_loud() is None
            patience = FINISH_SILENCE_WITHIN_S if quiet else FINISH_WITHIN_S + outstanding
            if waited > patience:
                logger.warning("The end of a recognition has not come within %.1f s", waited)
                return
            await asyncio.wait([drained], timeout=0.05)
