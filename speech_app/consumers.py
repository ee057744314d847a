"""The speaker's socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sessions_app import metrics
from sessions_app.broadcast import layer_is_away
from sessions_app.database import AWAY, in_database, persist
from sessions_app.links import listener_url
from sessions_app.messages import (
    AudienceSize,
    AudioFormat,
    BadMessage,
    Message,
    NamedLanguage,
    Problem,
    Ready,
    Received,
    RunningSession,
    SpeakerCaption,
    SpeakerEvent,
    SpeakerState,
    Start,
)
from sessions_app.models import AudienceCount, LiveSession, Speaker
from sessions_app.models.audience import Heard
from sessions_app.models.transcript import (
    EventClosed,
    RehearsalFixed,
    SpeakerBusy,
    State,
    Superseded,
)
from sessions_app.sockets import (
    COME_BACK,
    NOT_FOUND,
    REPLACED,
    REVOKED,
    STORAGE_DOWN,
    Refused,
    Socket,
    base_url,
)
from sessions_app.tidying import tidy
from speech_app.backends import get_backend
from speech_app.backends.base import AUTO, BackendError, LanguageUnavailable, Overloaded
from speech_app.frames import FrameGap, FrameSize, TooFast
from speech_app.interpreter import NOT_STORED
from speech_app.stage import LATE_FOR_LISTENERS, Hold, SessionOver, Stage

logger = logging.getLogger(__name__)

WATCH_EVERY_S = 1.0
TOUCH_EVERY = 5
SAY_EVERY_S = 5.0
SHOWN_HISTORY = 50


@dataclass(frozen=True, slots=True)
class Watched:
    """What may change under a speaker's feet, looked up once a second."""

    revoked: bool
    session: LiveSession | None
    heard: dict[str, Heard]


