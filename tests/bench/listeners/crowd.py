"""Many listeners in one process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from tests.bench.listeners.listener import Listener
from tests.bench.listeners.stretch import Published
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

    async def settle(self, published: Published, *, within_s: float) -> None:
        """Wait until everybody has the last final, and its speech; what has not come is lost.

        Speech is never replayed, so who came back meanwhile may lack some: that is not counted.
        """
        deadline = time.monotonic() + within_s
        while self._lacks(published) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        self.tally.wrong["finals lost"] += self._behind(published)
        self.tally.wrong["speech frames lost"] += self._unheard(published)

    def _lacks(self, published: Published) -> int:
        return self._behind(published) + self._unheard(published)

    def _behind(self, published: Published) -> int:
        last = published.last_seqs
        return sum(last[listener.language] - listener.seq for listener in self.listeners)

    def _unheard(self, published: Published) -> int:
        if self.tally.returns or self.tally.closed:
            return 0
        each = published.speech // len(published.last_seqs)
        hearing = sum(listener.speech for listener in self.listeners)
        return each * hearing - len(self.tally.speech)

    def leave(self) -> None:
        for listener in self.listeners:
            listener.drop()
        self.listeners.clear()
