"""Servers that are measured: ours, and what one would write instead."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.services import answers, free_port

ROOT = Path(__file__).resolve().parents[3]
READY_WITHIN_S = 60
_UVICORN = (
    "-m uvicorn {application} --ws websockets-sansio --ws-per-message-deflate false "
    "--ws-max-size 262144 --lifespan off --log-level warning --port {port}"
)
OURS = "manage.py serve --port {port}"
_CHANNELS_APPLICATION = "tests.bench.listeners.plain_channels:application"
CHANNELS = _UVICORN.replace("{application}", _CHANNELS_APPLICATION)
CHANNELS_ON_DAPHNE = f"-m daphne -v 0 -p {{port}} {_CHANNELS_APPLICATION}"
WEBSOCKETS = "-m tests.bench.listeners.bare_websockets {port}"


@dataclass(frozen=True)
class Memory:
    """Resident, and of that what no other process shares; bytes."""

    rss: int
    uss: int


class Server:
    """A server process on a free port of 127.0.0.1; `cores` are those it may run on."""

    def __init__(
        self, command: str, environment: Mapping[str, str], folder: Path, cores: Sequence[int]
    ) -> None:
        self.port = free_port()
        self.log = folder / f"server-{self.port}.log"
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *command.format(port=self.port).split()],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._seen = psutil.Process(self._process.pid)
        self._seen.cpu_affinity(list(cores))

    def wait_until_ready(self) -> None:
        """Return once it takes connections. Raises RuntimeError where it does not."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server does not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def memory(self) -> Memory:
        """Now, in bytes."""
        used = self._seen.memory_full_info()
        return Memory(used.rss, used.uss)

    def tracebacks(self) -> int:
        """How many its log holds."""
        return self.log.read_bytes().count(b"Traceback")

    def holds(self, client_port: int) -> bool:
        """Whether its connection to this port of a client is still there."""
        return any(
            connection.raddr and connection.raddr.port == client_port
            for connection in self._seen.net_connections("tcp")
        )

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
