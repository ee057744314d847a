"""Words that are still being spoken are shown at once, then at most so often."""

from __future__ import annotations

import asyncio
import time

import pytest

from sessions_app.messages import PartialCaption
from speech_app import pacing
from speech_app.pacing import PartialPacer
from tests.clients import until_stored


class Shown:
    """What was published, and how long after the one before."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.gaps: list[float] = []
        self._last = float("-inf")
        self.pacer = PartialPacer(self._publish)

    def show(self, text: str) -> None:
        self.pacer.show(
            PartialCaption(
                session=1,
                language="es-ES",
                segment=1,
                stable=text,
                tail="",
                source=text,
                source_language="en-US",
            )
        )

    async def _publish(self, caption: PartialCaption) -> None:
        now = time.monotonic()
        self.gaps.append(now - self._last)
        self._last = now
        self.texts.append(caption.stable)

    async def has(self, *texts: str) -> None:
        async def look() -> tuple[str, ...]:
            return tuple(self.texts)

        await until_stored(look, texts)


async def test_the_first_words_wait_for_nothing() -> None:
    shown = Shown()
    shown.show("one")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shown.texts == ["one"]
    await shown.pacer.close()


async def test_of_many_words_the_newest_are_shown_and_the_last_always(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "SHOW_EVERY_S", 0.05)
    shown = Shown()
    for number in range(60):
        shown.show(f"{number}")
        await asyncio.sleep(0.005)

    async def last() -> str:
        return shown.texts[-1]

    await until_stored(last, "59")
    assert min(shown.gaps[1:]) >= 0.05
    numbers = [int(text) for text in shown.texts]
    assert numbers == sorted(set(numbers))
    await shown.pacer.close()


async def test_what_waits_is_not_shown_after_the_final() -> None:
    shown = Shown()
    shown.show("one")
    await shown.has("one")
    shown.show("two")
    shown.pacer.drop()
    await asyncio.sleep(pacing.SHOW_EVERY_S * 1.5)
    assert shown.texts == ["one"]
    shown.show("three")
    await shown.has("one", "three")
    await shown.pacer.close()


async def test_nothing_runs_once_it_is_closed() -> None:
    before = asyncio.all_tasks()
    shown = Shown()
    shown.show("one")
    await shown.has("one")
    shown.show("two")
    await shown.pacer.close()
    assert asyncio.all_tasks() == before
    assert shown.texts == ["one"]
