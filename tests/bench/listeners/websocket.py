"""A web socket client that is cheap enough to be opened five thousand times by one process.

What comes is read into one buffer that all sockets share, and frames are handed on as they lie in
it; the `websockets` client spends more time on a frame than the server that is to be measured.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
import time
from typing import Protocol

from websockets.frames import CloseCode, Frame, Opcode

_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_INCOMING = bytearray(256 * 1024)
_VIEW = memoryview(_INCOMING)
_FIN = 0x80
_TEXT, _BINARY, _CLOSE, _PING = Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE, Opcode.PING


class ProtocolError(Exception):
    """The server sent what RFC 6455 does not allow, or what a listener is never sent."""


class Receiver(Protocol):
    """Whoever owns a socket; `now` is in seconds of CLOCK_MONOTONIC."""

    def opened(self, web_socket: WebSocket) -> None: ...

    def text(self, payload: bytes, now: float) -> None: ...

    def binary(self, payload: memoryview, now: float) -> None: ...

    def closed(self, web_socket: WebSocket, code: int) -> None: ...


class WebSocket(asyncio.BufferedProtocol):
    """One connection; `closed` is called once, with 1006 where the server did not say why."""

    def __init__(self, receiver: Receiver, host: str, path: str) -> None:
        self._receiver = receiver
        self._host, self._path = host, path
        self._key = base64.b64encode(os.urandom(16))
        self._transport: asyncio.Transport | None = None
        self._open = False
        self._rest = bytearray()
        self._close_code = int(CloseCode.ABNORMAL_CLOSURE)

    @property
    def local_port(self) -> int:
        assert self._transport
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    async def connect(self, connected: socket.socket | None = None) -> None:
        """Over this TCP connection, or one of its own. Raises OSError."""
        loop = asyncio.get_running_loop()
        if connected:
            await loop.create_connection(lambda: self, sock=connected)
        else:
            address, _, port = self._host.rpartition(":")
            await loop.create_connection(lambda: self, address, int(port))

    def send(self, text: str) -> None:
        self._write(Opcode.TEXT, text.encode())

    def send_raw(self, data: bytes) -> None:
        """Bytes that need not be a frame."""
        assert self._transport
        self._transport.write(data)

    def drop(self) -> None:
        """Vanish as a phone does that loses its network: without a word."""
        if self._transport:
            self._transport.abort()

    def pause(self) -> None:
        """Read no more: what the server sends stays in the kernel, then in the server."""
        assert self._transport
        self._transport.pause_reading()

    def resume(self) -> None:
        assert self._transport
        self._transport.resume_reading()

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {self._key.decode()}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def get_buffer(self, sizehint: int) -> memoryview:
        return _VIEW

    def buffer_updated(self, nbytes: int) -> None:
        now = time.monotonic()
        if not self._rest and self._open:
            used = self._read_frames(_VIEW, nbytes, now)
            if used < nbytes:
                self._rest += _VIEW[used:nbytes]
            return
        self._rest += _VIEW[:nbytes]
        if not self._open and not self._read_handshake():
            return
        with memoryview(self._rest) as view:
            used = self._read_frames(view, len(view), now)
        del self._rest[:used]

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._receiver.closed(self, self._close_code)

    # Frames

    def _read_handshake(self) -> bool:
        """Whether the server's answer is whole; takes it off what was read."""
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            return False
        status, *lines = bytes(self._rest[:end]).split(b"\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines)
        }
        accept = base64.b64encode(hashlib.sha1(self._key + _KEY_SUFFIX).digest())  # noqa: S324
        if b" 101 " not in status or headers.get(b"sec-websocket-accept") != accept:
            raise ProtocolError(f"The server did not open a web socket: {status.decode()}")
        del self._rest[: end + 4]
        self._open = True
        self._receiver.opened(self)
        return True

    def _read_frames(self, data: memoryview, end: int, now: float) -> int:
        """Hand on each whole frame; returns how many bytes they were."""
        position = 0
        while end - position >= 2:
            first, length = data[position], data[position + 1]
            start = position + 2
            if length == 126:
                start += 2
                if start > end:
                    break
                length = int.from_bytes(data[position + 2 : start], "big")
            elif length == 127:
                start += 8
                if start > end:
                    break
                length = int.from_bytes(data[position + 2 : start], "big")
            elif length > 127:
                raise ProtocolError("The server masked a frame.")
            if start + length > end:
                break
            position = start + length
            if first == _FIN | _TEXT:
                self._receiver.text(bytes(data[start:position]), now)
            elif first == _FIN | _BINARY:
                self._receiver.binary(data[start:position], now)
            else:
                self._control(first, bytes(data[start:position]))
        return position

    def _control(self, first: int, payload: bytes) -> None:
        if first == _FIN | _PING:
            self._write(Opcode.PONG, payload)
        elif first == _FIN | _CLOSE:
            self._close_code = int.from_bytes(payload[:2], "big") or int(CloseCode.NO_STATUS_RCVD)
            self._write(Opcode.CLOSE, payload[:2])
            assert self._transport
            self._transport.close()
        else:
            raise ProtocolError(f"A frame begins with {first:#x}.")

    def _write(self, opcode: Opcode, payload: bytes) -> None:
        assert self._transport
        self._transport.write(Frame(opcode, payload).serialize(mask=True))
