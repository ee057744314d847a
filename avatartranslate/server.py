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
from avatartranslate.protocols import ImpatientHTTP, ImpatientWebSocket
from sessions_app.audience import Audience
from sessions_app.readiness import Readiness
from speech_app.stage import Stage

logger = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections not yet accepted: a hall that comes back at once. The kernel's own bound, too."""
SPEAKERS_MOVE_WITHIN_S = 5.0
LISTENERS_SPREAD_S = 5
"""Listeners are told to come back over this long, so that thousands do not return at once."""
DRAINS_WITHIN_S = 15
REST_ENDS_WITHIN_S = 5
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
        logger.info("Serving at http://%s:%s", self.config.host, self.config.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        signal.alarm(ENDS_WITHIN_S)
        logger.info("Sending everyone elsewhere")
        draining = asyncio.create_task(self._drain())
        last = asyncio.get_running_loop().time() + DRAINS_WITHIN_S
        while not (draining.done() or self.force_exit or asyncio.get_running_loop().time() > last):
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        (failure,) = await asyncio.gather(draining, return_exceptions=True)
        if isinstance(failure, Exception):
            logger.error("Could not send everyone elsewhere", exc_info=failure)
        await super().shutdown(sockets)
        logger.info("Ended")

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
        http=ImpatientHTTP,
        ws=ImpatientWebSocket,
        # Compressing the same caption for each listener costs more than sending it.
        ws_per_message_deflate=False,
        ws_max_size=largest,
        lifespan="off",
        # Settings have the loggers; the proxy logs who asks for what. Otherwise each listener who
        # comes is two lines.
        log_config=None,
        log_level="warning",
        access_log=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=REST_ENDS_WITHIN_S,
    )
    DrainingServer(config).run()


def _allow_many_sockets() -> None:
    """Every listener is an open file; the usual bound is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
