"""Somebody who means harm, or is broken, and the answer that it gets."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from tests.bench.listeners.websocket import WebSocket

ANSWERED_WITHIN_S = 10.0


class Stranger:
    """Opens a socket, sends what it likes, and notes the code it is closed with."""

    def __init__(self, host: str, path: str) -> None:
        self.socket = WebSocket(self, host, path)
        self.problem = ""
        self.received = 0
        """Text frames."""
        self.close_code: int | None = None
        self._opened = asyncio.Event()
        self._heard = asyncio.Event()
        self._gone = asyncio.Event()

    async def connect(self) -> None:
        """Raises OSError, and TimeoutError where nobody answers the handshake."""
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await self.socket.connect()
            await self._opened.wait()

    async def answer(self) -> str:
        """The problem it was told of, or the code it was closed with; waits for either."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await self._heard.wait()
        if self.problem:
            return self.problem
        return "no answer" if self.close_code is None else f"closed {self.close_code}"

    async def gone(self) -> str:
        """The code it was closed with; waits for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await self._gone.wait()
        return "not closed" if self.close_code is None else f"closed {self.close_code}"

    # Called by the socket

    def opened(self, web_socket: WebSocket) -> None:
        self._opened.set()

    def text(self, payload: bytes, now: float) -> None:
        self.received += 1
        message = json.loads(payload)
        if message["type"] == "problem":
            self.problem = f"{message['code']}: {message['message']}"
        if message["type"] in ("problem", "replayed"):
            self._heard.set()

    def binary(self, payload: memoryview, now: float) -> None:
        self.received += 1

    def closed(self, web_socket: WebSocket, code: int) -> None:
        self.close_code = code
        for event in (self._opened, self._heard, self._gone):
            event.set()
