"""This process's listeners: each message is encoded once and written to every local socket.

A process joins one group per event and one per session and language, however many listeners it
holds. The database is the truth: a gap in `seq`, and every 2 s while somebody listens, this
process compares what it has with what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from sessions_app.broadcast import event_group, stream_group
from sessions_app.database import in_database
from sessions_app.messages import (
    After,
    Beat,
    FinalCaption,
    History,
    Message,
    Replayed,
    StateChange,
)
from sessions_app.models import AudienceCount, CaptionStream, LiveSession, Translation
from sessions_app.models.audience import Heard, StreamKey
from sessions_app.outbox import Frame, Outbox
from sessions_app.video import Viewer

logger = logging.getLogger(__name__)

KEPT_FINALS = 200
"""Encoded finals kept per stream, so that a herd of reconnects does not fall on the database."""
REPLAYED_SEGMENTS = 50
COMPARE_EVERY_S = 2.0
BEAT_EVERY_S = 10.0
REPORT_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class SessionView:
    """What listeners may know of a session."""

    id: int
    state: str
    rehearsal: bool


class Listener:
    """One socket: which event it is in, what it wants to hear, and what waits to be written."""

    def __init__(
        self,
        event: int,
        *,
        invited: bool,
        send: Callable[[Frame], Awaitable[None]],
        drop: Callable[[], None],
    ) -> None:
        self.event = event
        self.invited = invited
        self.language = ""
        self.speech = False
        self.outbox = Outbox(send)
        self.stream: Stream | None = None
        self.has_seq = 0
        self.viewer: Viewer | None = None
        self._drop = drop
        self._dropped = False
        self._held: list[Callable[[], None]] | None = None

    def tell(self, message: Message) -> None:
        self.put(message.encode())

    def put(self, frame: Frame) -> None:
        """Write it in its turn; a socket too far behind is dropped instead."""
        self.outbox.put(frame)
        self._mind_the_bound()

    @property
    def has_joined(self) -> bool:
        """Whether it was told where it is, so that what happens now means something to it."""
        return bool(self.language) and self._held is None

    def hold(self) -> None:
        """Keep what comes until `replay` has said what came before."""
        self._held = []

    def replay(self, frames: list[Frame], seq: int) -> None:
        """Write these first, then whatever came meanwhile that they did not cover."""
        held, self._held = self._held or [], None
        for frame in frames:
            self.outbox.put(frame)
        self.has_seq = max(self.has_seq, seq)
        for deliver in held:
            deliver()

    def final(self, seq: int, segment: int, frame: Frame) -> None:
        if self._held is not None:
            self._held.append(lambda: self.final(seq, segment, frame))
        elif seq > self.has_seq:
            self.has_seq = seq
            if self.viewer:
                self.viewer.take_final(segment, frame)
            self.outbox.put_final(segment, frame)
            self._mind_the_bound()

    def partial(self, segment: int, frame: Frame) -> None:
        if self._held is None:
            self.outbox.put_partial(segment, frame)

    def voice(self, segment: int, frame: Frame) -> None:
        if not self.speech:
            return
        if self._held is not None:
            self._held.append(lambda: self.voice(segment, frame))
        elif not (self.viewer and self.viewer.take_speech(segment, frame)):
            self.put(frame)

    def _mind_the_bound(self) -> None:
        if self.outbox.too_slow and not self._dropped:
            self._dropped = True
            self.outbox.clear()
            self._drop()


@dataclass(frozen=True, slots=True)
class Kept:
    """A segment's newest final, encoded."""

    seq: int
    segment: int
    frame: Frame


