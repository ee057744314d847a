"""The voice worker as the server sees it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import unicodedata
from collections.abc import Callable, Sequence

from sessions_app import metrics
from speech_app.backends.base import BackendDown, GlossaryEntry, LanguageUnavailable, Speech

from .espeak_messages import Cancel, Speak, Spoken, Unspoken
from .glossary import say
from .voices import voice_for
from .worker_process import WorkerProcess

logger = logging.getLogger(__name__)

WORDS_PER_MINUTE = 175
"""espeak-ng's own rate."""
SLOWEST, FASTEST = 80, 450
"""Words a minute between which espeak-ng changes only the speed."""


class VoiceWorker:
    """The worker process of all voices: started on first use, restarted, stopped when idle."""

    IDLE_SECONDS = 180.0
    ANSWER_SECONDS = 8.0
    """A sentence takes some 50 ms; a worker that is not heard of for so long is killed."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._worker: WorkerProcess | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Spoken]] = {}
        self._idle: asyncio.TimerHandle | None = None
        self._stop: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None while there is none."""
        return self._worker.pid if self._worker else None

    async def speak(self, text: str, voice: str, language: str, rate: int) -> Spoken:
        """Say it; cancelling stops the work. Raises BackendDown."""
        try:
            return await self._try(text, voice, language, rate)
        except ConnectionError:
            # The worker died, perhaps killed from outside: what it had to say is said by a new one.
            try:
                return await self._try(text, voice, language, rate)
            except ConnectionError as error:
                raise BackendDown("The voice worker died twice on one sentence.") from error

    async def close(self) -> None:
        """Stop the worker; who still waits for it gets BackendDown."""
        if self._idle:
            self._idle.cancel()
        if self._stop:
            await self._stop
        if self._worker:
            worker, self._worker = self._worker, None
            await worker.stop()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BackendDown("The voices were shut down."))

    async def _try(self, text: str, voice: str, language: str, rate: int) -> Spoken:
        async with self._starting:
            if self._idle:
                self._idle.cancel()
            if self._worker is None:
                worker = WorkerProcess(
                    "speech_app.backends.embedded.espeak_worker", self._on_value, self._on_end
                )
                await worker.start()
                self._worker = worker
            worker = self._worker
        number = next(self._numbers)
        waiting: asyncio.Future[Spoken] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        worker.send(Speak(number, text, voice, language, rate))
        try:
            async with asyncio.timeout(self.ANSWER_SECONDS):
                return await waiting
        except TimeoutError:
            await self._give_up(worker)
            raise ConnectionError("the voice worker hangs") from None
        except asyncio.CancelledError:
            if self._worker:
                self._worker.send(Cancel(number))
            raise
        finally:
            del self._waiting[number]
            if not self._waiting:
                self._idle = asyncio.get_running_loop().call_later(
                    self.IDLE_SECONDS, self._stop_idle
                )

    async def _give_up(self, worker: WorkerProcess) -> None:
        if self._worker is worker:
            logger.warning("the voice worker hangs and is killed")
            self._on_end()
            await worker.stop()

    def _stop_idle(self) -> None:
        if not self._waiting and self._worker:
            worker, self._worker = self._worker, None
            self._stop = asyncio.create_task(worker.stop())

    def _on_value(self, value: object) -> None:
        assert isinstance(value, Spoken | Unspoken)
        waiting = self._waiting.get(value.number)
        if waiting is None or waiting.done():
            return
        if isinstance(value, Spoken):
            waiting.set_result(value)
        else:
            waiting.set_exception(BackendDown(f"The voice failed: {value.reason}"))

    def _on_end(self) -> None:
        metrics.count_worker_restart("voice")
        self._worker = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the voice worker died"))


class EmbeddedSynthesizer:
    """`Synthesizer` on espeak-ng. `worker` gives the voice worker of the caller's loop."""

    def __init__(self, worker: Callable[[], VoiceWorker]) -> None:
        self._worker = worker

    async def synthesize(
        self,
        text: str,
        language: str,
        voice: str,
        rate: float = 1.0,
        glossary: Sequence[GlossaryEntry] = (),
    ) -> Speech:
        """Speak `text`. A voice espeak-ng does not have is replaced by the language's default.

        Raises LanguageUnavailable or BackendDown.
        """
        espeak_voice = voice_for(language, voice)
        if espeak_voice is None:
            raise LanguageUnavailable(f"There is no built-in voice for {language}.")
        plain = say(_without_controls(text), glossary)
        words_per_minute = round(min(FASTEST, max(SLOWEST, WORDS_PER_MINUTE * rate)))
        spoken = await self._worker().speak(plain, espeak_voice, language, words_per_minute)
        return Speech(spoken.mp3, "audio/mpeg", spoken.duration_ms, spoken.visemes)


def _without_controls(text: str) -> str:
    """Control characters, which espeak-ng takes as commands, become blanks."""
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
