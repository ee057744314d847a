"""Whether this process can serve, part by part: what `/healthz` tells whoever sends it visitors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import ClassVar

from channels.layers import get_channel_layer
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import TimeoutError as RedisTimeout

from sessions_app.availability import Availability
from sessions_app.database import in_database
from sessions_app.loops import PerLoop

logger = logging.getLogger(__name__)

ANSWERS_WITHIN_S = 2.0
LAYER_GIVES_UP_AFTER_S = 5.0
"""The next question then takes a new connection."""
OK = "ok"
SILENT = "does not answer"


class NotReady(Exception):
    """What is the matter with a part, in a few words for everyone; the log has the details."""


class Readiness(PerLoop):
    """Asks each part, and no part twice at once, however often and however long it is asked."""

    draining: ClassVar[bool] = False
    """This process is about to end: nobody else should be sent to it."""

    def __init__(self) -> None:
        self._asking: dict[str, asyncio.Task[str]] = {}
        self._settled: set[str] = set()

    async def report(self) -> dict[str, str]:
        """For each part `ok` or what is the matter with it; takes at most ANSWERS_WITHIN_S."""
        tasks = [self._ask(part) for part in _PARTS]
        await asyncio.wait(tasks, timeout=ANSWERS_WITHIN_S)
        return {
            part: task.result() if task.done() else SILENT
            for part, task in zip(_PARTS, tasks, strict=True)
        }

    def _ask(self, part: str) -> asyncio.Task[str]:
        """The answer being waited for, or a new question."""
        task = self._asking.get(part)
        if task is None or (task.done() and part not in self._settled):
            task = self._asking[part] = asyncio.create_task(self._answer(part))
        return task

    async def _answer(self, part: str) -> str:
        ask, once = _PARTS[part]
        try:
            await ask()
        except NotReady as reason:
            return str(reason)
        except (TimeoutError, RedisTimeout):
            return SILENT
        except Exception as error:  # whatever a driver raises, the answer is the same
            logger.warning("%s is not reachable: %s", part, error)
            return "not reachable"
        if once:
            self._settled.add(part)
        return OK


async def _ask_database() -> None:
    await in_database(_select)


def _select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _ask_layer() -> None:
    layer = get_channel_layer()
    # A group nobody is in: enough to find out whether the layer takes messages.
    sent = layer.group_send("healthz", {"type": "healthz"})
    await asyncio.wait_for(sent, LAYER_GIVES_UP_AFTER_S)


async def _ask_migrations() -> None:
    if await in_database(_unapplied):
        raise NotReady("not applied: run manage.py migrate")


def _unapplied() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


async def _ask_backend() -> None:
    problems = (await asyncio.to_thread(Availability.here)).problems
    if problems:
        logger.warning("The speech backend is not available: %s", " ".join(problems))
        raise NotReady("not available")


_PARTS: dict[str, tuple[Callable[[], Awaitable[None]], bool]] = {
    "database": (_ask_database, False),
    "channel_layer": (_ask_layer, False),
    "migrations": (_ask_migrations, True),
    "backend": (_ask_backend, True),
}
"""How each part is asked, and whether it stays right for good once it is."""
