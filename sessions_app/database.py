"""Database work from the event loop, also while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, InternalError, OperationalError

P = ParamSpec("P")
R = TypeVar("R")

AWAY = (OperationalError, InterfaceError, InternalError)
"""Raised where the database cannot be reached, is starting or read-only, or gave a connection up.

Whether a transaction that was being committed then has taken place is unknown."""
TRY_AGAIN_AFTER_S = (0.2, 0.5, 1.0, 2.0)
"""Pauses before the database is asked again while it is away; the last one repeats."""
SLOW_AFTER_S = 3.0
MOST_CONNECTIONS = 8
"""Of this process, each in a thread of its own: a database that hangs takes no other threads."""


_threads = ThreadPoolExecutor(MOST_CONNECTIONS, thread_name_prefix="database")


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in a thread that does nothing else, so that a slow page delays no caption."""
    run = database_sync_to_async(function, thread_sensitive=False, executor=_threads)
    result: R = await run(*args, **kwargs)
    return result


async def persist(
    away: Callable[[], None], function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """`in_database`, again and again while the database is away.

    The function must change nothing when it is called again after a call that succeeded. `away()`
    is called each time the database has failed, or has not answered for `SLOW_AFTER_S`.
    """
    tries = 0
    while True:
        slow = asyncio.get_running_loop().call_later(SLOW_AFTER_S, away)
        try:
            return await in_database(function, *args, **kwargs)
        except AWAY:
            away()
        finally:
            slow.cancel()
        await asyncio.sleep(TRY_AGAIN_AFTER_S[min(tries, len(TRY_AGAIN_AFTER_S) - 1)])
        tries += 1
