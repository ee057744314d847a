"""Where a run takes place: a server with its database and Redis, a talk, and a crowd."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.listeners.crowd import Crowd
from tests.bench.listeners.meter import Meter, Spent
from tests.bench.listeners.servers import OURS, ROOT, Server
from tests.bench.listeners.stretch import Published, Stretch
from tests.bench.listeners.tally import Tally
from tests.services import PostgreSQL, Redis

SERVER_CORE = [0]
OTHER_CORE = [1]
SETTLED_WITHIN_S = 60.0


class Talk:
    """The publisher's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def publish(self, stretch: Stretch) -> Published:
        """Publish in real time; returns when the stretch is over."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asdict(stretch)).encode() + b"\n")
        return Published(**json.loads(await self.answer()))

    async def answer(self) -> str:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("The publisher has failed; its words stand above.")
        return line.decode()


@dataclass
class Hall:
    """All that takes part."""

    servers: list[Server]
    crowd: Crowd
    talk: Talk
    meter: Meter
    path: str

    async def hear(self, stretch: Stretch) -> Heard:
        """Publish, wait until everybody has every final, and say what that took."""
        tally = self.crowd.begin()
        before = self.meter.read()
        published = await self.talk.publish(stretch)
        await self.crowd.settle(published, within_s=SETTLED_WITHIN_S)
        return Heard(tally, published, self.meter.read() - before)


@dataclass
class Heard:
    """A stretch as the crowd heard it, and what it cost."""

    tally: Tally
    published: Published
    spent: Spent

    @property
    def cpu_us_per_caption(self) -> float:
        return 1e6 * self.spent.servers / len(self.tally.captions)


@contextlib.asynccontextmanager
async def open_hall(
    command: str = OURS,
    *,
    languages: Sequence[str] = ("es-ES",),
    processes: int = 1,
    postgresql: bool = False,
    cores: Sequence[int] = SERVER_CORE,
    other_cores: Sequence[int] = OTHER_CORE,
) -> AsyncIterator[Hall]:
    """Start everything, and end it. `other_cores` are for whatever is no server, and for us."""
    os.sched_setaffinity(0, other_cores)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(Redis())
        sql = stack.enter_context(PostgreSQL()) if postgresql else None
        environment = {
            "DJANGO_SETTINGS_MODULE": "avatartranslate.settings",
            "DATABASE_URL": sql.url if sql else f"sqlite:///{folder / 'bench.sqlite3'}",
            "REDIS_URL": redis.url,
            "VAR_DIR": str(folder),
            "LOG_LEVEL": "WARNING",
        }
        if sql:
            join_code = _make_event(environment)
        else:
            content, join_code = _sqlite_with_event()
            (folder / "bench.sqlite3").write_bytes(content)
        servers = []
        for _ in range(processes):
            servers.append(Server(command, environment, folder, cores))
            stack.callback(servers[-1].stop)
        path = f"/ws/listen/{join_code}/"
        crowd = Crowd([server.host for server in servers], path)
        stack.callback(crowd.leave)
        way = "product" if command == OURS else "plain"
        arguments = [way, join_code, *languages]
        async with _talk(arguments, environment) as talk:
            services = [
                service.process.pid for service in (redis, sql) if service and service.process
            ]
            meter = Meter([server.pid for server in servers], services, talk.pid)
            for server in servers:
                server.wait_until_ready()
            yield Hall(servers, crowd, talk, meter, path)


@contextlib.asynccontextmanager
async def _talk(arguments: Sequence[str], environment: dict[str, str]) -> AsyncIterator[Talk]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.listeners.publisher",
        *arguments,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        talk = Talk(process)
        await talk.answer()
        yield talk
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@functools.cache
def _sqlite_with_event() -> tuple[bytes, str]:
    """A database file that holds an event, and the event's join code; made once for all halls."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.sqlite3"
        join_code = _make_event({"DATABASE_URL": f"sqlite:///{file}", "VAR_DIR": folder})
        return file.read_bytes(), join_code


def _make_event(environment: Mapping[str, str]) -> str:
    """Prepare the empty database; returns the join code of an event in six languages."""

    def manage(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    manage("migrate", "--verbosity", "0")
    join_code: str = json.loads(manage("demo_event", "--json"))["join_code"]
    return join_code
