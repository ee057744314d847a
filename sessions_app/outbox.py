"""What is written to one listener's socket, and what waits while that does not drain."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any, NamedTuple

MOST_FRAMES = 400
MOST_BYTES = 8 * 1024 * 1024
"""A socket that is this far behind is closed; its page comes back and catches up."""

WRITE_EXTENSION = "avatartranslate.write"
"""In a server's ASGI scope, where it can write in one step: `write(frame)`, whether it did."""

Frame = str | bytes


class Waiting(NamedTuple):
    """A frame; whether it belongs to the language that is heard; whether it makes a socket slow."""

    frame: Frame
    heard: bool
    counts: bool


class Outbox:
    """Writes at once while the socket takes it; keeps all but partials in order while it does not.

    `write(frame)`, where the server has it, returns whether that was written in one step; where it
    was not, `send` is called. As long as it returns without waiting, nothing is queued and
    no task runs: that is what makes a caption cheap. The first one that has to wait is finished in
    a task, which then writes what came meanwhile; of the partials only the newest.
    `too_slow` is called once, when more waits than a socket may be behind.
    """

    __slots__ = (
        "_bytes",
        "_counted",
        "_gone",
        "_partial",
        "_send",
        "_too_slow",
        "_waiting",
        "_write_now",
        "_writing",
    )

    def __init__(
        self,
        send: Callable[[Frame], Coroutine[Any, Any, None]],
        too_slow: Callable[[], object],
        write: Callable[[Frame], bool] | None = None,
    ) -> None:
        self._send = send
        self._write_now = write
        self._too_slow = too_slow
        # Most sockets never wait; a queue of their own would be most of their memory.
        self._waiting: deque[Waiting] | None = None
        self._bytes = self._counted = 0
        self._partial: tuple[int, Frame] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._gone = False

    def put(self, frame: Frame) -> None:
        """A message to this listener alone."""
        if self._writing:
            self._queue(Waiting(frame, heard=False, counts=True))
        else:
            self._write(frame)

    def put_voice(self, frame: Frame) -> None:
        if self._writing:
            self._queue(Waiting(frame, heard=True, counts=True))
        else:
            self._write(frame)

    def put_final(self, segment: int, frame: Frame) -> None:
        if self._writing:
            if self._partial and self._partial[0] <= segment:
                self._partial = None
            self._queue(Waiting(frame, heard=True, counts=True))
        else:
            self._write(frame)

    def put_partial(self, segment: int, frame: Frame) -> bool:
        """Returns whether an older partial, which nobody has seen, was dropped for it."""
        if not self._writing:
            self._write(frame)
            return False
        dropped = self._partial is not None
        self._partial = (segment, frame)
        return dropped

    def put_replay(self, frames: Iterable[Frame]) -> None:
        """What a listener lacks: however much it is, it is no sign of a slow socket."""
        for frame in frames:
            if self._writing:
                self._queue(Waiting(frame, heard=True, counts=False))
            else:
                self._write(frame)

    def forget(self) -> None:
        """Write nothing more of the language that was heard until now."""
        self._partial = None
        waiting, self._waiting = self._waiting or (), None
        self._bytes = self._counted = 0
        for item in waiting:
            if not item.heard:
                self._queue(item)

    def shut(self) -> None:
        """Write nothing any more: what waits is forgotten, what comes is ignored."""
        self._gone = True
        self._waiting = self._partial = None
        self._bytes = self._counted = 0

    async def close(self) -> None:
        """End the task, where one waits for the socket."""
        self.shut()
        if self._writing:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    def _queue(self, item: Waiting) -> None:
        if self._gone:
            return
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(item)
        if item.counts:
            self._counted += 1
            self._bytes += len(item.frame)
            if self._counted > MOST_FRAMES or self._bytes > MOST_BYTES:
                self.shut()
                self._too_slow()

    def _write(self, frame: Frame) -> None:
        if self._gone or (self._write_now and self._write_now(frame)):
            return
        sending = self._send(frame)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception:  # whatever a server raises: the socket is gone, and its consumer is told
            self.shut()
            return
        self._writing = asyncio.create_task(self._go_on(_Started(sending, waits_for)))

    async def _go_on(self, started: _Started) -> None:
        try:
            await started
            while (frame := self._next()) is not None:
                await self._send(frame)
        except Exception:  # see `_write`
            self.shut()
        finally:
            self._writing = None

    def _next(self) -> Frame | None:
        if self._waiting:
            item = self._waiting.popleft()
            if item.counts:
                self._counted -= 1
                self._bytes -= len(item.frame)
            return item.frame
        self._waiting = None
        if self._partial:
            _, frame = self._partial
            self._partial = None
            return frame
        return None


class _Started:
    """The rest of a coroutine that was begun outside of any task, and waits for something.

    Python 3.12 has tasks that begin at once; where most of what is sent need not wait, not even
    such a task is needed.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield self._waits_for
        except BaseException:
            self._coroutine.close()
            raise
        yield from self._coroutine.__await__()
