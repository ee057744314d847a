"""A speaker and a listener that speak the protocol over real sockets."""

from __future__ import annotations

import asyncio
import json
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SAMPLE_TALK = Path(__file__).resolve().parent.parent / "static/audio/quarterly-update.en.wav"
FRAME_MS = 100
BYTES_PER_MS = 32
WITHIN_S = 30.0

JSON = dict[str, Any]
T = TypeVar("T")


def recorded(start_ms: int, end_ms: int, *, path: Path = SAMPLE_TALK) -> bytes:
    """PCM of this stretch of a 16 kHz mono recording."""
    with wave.open(str(path)) as recording:
        recording.setpos(start_ms * 16)
        pcm: bytes = recording.readframes((end_ms - start_ms) * 16)
        return pcm


async def until_stored(look: Callable[[], Awaitable[T]], expected: T) -> None:
    """Look, at the database mostly, until this is there."""
    deadline = time.monotonic() + WITHIN_S
    while (found := await look()) != expected:
        assert time.monotonic() < deadline, f"{found!r} has not become {expected!r}"
        await asyncio.sleep(0.1)


def silence(duration_ms: int) -> bytes:
    return bytes(duration_ms * BYTES_PER_MS)


class Client:
    """Keeps every message that came; `speech` frames as their header with the `audio` added."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.received: list[JSON] = []
        self.close_code: int | None = None
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for frame in self.socket:
                if isinstance(frame, bytes):
                    length = int.from_bytes(frame[:4], "big")
                    message = json.loads(frame[4 : 4 + length])
                    message["audio"] = frame[4 + length :]
                else:
                    message = json.loads(frame)
                async with self._changed:
                    self.received.append(message)
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        async with self._changed:
            self.close_code = self.socket.close_code
            self._changed.notify_all()

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def until(
        self, found: Callable[[list[JSON]], bool], *, within_s: float = WITHIN_S
    ) -> None:
        """Wait until what was received satisfies this."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: found(self.received))

    async def expect(self, *, within_s: float = WITHIN_S, **fields: Any) -> JSON:
        """The first message, from the beginning on, with these fields; waits until it is there."""
        await self.until(lambda _: bool(self.all(**fields)), within_s=within_s)
        return self.all(**fields)[0]

    async def expect_count(self, count: int, **fields: Any) -> None:
        """Wait until so many messages with these fields have come."""
        await self.until(lambda _: len(self.all(**fields)) >= count)

    def all(self, **fields: Any) -> list[JSON]:
        """Every message so far with these fields."""
        return [
            message
            for message in self.received
            if all(message.get(name) == value for name, value in fields.items())
        ]

    async def closed(self, *, within_s: float = WITHIN_S) -> int:
        """The code the server closes with."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: self.close_code is not None)
        assert self.close_code is not None
        return self.close_code

    async def close(self) -> None:
        await self.socket.close()
        await self._reading


class SpeakerClient(Client):
    """A speaker's page: numbers its frames and can play a recording."""

    next_frame = 0

    async def start(self, **fields: Any) -> None:
        """Go live and wait for it."""
        message = {
            "client": "tab-1",
            "take_over": False,
            "consent": True,
            "source_language": "en-US",
            "rehearsal": False,
            **fields,
        }
        before = len(self.all(type="state"))
        await self.send(type="start", **message)
        await self.until(lambda _: len(self.all(type="state")) > before)
        self.next_frame = self.all(type="state")[-1]["next_frame"]

    async def send_frame(self, pcm: bytes, number: int | None = None) -> None:
        if number is None:
            number = self.next_frame
            self.next_frame += 1
        await self.socket.send(number.to_bytes(4, "big") + pcm)

    async def play(self, pcm: bytes, *, speed: float = 4.0) -> None:
        """Send audio in 100 ms frames, `speed` times as fast as it was spoken."""
        for position in range(0, len(pcm), FRAME_MS * BYTES_PER_MS):
            await self.send_frame(pcm[position : position + FRAME_MS * BYTES_PER_MS])
            await asyncio.sleep(FRAME_MS / 1000 / speed)

    async def acknowledged(self, frame: int) -> None:
        """Wait until the server has stored everything up to this frame."""
        await self.until(lambda _: any(ack["frame"] >= frame for ack in self.all(type="ack")))

    def finals(self) -> list[str]:
        """What was heard, in order."""
        heard = {m["segment"]: m["source"] for m in self.all(type="caption", final=True)}
        return [heard[number] for number in sorted(heard)]


class ListenerClient(Client):
    """A listener's page: joins a language."""

    async def join(self, language: str, **fields: Any) -> JSON:
        """Join, and wait for the end of the replay; returns `joined`."""
        message = {"after": None, "speech": False, **fields}
        before = len(self.all(type="replayed"))
        await self.send(type="join", language=language, **message)
        await self.until(lambda _: len(self.all(type="replayed")) > before)
        return self.all(type="joined")[-1]

    def captions(self) -> dict[int, str | None]:
        """The newest final text of each segment, as a page shows them."""
        newest: dict[int, JSON] = {}
        for message in self.all(type="caption", final=True):
            known = newest.get(message["segment"])
            if known is None or message["seq"] > known["seq"]:
                newest[message["segment"]] = message
        return {segment: newest[segment]["text"] for segment in sorted(newest)}


@asynccontextmanager
async def speaker(url: str, token: str, **headers: str) -> AsyncIterator[SpeakerClient]:
    async with connect(f"{url}/ws/speak/{token}/", additional_headers=headers) as socket:
        client = SpeakerClient(socket)
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def listener(url: str, join_code: str, **headers: str) -> AsyncIterator[ListenerClient]:
    async with connect(
        f"{url}/ws/listen/{join_code}/", additional_headers=headers, max_size=None
    ) as socket:
        client = ListenerClient(socket)
        try:
            yield client
        finally:
            await client.close()
