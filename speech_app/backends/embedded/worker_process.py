"""The server's side of one of our worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from speech_app.backends.base import BackendDown

from . import framing
from .worker_main import NotAble, Ready

logger = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60.0
"""A worker that is not ready by then never will be; loading takes 0.6 s on an idle machine."""


class WorkerProcess:
    """One run of a worker module, from its start to its end; it is never started twice.

    `on_value` gets every value it sends, `on_end` is called once when it is gone, for whatever
    reason; both on the event loop.
    """

    def __init__(
        self, module: str, on_value: Callable[[object], None], on_end: Callable[[], None]
    ) -> None:
        self._module = module
        self._on_value = on_value
        self._on_end = on_end
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._logging: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id once started."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises BackendDown."""
        path = os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")]))
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                # Ctrl-C in the terminal is for the server, which then ends its workers.
                start_new_session=True,
            )
        except OSError as error:
            raise BackendDown(f"A speech worker cannot be started: {error}") from error
        self._logging = asyncio.create_task(self._log(self._process))
        try:
            assert self._process.stdout is not None
            async with asyncio.timeout(START_SECONDS):
                first = await framing.read_async(self._process.stdout)
        except (EOFError, TimeoutError) as error:
            await self.stop()
            raise BackendDown(
                "A speech worker died while starting; see the server's log."
            ) from error
        except asyncio.CancelledError:
            await self.stop()
            raise
        if isinstance(first, NotAble):
            await self.stop()
            raise BackendDown(first.reason)
        assert isinstance(first, Ready)
        self._reading = asyncio.create_task(self._read(self._process))

    def send(self, value: object) -> None:
        """Hand it a value; what a dead worker is sent is lost, `on_end` tells."""
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(framing.encode(value))

    def kill(self) -> None:
        """End it at once; `on_end` follows."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        """End it and wait until it is gone; `on_end` is not called."""
        if self._reading:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await self._reap()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with contextlib.suppress(EOFError):
            while True:
                self._on_value(await framing.read_async(process.stdout))
        await self._reap()
        self._on_end()

    async def _reap(self) -> None:
        self.kill()
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()
            with contextlib.suppress(OSError):
                await self._process.stdin.wait_closed()
        await self._process.wait()
        if self._logging:
            await self._logging

    async def _log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        # Read in pieces: a library's line without an end must not stop the reading.
        while line := await process.stderr.read(4096):
            logger.info("%s: %s", self._module, line.decode(errors="replace").rstrip())