class Stream:
    """One language of one session in this process; its task keeps the order."""

    def __init__(self, session: int, language: str) -> None:
        self.session = session
        self.language = language
        self.listeners: set[Listener] = set()
        self.last_seq = 0
        self._kept: dict[int, Kept] = {}
        self._floor = 0
        self._inbox: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read the newest finals, then follow what comes."""
        rows = await in_database(_newest, self.session, self.language, 0, KEPT_FINALS)
        self._floor = rows[0].seq - 1 if len(rows) == KEPT_FINALS else 0
        for kept in rows:
            self._keep(kept)
        self.last_seq = rows[-1].seq if rows else 0
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def take(self, message: dict[str, Any]) -> None:
        self._inbox.put_nowait(message)

    def compare(self, stored_seq: int) -> None:
        """The database has given out this seq; fetch what did not come by the channel layer."""
        if stored_seq > self.last_seq:
            self._inbox.put_nowait(None)

    def since(self, after: After | None) -> list[Frame] | None:
        """What a listener lacks, or None where the database must be asked."""
        if after is None or after.session != self.session:
            if self._floor:
                return None
            kept = sorted(self._kept.values(), key=lambda kept: kept.segment)
            return [item.frame for item in kept[-REPLAYED_SEGMENTS:]]
        if after.seq < self._floor:
            return None
        newer = [kept for kept in self._kept.values() if kept.seq > after.seq]
        return [item.frame for item in sorted(newer, key=lambda kept: kept.seq)]

    async def _follow(self) -> None:
        while True:
            message = await self._inbox.get()
            try:
                await self._deliver(message)
            except Exception:
                # The database is out of reach: the next comparison asks it again.
                logger.warning(
                    "Session %s, %s: could not read what was missed",
                    self.session,
                    self.language,
                    exc_info=True,
                )

    async def _deliver(self, message: dict[str, Any] | None) -> None:
        if message is None:
            await self._catch_up()
        elif message["type"] == "partial":
            for listener in self.listeners:
                listener.partial(message["segment"], message["frame"])
        elif message["type"] == "final":
            if message["seq"] == self.last_seq + 1:
                self._hand_out(Kept(message["seq"], message["segment"], message["frame"]))
            elif message["seq"] > self.last_seq:
                await self._catch_up()
        elif message["type"] == "speech":
            if message["seq"] > self.last_seq:
                await self._catch_up()
            for listener in self.listeners:
                listener.voice(message["segment"], message["frame"])

    async def _catch_up(self) -> None:
        for kept in await in_database(_newest, self.session, self.language, self.last_seq, None):
            self._hand_out(kept)

    def _hand_out(self, kept: Kept) -> None:
        if kept.seq <= self.last_seq:
            return
        self.last_seq = kept.seq
        self._keep(kept)
        for listener in self.listeners:
            listener.final(kept.seq, kept.segment, kept.frame)

    def _keep(self, kept: Kept) -> None:
        self._kept[kept.segment] = kept
        if len(self._kept) > KEPT_FINALS:
            oldest = min(self._kept.values(), key=lambda item: item.seq)
            self._floor = oldest.seq
            del self._kept[oldest.segment]


def _newest(session: int, language: str, after: int, most: int | None) -> list[Kept]:
    """A stream's captions above `after` by seq; at most the newest `most`."""
    rows = Translation.objects.shown().filter(session=session, language=language, seq__gt=after)
    newest = rows.order_by("-seq")[:most] if most else rows.order_by("-seq")
    return [_kept(row) for row in reversed(newest)]


def _kept(row: Translation) -> Kept:
    return Kept(row.seq, row.segment.number, FinalCaption.of(row).encode())


def _replay(session: int, language: str, after: After | None) -> tuple[list[Frame], int]:
    """What a listener lacks, and the stream's highest seq."""
    if after is None or after.session != session:
        return _last_segments(session, language, before=None, most=REPLAYED_SEGMENTS)
    kept = _newest(session, language, after.seq, None)
    return [item.frame for item in kept], kept[-1].seq if kept else after.seq


def _last_segments(
    session: int, language: str, *, before: int | None, most: int
) -> tuple[list[Frame], int]:
    """The newest segments (below `before`) in spoken order, and the stream's highest seq."""
    rows = Translation.objects.shown().filter(session=session, language=language)
    highest = rows.order_by("-seq").values_list("seq", flat=True).first() or 0
    if before is not None:
        rows = rows.filter(segment__number__lt=before)
    newest = list(rows.order_by("-segment__number")[:most])
    return [_kept(row).frame for row in reversed(newest)], highest


