"""This process's listeners: each message is encoded once and written to every local socket.

A process joins one group per event and one per session and language, however many listeners it
holds. The database is the truth: a gap in `seq`, and every 2 s while somebody listens, this
process compares what it has with what is stored.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions_app.announcements import Announced, announced_at
from sessions_app.broadcast import event_group, stream_group
from sessions_app.database import in_database
from sessions_app.groups import Groups
from sessions_app.listener import NOTHING_ANNOUNCED, Listener
from sessions_app.loops import PerLoop
from sessions_app.messages import (
    After,
    Beat,
    History,
    LanguageItem,
    Languages,
    Message,
    Notice,
    Problem,
    Replayed,
    StateChange,
)
from sessions_app.metrics import count_deliveries, set_audience
from sessions_app.models import AudienceCount, CaptionStream, Event, LiveSession
from sessions_app.models.audience import Heard, StreamKey
from sessions_app.models.event import Door
from sessions_app.outage import Outage
from sessions_app.outbox import Frame
from sessions_app.sockets import NOT_ADMITTED, NOT_FOUND, RESTARTING
from sessions_app.stream import REPLAYED_SEGMENTS, Stream, last_segments
from sessions_app.tidying import tidy

logger = logging.getLogger(__name__)

COMPARE_EVERY_S = 2.0
BEAT_EVERY_S = 10.0
BEAT_PORTIONS = 50
"""Everybody's beat at the same moment would keep a caption waiting."""
REPORT_EVERY_S = 10.0
LINGER_S = 5.0
"""A room or a language that the last one has left is kept so long: phones come back soon."""
CLOSE_PORTIONS = 50

_STORAGE_DOWN = Problem(
    code="storage_down",
    message="The server cannot reach its transcript at the moment. Captions go on as soon as it "
    "can; nothing is lost.",
)
_LAYER_DOWN = Problem(
    code="overloaded",
    message="A part of the server is away. Captions come a little late and without voice until it "
    "is back.",
)

_EVENT_GONE = Problem(
    code="bad_message",
    message="This event is no longer there. Ask whoever invited you for another link.",
    fatal=True,
)


class Moved(Exception):
    """A listener went elsewhere before it could be brought where it was to go."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """What listeners may know of a session."""

    id: int
    state: str
    rehearsal: bool


@dataclass(eq=False)
class Room:
    """An event's listeners in this process, and the sessions they may hear."""

    event: int
    listeners: set[Listener] = field(default_factory=set)
    public: SessionView | None = None
    newest: SessionView | None = None
    announced: Announced = NOTHING_ANNOUNCED
    languages: Frame = ""
    """The `languages` message that goes with what is announced."""
    news: int = 0
    """Counts what the channel layer told: an older look at the database must not undo it."""
    opening: asyncio.Task[None] | None = None
    moving: asyncio.Task[None] | None = None
    idle_since: float = field(default_factory=time.monotonic)

    def view_for(self, listener: Listener) -> SessionView | None:
        return self.newest if listener.invited else self.public

    def state_for(self, listener: Listener) -> StateChange:
        view = self.view_for(listener)
        if view is None:
            return StateChange(session=None, state="waiting")
        return StateChange(session=view.id, state=view.state)

    def is_misplaced(self, listener: Listener) -> bool:
        """Whether it follows another session than it should; one that is joining finds its own."""
        view = self.view_for(listener)
        stream = listener.stream
        return listener.has_joined and (view and view.id) != (stream and stream.session)

    def forget(self) -> None:
        self.public = self.newest = None

    def learn(self, view: SessionView) -> None:
        """Take in a session's news, unless a newer session has begun since."""
        if self.newest is None or view.id >= self.newest.id:
            self.newest = view
        if not view.rehearsal and (self.public is None or view.id >= self.public.id):
            self.public = view


