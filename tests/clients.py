"""A speaker and a listener that speak the protocol over real sockets."""

from __future__ import annotations

import asyncio
import json
import random
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

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


class FaithfulListener:
    """A listener's page that stays for the whole talk: it comes back to where it was, by the rules.

    `captions` are the newest finals by segment, as on the page. `doubled` and `out_of_order` are
    the numbers (`seq`) that came twice, and those that came after a higher one; in a replay that
    begins anew captions stand in the order they were spoken.
    """

    RETRIED = {1001, 1005, 1006, 1011, 1012, 1013, 1014, 4408}
    FIRST_DELAY_S, LONGEST_DELAY_S = 0.3, 15.0
    SILENCE_S = 25.0
    BEHIND_GRACE_S = 2.0
    STABLE_AFTER_S = 5.0

    def __init__(self, url: str, join_code: str, language: str, *, speech: bool = False) -> None:
        self.language = language
        self.session: int | None = None
        self.state = ""
        self.captions: dict[int, JSON] = {}
        self.doubled: list[int] = []
        self.out_of_order: list[int] = []
        self.problems: list[JSON] = []
        self.connections = 0
        self.spoken: list[int] = []
        self._url = f"{url}/ws/listen/{join_code}/"
        self._speech = speech
        self._seen: set[int] = set()
        self._complete = 0
        self._replaying_anew = False
        self._behind_since: float | None = None

    async def stay(self) -> None:
        """Listen until cancelled. Raises ConnectionClosed where the server says to stay away."""
        attempt = 0
        while True:
            began = time.monotonic()
            try:
                async with connect(self._url, proxy=None, max_size=None) as socket:
                    await self._listen(socket)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                if code not in self.RETRIED:
                    raise
            except (OSError, TimeoutError, InvalidHandshake):
                pass  # nobody answers, a proxy says so in the server's place, or all is silent
            attempt = 0 if time.monotonic() - began > self.STABLE_AFTER_S else attempt + 1
            longest = min(self.LONGEST_DELAY_S, self.FIRST_DELAY_S * 2 ** (attempt + 1))
            await asyncio.sleep(random.uniform(self.FIRST_DELAY_S, longest))  # noqa: S311

    async def _listen(self, socket: ClientConnection) -> None:
        after = {"session": self.session, "seq": self._complete} if self._complete else None
        self._behind_since = None
        join = {"type": "join", "language": self.language, "after": after, "speech": self._speech}
        await socket.send(json.dumps(join))
        while not self._is_left_behind():
            frame = await asyncio.wait_for(socket.recv(), self.SILENCE_S)
            if isinstance(frame, bytes):
                self._hear(json.loads(frame[4 : 4 + int.from_bytes(frame[:4], "big")]))
            else:
                self._read(json.loads(frame))

    def _read(self, message: JSON) -> None:
        match message["type"]:
            case "joined":
                self.connections += 1
                self.state = message["state"]
                self._replaying_anew = not self._complete or message["session"] != self.session
                self._enter(message["session"])
            case "replayed":
                self._replaying_anew = False
                self._complete = max(self._complete, message["seq"])
            case "state":
                self.state = message["state"]
                self._enter(message["session"])
            case "caption" if message["final"]:
                self._take_final(message)
            case "beat":
                behind = message["session"] != self.session or message["seq"] > self._complete
                since = self._behind_since or time.monotonic()
                self._behind_since = since if behind else None
            case "problem":
                self.problems.append(message)

    def _hear(self, header: JSON) -> None:
        self.spoken.append(header["seq"])

    def _enter(self, session: int | None) -> None:
        if session != self.session:
            self.session, self._complete = session, 0
            self.captions, self._seen = {}, set()

    def _take_final(self, message: JSON) -> None:
        seq = message["seq"]
        if seq in self._seen:
            self.doubled.append(seq)
        elif not self._replaying_anew and self._seen and seq < max(self._seen):
            self.out_of_order.append(seq)
        self._seen.add(seq)
        while self._complete + 1 in self._seen:
            self._complete += 1
        known = self.captions.get(message["segment"])
        if known is None or seq > known["seq"]:
            self.captions[message["segment"]] = message

    def _is_left_behind(self) -> bool:
        since = self._behind_since
        return since is not None and time.monotonic() - since > self.BEHIND_GRACE_S


@asynccontextmanager
async def faithful_listeners(listeners: list[FaithfulListener]) -> AsyncIterator[None]:
    """They listen inside the block; leaving it raises what one of them raised."""
    staying = [asyncio.create_task(one.stay()) for one in listeners]
    try:
        yield
    finally:
        for task in staying:
            task.cancel()
        outcomes = await asyncio.gather(*staying, return_exceptions=True)
    for outcome in outcomes:
        if not isinstance(outcome, asyncio.CancelledError):
            assert isinstance(outcome, BaseException)
            raise outcome


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