class SpeakerConsumer(Socket):
    """One speaker's page: goes live, sends audio, pauses, ends."""

    speaker: Speaker

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stage = Stage.here()
        self._hold: Hold | None = None
        self._stopping: LiveSession | None = None
        self._stopping_hold: Hold | None = None
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._complained = False
        self._known: int | None = None
        self._paused: int | None = None
        self._audience_shown: AudienceSize | None = None

    async def admit(self) -> None:
        speaker = await in_database(Speaker.with_token, self.scope["url_route"]["kwargs"]["token"])
        if speaker is None:
            raise Refused(
                NOT_FOUND,
                Problem(
                    code="bad_message",
                    message="This speaker link is not known. Ask the organiser for yours.",
                    fatal=True,
                ),
            )
        if speaker.revoked_at:
            raise _revoked()
        self.speaker = speaker
        # Nobody may have been here to notice that a pause became an end.
        await in_database(LiveSession.sweep)
        await self.say(await in_database(self._ready))
        for caption in await in_database(_history, speaker):
            await self.say(caption)
        self._tasks = [
            asyncio.create_task(task()) for task in (self._speak, self._watch, self._say_what_lasts)
        ]

    async def take(self, text: str | None, binary: bytes | None) -> None:
        try:
            if binary is not None:
                self._take_frame(binary)
            elif text is not None:
                await self._handle(Received(text))
        except BadMessage as bad:
            self._tell(Problem(code="bad_message", message=str(bad)))
        except AWAY:
            logger.warning("A speaker's wish cannot be granted: the database is away")
            self._tell(STORAGE_DOWN)

    async def _handle(self, received: Received) -> None:
        handlers: dict[str, Callable[[Received], Awaitable[None]]] = {
            "start": self._start,
            "source_language": self._change_language,
            "pause": self._pause,
            "end": self._end,
        }
        handler = handlers.get(received.type)
        if handler is None:
            raise BadMessage(f"A speaker's page does not send “{received.type[:40]}”.")
        await handler(received)

    async def _start(self, received: Received) -> None:
        start = Start.read(received)
        if not await in_database(self._offered, start.source_language):
            self._tell(_unknown_language())
            return
        if not start.consent:
            self._tell(
                Problem(
                    code="no_consent",
                    message="Please agree that what you say is written down and translated.",
                )
            )
            return
        if self._hold:
            self._tell_state_of(self._hold.session)
            return
        try:
            await in_database(self.speaker.record_consent)
            hold = self._hold = await self._stage.go_live(
                self.speaker,
                start,
                known=self._known,
                tell=self._tell,
                replaced=self._replaced,
            )
        except (SpeakerBusy, Superseded):
            problem = _busy()
        except SessionOver as over:
            ended = over.session
            self._tell_state(ended.pk, State.ENDED, ended.acked_frame + 1)
            return
        except RehearsalFixed:
            problem = Problem(
                code="rehearsal",
                message="End the running session first: a rehearsal and the real event are "
                "kept apart.",
            )
        except EventClosed:
            problem = Problem(
                code="bad_message", message="The organiser has closed this event.", fatal=True
            )
        except Overloaded as error:
            problem = Problem(code="overloaded", message=str(error))
        except LanguageUnavailable as error:
            problem = Problem(code="language_unavailable", message=str(error))
        except BackendError as error:
            metrics.count_backend_error("recognition")
            problem = Problem(code="backend_down", message=str(error))
        else:
            self._complained = False
            self._tell_state_of(hold.session)
            return
        self._tell(problem)

    async def _change_language(self, received: Received) -> None:
        code = received.text("source_language", most=35)
        if not await in_database(self._offered, code):
            self._tell(_unknown_language())
            return
        if self._hold is None:
            return
        try:
            await self._hold.interpreter.set_source_language(code)
        except LanguageUnavailable as error:
            self._tell(Problem(code="language_unavailable", message=str(error)))
        except Superseded:
            self._replaced()

    async def _pause(self, received: Received) -> None:
        if hold := self._hold:
            self._tell_outcome(hold.session, await self._stop(hold))

    async def _end(self, received: Received) -> None:
        hold = self._hold
        running = hold.session if hold else None
        if running is None:
            running = await persist(
                self._say_storage_is_away, _newest_session, self.speaker.event_id
            )
            if running is None:
                raise BadMessage("Nothing has been started that could end.")
            if running.state == State.ENDED:
                self._tell_state(running.pk, State.ENDED, 0)
                return
            if running.speaker_id != self.speaker.pk:
                self._tell(_busy())
                return
        self._hold = None
        with self._saying_that_it_stops(running, hold):
            session = await self._stage.end(running, self._say_storage_is_away)
        self._tell_outcome(running, session)

    def _take_frame(self, frame: bytes) -> None:
        if self._hold is None:
            self._complain("bad_message", "Audio came before the start.", 0)
            return
        interpreter = self._hold.interpreter
        try:
            interpreter.feed(frame)
            self._complained = False
        except FrameSize:
            self._complain(
                "frame_size",
                "An audio frame must hold 1 to 1000 ms of 16-bit samples.",
                interpreter.next_frame,
            )
        except FrameGap:
            self._complain(
                "frame_gap", "Audio is missing in between; send it again.", interpreter.next_frame
            )
        except TooFast:
            self._complain(
                "too_fast", "Audio comes faster than it can be heard.", interpreter.next_frame
            )

    def _complain(self, code: str, message: str, next_frame: int) -> None:
        """Say once what is wrong with the frames, until one is right again."""
        if not self._complained:
            self._complained = True
            self._tell(Problem(code=code, message=message, next_frame=next_frame))

    # What happens elsewhere

    async def _watch(self) -> None:
        ticks = 0
        failing = False
        while not self.refused:
            await asyncio.sleep(WATCH_EVERY_S)
            ticks += 1
            try:
                await self._look_after_speaker(ticks)
                failing = False
            except Exception:
                # The next look may fare better; what holds on is said in the log once.
                if not failing:
                    logger.warning("Could not look after a speaker", exc_info=True)
                failing = True

    async def _say_what_lasts(self) -> None:
        """Again and again: a page that hears nothing for long takes its connection for dead."""
        while True:
            await asyncio.sleep(SAY_EVERY_S)
            hold = self._hold or self._stopping_hold
            if hold and hold.interpreter.storage_is_away:
                self._tell(NOT_STORED)
            if self._hold and layer_is_away():
                self._tell(LATE_FOR_LISTENERS)
            # As long as an operator holds its last words.
            if self._hold and self._hold.is_stopping:
                self._tell_state_of(self._hold.session)
            elif self._stopping and self._stopping.state == State.LIVE:
                self._tell_state_of(self._stopping)

    @contextlib.contextmanager
    def _saying_that_it_stops(self, session: LiveSession, hold: Hold | None) -> Iterator[None]:
        self._stopping, self._stopping_hold = session, hold
        try:
            yield
        finally:
            self._stopping = self._stopping_hold = None

    async def _look_after_speaker(self, ticks: int) -> None:
        hold = self._hold
        seen = await in_database(_look, self.speaker.pk, self.speaker.event_id)
        if ticks % TOUCH_EVERY == 0:
            await in_database(self._touch, seen.session)
            await tidy()
        if seen.revoked:
            hold, self._hold = self._hold, None
            await self.refuse(_revoked())
            if hold:
                await self._stage.pause(hold)
            return
        if hold:
            await self._notice_end(hold, seen.session)
        self._notice_end_of_pause(seen.session)
        self._show_audience(seen.heard)

    def _notice_end_of_pause(self, now: LiveSession | None) -> None:
        """An organiser, or two hours, may end what we paused."""
        gone = now is None or now.pk != self._paused
        if self._hold is None and self._paused is not None and gone:
            self._tell_state(self._paused, State.ENDED, 0)

    async def _notice_end(self, hold: Hold, now: LiveSession | None) -> None:
        """Follow a session that was taken over, ended or given up while we held it."""
        if self._hold is not hold:
            return
        ours = now and now.pk == hold.session.pk and now.epoch == hold.session.epoch
        if ours and not hold.interpreter.ended.is_set():
            return
        self._tell_outcome(hold.session, await self._stop(hold))

    async def _stop(self, hold: Hold) -> LiveSession | None:
        self._hold = None
        with self._saying_that_it_stops(hold.session, hold):
            return await self._stage.pause(hold)

    def _tell_outcome(self, ours: LiveSession, now: LiveSession | None) -> None:
        """What became of the session that we stopped: somebody else may have it by now."""
        if now is None:  # an organiser has deleted it, or it ended while we waited for our turn
            self._tell_state(ours.pk, State.ENDED, 0)
        elif now.state == State.ENDED or (now.state == State.PAUSED and now.epoch == ours.epoch):
            self._tell_state_of(now)
        elif now.state == State.PAUSED or now.epoch == ours.epoch:
            self._send_back()
        else:
            self._replaced()

    def _touch(self, session: LiveSession | None) -> None:
        if self._hold:
            self._hold.session.touch()
        elif session and session.speaker_id == self.speaker.pk and session.state == State.PAUSED:
            session.touch()

    def _show_audience(self, heard: dict[str, Heard]) -> None:
        counts = {language: count.listeners for language, count in sorted(heard.items())}
        size = AudienceSize(total=sum(counts.values()), languages=counts)
        if size != self._audience_shown:
            self._audience_shown = size
            self._tell(size)

    def _replaced(self) -> None:
        self._hold = None
        problem = Problem(
            code="busy", message="Another connection speaks at this event now.", fatal=True
        )
        self._tasks.append(asyncio.create_task(self.refuse(Refused(REPLACED, problem))))

    def _send_back(self) -> None:
        """Another process saw no sign of life of ours and has paused the session, or this one has
        let go of it.

        On a new connection the page claims it again, and sends again what is not stored.
        """
        problem = Problem(
            code="internal", message="The server lost sight of this page, which connects again."
        )
        self._tasks.append(asyncio.create_task(self.refuse(Refused(COME_BACK, problem))))

    def _say_storage_is_away(self) -> None:
        self._tell(STORAGE_DOWN)

    # What the page is told

    def _tell(self, message: Message) -> None:
        self._told.put_nowait(message)

    def _tell_state_of(self, session: LiveSession) -> None:
        self._tell_state(session.pk, session.state, self._stage.next_frame(session))

    def _tell_state(self, session: int, state: str, next_frame: int) -> None:
        self._known = session if state != State.ENDED else None
        self._paused = session if state == State.PAUSED else None
        self._tell(SpeakerState(session=session, state=state, next_frame=next_frame))

    async def _speak(self) -> None:
        while True:
            await self.say(await self._told.get())

    def _ready(self) -> Ready:
        event = self.speaker.event
        session = event.running_session()
        self._known = session.pk if session else None
        return Ready(
            event=SpeakerEvent.of(event, self._spoken(), listener_url(event, base_url(self.scope))),
            session=RunningSession.of(session) if session else None,
            audio=AudioFormat(),
            next_frame=self._stage.next_frame(session) if session else 0,
        )

    def _spoken(self) -> list[NamedLanguage]:
        languages = self.speaker.event.source_languages.order_by("name")
        named = [NamedLanguage(code=item.code, name=item.name) for item in languages]
        if len(named) > 1 and AUTO in get_backend().source_languages():
            named.insert(0, NamedLanguage(code=AUTO, name="Detect automatically"))
        return named

    def _offered(self, code: str) -> bool:
        return any(language.code == code for language in self._spoken())

    async def depart(self) -> None:
        for task in self._tasks:
            task.cancel()
        # What a task says to a socket that is gone fails, and nobody misses it.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._hold:
            self._stage.leave(self._hold)


