"""Work that is done to the end, even if whoever asked for it goes away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


class Works:
    """Holds its tasks while they run: a loop alone would let them be collected."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def carry_out(self, work: Coroutine[Any, Any, R]) -> R:
        """What it returns or raises; cancelling the one who waits does not cancel the work."""
        return await asyncio.shield(self.begin(work))

    async def cancel(self) -> None:
        """End what still runs."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
