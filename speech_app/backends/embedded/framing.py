"""Values sent over a pipe between this server and one of its own workers.

A value is pickled behind its length as a big-endian uint32. Both ends are the same program, so
unpickling trusts nothing from outside.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from typing import BinaryIO

_LENGTH = struct.Struct(">I")


def encode(value: object) -> bytes:
    """The bytes of one value on a pipe."""
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def read(pipe: BinaryIO) -> object:
    """The next value, blocking. Raises EOFError when the other end is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)  # noqa: S301


async def read_async(reader: asyncio.StreamReader) -> object:
    """The next value. Raises EOFError when the other end is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return pickle.loads(await reader.readexactly(length))  # noqa: S301
    except asyncio.IncompleteReadError:
        raise EOFError from None