@dataclass(eq=False)
class Room:
    """An event's listeners in this process, and the sessions they may hear."""

    event: int
    listeners: set[Listener] = field(default_factory=set)
    public: SessionView | None = None
    newest: SessionView | None = None
    news: int = 0
    """Counts what the channel layer told: an older look at the database must not undo it."""

    def view_for(self, listener: Listener) -> SessionView | None:
        return self.newest if listener.invited else self.public

    def state_for(self, listener: Listener) -> StateChange:
        view = self.view_for(listener)
        if view is None:
            return StateChange(session=None, state="waiting")
        return StateChange(session=view.id, state=view.state)

    def forget(self) -> None:
        self.public = self.newest = None

    def learn(self, view: SessionView) -> None:
        """Take in a session's news, unless a newer session has begun since."""
        if self.newest is None or view.id >= self.newest.id:
            self.newest = view
        if not view.rehearsal and (self.public is None or view.id >= self.public.id):
            self.public = view


def _sessions_of(events: list[int]) -> dict[int, list[SessionView]]:
    """The newest session of each event and, where that is a rehearsal, the newest public one."""
    found: dict[int, list[SessionView]] = {}
    for event in events:
        rows = LiveSession.objects.filter(event=event).order_by("-pk")
        newest = rows.first()
        public = newest if newest and not newest.rehearsal else rows.filter(rehearsal=False).first()
        rows_shown = {row.pk: row for row in (newest, public) if row}.values()
        found[event] = [SessionView(row.pk, row.state, row.rehearsal) for row in rows_shown]
    return found


