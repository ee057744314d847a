"""uvicorn's protocols, which here give up on peers that say or take nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

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


class ImpatientWebSocket(WebSocketsSansIOProtocol):
    """Ends a connection whose peer does not take what it is sent, not even the farewell.

    uvicorn closes a connection once everything was written, which then never happens.
    """

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self._end_soon()
        await super().send(message)

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
