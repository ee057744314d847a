"""One listener: joins, comes back with what it has, and checks every frame it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
from dataclasses import dataclass
from typing import Any

from tests.bench.listeners.tally import Tally
from tests.bench.listeners.websocket import WebSocket

CLOCK = struct.Struct("<d")
"""How the publisher says when: behind the audio of a speech frame, and as `…@seconds` at the end of
a caption's source."""
COMES_BACK = {1001, 1005, 1006, 1011, 1012, 1013, 1014, 4408}
"""Close codes after which a page connects again: see the protocol."""
COMES_BACK_AFTER_S = (0.2, 1.0)
COMES_BACK_TIMES = 20
_MOST_KNOWN = 5_000
_jitter = random.SystemRandom()

OTHER, PARTIAL, FINAL, SPEECH, REPLAYED = range(5)


@dataclass(frozen=True, slots=True)
class News:
    """What a frame says, as far as it is checked. `published` is 0 where the frame has no time."""

    kind: int
    language: str = ""
    session: int = 0
    seq: int = 0
    published: float = 0.0
    problem: str = ""
    bytes: int = 0


# A whole crowd is sent the same bytes: they are parsed once.
_known: dict[bytes, News] = {}


def _learn(payload: bytes, length: int) -> News:
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    news = _known[payload] = _read(json.loads(payload), length)
    return news


def _read(message: dict[str, Any], length: int) -> News:
    kind = message["type"]
    if kind == "caption":
        return News(
            FINAL if message["final"] else PARTIAL,
            message["language"],
            message["session"],
            message.get("seq", 0),
            float(message["source"].rpartition("@")[2]),
        )
    if kind == "speech":
        language, session, seq = message["language"], message["session"], message["seq"]
        return News(SPEECH, language, session, seq, bytes=length)
    if kind == "replayed":
        return News(REPLAYED, seq=message["seq"])
    return News(OTHER, problem=message.get("code", ""))


class Listener:
    """Counts what is wrong in its `tally`: lost, doubled, foreign, speech before its caption.

    Comes back by itself where the server, or the network, ends its connection.
    """

    def __init__(self, tally: Tally, host: str, path: str, language: str, *, speech: bool) -> None:
        self.tally = tally
        self.language = language
        self.speech = speech
        self.session = 0
        self.seq = 0
        self.problem = ""
        self.close_code: int | None = None
        """What the server ended a connection with, the last time it did."""
        self.socket: WebSocket | None = None
        self._host, self._path = host, path
        self._spoken = 0
        self._has_joined = False
        self._back: asyncio.Future[None] | None = None
        self._returning: asyncio.Task[None] | None = None

    @property
    def listens(self) -> bool:
        """Whether it is connected and past the replay."""
        return self._back is not None and self._back.done() and self.socket is not None

    async def connect(self, connected: socket.socket | None = None) -> None:
        """Join, from where it was; returns once the replay is over.

        Raises ConnectionError where the server refuses.
        """
        loop = asyncio.get_running_loop()
        self._back = loop.create_future()
        self.socket = web_socket = WebSocket(self, self._host, self._path)
        await web_socket.connect(connected)
        await self._back

    def drop(self) -> None:
        """Lose the connection; nothing more of it is noticed, and only `connect` comes back."""
        if self._returning:
            self._returning.cancel()
        if self.socket:
            dropped, self.socket = self.socket, None
            dropped.drop()

    # Called by the socket

    def opened(self, web_socket: WebSocket) -> None:
        after = {"session": self.session, "seq": self.seq} if self.session else None
        join = {"type": "join", "language": self.language, "after": after, "speech": self.speech}
        web_socket.send(json.dumps(join))

    def text(self, payload: bytes, now: float) -> None:
        news = _known.get(payload) or _learn(payload, 0)
        if news.kind == PARTIAL:
            self.tally.partials.append(now - news.published)
            if news.language != self.language:
                self.tally.wrong["captions of another language"] += 1
        elif news.kind == FINAL:
            self._final(news, now)
        elif news.kind == REPLAYED:
            self._has_joined = True
            if self._back and not self._back.done():
                self._back.set_result(None)
        elif news.problem:
            self.problem = news.problem

    def binary(self, payload: memoryview, now: float) -> None:
        end = 4 + int.from_bytes(payload[:4], "big")
        news = _known.get(header := bytes(payload[4:end])) or _learn(header, len(payload))
        self.tally.speech.append(now - CLOCK.unpack(payload[-CLOCK.size :])[0])
        wrong = self.tally.wrong
        if news.language != self.language:
            wrong["speech of another language"] += 1
        elif news.seq > self.seq:
            wrong["speech before its caption"] += 1
        elif news.seq <= self._spoken:
            wrong["speech doubled"] += 1
        elif news.bytes != len(payload):
            wrong["speech cut"] += 1
        self._spoken = news.seq

    def closed(self, web_socket: WebSocket, code: int) -> None:
        if web_socket is not self.socket:
            return
        self.socket, self.close_code = None, code
        self.tally.closed[code] += 1
        if self._back and not self._back.done():
            self._back.set_exception(ConnectionError(f"{code} {self.problem}"))
        elif code in COMES_BACK:
            self._returning = asyncio.get_running_loop().create_task(self._return())

    async def _return(self) -> None:
        """As a page does it; a crowd that stays away has lost what it is not sent."""
        for _ in range(COMES_BACK_TIMES):
            await asyncio.sleep(_jitter.uniform(*COMES_BACK_AFTER_S))
            with contextlib.suppress(OSError):
                await self.connect()
                return

    def _final(self, news: News, now: float) -> None:
        wrong = self.tally.wrong
        if news.language != self.language:
            wrong["captions of another language"] += 1
            return
        if news.session != self.session:
            # Who comes into the middle of a talk is not told how it began.
            self.session, self._spoken = news.session, 0
            self.seq = 0 if self._has_joined else news.seq - 1
        if news.seq == self.seq + 1:
            self.seq = news.seq
            # What was published before it first came is no delay of the server's.
            if self._has_joined:
                self.tally.finals.append(now - news.published)
        elif news.seq <= self.seq:
            wrong["finals doubled"] += 1
        else:
            wrong["finals lost"] += news.seq - self.seq - 1
            self.seq = news.seq
