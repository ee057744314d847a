"""Captions that are missing in sessions nobody interprets, translated by any living process.

A process that died between a sentence and its translations leaves such, and so does a sentence
that was dropped before it was translated and is brought back. They are stored and published by an
Interpreter that listens to nobody, under an epoch of its own: whoever resumes the session
supersedes it and goes on with the rest.
"""

from __future__ import annotations

import asyncio
import logging

from sessions_app.database import AWAY, in_database
from sessions_app.loops import PerLoop
from sessions_app.models import LiveSession
from sessions_app.works import Works
from speech_app.backends import get_backend
from speech_app.following import LOOK_EVERY_S, orders_for
from speech_app.interpreter import Interpreter
from speech_app.plan import Plan

logger = logging.getLogger(__name__)


class Finishing(PerLoop):
    """The sessions that this process finishes at the moment."""

    def __init__(self) -> None:
        self._sessions: set[int] = set()
        self._works = Works()

    async def look(self) -> None:
        """Begin to finish what is to be finished; nobody waits for that."""
        for session in await in_database(list, LiveSession.to_finish().select_related("event")):
            if session.pk not in self._sessions:
                await self._begin(session)

    async def _begin(self, session: LiveSession) -> None:
        try:
            plan = await in_database(Plan.of, session.event, get_backend())
        except AWAY:
            raise
        except Exception:
            # A session stays paused or ended, and its listeners served, whatever the backend lacks.
            logger.exception("Session %s cannot be finished", session.pk)
            await in_database(session.put_off_finishing)
            return
        claimed = await in_database(LiveSession.claim_to_finish, session.pk, list(plan.voices))
        if claimed:
            self._sessions.add(claimed.pk)
            self._works.begin(self._finish(claimed, plan))

    async def _finish(self, session: LiveSession, plan: Plan) -> None:
        interpreter = Interpreter(session, get_backend(), plan)
        keeping = asyncio.create_task(_keep(interpreter))
        try:
            logger.info("Session %s lacks captions, which are translated now", session.pk)
            # What an operator holds is shown by whoever looks for what is overdue.
            interpreter.obey(await in_database(orders_for, session))
            await interpreter.open(listening=False)
            await interpreter.finish(held=False)
            await in_database(session.say_finished)
        except Exception:
            # Its claim runs out, and whoever looks then tries again.
            logger.exception("Session %s was not finished", session.pk)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await interpreter.close()
            self._sessions.discard(session.pk)


async def look_for_missing() -> None:
    """Begin to finish, in this process, what sessions that nobody interprets lack."""
    await Finishing.here().look()


async def _keep(interpreter: Interpreter) -> None:
    """Keep the claim, and to what operators want of the voices."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            await in_database(interpreter.session.keep_finishing)
            interpreter.obey(await in_database(orders_for, interpreter.session))
        except AWAY:
            continue  # what the claim is worth shows when something is stored
