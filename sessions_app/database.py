"""Database work from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in a thread of the pool, so that a slow page delays no caption."""
    run = database_sync_to_async(function, thread_sensitive=False)
    result: R = await run(*args, **kwargs)
    return result
