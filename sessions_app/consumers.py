"""The listener's socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from sessions_app.admission import (
    Cards,
    EventCard,
    PinNeeded,
    TooManyAttempts,
    UnknownJoinCode,
    check_pin,
    is_signed_in,
)
from sessions_app.announcements import Announced
from sessions_app.audience import Audience
from sessions_app.database import in_database
from sessions_app.listener import Listener
from sessions_app.messages import (
    After,
    AvatarItem,
    BadMessage,
    Join,
    Joined,
    Message,
    Problem,
    Received,
    StateChange,
    Title,
    Video,
    VideoWish,
)
from sessions_app.metrics import count_join, count_slow_socket
from sessions_app.models import ListenerReport
from sessions_app.models.event import Access
from sessions_app.outbox import WRITE_EXTENSION, Frame
from sessions_app.rate import Allowance
from sessions_app.sockets import (
    MALFORMED,
    NOT_ADMITTED,
    NOT_FOUND,
    TOO_MANY,
    TOO_SLOW,
    Refused,
    Socket,
    has_origin,
)
from sessions_app.video import Videos

JOIN_WITHIN_S = 10
MESSAGES_AT_ONCE = 20
MESSAGES_PER_S = 5.0
"""A person who taps through every language is slower than this."""
MOST_REPORTS = 5
MOST_SDP = 48 * 1024
"""Chromium offers 10 to 20 KiB, as base64, with every way to reach it on a busy machine."""

_TOO_FAST = Problem(
    code="too_fast",
    message="This page sent too much at once. It tries again in a moment.",
    fatal=True,
    retry_after_s=10,
)
_PIN_NOW = Problem(
    code="pin",
    message="The organiser has set a new PIN. Type it to go on listening.",
    fatal=True,
)
_SIGN_IN = Problem(
    code="sign_in",
    message="This event is for people with an account. Sign in and come back.",
    fatal=True,
)


class ListenerConsumer(Socket):
    """One listener: joins, chooses a language, asks for older captions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._audience = Audience.here()
        self._listener: Listener | None = None
        self._closing: asyncio.Task[None] | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._messages = Allowance(MESSAGES_AT_ONCE, MESSAGES_PER_S)
        self._reports = 0

    async def admit(self) -> None:
        await self._card()
        self._wait_for_join()

    async def _card(self) -> EventCard:
        """What is to be known of the event now. Raises Refused where there is no such event."""
        code = self.scope["url_route"]["kwargs"]["join_code"]
        try:
            return await Cards.here().find(code, self._address)
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
            raise _too_many("codes", attempts) from None

    @property
    def _address(self) -> str:
        address: str = (self.scope.get("client") or ("",))[0]
        return address

    async def _check_access(self, card: EventCard, join: Join) -> None:
        """Raises Refused for who may not listen."""
        if card.event.access == Access.PIN:
            try:
                check_pin(card.event, join.pin, self._address)
            except PinNeeded as needed:
                problem = Problem(code="pin", message=str(needed), fatal=True)
                raise Refused(NOT_ADMITTED, problem) from None
            except TooManyAttempts as attempts:
                raise _too_many("PINs", attempts) from None
        if card.event.access == Access.SIGNED_IN:
            cookies = dict(self.scope["headers"]).get(b"cookie", b"").decode("latin-1")
            # What trusts a cookie must know that a page of ours, and no other's, opened the socket.
            if not (has_origin(self.scope) and await in_database(is_signed_in, cookies)):
                raise Refused(NOT_ADMITTED, _SIGN_IN)

    async def take(self, text: str | None, binary: bytes | None) -> None:
        if not self._messages.take():
            raise Refused(TOO_MANY, _TOO_FAST)
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
        self._stop_waiting()  # it has come, however long the database now takes
        card = await self._card()
        await self._check_access(card, join)
        if join.rehearsal and not card.event.rehearsal_key_is(join.rehearsal):
            raise Refused(
                NOT_ADMITTED,
                Problem(
                    code="rehearsal",
                    message="This rehearsal link is not valid. Ask the speaker for a new one.",
                    fatal=True,
                ),
            )
        if not await self._offered(card, join.language):
            if self._listener is None:
                self._wait_for_join()
            return
        if self._listener is None:
            self._listener = Listener(
                card.event.pk,
                invited=bool(join.rehearsal),
                door=card.event.door,
                send=self._write,
                close=self._close,
                write=self.scope.get("extensions", {}).get(WRITE_EXTENSION),
            )
            await self._audience.enter(self._listener)
            count_join()
        else:
            self._listener.door = card.event.door
        self._audience.set_speech(self._listener, join.speech)
        await self._listen(self._listener, card, join.language, join.after)

    async def _choose_language(self, received: Received) -> None:
        assert self._listener
        language = received.text("language", most=35)
        card = await self._card()
        if await self._offered(card, language):
            await self._leave_video("language")
            await self._listen(self._listener, card, language, None)

    async def _listen(
        self, listener: Listener, card: EventCard, language: str, after: After | None
    ) -> None:
        avatar = card.avatars[language]
        desk = Videos.here()
        video = bool(desk and desk.offers(card.event, avatar))

        def joined(state: StateChange, seq: int) -> Message:
            return Joined(
                event=Title(title=card.event.title),
                session=state.session,
                state=state.state,
                language=language,
                languages=card.languages,
                avatar=AvatarItem.of(avatar, video=video),
                seq=seq,
            )

        # So much stands in `joined`; a card may be two seconds old.
        muted = frozenset(item.code for item in card.languages if item.muted)
        listener.announced = Announced(muted=muted)
        await self._audience.listen(listener, language, after, joined)

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
            card = await self._card()
            language = self._listener.language
            avatar = card.avatars.get(language)
            if language in self._listener.announced.muted:
                avatar = None  # it would be paid for saying nothing
            if desk is None or avatar is None or not desk.offers(card.event, avatar):
                self._listener.tell(Video(state="ended", reason="unavailable"))
                return
            self._listener.viewer = desk.viewer(self._listener, card.event)
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
            event_id=self._listener.event,
            language=self._listener.language,
            message=message,
        )

    async def _offered(self, card: EventCard, code: str) -> bool:
        """Whether the event has this language; says so where it has not."""
        if any(language.code == code for language in card.languages):
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

    def _write(self, frame: Frame) -> Coroutine[Any, Any, None]:
        kind = "text" if isinstance(frame, str) else "bytes"
        return self.base_send({"type": "websocket.send", kind: frame})

    def _close(self, code: int) -> None:
        """The audience has done with this socket."""
        assert self._listener
        if code == TOO_SLOW:
            count_slow_socket()
        self._audience.leave(self._listener)
        if code == NOT_ADMITTED:
            problem = _PIN_NOW if self._listener.door.access == Access.PIN else _SIGN_IN
            closing = self.refuse(Refused(code, problem))
        else:
            self.refused = True
            closing = self.close(code=code)
        self._closing = asyncio.create_task(closing)

    def _wait_for_join(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(JOIN_WITHIN_S, self._join_is_late)

    def _join_is_late(self) -> None:
        problem = Problem(
            code="bad_message", message="The first message must be a join.", fatal=True
        )
        self._closing = asyncio.create_task(self.refuse(Refused(MALFORMED, problem)))

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    async def depart(self) -> None:
        self._stop_waiting()
        if self._listener:
            await self._leave_video("left")
            self._audience.leave(self._listener)
            await self._listener.end()
        if self._closing:
            self._closing.cancel()
            # What a task says to a socket that is gone fails, and nobody misses it.
            await asyncio.gather(self._closing, return_exceptions=True)


def _too_many(wrong: str, attempts: TooManyAttempts) -> Refused:
    problem = Problem(
        code="too_fast",
        message=f"Too many wrong {wrong} came from here. Please wait a minute.",
        fatal=True,
        retry_after_s=attempts.retry_after_s,
    )
    return Refused(TOO_MANY, problem)


def _bad(bad: BadMessage, *, fatal: bool = False) -> Problem:
    return Problem(code="bad_message", message=str(bad), fatal=fatal)
