"""What both sockets share: how a connection is refused, and whose pages may open one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from sessions_app.database import AWAY
from sessions_app.messages import Message, Problem

logger = logging.getLogger(__name__)

COME_BACK = 1012
TRY_AGAIN = 1013
MALFORMED = 4400
NOT_ADMITTED = 4403
NOT_FOUND = 4404
TOO_SLOW = 4408
REPLACED = 4409
REVOKED = 4410
TOO_MANY = 4429


def storage_down() -> Problem:
    return Problem(
        code="storage_down",
        message="The server cannot reach its transcript at the moment.",
    )


class Refused(Exception):
    """This connection must close, with this code and these words."""

    def __init__(self, code: int, problem: Problem) -> None:
        super().__init__(problem.message)
        self.code = code
        self.problem = problem


def origin_allowed(scope: Mapping[str, Any]) -> bool:
    """Whether the page that opens this socket is ours; a client that is no browser has none."""
    origin = dict(scope["headers"]).get(b"origin")
    if origin is None:
        return True
    text = origin.decode("latin-1")
    domain, _ = split_domain_port(urlsplit(text).netloc.lower())
    allowed = [*settings.ALLOWED_HOSTS, *_trusted_hosts()]
    return bool(domain) and validate_host(domain, allowed)


def _trusted_hosts() -> list[str]:
    return [urlsplit(origin).hostname or "" for origin in settings.CSRF_TRUSTED_ORIGINS]


def base_url(scope: Mapping[str, Any]) -> str:
    """`https://host[:port]` as the client reached us, for links shown on its page."""
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"localhost").decode("latin-1")
    secure = scope.get("scheme") in ("wss", "https")
    return f"{'https' if secure else 'http'}://{host}"


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A socket that is accepted first and refused in words, so that a browser sees why."""

    # No socket listens to the channel layer: a process does, once for all of them.
    channel_layer_alias = ""
    refused = False

    async def __call__(self, *application: Any) -> None:
        try:
            await super().__call__(*application)
        finally:
            # Channels tells a socket of its end only where nothing went wrong in it.
            await self.depart()

    async def connect(self) -> None:
        await self.accept()
        await self._answer(self._admit_ours())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.refused:
            await self._answer(self.take(text_data, bytes_data))

    async def admit(self) -> None:
        """Decide who may stay; raises Refused."""
        raise NotImplementedError

    async def take(self, text: str | None, binary: bytes | None) -> None:
        """Act on a message; raises Refused."""

    async def depart(self) -> None:
        """Leave nothing behind; called once, however the connection ended."""

    async def say(self, message: Message) -> None:
        await self.send(text_data=message.encode())

    async def refuse(self, refused: Refused) -> None:
        """Say why, and close; what is still on its way from the client is ignored."""
        if self.refused:
            return
        self.refused = True
        await self.say(refused.problem)
        await self.close(code=refused.code)

    async def _admit_ours(self) -> None:
        if not origin_allowed(self.scope):
            raise Refused(
                NOT_ADMITTED,
                Problem(
                    code="bad_message",
                    message="This page does not belong to this server.",
                    fatal=True,
                ),
            )
        await self.admit()

    async def _answer(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Refused as refused:
            await self.refuse(refused)
        except AWAY:
            logger.warning("A socket is refused: the database is away")
            await self.refuse(Refused(TRY_AGAIN, storage_down()))
        except Exception:
            # The server closes the socket with 1011, whereupon a page comes back.
            await self.say(Problem(code="internal", message="Something went wrong on our side."))
            raise


class NoSuchSocket(Socket):
    """Any path that is not a speaker's nor a listener's."""

    async def admit(self) -> None:
        raise Refused(
            NOT_FOUND,
            Problem(code="bad_message", message="There is nothing at this address.", fatal=True),
        )
