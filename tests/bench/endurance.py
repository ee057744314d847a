"""A long talk in the production set-up, with what may break in it broken on purpose.

Run as `python -m tests.bench.endurance [--minutes 5] [--listeners 200]`. Two server processes
behind nginx, PostgreSQL and Redis, all of its own; the sample talk over and over in real time,
recognised, translated into four languages and voiced by the embedded backend; listeners that follow
the protocol's rules. Three talks: in the first a random server process is killed (`kill -9`) every
20 s and started again; in the second Redis, in the third PostgreSQL is killed in mid-talk and away
for 30 s (these two last two minutes). Afterwards it counts what was lost, doubled or out of order
in the transcript and at every listener, by the rules in `tests/transcripts.py`; the exit code says
whether there was anything.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.bench.accuracy import sentences
from tests.clients import BYTES_PER_MS, FaithfulListener, recorded
from tests.cluster import Cluster, missing
from tests.services import Service
from tests.transcripts import Verdict
from tests.whole_talk import NewEvent, Talk, make_events

TRANSLATED = ("es-ES", "fr-FR", "pt-BR", "ca-ES")
HEARD = (*TRANSLATED, "en-US")
ROUND_MS = 56_300
"""The sample talk's length, in whole frames of 100 ms."""
KILL_EVERY_S = 20.0
OUTAGE_BEGINS_MS = 40_000
OUTAGE_S = 30.0
ROUNDS_WITH_OUTAGE = 2
WITH_SOUND = 10
"""One listener in so many has sound on."""


@dataclass
class Trouble:
    """Something that breaks; `happened` counts how often."""

    name: str
    make: Callable[[Talk], Awaitable[None]]
    rounds: int
    happened: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--listeners", type=int, default=200)
    options = parser.parse_args()
    if lacking := missing():
        sys.exit(lacking)
    rounds = max(1, round(options.minutes * 60_000 / ROUND_MS))
    faults: list[str] = []
    with Cluster(processes=2) as cluster:
        troubles = _troubles(cluster, rounds)
        events = make_events(cluster, len(troubles), TRANSLATED)
        for trouble, event in zip(troubles, events, strict=True):
            faults += asyncio.run(_hold(cluster, event, trouble, options.listeners))
    for fault in faults:
        print(f"  {fault}")
    sys.exit(1 if faults else 0)


def _troubles(cluster: Cluster, rounds: int) -> list[Trouble]:
    async def kill_processes(talk: Talk) -> None:
        end_ms = len(talk.pcm) // BYTES_PER_MS - KILL_EVERY_S * 500
        while True:
            due = time.monotonic() + KILL_EVERY_S
            process = random.choice(cluster.processes)  # noqa: S311 (any of them will do)
            await asyncio.to_thread(process.kill)
            killing.happened += 1
            await asyncio.to_thread(process.start)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if talk.position_ms > end_ms:
                return

    def outage(service: Service) -> Callable[[Talk], Awaitable[None]]:
        async def be_away(talk: Talk) -> None:
            await talk.reaches(OUTAGE_BEGINS_MS)
            await asyncio.to_thread(service.kill)
            await asyncio.sleep(OUTAGE_S)
            await asyncio.to_thread(service.start)

        return be_away

    killing = Trouble(f"kill -9 every {KILL_EVERY_S:.0f} s", kill_processes, rounds)
    return [
        killing,
        Trouble("Redis away for 30 s", outage(cluster.redis), ROUNDS_WITH_OUTAGE, 1),
        Trouble("PostgreSQL away for 30 s", outage(cluster.postgres), ROUNDS_WITH_OUTAGE, 1),
    ]


async def _hold(cluster: Cluster, event: NewEvent, trouble: Trouble, listeners: int) -> list[str]:
    """Hold one talk, print its line, return what was wrong."""
    print(f"{trouble.name}: {trouble.rounds} times the sample talk …", file=sys.stderr)
    audience = [
        FaithfulListener(
            cluster.socket_url,
            event.join_code,
            HEARD[number % len(HEARD)],
            speech=number % WITH_SOUND == 0,
        )
        for number in range(listeners)
    ]
    pcm = recorded(0, ROUND_MS) * trouble.rounds
    talk = Talk(cluster, event, pcm, 1, audience)
    await talk.give(trouble.make)
    said = sentences("en") * trouble.rounds
    transcript, heard = talk.judge(said), talk.at_listeners()
    assert talk.stored is not None
    finals = sum(len(one.captions) for one in audience)
    print(
        f"{trouble.name} ({trouble.happened}x), {trouble.rounds * ROUND_MS / 60_000:.1f} min, "
        f"{listeners} listeners in {len(HEARD)} languages\n"
        f"  transcript: {_counts(transcript)} of {len(said)} sentences in "
        f"{len(talk.stored.segments)} segments, {transcript.word_error_rate:.1%} of words wrong\n"
        f"  listeners:  {_counts(heard)} of {finals} finals; "
        f"{sum(one.connections for one in audience) - listeners} reconnections"
    )
    return transcript.faults + heard.faults


def _counts(verdict: Verdict) -> str:
    return (
        f"{len(verdict.lost)} lost, {len(verdict.doubled)} doubled, "
        f"{len(verdict.disordered)} out of order"
    )


if __name__ == "__main__":
    main()
