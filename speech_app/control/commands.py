"""What an operator does: each command changes one thing, and the session's log says who did it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from sessions_app import holding
from sessions_app.announcements import LONGEST_NOTICE, announce, mute
from sessions_app.broadcast import publish_shown, publish_state
from sessions_app.messages import BadMessage, Received
from sessions_app.models import Event, Language, LiveSession, SessionLogEntry
from sessions_app.models.course import EntryKind
from sessions_app.models.transcript import State
from sessions_app.review.changes import Changed, Place, Refused, correct
from sessions_app.review.transcript import Transcript

LONGEST_TEXT = 5000


class CannotBeDone(Exception):
    """A command that came to nothing; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator wants, of which event."""

    event: Event
    user: User
    received: Received


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, in words. `again`: what must be translated again before it is shown."""

    message: str
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Words that were corrected at this place. `show`: whether they are then shown at once."""

    session: LiveSession
    place: Place
    show: bool


def carry_out(command: Command) -> Outcome:
    """Do it, in the database. Raises CannotBeDone, or BadMessage for what no page of ours sends."""
    handler = _COMMANDS.get(command.received.type)
    if handler is None:
        raise BadMessage(f"A control room does not send “{command.received.type[:40]}”.")
    try:
        return handler(command)
    except (holding.TooLate, Refused, ValueError) as error:
        words = str(error)
        if isinstance(error, Changed):
            words += " What they wrote stands there now; yours is still in the box."
        raise CannotBeDone(words) from error


def _session(command: Command, *, running: bool = False) -> LiveSession:
    """The session that the page shows. Raises CannotBeDone where the event has moved on."""
    wanted = command.received.number("session")
    session = command.event.live_sessions.filter(pk=wanted).first()
    if session is None or (running and session.state == State.ENDED):
        raise CannotBeDone("This session is over. The page shows the new one in a moment.")
    return session


def _log(command: Command, code: str, text: str, session: LiveSession | None = None) -> Outcome:
    """What concerns the whole event is logged with its running session, if there is one."""
    session = session or command.event.running_session()
    if session:
        SessionLogEntry.objects.create(
            session=session, kind=EntryKind.ACTION, code=code, text=text, author=command.user
        )
    return Outcome(text)


def _pause(command: Command) -> Outcome:
    return _order(command, State.PAUSED, "Paused the session.")


def _end(command: Command) -> Outcome:
    return _order(command, State.ENDED, "Ended the session.")


def _order(command: Command, state: State, words: str) -> Outcome:
    session = _session(command, running=True)
    session.order(state)
    session.refresh_from_db()
    async_to_sync(publish_state)(session)
    return _log(command, state, words, session)


def _mute(command: Command) -> Outcome:
    code = command.received.text("language", most=35)
    on = command.received.flag("on", default=True)
    if not mute(command.event, code, on=on):
        raise CannotBeDone("The event is not translated into that language any more.")
    name = Language.objects.get(code=code).name
    return _log(command, "mute", f"Muted {name}." if on else f"Let {name} be heard again.")


def _hold(command: Command) -> Outcome:
    session = _session(command, running=True)
    seconds = command.received.number("seconds")
    holding.hold_for(session, seconds)
    words = f"Captions are held for {seconds} seconds." if seconds else "Captions are not held."
    return _log(command, "hold", words, session)


def _notice(command: Command) -> Outcome:
    text = command.received.text("text", default="", most=LONGEST_NOTICE)
    announce(command.event, text)
    return _log(command, "notice", f"Told listeners: {text}" if text else "Took the notice back.")


def _wait(command: Command) -> Outcome:
    holding.keep_waiting(_session(command), command.received.number("segment"))
    return Outcome("")


def _leave(command: Command) -> Outcome:
    holding.stop_waiting(_session(command), command.received.number("segment"))
    return Outcome("")


def _show(command: Command) -> Outcome:
    session, number = _session(command), command.received.number("segment")
    publish_shown(holding.show_now(session, number))
    return _log(command, "show", f"Showed sentence {number} early.", session)


def _drop(command: Command) -> Outcome:
    session, number = _session(command), command.received.number("segment")
    holding.drop(session, number, command.user)
    return _log(command, "drop", f"Dropped sentence {number}.", session)


def _restore(command: Command) -> Outcome:
    session, number = _session(command), command.received.number("segment")
    publish_shown(holding.restore(session, number))
    return _log(command, "restore", f"Showed dropped sentence {number} after all.", session)


def _correct(command: Command) -> Outcome:
    """`language` "" is what was spoken. `show`: whether a held sentence is then shown at once."""
    received = command.received
    session, number = _session(command), received.number("segment")
    language = received.text("language", default="", most=35)
    text = " ".join(received.text("text", most=LONGEST_TEXT).split())
    if not text:
        raise CannotBeDone("Write a text, or drop the sentence.")
    segment = session.segments.filter(number=number).first()
    if segment is None:
        raise CannotBeDone("This sentence is no longer in the transcript.")
    spoken = language in ("", segment.source_language)
    transcript = Transcript(session, segment.source_language if spoken else language)
    correct(
        transcript, Place(number, spoken=spoken, last=received.number("last")), text, command.user
    )
    show = received.flag("show", default=False)
    outcome = _log(command, "correct", f"Corrected sentence {number}.", session)
    if not spoken:
        let_go(session, number, show=show)
        return outcome
    # Nobody shall see the translations of the old words meanwhile.
    with contextlib.suppress(holding.TooLate):
        holding.keep_waiting(session, number)
    newest = segment.corrections.filter(translation=None).order_by("-pk").first()
    place = Place(number, spoken=True, last=newest.pk if newest else 0)
    return Outcome(outcome.message, again=Again(session, place, show))


def let_go(session: LiveSession, number: int, *, show: bool) -> None:
    """A held sentence is corrected: show it now, or let it wait for the rest of its time."""
    if show:
        publish_shown(holding.show_now(session, number))
    else:
        holding.stop_waiting(session, number)


_COMMANDS: Mapping[str, Callable[[Command], Outcome]] = {
    "pause": _pause,
    "end": _end,
    "mute": _mute,
    "hold": _hold,
    "notice": _notice,
    "wait": _wait,
    "leave": _leave,
    "show": _show,
    "drop": _drop,
    "restore": _restore,
    "correct": _correct,
}
