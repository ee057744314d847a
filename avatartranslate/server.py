"""The server process of production: uvicorn, which sends everyone elsewhere before it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
from types import FrameType

from django.conf import settings
from uvicorn import Config, Server
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from avatartranslate.asgi import application
from sessions_app.audience import Audience
from sessions_app.readiness import Readiness
from speech_app.stage import Stage

logger = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections not yet accepted: a hall that comes back at once. The kernel's own bound, too."""
SPEAKERS_MOVE_WITHIN_S = 5.0
LISTENERS_SPREAD_S = 5
"""Listeners are told to come back over this long, so that thousands do not return at once."""
REST_ENDS_WITHIN_S = 5
STALLED_FOR_MS = 60_000
"""A peer that takes nothing for so long is gone: closing it politely would wait for it for ever."""
ENDS_WITHIN_S = 25
"""However it goes, the kernel ends the process after this long; who starts it waits for longer."""


class DrainingServer(Server):
    """On SIGTERM: no new visitors, speakers and listeners move to other processes, then the end.

    A second signal, or ENDS_WITHIN_S, ends it at once.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                # Those that are accepted have it from here.
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_FOR_MS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        signal.alarm(ENDS_WITHIN_S)
        draining = asyncio.create_task(self._drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        (failure,) = await asyncio.gather(draining, return_exceptions=True)
        if isinstance(failure, Exception):
            logger.error("Could not send everyone elsewhere", exc_info=failure)
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        Readiness.draining = True
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if _is_speaker(connection):
                connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SPEAKERS_MOVE_WITHIN_S):
                await Stage.here().hand_over()
        await Audience.here().drain(LISTENERS_SPREAD_S)


def _is_speaker(connection: object) -> bool:
    return (
        isinstance(connection, WebSocketsSansIOProtocol)
        and connection.handshake_complete
        and connection.request.path.startswith("/ws/speak/")
    )


def serve(host: str, port: int) -> None:
    """Serve until a signal comes."""
    _allow_many_sockets()
    largest = settings.DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE
    config = Config(
        application,
        host=host,
        port=port,
        ws="websockets-sansio",
        # Compressing the same caption for each listener costs more than sending it.
        ws_per_message_deflate=False,
        ws_max_size=largest,
        lifespan="off",
        # Settings have the loggers; the proxy logs who asks for what.
        log_config=None,
        access_log=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=REST_ENDS_WITHIN_S,
    )
    DrainingServer(config).run()


def _allow_many_sockets() -> None:
    """Every listener is an open file; the usual bound is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
