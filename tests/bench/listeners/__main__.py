"""How many listeners a server carries, and how well, with a peer's way beside it.

    python -m tests.bench.listeners                  everything, about ten minutes
    python -m tests.bench.listeners --quick          everything small, under a minute
    python -m tests.bench.listeners cost memory      only these

Thousands of real sockets speak the protocol from one process, another publishes rows and frames by
way of the database and Redis, servers are measured from outside. Redis and PostgreSQL are started
for the run. Every final must come to every listener once and in order: where not, it says so and
the exit code is 1. Servers have a core of their own except where said; best on a quiet machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import resource
import sys
import time
from collections.abc import Coroutine
from typing import Any, Protocol

from tests.bench.listeners import abuse, cost, memory, returning, stalled, thousands
from tests.bench.listeners.ground import Ground, open_ground


class Scenario(Protocol):
    def __call__(self, ground: Ground, *, quick: bool) -> Coroutine[Any, Any, int]: ...


SCENARIOS: dict[str, Scenario] = {
    "cost": cost.measure,
    "returning": returning.measure,
    "thousands": thousands.measure,
    "stalled": stalled.measure,
    "abuse": abuse.measure,
    "memory": memory.measure,
}


def main() -> int:
    """Measure, print, and return 1 where a listener was not sent what it should be."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.listeners",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="*", help=", ".join(SCENARIOS))
    parser.add_argument("--quick", action="store_true", help="small and short: does it work?")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenario) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A pause of ours would look like one of the server's.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    load = os.getloadavg()[0]
    print(
        f"{platform.platform()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {load:.2f}"
    )
    found = 0
    with open_ground() as ground:
        for name in arguments.scenario or SCENARIOS:
            began = time.monotonic()
            found += asyncio.run(SCENARIOS[name](ground, quick=arguments.quick))
            print(f"  {name} took {time.monotonic() - began:.0f} s", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
