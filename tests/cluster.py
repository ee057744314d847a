"""The production set-up on one machine without containers, for tests and by hand.

PostgreSQL, Redis, several `manage.py serve` and nginx with `deploy/nginx.conf` in front, each on a
free port of 127.0.0.1 and gone with whoever started it. By hand, until Ctrl-C:

    .venv/bin/python -m tests.cluster --processes 2
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import Any

import psutil  # type: ignore[import-untyped]

from tests.services import (
    READY_WITHIN_S,
    MissingBinary,
    PostgreSQL,
    Redis,
    Service,
    Startable,
    answers,
)

ROOT = Path(__file__).resolve().parent.parent


class ServerProcess(Service):
    """One `manage.py serve`; answers once it is alive, whether or not it is ready."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__()
        self.environment = environment
        self._workers: list[psutil.Process] = []
        self._leaving = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def terminate(self) -> None:
        """Ask it to send everyone elsewhere and end; returns at once."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self._leaving = True

    def ensure(self) -> None:
        """Start it unless it runs; one that is about to end does so first."""
        if self._leaving:
            self.stop()
        self._leaving = False
        super().ensure()

    def kill(self) -> None:
        """`kill -9` of this process alone: its workers must notice by themselves."""
        if self.process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            self._workers += psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        self.process = None

    def remove(self) -> None:
        self.kill()
        for worker in self._workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        super().remove()

    def health(self) -> dict[str, Any]:
        """What `/healthz` says, ready or not."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:  # noqa: S310
                health: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                health = json.load(refusal)
        return health

    def _launch(self, output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _ready(self) -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{self.url}/healthz/live", timeout=5),  # noqa: S310
        ):
            return True
        return False


class Nginx(Service):
    """nginx with `deploy/nginx.conf`, in front of these ports."""

    def __init__(self, static_files: Path) -> None:
        super().__init__()
        self.static_files = static_files
        self.upstream: list[int] = []

    @property
    def access_log(self) -> Path:
        return self.folder / "access.log"

    @staticmethod
    def binary() -> str:
        """Raises MissingBinary."""
        found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if found is None:
            raise MissingBinary("nginx is missing: apt-get install nginx-light")
        return found

    def _launch(self, output: int) -> subprocess.Popen[bytes]:
        shutil.copy(ROOT / "deploy/nginx.conf", self.folder)
        (self.folder / "listen.conf").write_text(f"listen 127.0.0.1:{self.port} backlog=4096;\n")
        (self.folder / "site.conf").write_text(self._site())
        # Its workers read the static files, which lie in a folder of this user's alone.
        main = f"daemon off; pid {self.folder}/pid; {'user root;' if os.geteuid() == 0 else ''}"
        return subprocess.Popen(
            [self.binary(), "-e", "stderr", "-c", str(self.folder / "nginx.conf"), "-g", main],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _site(self) -> str:
        servers = "".join(f"server 127.0.0.1:{port} max_fails=0;\n" for port in self.upstream)
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"upstream avatartranslate {{ least_conn; {servers} }}\n"
            f'map "" $static_files {{ default "{self.static_files}"; }}\n'
            f"access_log {self.access_log} shown;\n"
            f"error_log stderr crit;\n{temporary}"
        )

    def _ready(self) -> bool:
        return answers(self.port)


class Cluster(Startable):
    """The whole set-up. A context manager: whatever happens, nothing of it is left.

    `environment` is added to that of every server process.
    """

    def __init__(self, processes: int = 2, **environment: str) -> None:
        _allow_many_sockets()
        self._temporary = tempfile.TemporaryDirectory(prefix="avatartranslate-cluster-")
        folder = Path(self._temporary.name)
        self.postgres, self.redis = PostgreSQL(), Redis()
        self.nginx = Nginx(folder / "static")
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DEBUG": "false",
            "ALLOWED_HOSTS": "127.0.0.1",
            "CSRF_TRUSTED_ORIGINS": self.url,
            "PUBLIC_URL": self.url,
            "VAR_DIR": str(folder / "var"),
            "STATIC_ROOT": str(folder / "static"),
            "EMBEDDED_MAX_SPEAKERS": "8",
            # Where the processes of one machine settle who speaks: not with those of another test.
            "TMPDIR": str(folder),
            **environment,
        }
        self.processes = [ServerProcess(self.environment) for _ in range(processes)]
        self.nginx.upstream = [process.port for process in self.processes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.nginx.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.nginx.port}"

    def start(self) -> None:
        """Start whatever does not run; returns once every process is ready."""
        first = not Path(self.environment["STATIC_ROOT"]).exists()
        for service in (self.postgres, self.redis):
            service.ensure()
        if first:
            self.manage("migrate", "--verbosity=0")
            self.manage("collectstatic", "--verbosity=0", "--no-input")
        for process in self.processes:
            process.ensure()
        self.nginx.ensure()
        deadline = time.monotonic() + READY_WITHIN_S
        for process in self.processes:
            while not (health := process.health())["ready"]:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Not ready: {health}\n{process.log.read_text()}")
                time.sleep(0.1)

    def remove(self) -> None:
        """End everything, and forget it."""
        with contextlib.ExitStack() as stack:
            # Each of them, even where the end of another fails.
            stack.callback(self._temporary.cleanup)
            for service in (self.postgres, self.redis, *self.processes, self.nginx):
                stack.callback(service.remove)

    def manage(self, *command: str) -> str:
        """What `manage.py` prints when it is run with this set-up's settings."""
        return manage(self.environment, *command)


def manage(environment: dict[str, str], *command: str) -> str:
    """What `manage.py` prints; raises RuntimeError with what it complains about if it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(command)}:\n{done.stderr}")
    return done.stdout


def _allow_many_sockets() -> None:
    """For nginx, which inherits the bound, and for a test with thousands of listeners."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def missing() -> str:
    """What must be installed before a cluster can start; empty where nothing is."""
    try:
        PostgreSQL.binaries(), Redis.binary(), Nginx.binary()
    except MissingBinary as error:
        return str(error)
    return ""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    if lacking := missing():
        sys.exit(lacking)
    with contextlib.suppress(KeyboardInterrupt), Cluster(options.processes) as cluster:
        event = json.loads(cluster.manage("demo_event", "--json", "--base-url", cluster.url))
        sys.stdout.write(
            f"Listener: {event['listener_url']}\nSpeaker:  {event['speaker_url']}\n"
            f"PostgreSQL: {cluster.postgres.url}\nRedis: {cluster.redis.url}\n"
            + "".join(
                f"Process {p.process.pid if p.process else 0}: {p.url}, log {p.log}\n"
                for p in cluster.processes
            )
            + f"nginx: {cluster.url}\nCtrl-C ends it all.\n"
        )
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
