"""Server CPU per caption delivered, beside what one would write instead."""

from __future__ import annotations

import contextlib
import statistics
from collections import defaultdict

from tests.bench.listeners import table
from tests.bench.listeners.ground import Ground
from tests.bench.listeners.hall import Hall, open_hall
from tests.bench.listeners.servers import CHANNELS, CHANNELS_ON_DAPHNE, OURS, WEBSOCKETS
from tests.bench.listeners.stretch import Stretch
from tests.bench.listeners.tally import Delays

LISTENERS = 1_000
ROUNDS = 5
SECONDS = 6.0
AT_MOST = 1.6
OTHERS = {
    "a plain Channels consumer on uvicorn": CHANNELS,
    "a plain Channels consumer on Daphne": CHANNELS_ON_DAPHNE,
}


async def measure(ground: Ground, *, quick: bool) -> int:
    """Our server and a bare one in turns, so that a busy moment of the machine hits both."""
    count, rounds, seconds = (200, 1, 2.0) if quick else (LISTENERS, ROUNDS, SECONDS)
    stretch = Stretch(seconds=seconds, partials_per_s=3, finals_per_s=2)
    table.title(f"CPU per caption delivered: {count} sockets, 5 captions a second, one core")
    found = 0
    spent: dict[str, list[float]] = defaultdict(list)
    async with contextlib.AsyncExitStack() as stack:
        halls = {}
        for name, command in {"this server": OURS, "bare websockets.broadcast": WEBSOCKETS}.items():
            halls[name] = await stack.enter_async_context(open_hall(ground, command))
            await halls[name].crowd.join(count, ["es-ES"], speech=False)
        for _ in range(rounds):
            for name, hall in halls.items():
                found += await _hear(name, hall, stretch, spent)
        names = list(halls)
    for name, values in spent.items():
        spread = f"{min(values):.1f} to {max(values):.1f}"
        table.row(f"{name}, median of {rounds} ({spread})", f"{statistics.median(values):.1f} µs")
    ours, bare = (statistics.median(spent[name]) for name in names)
    table.row("ratio", f"{ours / bare:.2f}", f"{AT_MOST}")
    for name, command in OTHERS.items():
        async with open_hall(ground, command) as hall:
            await hall.crowd.join(count, ["es-ES"], speech=False)
            found += await _hear(name, hall, stretch, spent)
            table.row(name, f"{spent[name][0]:.1f} µs")
    return found


async def _hear(name: str, hall: Hall, stretch: Stretch, spent: dict[str, list[float]]) -> int:
    heard = await hall.hear(stretch)
    spent[name].append(heard.cpu_us_per_caption)
    others = heard.spent.others / heard.spent.passed
    table.note(f"{name}: {Delays.of(heard.tally.captions)}; others {others:.2f} cores")
    return table.faults(heard.tally)
