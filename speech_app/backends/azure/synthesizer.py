"""Neural voices with mouth shapes, over connections that are kept for the next sentence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import azure.cognitiveservices.speech as sdk

from sessions_app import metrics
from speech_app.audio import MP3_BITS_PER_SECOND
from speech_app.backends.base import BackendDown, GlossaryEntry, LanguageUnavailable, Speech

from .authorization import Authorization
from .credentials import Access, Credentials
from .refusals import refusal
from .ssml import build_ssml
from .voice_connection import Said, SynthesisFailed, VoiceConnection

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 32
"""Sentences said at once: every language of a large event; the service allows 200 a second."""
IDLE_CLOSES_AFTER_S = 60.0
MS_PER_BYTE = 8 * 1000 / MP3_BITS_PER_SECOND


_LOST = (
    sdk.CancellationErrorCode.ConnectionFailure,
    sdk.CancellationErrorCode.ServiceError,
    sdk.CancellationErrorCode.ServiceTimeout,
)


class VoicePool:
    """The connections of one event loop; any of them says a sentence of any voice."""

    def __init__(self, credentials: Credentials, authorization: Authorization) -> None:
        self._credentials = credentials
        self._authorization = authorization
        self._idle: dict[VoiceConnection, asyncio.TimerHandle] = {}
        self._busy: set[VoiceConnection] = set()
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)
        self._closing: set[Future[None]] = set()

    async def say(self, ssml: str) -> Said:
        """Raises SynthesisFailed or BackendDown; cancelling the awaiting task stops the work."""
        async with self._places:
            access = await self._authorization.current()
            connection = self._take(access)
            try:
                return await self._say_with(connection, ssml)
            except SynthesisFailed as error:
                if not connection.used or error.code not in _LOST:
                    raise
            # A kept connection may have died unnoticed; a fresh one has not.
            metrics.count_worker_restart("azure_voice")
            return await self._say_with(self._connect(access), ssml)

    async def close(self) -> None:
        """End every connection and wait for it."""
        for connection in [*self._idle, *self._busy]:
            self._end(connection)
        closing = [asyncio.wrap_future(future) for future in self._closing]
        await asyncio.gather(*closing, return_exceptions=True)

    def _connect(self, access: Access) -> VoiceConnection:
        return VoiceConnection(self._credentials.synthesis_url, access, self._credentials.scrub)

    def _take(self, access: Access) -> VoiceConnection:
        if not self._idle:
            return self._connect(access)
        # The one that was used last: the others may become idle long enough to close.
        connection, timer = self._idle.popitem()
        timer.cancel()
        connection.renew(access)
        return connection

    async def _say_with(self, connection: VoiceConnection, ssml: str) -> Said:
        self._busy.add(connection)
        try:
            said = await connection.say(ssml)
        except BaseException:
            self._end(connection)
            raise
        if connection in self._busy:
            self._busy.remove(connection)
            loop = asyncio.get_running_loop()
            self._idle[connection] = loop.call_later(IDLE_CLOSES_AFTER_S, self._end, connection)
        return said

    def _end(self, connection: VoiceConnection) -> None:
        timer = self._idle.pop(connection, None)
        if timer:
            timer.cancel()
        elif connection not in self._busy:
            return
        self._busy.discard(connection)
        closing = connection.close()
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


class AzureSynthesizer:
    """`Synthesizer` on neural voices."""

    def __init__(self, pool: Callable[[], VoicePool]) -> None:
        self._pool = pool

    async def synthesize(
        self,
        text: str,
        language: str,
        voice: str,
        rate: float = 1.0,
        glossary: Sequence[GlossaryEntry] = (),
    ) -> Speech:
        """Speak `text`. Cancelling the awaiting task stops the work.

        Raises LanguageUnavailable or BackendDown.
        """
        if not voice:
            raise LanguageUnavailable(f"There is no voice for {language}.")
        try:
            said = await self._pool().say(build_ssml(text, language, voice, rate, glossary))
        except SynthesisFailed as error:
            logger.warning("No speech of Azure: %s", error)
            raise BackendDown(refusal(error.code, error.details)) from None
        if not said.audio:
            raise BackendDown("Azure Speech has sent no sound.")
        return Speech(
            audio=said.audio,
            mime="audio/mpeg",
            duration_ms=said.duration_ms or round(len(said.audio) * MS_PER_BYTE),
            visemes=said.visemes,
        )
