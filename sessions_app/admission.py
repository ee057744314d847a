"""Who gets in: join codes, PINs and accounts, and how often one address may guess."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, parse_cookie

from sessions_app.database import AWAY, in_database
from sessions_app.loops import PerLoop
from sessions_app.messages import LanguageItem
from sessions_app.models import Avatar, Event
from sessions_app.models.event import clean_join_code
from sessions_app.rate import count, counted

MOST_FAILED_JOINS = 20
WITHIN_S = 60
"""20 wrong codes a minute from one address: a hall mistypes less, a guesser needs 31^8 tries."""

MOST_WRONG_PINS = 20
"""Within the same time, from one address. Then not even the right one lets in, for a minute: four
digits, guessed like that, hold out for hours. A hall that mistypes more waits, and is let in."""

CARD_IS_FRESH_FOR_S = 2.0
ANSWERS_WITHIN_S = 2.0
MOST_CARDS = 1000
LOOKED_UP_AT_ONCE = 2
"""A flood of wrong codes takes this many of the threads that also store captions, and no more."""


class UnknownJoinCode(Exception):
    """No event has this join code."""


class TooManyAttempts(Exception):
    """This address has tried too many wrong codes."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


class PinNeeded(Exception):
    """The PIN is missing or wrong; the text says which, for people."""


def check_pin(event: Event, pin: str, address: str) -> None:
    """Let this PIN in. Raises PinNeeded, or TooManyAttempts after too many wrong ones from here."""
    if not pin:
        raise PinNeeded("This event asks for a PIN. The organiser tells it to those invited.")
    wrong = f"wrong-pins:{event.pk}:{address}"
    if counted(wrong) >= MOST_WRONG_PINS:
        raise TooManyAttempts(WITHIN_S)
    if not event.pin_is(pin):
        count(wrong, WITHIN_S)
        raise PinNeeded("This is not the PIN of this event. Check it and try again.")


def account_of(cookies: str) -> AbstractBaseUser | AnonymousUser:
    """Whose session a `Cookie` header names. Reads the database."""
    session = import_module(settings.SESSION_ENGINE).SessionStore
    request = HttpRequest()
    request.session = session(parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME))
    return get_user(request)


def is_signed_in(cookies: str) -> bool:
    """Whether a `Cookie` header holds the session of an account in use. Reads the database."""
    return account_of(cookies).is_authenticated


def find_event(code: str, address: str) -> Event:
    """The event with this join code.

    Right codes are never limited, since a whole hall may sit behind one address. Raises
    UnknownJoinCode, or TooManyAttempts once an address has failed too often.
    """
    event = Event.with_join_code(code)
    if event is None:
        raise _failed(address)
    return event


def _failed(address: str) -> UnknownJoinCode | TooManyAttempts:
    if count(f"failed-joins:{address}", WITHIN_S) > MOST_FAILED_JOINS:
        return TooManyAttempts(WITHIN_S)
    return UnknownJoinCode()


@dataclass(frozen=True, slots=True)
class EventCard:
    """What a listener who joins must know of an event; `avatars` are by language code."""

    event: Event
    languages: Sequence[LanguageItem]
    avatars: Mapping[str, Avatar]
    seen_at: float

    @classmethod
    def find(cls, code: str) -> EventCard | None:
        """The card of the event with this join code. Reads the database."""
        event = Event.with_join_code(code)
        if event is None:
            return None
        own = event.own_avatars()
        languages = LanguageItem.offered(event)
        return cls(
            event=event,
            languages=languages,
            avatars={item.code: own.get(item.code, event.avatar) for item in languages},
            seen_at=time.monotonic(),
        )


class Cards(PerLoop):
    """The cards of events that are being joined: a hall that comes at once asks the database once.

    A card is looked up again after 2 s; while the database is away or hangs the last one serves.
    """

    def __init__(self) -> None:
        self._cards: dict[str, EventCard] = {}
        self._asking: dict[str, asyncio.Task[EventCard | None]] = {}
        self._turns = asyncio.Semaphore(LOOKED_UP_AT_ONCE)

    async def find(self, code: str, address: str) -> EventCard:
        """As `find_event`; raises UnknownJoinCode, TooManyAttempts, or what a database raises."""
        code = clean_join_code(code)
        known = self._cards.get(code)
        if known and time.monotonic() - known.seen_at < CARD_IS_FRESH_FOR_S:
            return known
        asking = self._asking.get(code)
        if asking is None:
            asking = self._asking[code] = asyncio.create_task(self._look_up(code))
            asking.add_done_callback(lambda done: self._asking.pop(code))
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S if known else None):
                card = await asyncio.shield(asking)
        except (*AWAY, TimeoutError):
            if known is None:
                raise
            return known
        if card is None:
            raise _failed(address)
        return card

    async def _look_up(self, code: str) -> EventCard | None:
        async with self._turns:
            card = await in_database(EventCard.find, code)
        self._cards.pop(code, None)
        if card:
            self._cards[code] = card
            if len(self._cards) > MOST_CARDS:
                del self._cards[next(iter(self._cards))]
        return card
