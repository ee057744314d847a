"""Memory of a server per listener that only listens."""

from __future__ import annotations

import asyncio

from tests.bench.listeners import table
from tests.bench.listeners.ground import Ground
from tests.bench.listeners.hall import Hall, open_hall
from tests.bench.listeners.servers import Memory
from tests.bench.listeners.stretch import Stretch

SIZES = (1_000, 5_000)
AT_MOST_KIB = 40
HISTORY = Stretch(seconds=2, finals_per_s=30)
SETTLING_S = 3.0


async def measure(ground: Ground, *, quick: bool) -> int:
    """Joined in the middle of a talk, over the process that one listener has come to and left."""
    sizes = (400,) if quick else SIZES
    table.title("Memory per idle listener")
    found = 0
    async with open_hall(ground) as hall:
        await hall.talk.publish(HISTORY)
        await hall.crowd.join(1, ["es-ES"], speech=True)
        hall.crowd.leave()
        empty = await _settled(hall)
        table.row("the process without listeners (RSS)", f"{empty.rss / 2**20:.1f} MiB")
        for size in sizes:
            await hall.crowd.join(size - len(hall.crowd.listeners), ["es-ES"], speech=True)
            full = await _settled(hall)
            rss, uss = ((a - b) / size / 1024 for a, b in _pairs(full, empty))
            table.row(f"{size} listeners, RSS", f"{rss:.1f} KiB", f"{AT_MOST_KIB} KiB")
            table.row(f"{size} listeners, USS", f"{uss:.1f} KiB", f"{AT_MOST_KIB} KiB")
        found += table.faults(hall.crowd.tally)
    return found


def _pairs(full: Memory, empty: Memory) -> list[tuple[int, int]]:
    return [(full.rss, empty.rss), (full.uss, empty.uss)]


async def _settled(hall: Hall) -> Memory:
    await asyncio.sleep(SETTLING_S)
    return hall.servers[0].memory()
