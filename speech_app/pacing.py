"""How often the words that are still being spoken are shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sessions_app.messages import Message

M = TypeVar("M", bound=Message)

SHOW_EVERY_S = 0.25
"""Four times a second: nobody reads faster, and each one goes to every listener."""


class PartialPacer(Generic[M]):
    """Publishes partial captions, such as one language's, at most every `SHOW_EVERY_S`.

    The first one goes at once; of those that have to wait only the newest is published.
    """

    def __init__(self, publish: Callable[[M], Awaitable[None]]) -> None:
        self._publish = publish
        self._waiting: M | None = None
        self._shown_at = float("-inf")
        self._showing: asyncio.Task[None] | None = None

    def show(self, caption: M) -> None:
        """Publish this as soon as it is time, unless a newer one comes first."""
        self._waiting = caption
        if self._showing is None:
            self._showing = asyncio.create_task(self._show())

    def drop(self) -> None:
        """Its segment has become final: what waits is out of date."""
        self._waiting = None

    async def close(self) -> None:
        self._waiting = None
        if self._showing:
            self._showing.cancel()
            await asyncio.gather(self._showing, return_exceptions=True)

    async def _show(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(max(0.0, self._shown_at + SHOW_EVERY_S - time.monotonic()))
                caption, self._waiting = self._waiting, None
                if caption:
                    self._shown_at = time.monotonic()
                    await self._publish(caption)
        finally:
            self._showing = None
