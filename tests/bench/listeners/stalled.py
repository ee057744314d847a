"""One listener that never reads, among five hundred that do."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time

from tests.bench.listeners import table
from tests.bench.listeners.ground import Ground
from tests.bench.listeners.hall import Hall, open_hall
from tests.bench.listeners.listener import Listener
from tests.bench.listeners.stretch import Stretch
from tests.bench.listeners.tally import Delays, Tally

LISTENERS = 500
RUNS = 5
AT_MOST = 1.5
FILLING = Stretch(seconds=2, finals_per_s=5, speech=True)
"""More than the kernel takes for somebody who does not read."""
SECONDS = 6.0
FLOOD = Stretch(seconds=8, finals_per_s=60, speech=True)
"""More frames than the server lets wait, within the time after which it asks for a sign of life."""
RETURNED_WITHIN_S = 20.0
GONE_WITHIN_S = 120.0
SEGMENT_BYTES = 1_460
"""As over Ethernet: through 127.0.0.1 the kernel would keep megabytes for each socket."""


async def measure(ground: Ground, *, quick: bool) -> int:
    """The others in runs with and without it by turns; then what becomes of it."""
    count, runs, seconds = (50, 1, 1.5) if quick else (LISTENERS, RUNS, SECONDS)
    talk = Stretch(seconds=seconds, partials_per_s=3, finals_per_s=2, speech=True)
    table.title(f"One listener that never reads, among {count} with sound")
    p99s: dict[bool, list[float]] = {True: [], False: []}
    found = 0
    async with open_hall(ground) as hall:
        await hall.crowd.join(count, ["es-ES"], speech=True)
        for _ in range(runs):
            for present in (False, True):
                stalled = await _stalled(hall) if present else None
                found += table.faults((await hall.hear(FILLING)).tally)
                heard = await hall.hear(talk)
                found += table.faults(heard.tally)
                delays = Delays.of(heard.tally.captions)
                p99s[present].append(delays.p99)
                table.note(f"{'with' if present else 'without'} it: {delays}")
                if stalled:
                    stalled.drop()
        without, with_it = (statistics.median(p99s[present]) for present in (False, True))
        table.row("p99 of the others, without", f"{without:.0f} ms")
        table.row("p99 of the others, with", f"{with_it:.0f} ms")
        table.row("ratio", f"{with_it / without:.2f}", f"{AT_MOST}")
        hall.crowd.leave()
        found += await _reads_again(hall)
        if not quick:
            await _never_reads(hall)
    return found


async def _reads_again(hall: Hall) -> int:
    """More than the server keeps for it, then it reads: it is told why, and comes back."""
    server = hall.servers[0]
    stalled = await _stalled(hall)
    before = server.memory().rss
    published = await hall.talk.publish(FLOOD)
    table.row("memory that it cost the server", f"{(server.memory().rss - before) / 2**20:.1f} MiB")
    assert stalled.socket
    stalled.socket.resume()
    deadline = time.monotonic() + RETURNED_WITHIN_S
    while not (stalled.close_code and stalled.listens) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    table.row("the code that it reads once it reads again", str(stalled.close_code), "4408")
    behind = published.last_seqs[stalled.language] - stalled.seq
    stalled.tally.wrong["finals lost"] += behind
    stalled.drop()
    return table.faults(stalled.tally)


async def _never_reads(hall: Hall) -> None:
    """How long the server holds a connection that takes nothing."""
    server = hall.servers[0]
    stalled = await _stalled(hall)
    assert stalled.socket
    port = stalled.socket.local_port
    began = time.monotonic()
    await hall.talk.publish(FLOOD)
    while server.holds(port) and time.monotonic() - began < GONE_WITHIN_S:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    took = "never" if server.holds(port) else f"{time.monotonic() - began:.0f} s"
    table.row("until the connection that is never read from is gone", took)
    stalled.drop()


async def _stalled(hall: Hall) -> Listener:
    """A listener with sound that has joined, and reads no more."""
    server = hall.servers[0]
    connected = socket.socket()
    connected.setblocking(False)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connected, ("127.0.0.1", server.port))
    listener = Listener(Tally(), server.host, hall.talk.path, "es-ES", speech=True)
    await listener.connect(connected)
    assert listener.socket
    listener.socket.pause()
    return listener
