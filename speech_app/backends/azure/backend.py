"""The Azure backend: recognition, translation and voices of an Azure Speech resource."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from weakref import WeakSet

import httpx
from django.conf import settings

from speech_app.backends.base import (
    BackendDown,
    GlossaryEntry,
    Silence,
    SpeechTranslator,
    Synthesizer,
    TextTranslator,
    Trouble,
    VoiceInfo,
)

from . import tables
from .authorization import Authorization
from .credentials import Credentials
from .listening import Listening
from .recogniser import Event, Heard, Manner, Recogniser, Request
from .synthesizer import AzureSynthesizer, VoicePool
from .text import AzureTextTranslator
from .translator import AzureSpeechTranslator
from .video_avatar import AzureVideoAvatars

REST_WITHIN_S = 10.0


class Connections:
    """What one event loop has open to the service."""

    def __init__(self, credentials: Credentials) -> None:
        self.client = httpx.AsyncClient(timeout=REST_WITHIN_S)
        self.authorization = Authorization(credentials, self.client)
        self.voices = VoicePool(credentials, self.authorization)
        self.translators: WeakSet[AzureSpeechTranslator] = WeakSet()
        self._credentials = credentials
        self._ends: set[Future[None]] = set()

    def listen(
        self, request: Request, emit: Callable[[Heard | Silence | Trouble], None]
    ) -> Listening:
        """Recognition for one live speaker, not begun yet."""
        manner = Manner(
            segmentation_silence_ms=settings.SPEECH_SEGMENTATION_SILENCE_MS,
            profanity=settings.SPEECH_PROFANITY,
            upload_ahead_ms=settings.SPEECH_UPLOAD_AHEAD_MS,
        )

        def make(
            request: Request, first_sample: int, take: Callable[[Recogniser, Event], None]
        ) -> Recogniser:
            recogniser = Recogniser(
                request,
                manner,
                url=self._credentials.recognition_url,
                scrub=self._credentials.scrub,
                access=self.authorization.newest,
                first_sample=first_sample,
                take=take,
            )
            self._ends.add(recogniser.ended)
            recogniser.ended.add_done_callback(self._ends.discard)
            return recogniser

        return Listening(
            request,
            make,
            emit,
            authorization=self.authorization,
            segmentation_silence_ms=manner.segmentation_silence_ms,
        )

    async def close(self) -> None:
        """End everything and wait for it."""
        await asyncio.gather(*(translator.close() for translator in list(self.translators)))
        await self.voices.close()
        ends = [asyncio.wrap_future(future) for future in list(self._ends)]
        await asyncio.gather(*ends, return_exceptions=True)
        await self.client.aclose()


class AzureBackend:
    """`Backend` on one Azure Speech resource."""

    name = "azure"

    def __init__(self, credentials: Credentials | None = None) -> None:
        self.credentials = credentials or Credentials.from_settings()
        self._video_avatars = AzureVideoAvatars(self.credentials, self._for_text)
        # A process has one serving loop; a management command or a test brings its own.
        self._connections: dict[asyncio.AbstractEventLoop, Connections] = {}

    def source_languages(self) -> Sequence[str]:
        """Codes of the languages it recognises, best first, and `auto`."""
        return tables.SOURCE_LANGUAGES

    def target_languages(self, source: str) -> Sequence[str]:
        """Codes it can translate into from `source`."""
        return tables.target_languages(source)

    def voices(self) -> Sequence[VoiceInfo]:
        """Every voice it can speak with."""
        return list(tables.all_voices())

    async def open_translator(
        self,
        source: str,
        targets: Sequence[str],
        glossary: Sequence[GlossaryEntry] = (),
        candidates: Sequence[str] = (),
    ) -> SpeechTranslator:
        """A translator for one live session, connected. Raises LanguageUnavailable, BackendDown."""
        self._check()
        connections = self.connections()
        translator = AzureSpeechTranslator(
            source,
            targets,
            glossary,
            candidates,
            text_translator=self.text_translator(),
            listen=connections.listen,
        )
        connections.translators.add(translator)
        try:
            await translator.open()
        except BaseException:
            await translator.close()
            raise
        return translator

    def text_translator(self) -> TextTranslator:
        """Translation of written sentences."""
        return AzureTextTranslator(self.credentials, self._for_text)

    def synthesizer(self) -> Synthesizer:
        """Voices with mouth shapes."""
        return AzureSynthesizer(self._voices)

    def video_avatars(self) -> AzureVideoAvatars:
        """Photoreal avatars over WebRTC."""
        return self._video_avatars

    def problems(self) -> Sequence[str]:
        """What is missing to reach the service, each with its remedy, in plain words."""
        return self.credentials.problems()

    def connections(self) -> Connections:
        """What the running event loop has open."""
        loop = asyncio.get_running_loop()
        for old in [known for known in self._connections if known.is_closed()]:
            del self._connections[old]
        if loop not in self._connections:
            self._connections[loop] = Connections(self.credentials)
        return self._connections[loop]

    async def close(self) -> None:
        """End what the running event loop has open. It opens again on next use."""
        connections = self._connections.pop(asyncio.get_running_loop(), None)
        if connections:
            await connections.close()

    def _voices(self) -> VoicePool:
        self._check()
        return self.connections().voices

    def _for_text(self) -> tuple[httpx.AsyncClient, Authorization]:
        self._check()
        connections = self.connections()
        return connections.client, connections.authorization

    def _check(self) -> None:
        for problem in self.credentials.problems():
            raise BackendDown(problem)
