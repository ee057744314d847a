"""Where a scenario takes place: servers, a talk, and a crowd."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from tests.bench.listeners.crowd import Crowd
from tests.bench.listeners.ground import Ground
from tests.bench.listeners.meter import Meter, Spent
from tests.bench.listeners.servers import OURS, ROOT, Server
from tests.bench.listeners.stretch import Published, Stretch
from tests.bench.listeners.tally import Tally

SERVER_CORE = [0]
OTHER_CORE = [1]
SETTLED_WITHIN_S = 60.0
ENDED_WITHIN_S = 20.0


class Talk:
    """The publisher's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        self.path = ""
        """Where its listeners connect."""

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
    ground: Ground,
    command: str = OURS,
    *,
    languages: Sequence[str] = ("es-ES",),
    processes: int = 1,
    cores: Sequence[int] = SERVER_CORE,
    other_cores: Sequence[int] = OTHER_CORE,
) -> AsyncIterator[Hall]:
    """Start servers and a talk, and end them. `other_cores` are for whatever is no server."""
    ground.keep_to(other_cores)
    with contextlib.ExitStack() as stack:
        servers = []
        for _ in range(processes):
            servers.append(Server(command, ground.environment, ground.folder, cores))
            stack.callback(servers[-1].stop)
        way = "product" if command == OURS else "plain"
        async with _talk([way, *languages], ground.environment) as talk:
            for server in servers:
                server.wait_until_ready()
            crowd = Crowd([server.host for server in servers], talk.path)
            stack.callback(crowd.leave)
            meter = Meter([server.pid for server in servers], ground.services, talk.pid)
            yield Hall(servers, crowd, talk, meter)


@contextlib.asynccontextmanager
async def _talk(arguments: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Talk]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.listeners.publisher",
        *arguments,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        talk = Talk(process)
        talk.path = f"/ws/listen/{(await talk.answer()).strip()}/"
        yield talk
    finally:
        # The publisher ends its live session, and itself, when it is told nothing more.
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), ENDED_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()
