"""What waits for a slow socket, and what is dropped for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sessions_app.outbox import MOST_BYTES, MOST_FRAMES, Frame, Outbox


class Socket:
    """Takes frames, when it is let, and is then too slow or gone."""

    def __init__(self) -> None:
        self.written: list[Frame] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.gone = False
        self.too_slow = 0
        self.outbox = Outbox(self.send, self.slow)

    async def send(self, frame: Frame) -> None:
        await self.takes.wait()
        if self.gone:
            raise OSError("gone")
        self.written.append(frame)

    def slow(self) -> None:
        self.too_slow += 1

    async def holds(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.written) < count:
            assert time.monotonic() < deadline
            await asyncio.sleep(0)


@asynccontextmanager
async def stalled() -> AsyncIterator[Socket]:
    """A socket with one frame under way, which it does not take until its `takes` is set."""
    before = asyncio.all_tasks()
    socket = Socket()
    socket.takes.clear()
    socket.outbox.put("under way")
    yield socket
    await socket.outbox.close()
    assert asyncio.all_tasks() == before


async def written(socket: Socket, count: int) -> list[Frame]:
    """What a stalled socket is sent once it takes something again: so much, and nothing more."""
    socket.takes.set()
    await socket.holds(count + 1)
    await asyncio.sleep(0.01)
    assert socket.written[0] == "under way"
    return socket.written[1:]


async def test_a_socket_that_takes_everything_needs_no_task() -> None:
    before = asyncio.all_tasks()
    socket = Socket()
    socket.outbox.put("joined")
    socket.outbox.put_partial(1, "partial 1")
    socket.outbox.put_final(1, "final 1")
    socket.outbox.put_voice(b"speech 1")
    assert socket.written == ["joined", "partial 1", "final 1", b"speech 1"]
    assert asyncio.all_tasks() == before


async def test_everything_but_partials_is_written_in_order() -> None:
    async with stalled() as socket:
        socket.outbox.put_replay(["final 0", "replayed"])
        socket.outbox.put_final(1, "final 1")
        socket.outbox.put_voice(b"speech 1")
        socket.outbox.put("beat")
        socket.outbox.put_final(2, "final 2")
        expected = ["final 0", "replayed", "final 1", b"speech 1", "beat", "final 2"]
        assert await written(socket, 6) == expected
        socket.outbox.put("at once again")
        assert socket.written[-1] == "at once again"


async def test_of_the_partials_only_the_newest_is_written() -> None:
    async with stalled() as socket:
        dropped = [socket.outbox.put_partial(3, text) for text in ("a", "a b", "a b c")]
        assert dropped == [False, True, True]
        assert await written(socket, 1) == ["a b c"]


@pytest.mark.parametrize(
    ("final", "expected"),
    [(2, ["final", "partial"]), (3, ["final"]), (4, ["final"])],
    ids=["a correction of an older one", "its own final", "a newer one"],
)
async def test_a_partial_ends_with_its_segment(final: int, expected: list[Frame]) -> None:
    async with stalled() as socket:
        socket.outbox.put_partial(3, "partial")
        socket.outbox.put_final(final, "final")
        assert await written(socket, len(expected)) == expected


async def test_what_was_not_written_of_a_language_can_be_forgotten() -> None:
    async with stalled() as socket:
        socket.outbox.put_replay(["old replay"])
        socket.outbox.put_final(1, "old language")
        socket.outbox.put_voice(b"old speech")
        socket.outbox.put("a message to this listener")
        socket.outbox.put_partial(2, "old partial")
        socket.outbox.forget()
        socket.outbox.put("joined")
        assert await written(socket, 2) == ["a message to this listener", "joined"]


async def test_a_socket_is_too_slow_when_too_many_frames_wait() -> None:
    async with stalled() as socket:
        for _ in range(MOST_FRAMES):
            socket.outbox.put_final(1, "caption")
        assert socket.too_slow == 0
        for _ in range(3):
            socket.outbox.put_final(1, "caption")
        assert socket.too_slow == 1
        assert await written(socket, 0) == []


async def test_a_socket_is_too_slow_when_too_many_bytes_wait() -> None:
    async with stalled() as socket:
        socket.outbox.put_voice(bytes(MOST_BYTES))
        assert socket.too_slow == 0
        socket.outbox.put_voice(b"x")
        assert socket.too_slow == 1


async def test_neither_partials_nor_a_long_replay_make_a_socket_too_slow() -> None:
    async with stalled() as socket:
        replay = [f"final {number}" for number in range(2 * MOST_FRAMES)]
        socket.outbox.put_replay([*replay])
        for _ in range(10 * MOST_FRAMES):
            socket.outbox.put_partial(1, "partial")
        for _ in range(MOST_FRAMES):
            socket.outbox.put("beat")
        assert socket.too_slow == 0
        expected = [*replay, *(["beat"] * MOST_FRAMES), "partial"]
        assert await written(socket, len(expected)) == expected


async def test_what_was_written_no_longer_counts() -> None:
    async with stalled() as socket:
        for _ in range(MOST_FRAMES):
            socket.outbox.put_final(1, "caption")
        await written(socket, MOST_FRAMES)
        socket.takes.clear()
        for _ in range(MOST_FRAMES):
            socket.outbox.put_final(1, "caption")
        assert socket.too_slow == 0


@pytest.mark.parametrize("is_stalled", [False, True], ids=["at once", "while something waits"])
async def test_a_socket_that_is_gone_takes_nothing_more(is_stalled: bool) -> None:
    socket = Socket()
    socket.gone = True
    if is_stalled:
        socket.takes.clear()
    for _ in range(2 * MOST_FRAMES if not is_stalled else 3):
        socket.outbox.put_final(1, "caption")
    socket.takes.set()
    await asyncio.sleep(0.01)
    socket.gone = False
    socket.outbox.put("too late")
    assert (socket.written, socket.too_slow) == ([], 0)


async def test_a_server_that_yields_before_it_sends_keeps_the_order() -> None:
    socket = Socket()

    async def send(frame: Frame) -> None:
        await asyncio.sleep(0)
        socket.written.append(frame)

    outbox = Outbox(send, socket.slow)
    for number in range(5):
        outbox.put(f"{number}")
    await socket.holds(5)
    assert socket.written == ["0", "1", "2", "3", "4"]
    await outbox.close()


async def test_where_a_server_writes_in_one_step_the_order_is_kept_when_it_cannot() -> None:
    socket = Socket()
    takes = True

    def write(frame: Frame) -> bool:
        if takes:
            socket.written.append(frame)
        return takes

    outbox = Outbox(socket.send, socket.slow, write)
    outbox.put("1")
    assert socket.written == ["1"]
    takes = False
    socket.takes.clear()
    outbox.put("2")
    takes = True
    outbox.put("3")
    outbox.put_partial(1, "partial")
    assert socket.written == ["1"]
    socket.takes.set()
    await socket.holds(4)
    assert socket.written == ["1", "2", "3", "partial"]
    outbox.put("4")
    assert socket.written[-1] == "4"
    await outbox.close()
