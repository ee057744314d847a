"""A talk given to the Azure backend, and everything it makes of it."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from speech_app.backends.azure.backend import AzureBackend
from speech_app.backends.azure.credentials import Credentials
from speech_app.backends.base import (
    Final,
    Partial,
    Silence,
    SpeechEvent,
    SpeechTranslator,
    Translated,
    Trouble,
)
from tests.azure_emulator.running import Emulator
from tests.clients import BYTES_PER_MS, FRAME_MS, recorded

DATA = Path(__file__).resolve().parent.parent / "data"
WITHIN_S = 60.0
TWO_SENTENCES_MS = 7_400
TALK_MS = 56_338
SPEED = 8.0
"""Times as fast as it was spoken."""


def sentences(language: str) -> list[str]:
    """What is said in the sample talk, sentence by sentence."""
    talk = json.loads((DATA / f"quarterly-update.{language}.json").read_text())
    return [sentence["text"] for sentence in talk["sentences"]]


def words(text: str) -> str:
    """What was said, without the marks that a different cut of the audio may change."""
    return " ".join(re.findall(r"\w+", text.lower()))


@asynccontextmanager
async def backend_at(
    emulator: Emulator, key: str = "ok", **fields: Any
) -> AsyncIterator[AzureBackend]:
    """A backend that is closed in the end."""
    backend = AzureBackend(Credentials(key=key, endpoint=emulator.endpoint, **fields))
    try:
        yield backend
    finally:
        await backend.close()


class Talk:
    """A translator that is talked to, and every event that has come."""

    def __init__(self, translator: SpeechTranslator) -> None:
        self.translator = translator
        self.events: list[SpeechEvent] = []
        self._changed = asyncio.Condition()
        self._collecting = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        async for event in self.translator.events():
            async with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    async def say(self, pcm: bytes, *, speed: float = SPEED) -> None:
        size = FRAME_MS * BYTES_PER_MS
        for position in range(0, len(pcm), size):
            self.translator.feed(pcm[position : position + size])
            await asyncio.sleep(FRAME_MS / 1000 / speed)

    async def say_two_sentences(self, *, speed: float = SPEED) -> None:
        await self.say(recorded(0, TWO_SENTENCES_MS), speed=speed)

    async def finish(self) -> None:
        """Finish, and wait for the end of the events."""
        async with asyncio.timeout(WITHIN_S):
            await self.translator.finish()
            await self._collecting

    async def until(self, wanted: Callable[[Talk], bool]) -> None:
        async with asyncio.timeout(WITHIN_S), self._changed:
            await self._changed.wait_for(lambda: wanted(self))

    async def close(self) -> None:
        await self.translator.close()
        await self._collecting

    @property
    def finals(self) -> list[Final]:
        return [event for event in self.events if isinstance(event, Final)]

    @property
    def partials(self) -> list[Partial]:
        return [event for event in self.events if isinstance(event, Partial)]

    @property
    def translations(self) -> list[Translated]:
        return [event for event in self.events if isinstance(event, Translated)]

    @property
    def silences(self) -> list[int]:
        return [event.until_sample for event in self.events if isinstance(event, Silence)]

    @property
    def troubles(self) -> list[Trouble]:
        return [event for event in self.events if isinstance(event, Trouble)]

    @property
    def said(self) -> list[str]:
        return [words(final.text) for final in self.finals]

    def translated(self, language: str) -> list[str | None]:
        """By final, in order; fails where one came twice or not at all."""
        found: dict[int, list[str | None]] = {final.key: [] for final in self.finals}
        for event in self.events:
            if isinstance(event, Translated) and event.language == language:
                found[event.key].append(event.text)
        return [text for [text] in found.values()]


@asynccontextmanager
async def talking(
    emulator: Emulator,
    key: str = "ok",
    *,
    source: str = "en-US",
    targets: Sequence[str] = ("es-ES",),
    glossary: Sequence[Any] = (),
    candidates: Sequence[str] = (),
    **fields: Any,
) -> AsyncIterator[Talk]:
    """A session that has begun; ends it, and everything of its backend."""
    async with backend_at(emulator, key, **fields) as backend:
        talk = Talk(await backend.open_translator(source, targets, glossary, candidates))
        try:
            yield talk
        finally:
            await talk.close()


def native_threads() -> list[str]:
    """Threads of ours that belong to the SDK."""
    return [each.name for each in threading.enumerate() if each.name.startswith("azure-")]


def threads_of_process() -> int:
    """All threads, those of the SDK's own code included."""
    return len(list(Path("/proc/self/task").iterdir()))


async def until(wanted: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(WITHIN_S):
        while not wanted():  # noqa: ASYNC110 - native threads tell nobody when they end
            await asyncio.sleep(0.05)
