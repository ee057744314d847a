"""Many listeners in one process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence

from tests.bench.listeners.listener import Listener
from tests.bench.listeners.tally import Tally

AT_ONCE = 50
"""Handshakes under way: as many as a hall that is asked to scan a code."""
JOINED_WITHIN_S = 120.0


class Crowd:
    """Listeners of one event; all write into the `tally` of the running stretch."""

    def __init__(self, hosts: Sequence[str], path: str) -> None:
        self.tally = Tally()
        self.listeners: list[Listener] = []
        self._hosts, self._path = hosts, path

    async def join(self, count: int, languages: Sequence[str], *, speech: bool) -> None:
        """Let so many more in, spread evenly over servers and languages."""
        began = len(self.listeners)
        new = [
            Listener(
                self.tally,
                self._hosts[number % len(self._hosts)],
                self._path,
                languages[number // len(self._hosts) % len(languages)],
                speech=speech,
            )
            for number in range(began, began + count)
        ]
        gate = asyncio.Semaphore(AT_ONCE)

        async def enter(listener: Listener) -> None:
            async with gate:
                await listener.connect()

        async with asyncio.timeout(JOINED_WITHIN_S), asyncio.TaskGroup() as group:
            for listener in new:
                group.create_task(enter(listener))
        self.listeners += new

    def begin(self) -> Tally:
        """Count anew; returns where."""
        self.tally = Tally()
        for listener in self.listeners:
            listener.tally = self.tally
        return self.tally

    async def return_some(self, count: int) -> None:
        """So many lose their connection and come back at once, with what they have."""
        began = time.monotonic()

        async def come_back(listener: Listener) -> None:
            await listener.connect()
            self.tally.returns.append(time.monotonic() - began)

        lost = random.sample([one for one in self.listeners if one.listens], count)
        for listener in lost:
            listener.drop()
        await asyncio.gather(*(come_back(listener) for listener in lost))

    async def settle(self, last_seqs: Mapping[str, int], *, within_s: float) -> None:
        """Wait until everybody has the last final; who has not by then has lost some."""
        deadline = time.monotonic() + within_s
        while self._behind(last_seqs) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        self.tally.wrong["finals lost"] += self._behind(last_seqs)

    def _behind(self, last_seqs: Mapping[str, int]) -> int:
        """Finals that were published and have not come."""
        return sum(last_seqs[listener.language] - listener.seq for listener in self.listeners)

    def leave(self) -> None:
        for listener in self.listeners:
            listener.drop()
        self.listeners.clear()
