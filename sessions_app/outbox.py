"""What waits to be written to one listener's socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

MOST_FRAMES = 400
MOST_BYTES = 8 * 1024 * 1024
"""A socket that is this far behind is closed; its page comes back and catches up."""

Frame = str | bytes


class Outbox:
    """Keeps finals and speech in order, and of the partials only the newest.

    `write` runs in a task of its own until `close`; nobody who puts something in ever waits.
    """

    def __init__(self, send: Callable[[Frame], Awaitable[None]]) -> None:
        self._send = send
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._partial: tuple[int, Frame] | None = None
        self._something = asyncio.Event()

    @property
    def too_slow(self) -> bool:
        return len(self._frames) > MOST_FRAMES or self._bytes > MOST_BYTES

    def put(self, frame: Frame) -> None:
        self._frames.append(frame)
        self._bytes += len(frame)
        self._something.set()

    def put_final(self, segment: int, frame: Frame) -> None:
        if self._partial and self._partial[0] <= segment:
            self._partial = None
        self.put(frame)

    def put_partial(self, segment: int, frame: Frame) -> None:
        self._partial = (segment, frame)
        self._something.set()

    def clear(self) -> None:
        """Forget what was not written yet."""
        self._frames.clear()
        self._bytes = 0
        self._partial = None

    async def write(self) -> None:
        """Write until cancelled, or until the socket fails."""
        while True:
            await self._something.wait()
            if self._frames:
                frame = self._frames.popleft()
                self._bytes -= len(frame)
            elif self._partial:
                frame, self._partial = self._partial[1], None
            else:
                self._something.clear()
                continue
            await self._send(frame)
