"""What the tests of the embedded backend's worker processes share."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from speech_app.audio import read_recording
from speech_app.backends.base import Final, SpeechEvent, SpeechTranslator, Translated
from speech_app.backends.embedded.apertium import installed_modes

ROOT = Path(__file__).parents[2]
needs_apertium = pytest.mark.skipif(
    not {"eng-cat", "cat-spa", "cat-por_BR", "en-gl"} <= installed_modes(),
    reason="Debian's Apertium packages are not installed: see requirements/system.txt",
)


def sample_talk() -> bytes:
    """The sample talk as PCM."""
    return b"".join(read_recording(str(ROOT / "static/audio/quarterly-update.en.wav")))


def sample_sentences() -> list[tuple[int, int, str]]:
    """Start and end in ms and text of each sentence of the sample talk."""
    talk = json.loads((ROOT / "tests/data/quarterly-update.en.json").read_text())
    return [(s["start_ms"], s["end_ms"], s["text"]) for s in talk["sentences"]]


def drowned(pcm: bytes, *, noise: int, seed: int = 1) -> bytes:
    """The same with white noise over it, of this RMS; the sample talk speaks at 2000 to 4000."""
    rng = random.Random(seed)  # noqa: S311
    loud = (round(sample + rng.gauss(0, noise)) for sample in array("h", pcm))
    return array("h", (max(-32_768, min(32_767, sample)) for sample in loud)).tobytes()


def words(text: str) -> list[str]:
    """Words without case and punctuation."""
    return re.findall(r"\w+", text.lower())


class Events:
    """Everything a translator says, collected while the test goes on."""

    def __init__(self, translator: SpeechTranslator) -> None:
        self.all: list[SpeechEvent] = []
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._collect(translator))

    async def _collect(self, translator: SpeechTranslator) -> None:
        async for event in translator.events():
            async with self._changed:
                self.all.append(event)
                self._changed.notify_all()

    async def until(self, wanted: Callable[[list[SpeechEvent]], bool]) -> None:
        """Wait until what was collected is what is wanted."""
        async with asyncio.timeout(120), self._changed:
            await self._changed.wait_for(lambda: wanted(self.all))

    async def ended(self) -> None:
        """Wait until the translator has no more to say."""
        async with asyncio.timeout(120):
            await self._task

    @property
    def finals(self) -> list[Final]:
        """Finals in order."""
        return [event for event in self.all if isinstance(event, Final)]

    def translated(self, language: str) -> list[str | None]:
        """Translations into one language in order."""
        return [e.text for e in self.all if isinstance(e, Translated) and e.language == language]


def running(pid: int) -> bool:
    """Whether a process is there and not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def poll(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def kill(pid: int) -> None:
    """End a worker without warning."""
    os.kill(pid, 9)


def hang(pid: int) -> None:
    """Make a worker stand still without ending."""
    os.kill(pid, signal.SIGSTOP)