def _sessions_of(events: list[int]) -> dict[int, list[SessionView]]:
    """The newest session of each event and, where that is a rehearsal, the newest public one.

    An event that is not among them was deleted.
    """
    found: dict[int, list[SessionView]] = {}
    for event in Event.objects.filter(pk__in=events).values_list("pk", flat=True):
        rows = LiveSession.objects.filter(event=event).order_by("-pk")
        newest = rows.first()
        public = newest if newest and not newest.rehearsal else rows.filter(rehearsal=False).first()
        rows_shown = {row.pk: row for row in (newest, public) if row}.values()
        found[event] = [SessionView(row.pk, row.state, row.rehearsal) for row in rows_shown]
    return found


def _languages_of(event: int) -> Languages:
    return Languages(languages=LanguageItem.offered(Event.objects.get(pk=event)))


def _doors_of(events: list[int]) -> dict[int, Door]:
    rows = Event.objects.filter(pk__in=events).only("access", "pin")
    return {event.pk: event.door for event in rows}


class Audience(PerLoop):
    """Everyone who listens through this process. Its tasks run while there is anyone."""

    def __init__(self) -> None:
        self._process = uuid.uuid4().hex
        self._rooms: dict[int, Room] = {}
        self._streams: dict[tuple[int, str], Stream] = {}
        self._groups = Groups()
        self._tasks: list[asyncio.Task[None]] = []
        self._counts_changed = False
        self._news: set[int] = set()
        self._has_news = asyncio.Event()
        self._outages = {
            "database": Outage("database", _STORAGE_DOWN),
            "layer": Outage("channel layer", _LAYER_DOWN),
        }

    async def enter(self, listener: Listener) -> None:
        """Let a listener in; `listen` then chooses the language."""
        self._start()
        room = self._rooms.get(listener.event)
        if room is None:
            room = self._rooms[listener.event] = Room(listener.event)
            room.opening = _owned(self._open_room(room))
        room.listeners.add(listener)
        assert room.opening
        try:
            await asyncio.shield(room.opening)
        except BaseException:
            self.leave(listener)
            raise

    def leave(self, listener: Listener) -> None:
        """Take a listener out; nothing of the audience reaches it any more."""
        room = self._rooms.get(listener.event)
        if room is None or listener not in room.listeners:
            return
        room.listeners.discard(listener)
        room.idle_since = time.monotonic()
        self._counts_changed = True
        self._detach(listener)

    async def listen(
        self,
        listener: Listener,
        language: str,
        after: After | None,
        joined: Callable[[StateChange, int], Message],
    ) -> None:
        """Give the listener this language: `joined(state, seq)`, the replay, then live.

        Nothing of the language heard before follows.
        """
        room = self._rooms.get(listener.event)
        if room is None or listener not in room.listeners:
            return  # its socket was closed meanwhile
        self._detach(listener)
        listener.forget()
        listener.language = language
        listener.joining = True
        self._counts_changed = True
        try:
            while True:
                view = room.view_for(listener)
                missed, seq = await self._attach(listener, view.id, after) if view else ([], 0)
                now = room.view_for(listener)
                if (view and view.id) == (now and now.id):
                    break
        except Moved:
            return
        except BaseException:
            self._detach(listener)
            raise
        finally:
            listener.joining = False
        opening = joined(room.state_for(listener), seq).encode()
        listener.replay([opening, *missed, Replayed(seq=seq).encode()], seq)
        for outage in self._outages.values():
            if outage.is_told:
                listener.tell(outage.problem)
        self._tell_announced(room, listener)

    async def history(self, listener: Listener, before: int) -> None:
        """50 captions older than this segment, then whether there are more."""
        stream = listener.stream
        frames: list[Frame] = []
        if stream:
            frames, _ = await in_database(
                last_segments,
                stream.session,
                stream.language,
                before=before,
                most=REPLAYED_SEGMENTS + 1,
            )
        if listener.stream is not stream:
            return
        for frame in frames[-REPLAYED_SEGMENTS:]:
            listener.put(frame)
        listener.tell(History(more=len(frames) > REPLAYED_SEGMENTS))

    def set_speech(self, listener: Listener, on: bool) -> None:
        listener.speech = on
        self._counts_changed = True

    async def drain(self, within_s: float) -> None:
        """Send every listener to another process, spread over this time: thousands at once would
        fall on that one.
        """
        everyone = [listener for room in self._rooms.values() for listener in room.listeners]
        portion = len(everyone) // CLOSE_PORTIONS + 1
        for first in range(0, len(everyone), portion):
            for listener in everyone[first : first + portion]:
                listener.close(RESTARTING)
            await asyncio.sleep(within_s / CLOSE_PORTIONS)
        # Soon they are counted elsewhere, too.
        await self._report(self._counts())

    # Rooms and streams

    async def _open_room(self, room: Room) -> None:
        try:
            await self._groups.join(event_group(room.event))
            while True:
                news = room.news
                views = (await in_database(_sessions_of, [room.event])).get(room.event, [])
                if news == room.news:
                    break
            for view in views:
                room.learn(view)
            await self._look_for_announcements([room.event])
        except BaseException:
            self._rooms.pop(room.event, None)
            await self._groups.leave(event_group(room.event))
            raise

    async def _open_stream(self, stream: Stream) -> None:
        try:
            await self._groups.join(stream_group(stream.session, stream.language))
            await stream.open()
        except BaseException:
            self._streams.pop((stream.session, stream.language), None)
            await self._groups.leave(stream_group(stream.session, stream.language))
            raise

    async def _attach(
        self, listener: Listener, session: int, after: After | None
    ) -> tuple[list[Frame], int]:
        """Let the listener, which holds from now on, follow this session; what it lacks, up to
        which seq. Raises Moved where it went elsewhere meanwhile.
        """
        self._detach(listener)
        place = listener.place
        key = (session, listener.language)
        stream = self._streams.get(key)
        if stream is None:
            # Known before it is opened: what is published meanwhile waits in it.
            stream = self._streams[key] = Stream(*key)
            stream.opening = _owned(self._open_stream(stream))
        assert stream.opening
        await asyncio.shield(stream.opening)
        if listener.place != place:
            raise Moved
        listener.hold()
        listener.has_seq = 0
        listener.stream = stream
        stream.listeners.add(listener)
        missed = await stream.replay_for(after)
        if listener.place != place:
            raise Moved
        return missed

    def _detach(self, listener: Listener) -> None:
        listener.place += 1
        listener.let_go()
        stream, listener.stream = listener.stream, None
        if stream is not None:
            stream.listeners.discard(listener)
            stream.idle_since = time.monotonic()

    def _learn(
        self, event: int, views: Sequence[SessionView], *, seen_after: int | None = None
    ) -> None:
        """Tell everyone whom a session's news concerns, and move them to a new session.

        `seen_after`: the room's `news` when all its sessions were read; nothing happens if more
        came since. A session that is not among them was withdrawn.
        """
        room = self._rooms.get(event)
        if room is None or seen_after not in (None, room.news):
            return
        room.news += seen_after is None
        before = {listener: room.view_for(listener) for listener in room.listeners}
        if seen_after is not None:
            room.forget()
        for view in views:
            room.learn(view)
        for listener, known in before.items():
            if listener.has_joined and room.view_for(listener) != known:
                listener.tell(room.state_for(listener))
                if room.is_misplaced(listener):
                    # Nothing of the old session follows the news of the new one.
                    self._detach(listener)
        if room.moving is None and any(map(room.is_misplaced, room.listeners)):
            room.moving = _owned(self._move(room))

    def _dismiss(self, event: int) -> None:
        """The event was deleted. Whoever stayed could not even be counted, and nobody with them."""
        room = self._rooms.get(event)
        for listener in tuple(room.listeners) if room else ():
            listener.tell(_EVENT_GONE)
            listener.close(NOT_FOUND)

    async def _move(self, room: Room) -> None:
        """Bring everyone to the session they should hear; who cannot be is brought later."""
        failures: list[Exception] = []
        try:
            for listener in tuple(room.listeners):
                if listener not in room.listeners or not room.is_misplaced(listener):
                    continue
                view = room.view_for(listener)
                if view is None:
                    self._detach(listener)
                    continue
                try:
                    missed, seq = await self._attach(listener, view.id, None)
                    listener.replay([*missed, Replayed(seq=seq).encode()], seq)
                except Moved:
                    continue
                except Exception as error:
                    self._detach(listener)
                    failures.append(error)
        finally:
            room.moving = None
        if failures:
            logger.warning(
                "%d listeners could not follow a new session yet: %s", len(failures), failures[0]
            )

    # Tasks

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(task())
                for task in (
                    self._receive,
                    self._compare,
                    self._beat,
                    self._spread_news,
                    self._tend,
                )
            ]

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._groups.receive()
            except Exception:
                logger.warning("The channel layer cannot be read", exc_info=True)
                await asyncio.sleep(1)  # between two tries to reach the layer again
                continue
            if message["type"] == "announcement":
                self._news.add(message["event"])
                self._has_news.set()
            elif message["type"] == "state":
                view = SessionView(message["session"], message["state"], message["rehearsal"])
                self._learn(message["event"], [view])
            elif stream := self._streams.get((message["session"], message["language"])):
                stream.take(message)

    async def _spread_news(self) -> None:
        """Say at once what was announced; what fails here is made up for by `_compare`."""
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            news, self._news = self._news, set()
            try:
                await self._look_for_announcements(news)
            except Exception as error:
                logger.warning("An announcement is late: %s", error)

    async def _look_for_announcements(self, events: Iterable[int]) -> None:
        for event, announced in (await in_database(announced_at, events)).items():
            room = self._rooms.get(event)
            if room is None:
                continue
            if not room.languages or announced.muted != room.announced.muted:
                room.languages = (await in_database(_languages_of, event)).encode()
            room.announced = announced
            for listener in tuple(room.listeners):  # one that is too slow leaves meanwhile
                self._tell_announced(room, listener)

    @staticmethod
    def _tell_announced(room: Room, listener: Listener) -> None:
        """Tell it what it does not know yet of what is announced now."""
        known, now = listener.announced, room.announced
        if known == now or not listener.has_joined:
            return
        listener.announced = now
        if known.muted != now.muted:
            listener.put(room.languages)
        if known.notice != now.notice:
            listener.tell(Notice(text=now.notice))

    async def _compare(self) -> None:
        comparing: asyncio.Task[None] | None = None
        try:
            while True:
                await asyncio.sleep(COMPARE_EVERY_S)
                self._note("layer", await self._groups.mend())
                # One that hangs is waited for: a second one would hang beside it.
                if comparing is None or comparing.done():
                    comparing = asyncio.create_task(self._compare_once())
                done, _ = await asyncio.wait([comparing], timeout=COMPARE_EVERY_S)
                error = comparing.exception() if done else None
                self._note("database", bool(done) and error is None, error)
        finally:
            if comparing:
                comparing.cancel()
                await asyncio.gather(comparing, return_exceptions=True)

    def _note(self, part: str, works: bool, error: BaseException | None = None) -> None:
        """Take in whether a part works; tell everybody where that matters to them."""
        outage = self._outages[part]
        told = outage.works() if works else outage.fails(error)
        if not told:
            return
        for room in self._rooms.values():
            for listener in filter(lambda one: one.has_joined, room.listeners):
                listener.tell(room.state_for(listener) if works else outage.problem)

    async def _compare_once(self) -> None:
        await tidy()
        news = {event: room.news for event, room in self._rooms.items()}
        found = await in_database(_sessions_of, list(news))
        for event, seen_after in news.items():
            if event in found:
                self._learn(event, found[event], seen_after=seen_after)
            else:
                self._dismiss(event)
        for event, door in (await in_database(_doors_of, list(news))).items():
            self._check_door(event, door)
        await self._look_for_announcements(news)
        stored = await in_database(_stored_seqs, [session for session, _ in self._streams])
        for key, stream in self._streams.items():
            stream.compare(stored.get(key, 0))

    def _check_door(self, event: int, door: Door) -> None:
        """Send away whom the event would not let in now as it did then."""
        room = self._rooms.get(event)
        for listener in tuple(room.listeners) if room else ():
            if not door.lets_stay(listener.door):
                listener.door = door
                listener.close(NOT_ADMITTED)

    async def _beat(self) -> None:
        while True:
            everyone = [(room, one) for room in self._rooms.values() for one in room.listeners]
            portion = len(everyone) // BEAT_PORTIONS + 1
            for first in range(0, BEAT_PORTIONS * portion, portion):
                await asyncio.sleep(BEAT_EVERY_S / BEAT_PORTIONS)
                beats = 0
                for room, listener in everyone[first : first + portion]:
                    if listener.has_joined and listener in room.listeners:
                        beats += 1
                        state = room.state_for(listener)
                        seq = listener.stream.last_seq if listener.stream else 0
                        listener.tell(Beat(session=state.session, state=state.state, seq=seq))
                count_deliveries("other", beats)

    async def _tend(self) -> None:
        """Report who listens; leave what nobody hears any more; end when there is nobody."""
        since_report = REPORT_EVERY_S
        while self._rooms or self._streams:
            if self._counts_changed or since_report >= REPORT_EVERY_S:
                self._counts_changed, since_report = False, 0.0
                await self._report(self._counts())
            await asyncio.sleep(1)
            since_report += 1
            await self._leave_idle()
        others = self._tasks[:-1]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if not self._rooms:  # who came meanwhile has joined groups
            await self._groups.close()
        await self._report({})
        self._tasks = []
        if self._rooms:  # somebody came just now
            self._start()
            await self._groups.mend()

    async def _report(self, counts: dict[StreamKey, Heard]) -> None:
        by_language: Counter[str] = Counter()
        for key, heard in counts.items():
            by_language[key.language] += heard.listeners
        set_audience(by_language)
        try:
            await in_database(AudienceCount.report, self._process, counts)
        except Exception as error:
            self._counts_changed = True
            logger.warning("The audience could not be counted: %s", error)

    async def _leave_idle(self) -> None:
        long_ago = time.monotonic() - LINGER_S
        for key, stream in list(self._streams.items()):
            opened = stream.opening and stream.opening.done()
            if opened and not stream.listeners and stream.idle_since < long_ago:
                del self._streams[key]
                await self._groups.leave(stream_group(*key))
                await stream.close()
        for event, room in list(self._rooms.items()):
            opened = room.opening and room.opening.done() and not room.moving
            if opened and not room.listeners and room.idle_since < long_ago:
                del self._rooms[event]
                await self._groups.leave(event_group(event))

    def _counts(self) -> dict[StreamKey, Heard]:
        listeners: Counter[StreamKey] = Counter()
        with_sound: Counter[StreamKey] = Counter()
        for room in self._rooms.values():
            for listener in room.listeners:
                if listener.language:
                    key = StreamKey(room.event, listener.language, listener.invited)
                    listeners[key] += 1
                    with_sound[key] += listener.speech
        return {key: Heard(count, with_sound[key]) for key, count in listeners.items()}


def _owned(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task whose failure is told to those who wait for it, if there is anyone."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


def _stored_seqs(sessions: list[int]) -> dict[tuple[int, str], int]:
    rows = CaptionStream.objects.filter(session__in=sessions)
    return {(row.session_id, row.language): row.last_seq for row in rows}
