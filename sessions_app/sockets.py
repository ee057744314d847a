"""What both sockets share: how a connection is refused, and whose pages may open one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from sessions_app.database import AWAY
from sessions_app.messages import Message, Problem
from sessions_app.metrics import count_refused

logger = logging.getLogger(__name__)

RESTARTING = 1012
MALFORMED = 4400
NOT_ADMITTED = 4403
NOT_FOUND = 4404
TOO_SLOW = 4408
REPLACED = 4409
REVOKED = 4410
TOO_MANY = 4429
COME_BACK = TOO_SLOW
"""Whom the server cannot serve at the moment comes back in the same way. 1012 and 1013 say it
better, but Daphne sends no code below 3000: it would leave the socket open and say nothing."""


_REASONS = {
    COME_BACK: "come_back",
    MALFORMED: "malformed",
    NOT_ADMITTED: "not_admitted",
    NOT_FOUND: "not_found",
    REPLACED: "replaced",
    REVOKED: "revoked",
    TOO_MANY: "too_many",
}
STORAGE_DOWN = Problem(
    code="storage_down",
    message="The server cannot reach its transcript at the moment.",
)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


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

    refused = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection, a message after the other.

        Channels would hand each one to a task of its own, and to a thread that closes database
        connections; `in_database` does that where there is one.
        """
        self.scope, self.base_send = scope, send
        try:
            while (event := await receive())["type"] != "websocket.disconnect":
                if event["type"] == "websocket.connect":
                    await self.accept()
                    await self._answer(self._admit_ours())
                elif not self.refused:
                    await self._answer(self.take(event.get("text"), event.get("bytes")))
        finally:
            await self.depart()

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
        count_refused(_REASONS.get(refused.code, "other"))
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
        except AWAY as error:
            logger.warning("A connection is sent away: the database is out of reach: %s", error)
            await self.refuse(Refused(COME_BACK, STORAGE_DOWN))
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
