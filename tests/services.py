"""Redis and PostgreSQL of one's own: started, stopped, killed and started again by a test.

Each listens on a free port of 127.0.0.1 and keeps its data in a temporary folder, so that it comes
back at the same address with the same data. Nothing of the machine's own services is touched.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]

READY_WITHIN_S = 60
STOPPED_WITHIN_S = 30
PORTS = range(10_000, 30_000)
"""Below those that the kernel gives to clients: while a service is down nobody takes its port."""


class MissingBinary(Exception):
    """This machine lacks a program that a service is made of; the text says which to install."""


def free_port() -> int:
    """A port of 127.0.0.1 that stays free while nobody listens on it."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("None of a hundred ports is free.")


def answers(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Startable:
    """A context manager over `start` and `remove` that leaves nothing behind, come what may."""

    def start(self) -> None:
        raise NotImplementedError

    def remove(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


class Service(Startable):
    """A server process in a folder of its own."""

    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.port = free_port()
        self._temporary = tempfile.TemporaryDirectory(prefix="avatartranslate-test-")
        self.folder = Path(self._temporary.name)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self) -> None:
        """Start, at the same port with the data there is; returns once it answers."""
        assert not self.running, f"{type(self).__name__} runs already"
        with self.log.open("ab") as output:
            self.process = self._launch(output.fileno())
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{type(self).__name__} does not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ensure(self) -> None:
        """Start it unless it runs."""
        if not self.running:
            self.start()

    def stop(self) -> None:
        """As an administrator stops it: what it holds is kept."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """As a crash of the machine does it."""
        if self.process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            for process in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait()
        self.process = None

    def remove(self) -> None:
        """End it, and forget its data."""
        self.kill()
        self._temporary.cleanup()

    def _launch(self, output: int) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _ready(self) -> bool:
        raise NotImplementedError


class Redis(Service):
    """redis-server; what is written to it survives, as with a cautious administrator."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @staticmethod
    def binary() -> str:
        """Raises MissingBinary."""
        found = shutil.which("redis-server")
        if found is None:
            raise MissingBinary("redis-server is missing: apt-get install redis-server")
        return found

    def _launch(self, output: int) -> subprocess.Popen[bytes]:
        options = {"port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "yes"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return subprocess.Popen(
            [self.binary(), *arguments, "--dir", str(self.folder)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _ready(self) -> bool:
        """Not while it still reads what it held: it answers, and says so."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=1) as client,
        ):
            client.sendall(b"PING\r\n")
            return client.recv(16) == b"+PONG\r\n"
        return False


class PostgreSQL(Service):
    """A cluster with one empty database. It refuses to run as root: then user `postgres` runs it.

    Nothing is written through to the disk (fsync off), which a killed process does not notice.
    """

    # "Fast" shutdown: it does not wait until its clients have gone.
    stop_signal = signal.SIGINT

    @property
    def url(self) -> str:
        return f"postgres://tester@127.0.0.1:{self.port}/postgres"

    @staticmethod
    def binaries() -> Path:
        """The folder of the newest version's programs. Raises MissingBinary."""
        found = sorted(
            Path("/usr/lib/postgresql").glob("*/bin/postgres"),
            key=lambda path: int(path.parent.parent.name),
        )
        if not found:
            raise MissingBinary("PostgreSQL is missing: apt-get install postgresql")
        return found[-1].parent

    _user = "postgres" if os.geteuid() == 0 else None

    def start(self) -> None:
        if not (self.folder / "data").exists():
            self._make_cluster()
        super().start()

    def _make_cluster(self) -> None:
        if self._user:
            shutil.chown(self.folder, self._user, self._user)
        options = ["--auth=trust", "--no-sync", "--username=tester"]
        subprocess.run(
            [self.binaries() / "initdb", *options, "--encoding=UTF8", "--locale=C.UTF-8", "data"],
            cwd=self.folder,
            check=True,
            capture_output=True,
            user=self._user,
            group=self._user,
        )

    def _launch(self, output: int) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "300",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return subprocess.Popen(
            [self.binaries() / "postgres", "-D", "data", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=self._user,
            group=self._user,
        )

    def _ready(self) -> bool:
        """Whether it takes connections: not while it recovers from a crash."""
        asked = subprocess.run(
            [self.binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
        )
        return asked.returncode == 0