def _revoked() -> Refused:
    return Refused(
        REVOKED,
        Problem(
            code="bad_message",
            message="This speaker link was withdrawn. Ask the organiser for a new one.",
            fatal=True,
        ),
    )


def _busy() -> Problem:
    return Problem(code="busy", message="Somebody else is speaking at this event now.")


def _unknown_language() -> Problem:
    return Problem(
        code="unknown_language", message="This event does not expect that spoken language."
    )


def _newest_session(event: int) -> LiveSession | None:
    return LiveSession.objects.filter(event=event).order_by("-pk").first()


def _look(speaker: int, event: int) -> Watched:
    invited = Speaker.objects.filter(pk=speaker, revoked_at=None).exists()
    session = LiveSession.objects.filter(event=event).exclude(state=State.ENDED).first()
    rehearsal = bool(session and session.rehearsal)
    return Watched(
        revoked=not invited,
        session=session,
        heard=AudienceCount.totals(event, rehearsal=rehearsal),
    )


def _history(speaker: Speaker) -> list[SpeakerCaption]:
    """What was said last in the running session, as final captions."""
    session = speaker.event.running_session()
    if session is None:
        return []
    targets = set(speaker.event.target_languages.values_list("code", flat=True))
    newest = session.segments.order_by("-number").prefetch_related("translations")[:SHOWN_HISTORY]
    return [
        SpeakerCaption(
            session=session.pk,
            segment=segment.number,
            final=True,
            source_language=segment.source_language,
            source=segment.text,
            translations={
                row.language: row.text
                for row in segment.translations.all()
                if row.language in targets
            },
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
        )
        for segment in reversed(newest)
    ]
