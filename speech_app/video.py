"""Video avatars of this process's listeners: their seats, what they speak, and their end.

The video speaks the final captions of its language. A segment that it is given is spoken by it
alone; its audio is kept until then, so that nothing is missed when the video is lost.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from sessions_app import metrics
from sessions_app.database import in_database, persist
from sessions_app.listener import Listener
from sessions_app.loops import PerLoop
from sessions_app.messages import BadMessage, Video
from sessions_app.models import Avatar, Event, LiveSession, VideoSeat
from sessions_app.models.catalogue import AvatarKind
from sessions_app.models.transcript import State
from sessions_app.models.video import QueueFull, SeatState, SeatView
from sessions_app.outbox import Frame
from sessions_app.works import Works
from speech_app.backends import get_backend
from speech_app.backends.base import (
    BackendError,
    GlossaryEntry,
    VideoAvatar,
    VideoAvatars,
    VideoKey,
    VideoLook,
    VideoRefused,
)
from speech_app.language_line import SECONDS_PER_CHARACTER, rate_for
from speech_app.plan import Plan

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
FULL_FOR_S = 5.0
"""A full queue is not asked again meanwhile: a hall of listeners asks in the same second."""
CONNECT_WITHIN_S = 20.0
PLAYS_WITHIN_S = 20.0
"""From the answer until the page sees a picture; a connection that shows nothing is paid too."""
IDLE_AFTER_S = 240.0
"""Azure ends a connection that has been silent for five minutes."""
LONGEST_S = 29 * 60.0
"""Azure ends a connection after half an hour."""
FURTHEST_BEHIND_S = 15.0
UNHEARD_S = 6.0
"""A page needs about so long to find out that nothing comes any more."""
MOST_GIVEN = 50


@dataclass(slots=True)
class Line:
    """A segment the video is to speak; `speech` is its audio, once that has come."""

    segment: int
    text: str
    came: float
    speech: Frame | None = None
    said: float | None = None


class Desk(PerLoop):
    """The viewers of this process, and the only place where their rows are looked at."""

    def __init__(self) -> None:
        self._viewers: set[SeatViewer] = set()
        self._full: dict[int, float] = {}
        self._looking: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        self._works = Works()

    def offers(self, event: Event, avatar: Avatar) -> bool:
        """Whether listeners of this event may ask for this avatar's video."""
        wanted = avatar.kind == AvatarKind.VIDEO and event.video_seats > 0
        return wanted and get_backend().video_avatars() is not None

    def viewer(self, listener: Listener, event: Event) -> SeatViewer:
        avatars = get_backend().video_avatars()
        assert avatars, "Only where `offers` says so."
        return SeatViewer(self, avatars, listener, event)

    def is_full(self, event: int) -> bool:
        return self._full.get(event, 0.0) > time.monotonic()

    def note_full(self, event: int) -> None:
        self._full[event] = time.monotonic() + FULL_FOR_S

    def look_after(self, viewer: SeatViewer) -> None:
        """Tell the viewer how its seat stands, from now until `forget`."""
        self._viewers.add(viewer)
        self._look_now.set()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    def forget(self, viewer: SeatViewer) -> None:
        self._viewers.discard(viewer)
        self._look_now.set()

    def carry_out(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do it to the end; what fails is logged."""
        self._works.begin(self._quietly(work))

    async def _look(self) -> None:
        while self._viewers:
            await self._quietly(self._look_once())
            try:
                await asyncio.wait_for(self._look_now.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue
            self._look_now.clear()
        self._looking = None

    async def _look_once(self) -> None:
        held = {viewer.seat.pk: viewer for viewer in self._viewers if viewer.seat}
        resource = next(iter(self._viewers)).resource
        views = await in_database(VideoSeat.look, resource, list(held))
        for pk, viewer in held.items():
            if viewer.seat and viewer.seat.pk == pk:
                viewer.stand(viewer.seat, views.get(pk))

    @staticmethod
    async def _quietly(work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except Exception:
            logger.warning("A part of showing video failed", exc_info=True)


class SeatViewer:
    """One listener's video: at most one seat at a time, and everything that hangs on it."""

    def __init__(self, desk: Desk, avatars: VideoAvatars, listener: Listener, event: Event) -> None:
        self._desk = desk
        self._avatars = avatars
        self._listener = listener
        self._event = event
        self._wanting = False
        self.seat: VideoSeat | None = None
        self._position = 0
        self._ticket = ""
        self._serving: asyncio.Task[None] | None = None
        self._avatar: VideoAvatar | None = None
        self._playing = asyncio.Event()
        self._behind_s = 0.0
        self._unvoiced: dict[int, Line] = {}
        self._given: dict[int, Line] = {}
        self._to_say: asyncio.Queue[Line] = asyncio.Queue()

    @property
    def resource(self) -> str:
        return self._avatars.resource

    async def want(self) -> None:
        """Queue for a seat, unless there is one already."""
        stream = self._listener.stream
        if self.seat:
            return
        if stream is None or self._desk.is_full(self._event.pk):
            self._tell_ended("full" if stream else "not_live")
            return
        try:
            queued = await in_database(_queue, stream.session, stream.language, self.resource)
        except QueueFull:
            self._desk.note_full(self._event.pk)
            self._tell_ended("full")
            return
        if queued is None:
            self._tell_ended("session_ended")
            return
        self.seat, self._position = queued
        self._listener.tell(Video(state="queued", position=self._position))
        self._desk.look_after(self)

    async def offer(self, ticket: str, sdp: str) -> None:
        """Connect the page. Raises BadMessage where the ticket is not this socket's, or used."""
        expected, self._ticket = self._ticket, ""
        if not expected or not hmac.compare_digest(expected.encode(), ticket.encode()):
            raise BadMessage("This ticket for a video is not valid.")
        seat = self.seat
        if seat is None or not await in_database(seat.connect):
            self._end("expired")
        elif seat is self.seat:
            self._serving = asyncio.create_task(self._serve(seat, sdp))

    async def play(self, behind_ms: int) -> None:
        """The page shows the video: it speaks what no audio was sent for yet."""
        seat = self.seat
        if seat is None or self._avatar is None or self._playing.is_set():
            return
        self._behind_s = min(behind_ms / 1000, FURTHEST_BEHIND_S)
        self._playing.set()
        for line in self._unvoiced.values():
            self._give(line)
        self._unvoiced.clear()
        await in_database(seat.play)

    async def leave(self, reason: str, *, unheard: bool = False) -> None:
        """End the video, if there is one; what it has not spoken comes as audio."""
        self._end(reason, unheard=unheard)

    def take_final(self, segment: int, frame: Frame) -> None:
        """A final caption has come; a correction of what had its turn is not spoken again."""
        if self._serving is None or segment in self._given or segment in self._unvoiced:
            return
        if segment <= max(self._given, default=0):
            return
        line = Line(segment, json.loads(frame)["text"] or "", time.monotonic())
        if self._playing.is_set():
            self._give(line)
        else:
            self._unvoiced[segment] = line

    def take_speech(self, segment: int, frame: Frame) -> bool:
        """Whether the video speaks this segment; its audio is kept until it has."""
        line = self._given.get(segment)
        if line is None:
            self._unvoiced = {n: later for n, later in self._unvoiced.items() if n > segment}
            return False
        line.speech = frame
        return True

    def stand(self, seat: VideoSeat, view: SeatView | None) -> None:
        """How the database says that the seat stands; None where it is gone."""
        if view is None or view.state == SeatState.ENDED:
            self._end(view.reason if view else "lost")
        elif view.state == SeatState.QUEUED and view.position != self._position:
            self._position = view.position
            self._listener.tell(Video(state="queued", position=view.position))
        elif view.state == SeatState.READY and seat.ready_until is None:
            seat.ready_until = view.ready_until
            self._desk.carry_out(self._hand_ticket(seat))

    # From the ticket to the end

    async def _hand_ticket(self, seat: VideoSeat) -> None:
        try:
            servers = await self._avatars.ice_servers()
        except BackendError as error:
            logger.warning("No video: %s", error)
            metrics.count_backend_error("video")
            if seat is self.seat:
                self._end("failed")
            return
        assert seat.ready_until
        left_s = int((seat.ready_until - timezone.now()).total_seconds())
        if seat is not self.seat or left_s <= 0:
            return
        self._ticket = secrets.token_urlsafe(32)
        self._listener.tell(
            Video(state="ready", ice_servers=servers, ticket=self._ticket, expires_s=left_s)
        )

    async def _serve(self, seat: VideoSeat, offer: str) -> None:
        try:
            reason = await self._show(seat, offer)
        except VideoRefused as error:
            logger.warning("No video: %s", error)
            metrics.count_backend_error("video")
            reason = "busy"
        except (BackendError, TimeoutError) as error:
            logger.warning("No video: %s", error)
            metrics.count_backend_error("video")
            reason = "failed"
        except Exception:
            logger.exception("A video has failed")
            reason = "failed"
        if seat is self.seat:
            self._serving = None
            self._end(reason)

    async def _show(self, seat: VideoSeat, offer: str) -> str:
        """Connect, and speak until something ends it; returns what. Raises BackendError."""
        look, glossary = await in_database(_look_of, self._event, seat.language)
        key = VideoKey(seat.session_id, seat.language)
        seated = self._avatars.take_seat(key, look, offer)
        avatar = self._avatar = await asyncio.wait_for(seated, CONNECT_WITHIN_S)
        self._listener.tell(Video(state="answer", sdp=avatar.answer))
        speaking = asyncio.create_task(self._speak_all(seat, avatar, glossary))
        lost = asyncio.create_task(avatar.lost.wait())
        try:
            await asyncio.wait(
                [speaking, lost], timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED
            )
            if avatar.lost.is_set():
                metrics.count_backend_error("video")
                return "lost"
            return speaking.result() if speaking.done() else "time_limit"
        finally:
            for task in (speaking, lost):
                task.cancel()
            await asyncio.gather(speaking, lost, return_exceptions=True)

    async def _speak_all(
        self, seat: VideoSeat, avatar: VideoAvatar, glossary: list[GlossaryEntry]
    ) -> str:
        """Say one line after the other until nothing has come for long; returns why it ended."""
        try:
            await asyncio.wait_for(self._playing.wait(), PLAYS_WITHIN_S)
        except TimeoutError:
            return "no_media"
        await asyncio.sleep(self._behind_s)  # two voices at once serve nobody
        while True:
            try:
                line = await asyncio.wait_for(self._to_say.get(), IDLE_AFTER_S)
            except TimeoutError:
                return "idle"
            if time.monotonic() - line.came <= FURTHEST_BEHIND_S:
                await self._say(seat, avatar, line, glossary)
            else:
                logger.warning("Segment %s came too late for the video", line.segment)
            line.said = time.monotonic()

    async def _say(
        self, seat: VideoSeat, avatar: VideoAvatar, line: Line, glossary: list[GlossaryEntry]
    ) -> None:
        waiting = sum(len(each.text) for each in self._given.values() if each.said is None)
        rate = rate_for((waiting - len(line.text)) * SECONDS_PER_CHARACTER)
        try:
            await avatar.speak(line.segment, line.text, rate, glossary)
        except BackendError:
            if avatar.lost.is_set():
                raise
            logger.warning("A sentence was not spoken by the video", exc_info=True)
            metrics.count_backend_error("video")
            del self._given[line.segment]
            if line.speech is not None:
                self._listener.voice(line.segment, line.speech)
        else:
            self._desk.carry_out(in_database(seat.count_spoken, len(line.text)))

    def _give(self, line: Line) -> None:
        """From now on the video speaks this segment."""
        self._given[line.segment] = line
        if len(self._given) > MOST_GIVEN:
            del self._given[min(self._given)]
        if line.text:
            self._to_say.put_nowait(line)
        else:
            line.said = line.came

    def _end(self, reason: str, *, unheard: bool = False) -> None:
        """Give everything up; closing goes on at the desk."""
        seat, self.seat = self.seat, None
        if seat is None:
            return
        self._desk.forget(self)
        avatar, self._avatar = self._avatar, None
        serving, self._serving = self._serving, None
        if serving:
            serving.cancel()
        self._desk.carry_out(_close(seat, avatar, serving, reason))
        since = time.monotonic() - (UNHEARD_S if unheard else 0.0)
        lines, self._given, self._unvoiced = self._given, {}, {}
        self._ticket = ""
        self._to_say = asyncio.Queue()
        self._playing = asyncio.Event()
        self._tell_ended(reason)
        for segment in sorted(lines):
            line = lines[segment]
            if line.speech is not None and (line.said is None or line.said > since):
                self._listener.voice(segment, line.speech)

    def _tell_ended(self, reason: str) -> None:
        self._listener.tell(Video(state="ended", reason=reason))


async def _close(
    seat: VideoSeat, avatar: VideoAvatar | None, serving: asyncio.Task[None] | None, reason: str
) -> None:
    """The seat is free for another once the connection is closed, not before."""
    try:
        if serving:
            await asyncio.gather(serving, return_exceptions=True)
        if avatar:
            await avatar.close()
    finally:
        await persist(lambda: None, seat.end, reason)


def _queue(session: int, language: str, resource: str) -> tuple[VideoSeat, int] | None:
    """A place in the queue, None where the session has ended. Raises QueueFull."""
    row = LiveSession.objects.filter(pk=session).exclude(state=State.ENDED).first()
    return VideoSeat.queue(row, language, resource) if row else None


def _look_of(event: Event, language: str) -> tuple[VideoLook, list[GlossaryEntry]]:
    avatar = event.avatar_for(language)
    plan = Plan.of(event, get_backend())
    look = VideoLook(
        character=avatar.character,
        style=avatar.style,
        custom_id=avatar.custom_id,
        use_built_in_voice=avatar.use_built_in_voice,
        background_colour=avatar.background_colour,
        transparent=avatar.transparent,
        crop=avatar.crop,
        voice=plan.voices.get(language, ""),
    )
    return look, list(plan.glossary)
