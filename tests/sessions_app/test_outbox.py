"""What waits for a slow socket, and what is dropped for it."""

from __future__ import annotations

import asyncio
import time

import pytest

from sessions_app.outbox import MOST_BYTES, MOST_FRAMES, Frame, Outbox


class Socket:
    """Takes frames, when it is let."""

    def __init__(self) -> None:
        self.written: list[Frame] = []
        self.open = asyncio.Event()

    async def send(self, frame: Frame) -> None:
        await self.open.wait()
        self.written.append(frame)

    async def holds(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.written) < count:
            assert time.monotonic() < deadline
            await asyncio.sleep(0)


async def written(socket: Socket, outbox: Outbox, count: int) -> list[Frame]:
    """What the socket is sent once it takes something again: so much, and nothing more."""
    writing = asyncio.create_task(outbox.write())
    socket.open.set()
    await socket.holds(count)
    outbox.put("end")
    await socket.holds(count + 1)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    return socket.written[:-1]


async def test_everything_but_partials_is_written_in_order() -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    outbox.put("joined")
    outbox.put_final(1, "final 1")
    outbox.put(b"speech 1")
    outbox.put_final(2, "final 2")
    expected = ["joined", "final 1", b"speech 1", "final 2"]
    assert await written(socket, outbox, 4) == expected


async def test_of_the_partials_only_the_newest_is_written() -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    for text in ("a", "a b", "a b c"):
        outbox.put_partial(3, text)
    assert await written(socket, outbox, 1) == ["a b c"]


@pytest.mark.parametrize(
    ("final", "expected"),
    [(2, ["final", "partial"]), (3, ["final"]), (4, ["final"])],
    ids=["a correction of an older one", "its own final", "a newer one"],
)
async def test_a_partial_ends_with_its_segment(final: int, expected: list[Frame]) -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    outbox.put_partial(3, "partial")
    outbox.put_final(final, "final")
    assert await written(socket, outbox, len(expected)) == expected


async def test_what_was_not_written_can_be_forgotten() -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    outbox.put_final(1, "old language")
    outbox.put_partial(2, "old partial")
    outbox.clear()
    outbox.put("joined")
    assert await written(socket, outbox, 1) == ["joined"]


async def test_a_socket_is_too_slow_when_too_much_waits() -> None:
    by_count, by_size = Outbox(Socket().send), Outbox(Socket().send)
    for _ in range(MOST_FRAMES):
        by_count.put("caption")
    by_size.put(bytes(MOST_BYTES))
    assert [by_count.too_slow, by_size.too_slow] == [False, False]
    by_count.put("caption")
    by_size.put(b"x")
    assert [by_count.too_slow, by_size.too_slow] == [True, True]
    by_size.clear()
    assert [by_count.too_slow, by_size.too_slow] == [True, False]


async def test_partials_never_make_a_socket_too_slow() -> None:
    outbox = Outbox(Socket().send)
    for _ in range(10 * MOST_FRAMES):
        outbox.put_partial(1, "partial")
    assert not outbox.too_slow


async def test_what_was_written_no_longer_counts() -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    for _ in range(MOST_FRAMES + 1):
        outbox.put("caption")
    await written(socket, outbox, MOST_FRAMES + 1)
    assert not outbox.too_slow
