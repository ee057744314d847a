"""What the worker processes' own side shares: the two pipes to the server."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from . import framing


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has loaded what it needs."""


@dataclass(frozen=True, slots=True)
class NotAble:
    """The worker cannot work on this machine and ends; `reason` is for the log and the operator."""

    reason: str


class ServerPipe:
    """The worker's pipes to the server; whatever a library prints goes to the log instead."""

    def __init__(self) -> None:
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def send(self, value: object) -> None:
        """Hand a value to the server, from any thread."""
        data = framing.encode(value)
        with self._lock:
            try:
                self._out.write(data)
                self._out.flush()
            except OSError:
                os._exit(0)

    def received(self) -> Iterator[object]:
        """Every value the server sends; the process ends with the server, however it ended.

        `os._exit`, because other threads may be inside native code that nothing can interrupt.
        """
        while True:
            try:
                yield framing.read(sys.stdin.buffer)
            except EOFError:
                os._exit(0)
