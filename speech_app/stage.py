"""Who speaks through this process: one Interpreter per running session, and who may feed it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from sessions_app.broadcast import layer_is_away, publish_state
from sessions_app.database import AWAY, in_database, persist
from sessions_app.loops import PerLoop
from sessions_app.messages import Message, Problem, Start
from sessions_app.models import Event, LiveSession, Speaker
from sessions_app.models.transcript import (
    SPEAKER_GONE_AFTER,
    EventClosed,
    RehearsalFixed,
    SpeakerBusy,
    State,
    Superseded,
)
from sessions_app.works import Works
from speech_app.backends import get_backend
from speech_app.following import LOOK_EVERY_S, Sampler, orders_for
from speech_app.interpreter import Interpreter
from speech_app.plan import Plan

logger = logging.getLogger(__name__)

LATE_FOR_LISTENERS = Problem(
    code="overloaded",
    message="A part of the server is out of reach: for the moment listeners get captions some "
    "seconds late, and no voice. Go on speaking.",
)
_DONE_BY_OPERATOR = {
    State.PAUSED: "The organiser has paused the session. Press Resume to go on.",
    State.ENDED: "The organiser has ended the session.",
}


class SessionOver(Exception):
    """The session that was to go on has ended meanwhile."""

    def __init__(self, session: LiveSession) -> None:
        super().__init__(session)
        self.session = session


@dataclass(eq=False)
class Hold:
    """A running Interpreter and the socket that feeds it; `gone` counts down without one.

    `following` keeps to what operators want of it, and gives its signs of life while it stops.
    """

    event: int
    client: str
    interpreter: Interpreter
    replaced: Callable[[], None] | None = None
    gone: asyncio.Task[None] | None = None
    following: asyncio.Task[None] | None = None
    is_stopping: bool = False

    @property
    def session(self) -> LiveSession:
        return self.interpreter.session


class Stage(PerLoop):
    """The sessions this process interprets, and the only place where they begin and stop."""

    def __init__(self) -> None:
        self._holds: dict[int, Hold] = {}
        self._changing: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._works = Works()

    def next_frame(self, session: LiveSession) -> int:
        """The first frame a speaker of this session should send."""
        hold = self._holds.get(session.event_id)
        if hold and hold.session.pk == session.pk:
            return hold.interpreter.next_frame
        return session.acked_frame + 1

    async def go_live(
        self,
        speaker: Speaker,
        start: Start,
        *,
        known: int | None,
        tell: Callable[[Message], None],
        replaced: Callable[[], None],
    ) -> Hold:
        """Begin, resume or continue the event's session with this socket.

        `known` is the session that the page takes for running; `replaced()` is called when another
        socket takes its place. Raises BackendError, what `LiveSession.go_live` raises, Superseded
        where another process has just taken over, and SessionOver where the known one has ended:
        what was meant for it must not open another.
        """
        async with self._changing[speaker.event_id]:
            if known is not None and (over := await in_database(_ended, known)):
                raise SessionOver(over)
            hold = self._holds.get(speaker.event_id)
            if hold and await self._goes_on(hold, start):
                # First what may fail: until then it stays with whoever has it.
                if start.source_language != hold.session.source_language:
                    await hold.interpreter.set_source_language(start.source_language)
                if hold.replaced:
                    hold.replaced()
                if hold.gone:
                    hold.gone.cancel()
                    hold.gone = None
            else:
                plan = await in_database(_plan_of, speaker.event_id)
                if hold:
                    await self._make_room(hold, start)
                hold = await self._begin(speaker, start, plan)
            hold.interpreter.tell, hold.replaced = tell, replaced
            return hold

    async def pause(self, hold: Hold) -> LiveSession | None:
        """Finish what was said, then stop listening; returns what has become of the session."""
        return await self._works.carry_out(self._pause(hold))

    async def end(self, session: LiveSession, away: Callable[[], None]) -> LiveSession | None:
        """Finish what was said and end the session, wherever it was begun.

        Returns what has become of it: who has taken it over goes on. Waits for a database that is
        away, and calls `away()` meanwhile.
        """
        return await self._works.carry_out(self._end(session, away))

    def leave(self, hold: Hold) -> None:
        """The speaker's socket is gone; if nobody comes back in 30 s the session is paused."""
        hold.interpreter.tell = lambda message: None
        hold.replaced = None
        if self._holds.get(hold.event) is hold:
            hold.gone = asyncio.create_task(self._wait_for_speaker(hold))

    async def hand_over(self) -> None:
        """Let go of every session as it is: its speaker goes on at another process.

        What was acknowledged is stored, and the speaker's page sends the rest again there.
        """
        await asyncio.gather(*map(self._hand_over, list(self._holds.values())))

    async def _hand_over(self, hold: Hold) -> None:
        async with self._changing[hold.event]:
            await self._drop(hold)

    async def _pause(self, hold: Hold) -> LiveSession | None:
        async with self._changing[hold.event]:
            return await self._stop(hold, LiveSession.pause)

    async def _pause_abandoned(self, hold: Hold) -> None:
        async with self._changing[hold.event]:
            if hold.replaced is None:
                await self._stop(hold, LiveSession.pause)

    async def _end(self, session: LiveSession, away: Callable[[], None]) -> LiveSession | None:
        async with self._changing[session.event_id]:
            hold = self._holds.get(session.event_id)
            if hold and (hold.session.pk, hold.session.epoch) == (session.pk, session.epoch):
                return await self._stop(hold, LiveSession.end)
            with contextlib.suppress(Superseded):
                await persist(away, session.end)
                await publish_state(session)
            return await persist(away, _newest, session)

    async def _goes_on(self, hold: Hold, start: Start) -> bool:
        """Whether the running Interpreter serves this start. Raises RehearsalFixed."""
        if hold.interpreter.ended.is_set() or not await in_database(hold.session.touch):
            return False
        if hold.session.rehearsal != start.rehearsal:
            raise RehearsalFixed
        return hold.client == start.client

    async def _make_room(self, hold: Hold, start: Start) -> None:
        """Let go of what this process holds, so that the session can be claimed anew."""
        if hold.interpreter.ended.is_set():
            await self._drop(hold)
        elif hold.client == start.client or start.take_over:
            # Who takes over begins at once, and goes on with what an operator holds.
            await hold.interpreter.finish(held=False)
            await self._drop(hold)
            if hold.replaced:
                hold.replaced()
        else:
            raise SpeakerBusy

    async def _begin(self, speaker: Speaker, start: Start, plan: Plan) -> Hold:
        session = await in_database(
            LiveSession.go_live,
            speaker,
            client=start.client,
            source_language=start.source_language,
            rehearsal=start.rehearsal,
            take_over=start.take_over,
            backend=get_backend().name,
        )
        interpreter = Interpreter(session, get_backend(), plan)
        try:
            await interpreter.open()
            # The first sentence is voiced too: who listens must be known before it.
            interpreter.obey(await in_database(orders_for, session))
        except BaseException:
            await self._works.carry_out(_withdraw(interpreter))
            raise
        hold = Hold(event=speaker.event_id, client=start.client, interpreter=interpreter)
        self._holds[speaker.event_id] = hold
        hold.following = asyncio.create_task(self._follow(hold))
        await publish_state(session)
        return hold

    async def _stop(self, hold: Hold, change: Callable[[LiveSession], None]) -> LiveSession | None:
        if self._holds.get(hold.event) is not hold:  # handed over, or stopped already
            return await hold.interpreter.store(_newest, hold.session)
        hold.is_stopping = True
        await hold.interpreter.finish()
        await self._drop(hold)
        with contextlib.suppress(Superseded):
            await hold.interpreter.store(change, hold.session)
            await publish_state(hold.session)
        return await hold.interpreter.store(_newest, hold.session)

    async def _drop(self, hold: Hold) -> None:
        await hold.interpreter.close()
        for task in (hold.gone, hold.following):
            if task:
                task.cancel()
        if self._holds.get(hold.event) is hold:
            del self._holds[hold.event]

    async def _follow(self, hold: Hold) -> None:
        """Do what operators want, through whichever process they said so."""
        sampler = Sampler(hold.session.pk)
        failing = stopped = False
        while True:
            try:
                orders = await in_database(orders_for, hold.session)
                hold.interpreter.obey(orders)
                if orders.wanted and not stopped:
                    # A task of its own: stopping the session ends this one.
                    self._works.begin(self._obey_to_the_end(hold, State(orders.wanted)))
                    stopped = True
                if hold.is_stopping:
                    # An operator may hold its last sentences for longer than a speaker may be
                    # gone, and its socket no longer speaks for it.
                    await in_database(hold.session.touch)
                await in_database(sampler.sample, orders.heard)
                failing = False
            except Exception:
                # The next look may fare better; what holds on is said in the log once.
                if not failing:
                    logger.warning("Could not look after a session", exc_info=True)
                failing = True
            if layer_is_away():
                hold.interpreter.note(LATE_FOR_LISTENERS.code, LATE_FOR_LISTENERS.message)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _obey_to_the_end(self, hold: Hold, wanted: State) -> None:
        async with self._changing[hold.event]:
            if self._holds.get(hold.event) is hold:
                problem = Problem(code="operator", message=_DONE_BY_OPERATOR[wanted])
                hold.interpreter.tell(problem)
                change = LiveSession.pause if wanted == State.PAUSED else LiveSession.end
                await self._stop(hold, change)

    async def _wait_for_speaker(self, hold: Hold) -> None:
        """Where the speaker goes on at another process, what is held here is let go at once."""
        for _ in range(round(SPEAKER_GONE_AFTER.total_seconds())):
            if await self._is_lost(hold):
                break
            await asyncio.sleep(1)
        await self._works.carry_out(self._pause_abandoned(hold))

    async def _is_lost(self, hold: Hold) -> bool:
        if hold.interpreter.ended.is_set():
            return True
        try:
            newest = await in_database(_newest, hold.session)
        except AWAY:
            return False
        return newest is None or newest.epoch != hold.session.epoch


async def _withdraw(interpreter: Interpreter) -> None:
    session = interpreter.session
    await interpreter.close()
    with contextlib.suppress(Superseded):
        await in_database(session.withdraw)
        if session.pk is not None:
            await publish_state(session)


def _plan_of(pk: int) -> Plan:
    """Raises EventClosed, before anything that runs is touched."""
    event = Event.objects.get(pk=pk)
    if event.closed_at:
        raise EventClosed
    return Plan.of(event, get_backend())


def _newest(session: LiveSession) -> LiveSession | None:
    return LiveSession.objects.filter(pk=session.pk).first()


def _ended(session: int) -> LiveSession | None:
    return LiveSession.objects.filter(pk=session, state=State.ENDED).first()
