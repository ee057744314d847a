"""A thousand listeners on one core, while some of them lose their connection and come back."""

from __future__ import annotations

import asyncio

from tests.bench.listeners import table
from tests.bench.listeners.ground import Ground
from tests.bench.listeners.hall import Hall, open_hall
from tests.bench.listeners.stretch import Stretch
from tests.bench.listeners.tally import Delays

LISTENERS = 1_000
RETURNING = 50
"""Each second."""
SECONDS = 30.0
AT_MOST_MS = 300
RETURNED_WITHIN_S = 60.0


async def measure(ground: Ground, *, quick: bool) -> int:
    """The captions of who comes back count from when they were published, replayed or not."""
    count, returning, seconds = (200, 10, 3.0) if quick else (LISTENERS, RETURNING, SECONDS)
    table.title(f"{count} listeners, one process, 5 captions a second, {returning} come back each")
    async with open_hall(ground) as hall:
        await hall.crowd.join(count, ["es-ES"], speech=False)
        still = await hall.hear(Stretch(seconds=seconds / 3, partials_per_s=3, finals_per_s=2))
        found = table.faults(still.tally)
        table.note(f"while nobody comes back: {Delays.of(still.tally.captions)}")
        coming = asyncio.create_task(_come_and_go(hall, returning, int(seconds)))
        heard = await hall.hear(Stretch(seconds=seconds, partials_per_s=3, finals_per_s=2))
        await asyncio.wait_for(coming, RETURNED_WITHIN_S)
    delays = Delays.of(heard.tally.captions)
    table.note(f"while they come back: {delays}")
    table.note(f"from a lost connection to the end of the replay: {Delays.of(heard.tally.returns)}")
    table.row("p99 from published to received", f"{delays.p99:.0f} ms", f"{AT_MOST_MS} ms")
    table.note(f"cores: {heard.spent}")
    return found + table.faults(heard.tally)


async def _come_and_go(hall: Hall, count: int, seconds: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(seconds):
            group.create_task(hall.crowd.return_some(count))
            await asyncio.sleep(1)
