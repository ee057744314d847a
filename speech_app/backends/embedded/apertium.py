"""Apertium's translation modes as long-lived pipes of processes.

`apertium -z` buffers until the end of its input, so every stage of a mode's pipe is started here,
with `-z`: each flushes at a NUL. The pipes are closed by the kernel when the server ends, however
it ends, and the stages follow one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shlex
import subprocess
from collections import OrderedDict
from pathlib import Path

from sessions_app import metrics
from speech_app.backends.base import BackendDown

logger = logging.getLogger(__name__)

MODES = Path("/usr/share/apertium/modes")
_RESERVED = re.compile(r"([\[\]{}^$/\\@<>])")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNKNOWN = re.compile(r"(?<![\w\\])[*@#](?=\w)")
_BLOCK_END = "[][\n]"


def installed_modes(directory: Path = MODES) -> frozenset[str]:
    """Names of the modes on this machine, such as `eng-cat`."""
    return frozenset(path.stem for path in directory.glob("*.mode"))


def stages(mode: Path) -> list[list[str]]:
    """The commands of a mode's pipe, each reading and writing NUL-flushed blocks."""
    found = []
    for stage in mode.read_text().split("|"):
        words = [word for word in shlex.split(stage) if word != "$2"]
        command, *arguments = ["-n" if word == "$1" else word for word in words]
        found.append([command, "-z", *arguments])
    return found


def escape(text: str) -> str:
    """Text as Apertium's stages read it; a full stop and a blank end every block."""
    return _RESERVED.sub(r"\\\1", text.replace("\0", " ")) + "." + _BLOCK_END


def unescape(block: str) -> str:
    """The text of a block, without its trailer and the marks of unknown words."""
    block = block.removesuffix(_BLOCK_END).rstrip().removesuffix(".")
    return _ESCAPED.sub(r"\1", _UNKNOWN.sub("", block))


class Pipe:
    """One mode's running processes."""

    def __init__(self, mode: Path) -> None:
        self._mode = mode
        self._processes: list[subprocess.Popen[bytes]] = []
        self._reader = asyncio.StreamReader()
        self._transports: list[asyncio.BaseTransport] = []
        self._input: asyncio.WriteTransport | None = None
        self._logging: asyncio.Task[None] | None = None

    @property
    def pids(self) -> list[int]:
        """Process ids of the stages."""
        return [process.pid for process in self._processes]

    async def start(self) -> None:
        """Start every stage. Raises OSError."""
        loop = asyncio.get_running_loop()
        first_input, first_output, errors = await asyncio.to_thread(self._spawn)
        self._input, _ = await loop.connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(first_input, "wb", 0)
        )
        output, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), os.fdopen(first_output, "rb", 0)
        )
        error_reader = asyncio.StreamReader()
        error_output, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(error_reader), os.fdopen(errors, "rb", 0)
        )
        self._transports = [self._input, output, error_output]
        self._logging = asyncio.create_task(self._log(error_reader))

    def _spawn(self) -> tuple[int, int, int]:
        read_errors, write_errors = os.pipe()
        upstream, to_first = os.pipe()
        try:
            for command in stages(self._mode):
                read_end, write_end = os.pipe()
                try:
                    self._processes.append(
                        subprocess.Popen(  # noqa: S603
                            command,
                            stdin=upstream,
                            stdout=write_end,
                            stderr=write_errors,
                            # Ctrl-C is for the server, which then ends its pipes.
                            start_new_session=True,
                        )
                    )
                finally:
                    os.close(write_end)
                    os.close(upstream)
                    upstream = read_end
        except BaseException:
            for end in (upstream, to_first, read_errors):
                os.close(end)
            self._kill()
            raise
        finally:
            os.close(write_errors)
        return to_first, upstream, read_errors

    async def exchange(self, text: str) -> str:
        """The translation of one block. Raises EOFError when a stage has died."""
        assert self._input is not None
        self._input.write(escape(text).encode() + b"\0")
        try:
            block = await self._reader.readuntil(b"\0")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError from error
        answer = block[:-1].decode(errors="replace")
        if not answer.endswith(_BLOCK_END):
            # What the stages behind a dead one write before they end.
            raise EOFError
        return unescape(answer)

    async def stop(self) -> None:
        """End every stage and wait until it is gone."""
        for transport in self._transports:
            transport.close()
        if self._logging:
            self._logging.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._logging
        await asyncio.to_thread(self._kill)

    def _kill(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    async def _log(self, errors: asyncio.StreamReader) -> None:
        while line := await errors.read(4096):
            logger.info("%s: %s", self._mode.stem, line.decode(errors="replace").rstrip())


class Mode:
    """One translation mode: its pipe is started on first use, restarted when it dies or hangs,
    stopped when idle. Texts pass one after the other."""

    IDLE_SECONDS = 300.0
    ANSWER_SECONDS = 10.0
    """A sentence takes 3–7 ms, the first one after the start up to 2 s on a busy machine."""
    REMEMBERED = 256
    """Texts whose translation is remembered: languages that share a pivot share the work."""

    def __init__(self, name: str, directory: Path = MODES) -> None:
        self.name = name
        self._path = directory / f"{name}.mode"
        self._pipe: Pipe | None = None
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._remembered: OrderedDict[str, str] = OrderedDict()
        self._tasks: set[asyncio.Task[str]] = set()

    @property
    def pids(self) -> list[int]:
        """Process ids of the running stages."""
        return self._pipe.pids if self._pipe else []

    async def translate(self, text: str) -> str:
        """The text in the mode's target language. Raises BackendDown after a second failure.

        Who is cancelled only stops waiting: the pipe finishes the text, as an answer that nobody
        reads would be taken for the next one.
        """
        task = asyncio.create_task(self._translate_in_turn(text))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Told here to whoever still waits; where nobody does, nobody needs to know.
            task.exception()

    async def _translate_in_turn(self, text: str) -> str:
        async with self._turn:
            if text in self._remembered:
                self._remembered.move_to_end(text)
                return self._remembered[text]
            try:
                translated = await self._try(text)
            except (EOFError, TimeoutError, OSError):
                logger.warning("Apertium's %s failed and is started again", self.name)
                metrics.count_worker_restart("translation")
                try:
                    translated = await self._try(text)
                except (EOFError, TimeoutError, OSError) as error:
                    raise BackendDown(f"Apertium's {self.name} does not answer.") from error
            self._remembered[text] = translated
            if len(self._remembered) > self.REMEMBERED:
                self._remembered.popitem(last=False)
            return translated

    async def close(self) -> None:
        """Stop the pipe."""
        if self._idle:
            self._idle.cancel()
        if self._stopping:
            await self._stopping
        async with self._turn:
            await self._drop()

    async def _try(self, text: str) -> str:
        if self._idle:
            self._idle.cancel()
        answered = False
        try:
            async with asyncio.timeout(self.ANSWER_SECONDS):
                if self._pipe is None:
                    pipe = Pipe(self._path)
                    await pipe.start()
                    self._pipe = pipe
                translated = await self._pipe.exchange(text)
            answered = True
            return translated
        finally:
            if not answered:
                await self._drop()
            self._idle = asyncio.get_running_loop().call_later(self.IDLE_SECONDS, self._stop_idle)

    def _stop_idle(self) -> None:
        self._stopping = asyncio.create_task(self._stop_when_free())

    async def _stop_when_free(self) -> None:
        async with self._turn:
            await self._drop()

    async def _drop(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe:
            await pipe.stop()