class Audience:
    """Everyone who listens through this process. Its tasks run while there is anyone."""

    _by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Audience] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._process = uuid.uuid4().hex
        self._rooms: dict[int, Room] = {}
        self._streams: dict[tuple[int, str], Stream] = {}
        self._channel = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._counts_changed = False
        self._changing = asyncio.Lock()

    @classmethod
    def here(cls) -> Audience:
        """The audience of this process (of this event loop)."""
        loop = asyncio.get_running_loop()
        if loop not in cls._by_loop:
            cls._by_loop[loop] = cls()
        return cls._by_loop[loop]

    async def enter(self, listener: Listener) -> None:
        """Let a listener in; `listen` then chooses the language."""
        async with self._changing:
            await self._start()
            room = self._rooms.get(listener.event)
            if room is None:
                await self._layer().group_add(event_group(listener.event), self._channel)
                room = Room(listener.event)
                for view in (await in_database(_sessions_of, [listener.event]))[listener.event]:
                    room.learn(view)
                self._rooms[listener.event] = room
            room.listeners.add(listener)

    async def leave(self, listener: Listener) -> None:
        async with self._changing:
            room = self._rooms.get(listener.event)
            if room is None or listener not in room.listeners:
                return
            room.listeners.discard(listener)
            self._counts_changed = True
            await self._detach(listener)
            if not room.listeners:
                del self._rooms[listener.event]
                await self._quietly(
                    self._layer().group_discard(event_group(listener.event), self._channel)
                )
            if not self._rooms:
                await self._stop()

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
        async with self._changing:
            await self._detach(listener)
            listener.outbox.clear()
            listener.language = language
            self._counts_changed = True
            room = self._rooms[listener.event]
            view = room.view_for(listener)
            listener.hold()
            missed, seq = await self._attach(listener, view.id, after) if view else ([], 0)
            opening = joined(room.state_for(listener), seq).encode()
            listener.replay([opening, *missed, Replayed(seq=seq).encode()], seq)

    async def history(self, listener: Listener, before: int) -> None:
        """50 captions older than this segment, then whether there are more."""
        stream = listener.stream
        frames: list[Frame] = []
        if stream:
            frames, _ = await in_database(
                _last_segments,
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

    # Groups and streams

    async def _attach(
        self, listener: Listener, session: int, after: After | None
    ) -> tuple[list[Frame], int]:
        """Let the listener, which holds, follow this session; what it lacks, up to which seq."""
        key = (session, listener.language)
        stream = self._streams.get(key)
        if stream is None:
            # Known before it is opened: what is published meanwhile waits in it.
            stream = self._streams[key] = Stream(*key)
            try:
                await self._layer().group_add(stream_group(*key), self._channel)
                await stream.open()
            except BaseException:
                await self._close(stream)
                raise
        stream.listeners.add(listener)
        listener.stream = stream
        listener.has_seq = 0
        missed = stream.since(after)
        if missed is not None:
            return missed, stream.last_seq
        return await in_database(_replay, session, listener.language, after)

    async def _detach(self, listener: Listener) -> None:
        stream, listener.stream = listener.stream, None
        if stream is None:
            return
        stream.listeners.discard(listener)
        if not stream.listeners:
            await self._close(stream)

    async def _close(self, stream: Stream) -> None:
        self._streams.pop((stream.session, stream.language), None)
        group = stream_group(stream.session, stream.language)
        await self._quietly(self._layer().group_discard(group, self._channel))
        await stream.close()

    async def _learn(
        self, event: int, views: Sequence[SessionView], *, seen_after: int | None = None
    ) -> None:
        """Tell everyone whom a session's news concerns, and move them to a new session.

        `seen_after`: the room's `news` when all its sessions were read; nothing happens if more
        came since. A session that is not among them was withdrawn.
        """
        async with self._changing:
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
                if listener.language and room.view_for(listener) != known:
                    listener.tell(room.state_for(listener))
            for listener in before:
                now = room.view_for(listener)
                stream = listener.stream
                if now is None:
                    await self._detach(listener)
                elif listener.language and (stream is None or stream.session != now.id):
                    await self._detach(listener)
                    listener.hold()
                    listener.replay(*await self._attach(listener, now.id, None))

    # Tasks

    async def _start(self) -> None:
        if self._tasks:
            return
        self._channel = await self._layer().new_channel()
        self._tasks = [
            asyncio.create_task(task())
            for task in (self._receive, self._compare, self._beat, self._report)
        ]

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._quietly(in_database(AudienceCount.report, self._process, {}))

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer().receive(self._channel)
            except Exception:
                logger.warning("The channel layer is out of reach", exc_info=True)
                await asyncio.sleep(1)  # between two tries to reach the layer again
                continue
            if message["type"] == "state":
                view = SessionView(message["session"], message["state"], message["rehearsal"])
                await self._quietly(self._learn(message["event"], [view]))
            elif stream := self._streams.get((message["session"], message["language"])):
                stream.take(message)

    async def _compare(self) -> None:
        while True:
            await asyncio.sleep(COMPARE_EVERY_S)
            await self._quietly(self._compare_once())

    async def _compare_once(self) -> None:
        await in_database(LiveSession.sweep)
        news = {event: room.news for event, room in self._rooms.items()}
        for event, views in (await in_database(_sessions_of, list(news))).items():
            await self._learn(event, views, seen_after=news[event])
        stored = await in_database(_stored_seqs, [session for session, _ in self._streams])
        for key, stream in list(self._streams.items()):
            stream.compare(stored.get(key, 0))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            for room in self._rooms.values():
                for listener in filter(lambda one: one.has_joined, room.listeners):
                    state = room.state_for(listener)
                    seq = listener.stream.last_seq if listener.stream else 0
                    listener.tell(Beat(session=state.session, state=state.state, seq=seq))

    async def _report(self) -> None:
        since_report = REPORT_EVERY_S
        while True:
            if self._counts_changed or since_report >= REPORT_EVERY_S:
                self._counts_changed, since_report = False, 0.0
                await self._quietly(
                    in_database(AudienceCount.report, self._process, self._counts())
                )
            await asyncio.sleep(1)
            since_report += 1

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

    async def _quietly(self, work: Awaitable[Any]) -> None:
        try:
            await work
        except Exception:
            logger.warning("A part of serving listeners failed and is tried again", exc_info=True)

    @staticmethod
    def _layer() -> Any:
        return get_channel_layer()


def _stored_seqs(sessions: list[int]) -> dict[tuple[int, str], int]:
    rows = CaptionStream.objects.filter(session__in=sessions)
    return {(row.session_id, row.language): row.last_seq for row in rows}
