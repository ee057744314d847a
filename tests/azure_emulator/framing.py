"""The messages of the Speech service's WebSockets. Pure.

A text message is header lines, an empty line and a body; a binary message is the length of its
header lines as two big-endian bytes, those lines and the payload.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Malformed(ValueError):
    """What a client sent is no message of this protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came; names of headers are lower case."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.headers.get("path", "").lower()

    @property
    def request_id(self) -> str:
        return self.headers.get("x-requestid", "")

    def json(self) -> Any:
        """The body as JSON. Raises Malformed."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Malformed(f"The body of {self.path} is not JSON.") from error


def read_text(frame: str) -> Message:
    """Raises Malformed."""
    head, separator, body = frame.partition("\r\n\r\n")
    if not separator:
        raise Malformed("A text message has no end of headers.")
    return Message(_headers(head), body.encode())


def read_binary(frame: bytes) -> Message:
    """Raises Malformed."""
    length = int.from_bytes(frame[:2], "big")
    if len(frame) < 2 + length:
        raise Malformed("A binary message is shorter than its headers.")
    return Message(_headers(frame[2 : 2 + length].decode()), frame[2 + length :])


def _headers(lines: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def write_text(path: str, request_id: str, body: Mapping[str, Any]) -> str:
    return (
        f"X-RequestId:{request_id}\r\nContent-Type:application/json; charset=utf-8\r\n"
        f"Path:{path}\r\n\r\n{json.dumps(body, ensure_ascii=False)}"
    )


def write_binary(
    path: str, request_id: str, payload: bytes, stream_id: str, content_type: str
) -> bytes:
    headers = (
        f"X-RequestId:{request_id}\r\nContent-Type:{content_type}\r\n"
        f"X-StreamId:{stream_id}\r\nPath:{path}\r\n"
    ).encode()
    return len(headers).to_bytes(2, "big") + headers + payload
