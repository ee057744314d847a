"""uvicorn's protocols, which here write a caption in one step, and give up on dead peers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from sessions_app.outbox import WRITE_EXTENSION

ASKS_WITHIN_S = 10
"""From the first byte to the end of a request's headers."""
TAKES_WITHIN_S = 10
"""What a connection that is to end still has to take; a phone that is back in reach does."""


class ImpatientHTTP(H11Protocol):
    """Closes a connection on which nothing is asked."""

    _asks_by: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._asks_by = self.loop.call_later(ASKS_WITHIN_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asks_by:
            self._asks_by.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        request: object = self.cycle
        if request is None and self.transport.get_protocol() is self:
            self.transport.close()


@functools.lru_cache(maxsize=32)
def _wire(message: str | bytes) -> bytes:
    """A message as it goes over the wire: the same for everyone, so it is made once for all."""
    if isinstance(message, str):
        return Frame(Opcode.TEXT, message.encode()).serialize(mask=False)
    return Frame(Opcode.BINARY, message).serialize(mask=False)


class ImpatientWebSocket(WebSocketsSansIOProtocol):
    """Ends a connection whose peer does not take what it is sent, not even the farewell.

    uvicorn closes a connection once everything was written, which then never happens.
    The scope's extension WRITE_EXTENSION is `write`, for those who write the same to thousands.
    """

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[WRITE_EXTENSION] = self.write

    def write(self, message: str | bytes) -> bool:
        """Write it now; False where the peer does not take it, or the connection is not open."""
        if self.disconnected or self.close_sent or not self.handshake_complete:
            return False
        if not self.writable.is_set():
            return False
        self.transport.write(_wire(message))
        return True

    def send(self, message: Any) -> Coroutine[Any, Any, None]:
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self._end_soon()
        return super().send(message)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_soon()

    def shutdown(self) -> None:
        super().shutdown()
        self._end_soon()

    def _end_soon(self) -> None:
        self.loop.call_later(TAKES_WITHIN_S, self._end)

    def _end(self) -> None:
        if not self.disconnected:
            self.transport.abort()
