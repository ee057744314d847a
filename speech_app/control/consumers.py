"""An operator's socket."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from django.contrib.auth.models import User

from sessions_app.admission import account_of
from sessions_app.database import AWAY, in_database
from sessions_app.messages import BadMessage, Problem, Received
from sessions_app.models import Event, LiveSession
from sessions_app.outbox import Frame
from sessions_app.permissions import Action, events_for
from sessions_app.rate import Allowance
from sessions_app.review.changes import Refused as NotChanged
from sessions_app.sockets import (
    NOT_ADMITTED,
    NOT_FOUND,
    STORAGE_DOWN,
    TOO_MANY,
    TOO_SLOW,
    Refused,
    Socket,
    has_origin,
)
from sessions_app.works import Works
from speech_app.control.commands import Again, CannotBeDone, Command, carry_out, let_go
from speech_app.control.messages import Answer
from speech_app.control.room import ControlRooms, Operator
from speech_app.review.access import Problem as ReviewProblem
from speech_app.review.access import Review
from speech_app.review.machine import retranslate

COMMANDS_AT_ONCE = 30
COMMANDS_PER_S = 5.0

_NOT_YOURS = Problem(
    code="sign_in",
    message="You may not run this event any more, or are signed out. Sign in and load the page.",
    fatal=True,
)


class ControlConsumer(Socket):
    """One operator of one event. Trusts the cookie of whoever is signed in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rooms = ControlRooms.here()
        self._operator: Operator | None = None
        self._commands = Allowance(COMMANDS_AT_ONCE, COMMANDS_PER_S)
        self._works = Works()

    @property
    def _event(self) -> int:
        pk: int = self.scope["url_route"]["kwargs"]["event"]
        return pk

    @property
    def _cookies(self) -> str:
        cookies: bytes = dict(self.scope["headers"]).get(b"cookie", b"")
        return cookies.decode("latin-1")

    async def admit(self) -> None:
        # What trusts a cookie must know that a page of ours, and no other's, opened the socket.
        if not has_origin(self.scope):
            raise Refused(NOT_ADMITTED, _NOT_YOURS)
        _, user = await self._admitted()
        self._operator = Operator(
            self._event,
            user.pk,
            self._cookies,
            send=self._write,
            too_slow=lambda: self._works.begin(self.close(code=TOO_SLOW)),
            shut_out=lambda: self._works.begin(self.refuse(Refused(NOT_ADMITTED, _NOT_YOURS))),
        )
        await self._rooms.enter(self._operator)

    async def _admitted(self) -> tuple[Event, User]:
        """The event and who is signed in. Raises Refused."""
        found = await in_database(_find, self._cookies, self._event)
        if found is None:
            problem = Problem(
                code="bad_message",
                message="There is no such event, or you may not run it.",
                fatal=True,
            )
            raise Refused(NOT_FOUND, problem)
        return found

    async def take(self, text: str | None, binary: bytes | None) -> None:
        if not self._commands.take():
            problem = Problem(
                code="too_fast",
                message="This page sent too much at once. It tries again in a moment.",
                fatal=True,
                retry_after_s=5,
            )
            raise Refused(TOO_MANY, problem)
        event, user = await self._admitted()
        ref = 0
        try:
            if text is None:
                raise BadMessage("A control room sends no audio.")
            received = Received(text)
            ref = received.number("ref", default=0)
            outcome = await in_database(carry_out, Command(event, user, received))
        except (BadMessage, CannotBeDone) as refused:
            self._answer_command(ref, ok=False, message=str(refused))
        except AWAY:
            self._answer_command(ref, ok=False, message=f"{STORAGE_DOWN.message} Try again.")
        else:
            self._answer_command(ref, ok=True, message=outcome.message)
            if outcome.again:
                # To the end, also where the operator leaves meanwhile: it waits for that.
                translating = self._translate_again(ref, outcome.again, user)
                self._works.begin(self._rooms.works.carry_out(translating))

    async def _translate_again(self, ref: int, again: Again, user: User) -> None:
        try:
            review = await in_database(_review_of, again.session.pk, user)
            message = await retranslate(review, again.place)
        except (ReviewProblem, NotChanged) as problem:
            self._answer_command(ref, ok=False, message=str(problem))
        except (LiveSession.DoesNotExist, *AWAY):
            self._answer_command(ref, ok=False, message="It could not be translated again.")
        else:
            self._answer_command(ref, ok=True, message=message)
        finally:
            await in_database(let_go, again.session, again.place.number, show=again.show)

    def _answer_command(self, ref: int, *, ok: bool, message: str) -> None:
        if self._operator:
            self._operator.tell(Answer(ref=ref, ok=ok, message=message))

    def _write(self, frame: Frame) -> Coroutine[Any, Any, None]:
        return self.base_send({"type": "websocket.send", "text": frame})

    async def depart(self) -> None:
        if self._operator:
            await self._rooms.leave(self._operator)
        await self._works.cancel()


def _find(cookies: str, event: int) -> tuple[Event, User] | None:
    user = account_of(cookies)
    found = events_for(user, Action.RUN).filter(pk=event).first()
    return (found, user) if found and isinstance(user, User) else None


def _review_of(session: int, user: User) -> Review:
    """Of what the operator may run; what may be reviewed is asked on the review page."""
    found = LiveSession.objects.select_related("event", "speaker").get(pk=session)
    return Review(found, user, "")
