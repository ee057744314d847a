"""What the three kinds of sockets share: admission, faults, messages, an end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from tests.azure_emulator.faults import Service, UnknownFault
from tests.azure_emulator.framing import (
    Malformed,
    Message,
    read_binary,
    read_text,
    write_binary,
    write_text,
)
from tests.azure_emulator.state import Connection, State

STATE = web.AppKey("state", State)
CLOSE_REASONS = {1007: b"Quota exceeded.", 4429: b"Too many requests."}


def key_of(request: web.Request) -> str | None:
    """The key a request is made with, directly or by a token; None without a valid one."""
    if key := request.headers.get("Ocp-Apim-Subscription-Key"):
        return key
    authorization = request.headers.get("Authorization", "")
    if authorization.startswith("Bearer "):
        return request.app[STATE].key_of_token(authorization.removeprefix("Bearer "))
    return None


async def admit(request: web.Request, service: Service) -> str:
    """The key of a request to a service. Raises the HTTP error the key asks for."""
    state = request.app[STATE]
    state.requests[service] += 1
    key = key_of(request)
    if key is None:
        state.statuses[f"{service} 401"] += 1
        raise web.HTTPUnauthorized(text="No valid key or token.")
    try:
        if fault := state.fault(key, service, "silent"):
            state.strike(key, service, fault)
            await _until_gone(request)
        for status in (401, 403, 429, 500):
            if fault := state.fault(key, service, str(status)):
                state.strike(key, service, fault)
                state.statuses[f"{service} {status}"] += 1
                raise _ERRORS[status](text="As the key asked for.")
    except UnknownFault as error:
        state.problems.append(str(error))
        raise web.HTTPBadRequest(text=str(error)) from error
    return key


async def _until_gone(request: web.Request) -> None:
    """aiohttp tells nobody that a client it owes an answer has left: look for it."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


_ERRORS: Mapping[int, Callable[..., web.HTTPException]] = {
    401: web.HTTPUnauthorized,
    403: web.HTTPForbidden,
    429: web.HTTPTooManyRequests,
    500: web.HTTPInternalServerError,
}


class Socket:
    """One accepted WebSocket of a service."""

    def __init__(
        self, request: web.Request, response: web.WebSocketResponse, connection: Connection
    ) -> None:
        self.state = request.app[STATE]
        self.connection = connection
        self.query = request.query
        self._request = request
        self._response = response
        mute = self.state.fault(connection.key, connection.service, "mute")
        self._muted = mute is not None
        if mute:
            self.state.strike(connection.key, connection.service, mute)

    def fault_amount(self, name: str) -> float | None:
        """How much of a fault the key brings, None without it."""
        fault = self.state.fault(self.connection.key, self.connection.service, name)
        return None if fault is None else fault.amount

    def has_fault(self, name: str) -> bool:
        return self.fault_amount(name) is not None

    async def close_if_due(self, amount: float) -> bool:
        """Close as the key asks for, if so much has passed. Returns whether it did."""
        key, service = self.connection.key, self.connection.service
        for code in ("1000", "1001", "1002", "1007", "1008", "1011", "1012", "1013", "4429"):
            fault = self.state.fault(key, service, f"close-{code}")
            if fault and amount >= fault.amount:
                self.state.strike(key, service, fault)
                await self.close(int(code), CLOSE_REASONS.get(int(code), b""))
                return True
        fault = self.state.fault(key, service, "close-abort")
        if fault and amount >= fault.amount:
            self.state.strike(key, service, fault)
            if self._request.transport is not None:
                self._request.transport.abort()
            return True
        return False

    async def send(self, path: str, request_id: str, body: Mapping[str, Any]) -> None:
        """Does nothing once the client has gone."""
        if not self._muted:
            with contextlib.suppress(ConnectionError):
                await self._response.send_str(write_text(path, request_id, body))

    async def send_audio(
        self, request_id: str, payload: bytes, stream_id: str, content_type: str
    ) -> None:
        if not self._muted:
            with contextlib.suppress(ConnectionError):
                await self._response.send_bytes(
                    write_binary("audio", request_id, payload, stream_id, content_type)
                )

    async def end_turn(self, request_id: str) -> None:
        """Tell the end of a turn, when and if the key lets it be told."""
        if self.has_fault("no-turn-end"):
            return
        if late := self.fault_amount("late-turn-end"):
            await asyncio.sleep(late)
        await self.send("turn.end", request_id, {})

    async def refuse(self, problem: str) -> None:
        """Close as the service does on what it cannot read, and remember why."""
        self.state.problems.append(problem)
        # A close frame has room for 123 bytes.
        await self.close(1007, problem.encode()[:123])

    async def close(self, code: int, reason: bytes = b"") -> None:
        self.connection.close_code = code
        with contextlib.suppress(ConnectionError):
            await self._response.close(code=code, message=reason, drain=False)


class Session(Protocol):
    """What is done with the messages of one socket."""

    async def handle(self, message: Message) -> None:
        """One message of the client. Raises Malformed."""

    async def end(self) -> None:
        """The socket has closed: stop everything."""


async def serve(
    request: web.Request, service: Service, begin: Callable[[Socket], Session]
) -> web.StreamResponse:
    """Accept a socket, hand its messages to a session, and end both."""
    key = await admit(request, service)
    state = request.app[STATE]
    too_fast = service == "avatar" and not state.avatar_may_start()
    if too_fast:
        state.statuses[f"{service} {state.limits.avatar_refusal}"] += 1
        if state.limits.avatar_refusal == "429":
            raise web.HTTPTooManyRequests(text="Too many new avatar connections.")
    response = web.WebSocketResponse(protocols=("USP",), max_msg_size=1 << 24)
    await response.prepare(request)
    with state.connection(service, key) as connection:
        socket = Socket(request, response, connection)
        if too_fast:
            await socket.close(4429, CLOSE_REASONS[4429])
            return response
        session = begin(socket)
        try:
            async for frame in response:
                try:
                    if frame.type is WSMsgType.TEXT:
                        await session.handle(read_text(frame.data))
                    elif frame.type is WSMsgType.BINARY:
                        await session.handle(read_binary(frame.data))
                except Malformed as error:
                    await socket.refuse(str(error))
        finally:
            if connection.close_code is None:
                connection.close_code = response.close_code
            await session.end()
    return response
