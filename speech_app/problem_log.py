"""What did not work in a live session, stored for its operators and for the time after it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from sessions_app.database import persist
from sessions_app.models import SessionLogEntry
from sessions_app.models.course import EntryKind

logger = logging.getLogger(__name__)

AGAIN_AFTER_S = 30.0
"""What lasts is said twice a minute, not at every sentence."""
STORED_WITHIN_S = 2.0


class ProblemLog:
    """Stores problems in the order they come, also after the database was away."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._noted: dict[tuple[str, str], float] = {}
        self._waiting: asyncio.Queue[SessionLogEntry] = asyncio.Queue()
        self._storing = asyncio.create_task(self._store())

    def note(self, code: str, text: str) -> None:
        """Store this, unless the same was noted in the last `AGAIN_AFTER_S`."""
        now = time.monotonic()
        if now - self._noted.get((code, text), float("-inf")) < AGAIN_AFTER_S:
            return
        self._noted[code, text] = now
        self._waiting.put_nowait(
            SessionLogEntry(session_id=self._session, kind=EntryKind.PROBLEM, code=code, text=text)
        )

    async def close(self) -> None:
        """Store what waits, if that can be done at once."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._waiting.join(), STORED_WITHIN_S)
        self._storing.cancel()
        await asyncio.gather(self._storing, return_exceptions=True)

    async def _store(self) -> None:
        while True:
            entry = await self._waiting.get()
            try:
                await persist(lambda: None, _save, entry)
            except Exception as error:  # its session may be deleted meanwhile
                logger.warning("A problem could not be logged: %s", error)
            finally:
                self._waiting.task_done()


def _save(entry: SessionLogEntry) -> None:
    """Store it, unless a connection that broke has hidden that it is stored."""
    stored = SessionLogEntry.objects.filter(
        session=entry.session_id, at=entry.at, code=entry.code, text=entry.text
    )
    if not stored.exists():
        entry.save()
