"""The listener's socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sessions_app.admission import TooManyAttempts, UnknownJoinCode, find_event
from sessions_app.audience import Audience, Listener
from sessions_app.database import in_database
from sessions_app.messages import (
    AvatarItem,
    BadMessage,
    Join,
    Joined,
    LanguageItem,
    Message,
    Problem,
    Received,
    StateChange,
    Title,
    Video,
    VideoWish,
)
from sessions_app.models import Event, ListenerReport
from sessions_app.outbox import Frame
from sessions_app.sockets import (
    MALFORMED,
    NOT_ADMITTED,
    NOT_FOUND,
    TOO_MANY,
    TOO_SLOW,
    Refused,
    Socket,
)
from sessions_app.video import VideoDesk, Videos

JOIN_WITHIN_S = 30
MOST_REPORTS = 5
MOST_SDP = 48 * 1024
"""Chromium offers 10 to 20 KiB, as base64, with every way to reach it on a busy machine."""


class ListenerConsumer(Socket):
    """One listener: joins, chooses a language, asks for older captions."""

    event: Event

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._audience = Audience.here()
        self._listener: Listener | None = None
        self._writing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._reports = 0

    async def admit(self) -> None:
        address = (self.scope.get("client") or ("",))[0]
        code = self.scope["url_route"]["kwargs"]["join_code"]
        try:
            self.event = await in_database(find_event, code, address)
        except UnknownJoinCode:
            raise Refused(
                NOT_FOUND,
                Problem(
                    code="bad_message",
                    message="There is no event with this code. Check it and try again.",
                    fatal=True,
                ),
            ) from None
        except TooManyAttempts as attempts:
            raise Refused(
                TOO_MANY,
                Problem(
                    code="too_fast",
                    message="Too many wrong codes came from here. Please wait a minute.",
                    fatal=True,
                    retry_after_s=attempts.retry_after_s,
                ),
            ) from None
        self._waiting = asyncio.create_task(self._wait_for_join())

    async def take(self, text: str | None, binary: bytes | None) -> None:
        try:
            await self._handle(text)
        except BadMessage as bad:
            if self._listener is None:
                raise Refused(MALFORMED, _bad(bad, fatal=True)) from None
            self._listener.tell(_bad(bad))

    async def _handle(self, text: str | None) -> None:
        if text is None:
            raise BadMessage("A listener sends no audio.")
        received = Received(text)
        if received.type == "join":
            await self._join(Join.read(received))
            return
        handlers: dict[str, Callable[[Received], Awaitable[None]]] = {
            "language": self._choose_language,
            "history": self._show_history,
            "speech": self._set_speech,
            "report": self._report,
            "video": self._set_video,
            "video_offer": self._offer_video,
        }
        handler = handlers.get(received.type)
        if handler is None:
            raise BadMessage(f"A listener's page does not send “{received.type[:40]}”.")
        if self._listener is None:
            raise BadMessage("The first message must be a join.")
        await handler(received)

    async def _join(self, join: Join) -> None:
        if join.rehearsal and not self.event.rehearsal_key_is(join.rehearsal):
            raise Refused(
                NOT_ADMITTED,
                Problem(
                    code="rehearsal",
                    message="This rehearsal link is not valid. Ask the speaker for a new one.",
                    fatal=True,
                ),
            )
        if not await self._offered(join.language):
            return
        if self._listener is None:
            if self._waiting:
                self._waiting.cancel()
            listener = Listener(
                self.event.pk,
                invited=bool(join.rehearsal),
                send=self._write,
                drop=self._drop_slow,
            )
            await self._audience.enter(listener)
            self._listener = listener
            self._writing = asyncio.create_task(listener.outbox.write())
        self._audience.set_speech(self._listener, join.speech)
        await self._listen(join.language, join)

    async def _choose_language(self, received: Received) -> None:
        language = received.text("language", most=35)
        if await self._offered(language):
            await self._leave_video("language")
            await self._listen(language, None)

    async def _listen(self, language: str, join: Join | None) -> None:
        assert self._listener
        languages, avatar = await in_database(_look_of, self.event, language, Videos.here())

        def joined(state: StateChange, seq: int) -> Message:
            return Joined(
                event=Title(title=self.event.title),
                session=state.session,
                state=state.state,
                language=language,
                languages=languages,
                avatar=avatar,
                seq=seq,
            )

        await self._audience.listen(self._listener, language, join.after if join else None, joined)

    async def _show_history(self, received: Received) -> None:
        assert self._listener
        await self._audience.history(self._listener, received.number("before"))

    async def _set_speech(self, received: Received) -> None:
        assert self._listener
        on = received.flag("on", default=True)
        if not on:
            await self._leave_video("off")
        self._audience.set_speech(self._listener, on)

    async def _set_video(self, received: Received) -> None:
        wish = VideoWish.read(received)
        assert self._listener
        if not wish.on:
            await self._leave_video("off", unheard=wish.lost)
            return
        if self._listener.viewer is None:
            desk = Videos.here()
            avatar = await in_database(self.event.avatar_for, self._listener.language)
            if desk is None or not desk.offers(self.event, avatar):
                self._listener.tell(Video(state="ended", reason="unavailable"))
                return
            self._listener.viewer = desk.viewer(self._listener, self.event)
        if wish.playing:
            await self._listener.viewer.play(wish.behind_ms)
        else:
            await self._listener.viewer.want()

    async def _offer_video(self, received: Received) -> None:
        assert self._listener
        ticket, sdp = received.text("ticket"), received.text("sdp", most=MOST_SDP)
        if self._listener.viewer is None:
            raise BadMessage("A video offer needs a ticket.")
        await self._listener.viewer.offer(ticket, sdp)

    async def _leave_video(self, reason: str, *, unheard: bool = False) -> None:
        if self._listener and self._listener.viewer:
            await self._listener.viewer.leave(reason, unheard=unheard)

    async def _report(self, received: Received) -> None:
        assert self._listener
        message = received.text("message", most=1000)
        self._reports += 1
        if self._reports > MOST_REPORTS:
            raise BadMessage("Thank you, the organiser has enough reports from you.")
        await in_database(
            ListenerReport.objects.create,
            event=self.event,
            language=self._listener.language,
            message=message,
        )

    async def _offered(self, code: str) -> bool:
        """Whether the event has this language; says so where it has not."""
        languages = await in_database(self.event.offered_languages)
        if any(language.code == code for language in languages):
            return True
        problem = Problem(
            code="unknown_language",
            message="This event is not translated into that language. Please choose another.",
        )
        if self._listener:
            self._listener.tell(problem)
        else:
            await self.say(problem)
        return False

    async def _write(self, frame: Frame) -> None:
        if isinstance(frame, str):
            await self.send(text_data=frame)
        else:
            await self.send(bytes_data=frame)

    def _drop_slow(self) -> None:
        self._closing = asyncio.create_task(self.close(code=TOO_SLOW))

    async def _wait_for_join(self) -> None:
        await asyncio.sleep(JOIN_WITHIN_S)
        problem = Problem(
            code="bad_message", message="The first message must be a join.", fatal=True
        )
        await self.refuse(Refused(MALFORMED, problem))

    async def depart(self) -> None:
        if self._listener:
            await self._leave_video("left")
            await self._audience.leave(self._listener)
        for task in (self._waiting, self._writing, self._closing):
            if task:
                task.cancel()
                # What a task says to a socket that is gone fails, and nobody misses it.
                await asyncio.gather(task, return_exceptions=True)


def _bad(bad: BadMessage, *, fatal: bool = False) -> Problem:
    return Problem(code="bad_message", message=str(bad), fatal=fatal)


def _look_of(
    event: Event, language: str, desk: VideoDesk | None
) -> tuple[list[LanguageItem], AvatarItem]:
    languages = [LanguageItem.of(item) for item in event.offered_languages()]
    avatar = event.avatar_for(language)
    return languages, AvatarItem.of(avatar, video=bool(desk and desk.offers(event, avatar)))
