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
FLOOD = Stretch(seconds=2, finals_per_s=60, speech=True)
CLOSED_WITHIN_S = 60.0
READS_AGAIN_WITHIN_S = 20.0
SEGMENT_BYTES = 1_460
"""As over Ethernet: through 127.0.0.1 the kernel would keep megabytes for each socket."""


async def measure(ground: Ground, *, quick: bool) -> int:
    """The others in runs with and without it by turns; then until the server has had enough."""
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
        found += await _until_closed(hall)
    return found


async def _until_closed(hall: Hall) -> int:
    """Speech in quick succession, until the server closes the socket that does not drain."""
    server = hall.servers[0]
    stalled = await _stalled(hall)
    assert stalled.socket
    port = stalled.socket.local_port
    before = most = server.memory().rss
    began = time.monotonic()
    published = await hall.talk.publish(FLOOD)
    while server.holds(port) and time.monotonic() - began < CLOSED_WITHIN_S:
        published = await hall.talk.publish(FLOOD)
        most = max(most, server.memory().rss)
    took, held = time.monotonic() - began, server.holds(port)
    table.row("memory that it cost the server at most", f"{(most - before) / 2**20:.1f} MiB")
    table.row("until its connection was closed", "never" if held else f"{took:.0f} s")
    stalled.socket.resume()
    deadline = time.monotonic() + READS_AGAIN_WITHIN_S
    while not (stalled.close_code and stalled.listens) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    table.row("the code it then reads", str(stalled.close_code), "4408")
    if not stalled.listens:
        stalled.drop()
        await stalled.connect()
    language = stalled.language
    stalled.tally.wrong["finals lost"] += published.last_seqs[language] - stalled.seq
    stalled.drop()
    return table.faults(stalled.tally)


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
