"""What any living process does every few seconds for those that have died."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from sessions_app.database import in_database
from sessions_app.holding import release_overdue
from sessions_app.models import LiveSession


class Finishers:
    """Whoever can translate registers here, once, when Django starts."""

    _look: ClassVar[Callable[[], Awaitable[None]] | None] = None

    @classmethod
    def provide(cls, look: Callable[[], Awaitable[None]]) -> None:
        """`look()` begins to finish what sessions that nobody interprets lack."""
        cls._look = look

    @classmethod
    async def look(cls) -> None:
        if cls._look:
            await cls._look()


async def tidy() -> None:
    """Stop what vanished speakers left, show what is overdue, translate what is missing."""
    await in_database(LiveSession.sweep)
    await in_database(release_overdue)
    await Finishers.look()
