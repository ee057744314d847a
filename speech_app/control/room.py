"""This process's operators: each event's picture is read once, whoever looks at it.

The database is the truth, and looked at twice a second while anybody is there; so operators of
every process see each other's changes. Only words that are still being spoken come through the
channel layer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any

from sessions_app.admission import account_of
from sessions_app.broadcast import control_group
from sessions_app.database import AWAY, in_database
from sessions_app.groups import Groups
from sessions_app.loops import PerLoop
from sessions_app.messages import Message
from sessions_app.models import Event, OperatorPresence
from sessions_app.outbox import Frame, Outbox
from sessions_app.permissions import Action, may
from sessions_app.tidying import tidy
from sessions_app.works import Works
from speech_app.control.messages import Clock
from speech_app.control.picture import Picture, picture_of, samples_of

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
CHECK_EVERY_S = 2.0
"""Whose right was taken away sees nothing any more after this."""
CLOCK_EVERY_S = 5.0
REPORT_EVERY_S = 3.0
"""Who is here, to the other processes; the row of a process that has died expires."""


class Operator:
    """One open page. `cookies` say whose it is; `send` and `shut_out` are its socket's."""

    def __init__(
        self,
        event: int,
        user: int,
        cookies: str,
        *,
        send: Callable[[Frame], Coroutine[Any, Any, None]],
        too_slow: Callable[[], object],
        shut_out: Callable[[], object],
    ) -> None:
        self.event = event
        self.user = user
        self.cookies = cookies
        self.shut_out = shut_out
        self._outbox = Outbox(send, too_slow)

    def tell(self, message: Message) -> None:
        self.put(message.encode())

    def put(self, frame: Frame) -> None:
        self._outbox.put(frame)

    def put_spoken(self, segment: int, frame: Frame) -> None:
        """Words still being spoken: where the socket is slow, only the newest are written."""
        self._outbox.put_partial(segment, frame)

    async def end(self) -> None:
        await self._outbox.close()


class ControlRoom:
    """One event's operators in this process, and what they were sent last."""

    def __init__(self, event: int, process: str) -> None:
        self._event = event
        self._process = process
        self._reported: frozenset[int] = frozenset()
        self._reported_at = float("-inf")
        self._operators: set[Operator] = set()
        self._sent: dict[str, str] = {}
        self._session: int | None = None
        self._samples: list[str] = []
        self._last_sample = 0
        self._away = False
        self._running = asyncio.create_task(self._run())

    @property
    def is_empty(self) -> bool:
        return not self._operators

    def enter(self, operator: Operator) -> None:
        """Show it everything there is, and from now on what changes."""
        self._tell_time(operator)
        for frame in [*self._sent.values(), *self._samples]:
            operator.put(frame)
        self._operators.add(operator)

    def leave(self, operator: Operator) -> None:
        self._operators.discard(operator)

    async def close(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    def spoken(self, frame: str) -> None:
        segment = json.loads(frame)["segment"]
        for operator in tuple(self._operators):
            operator.put_spoken(segment, frame)

    async def _run(self) -> None:
        checked = told = time.monotonic()
        while True:
            try:
                await self._look()
                if time.monotonic() - checked >= CHECK_EVERY_S:
                    checked = time.monotonic()
                    await self._check()
                away = False
            except Exception as error:
                if not self._away:
                    logger.warning("A control room cannot be kept up to date: %s", error)
                away = True
            if away != self._away or time.monotonic() - told >= CLOCK_EVERY_S:
                self._away, told = away, time.monotonic()
                for operator in tuple(self._operators):
                    self._tell_time(operator)
            await asyncio.sleep(LOOK_EVERY_S)

    def _tell_time(self, operator: Operator) -> None:
        operator.tell(Clock(now=round(time.time() * 1000), database=not self._away))

    async def _look(self) -> None:
        await self._report()
        picture = await in_database(_picture, self._event)
        if picture is None:  # deleted: `_check` shuts everybody out
            return
        if picture.session != self._session:
            self._session, self._samples, self._last_sample = picture.session, [], 0
            self._sent = {}
        frames = {key: message.encode() for key, message in picture.messages.items()}
        changed = [frame for key, frame in frames.items() if self._sent.get(key) != frame]
        if picture.session is not None:
            samples, self._last_sample = await in_database(
                samples_of, picture.session, self._last_sample
            )
            if samples:
                self._samples.append(samples.encode())
                changed.append(self._samples[-1])
        # Only now: what failed before this is told the next time.
        self._sent = frames
        for frame in changed:
            for operator in tuple(self._operators):
                operator.put(frame)

    async def _report(self) -> None:
        """Tell all processes who is here, at once where that has changed."""
        here = frozenset(operator.user for operator in self._operators)
        if here == self._reported and time.monotonic() - self._reported_at < REPORT_EVERY_S:
            return
        await in_database(_report, self._process, self._event, here)
        self._reported, self._reported_at = here, time.monotonic()

    async def _check(self) -> None:
        for operator in tuple(self._operators):
            allowed = await in_database(may_run, operator.cookies, self._event)
            if not allowed and operator in self._operators:
                operator.shut_out()


class ControlRooms(PerLoop):
    """The control rooms of this process, which exist while anybody is in them."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(8)
        self._rooms: dict[int, ControlRoom] = {}
        self._groups = Groups()
        self._tasks: list[asyncio.Task[None]] = []
        self.works = Works()

    async def enter(self, operator: Operator) -> None:
        room = self._rooms.get(operator.event)
        if room is None:
            room = self._rooms[operator.event] = ControlRoom(operator.event, self._process)
        room.enter(operator)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._mend())]
        await self._groups.join(control_group(operator.event))

    async def leave(self, operator: Operator) -> None:
        await operator.end()
        room = self._rooms.get(operator.event)
        if room is None:
            return
        room.leave(operator)
        if not room.is_empty:
            return
        del self._rooms[operator.event]
        await room.close()
        if operator.event not in self._rooms:  # nobody came meanwhile
            await self._groups.leave(control_group(operator.event))
        if operator.event not in self._rooms:
            # Where the database is away, the rows expire.
            with contextlib.suppress(*AWAY):
                await in_database(_report, self._process, operator.event, frozenset())
        if not self._rooms:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self._rooms:
                await self._groups.close()

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._groups.receive()
            except Exception:
                logger.warning("The channel layer cannot be read", exc_info=True)
                await asyncio.sleep(1)  # between two tries to reach the layer again
                continue
            if room := self._rooms.get(message["event"]):
                room.spoken(message["frame"])

    async def _mend(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self._groups.mend()
            try:
                # What an operator brings back may want translating, with nobody else there.
                await tidy()
                failing = False
            except Exception as error:
                if not failing:
                    logger.warning("What others left cannot be looked after: %s", error)
                failing = True


def may_run(cookies: str, event: int) -> bool:
    """Whether these cookies are those of somebody who may run this event. Reads the database."""
    found = Event.objects.filter(pk=event).first()
    return found is not None and may(account_of(cookies), Action.RUN, found)


def _picture(event: int) -> Picture | None:
    found = Event.objects.filter(pk=event).first()
    return picture_of(found) if found else None


def _report(process: str, event: int, users: frozenset[int]) -> None:
    # An event may have been deleted while its room was open.
    if Event.objects.filter(pk=event).exists():
        OperatorPresence.report(process, event, users)
