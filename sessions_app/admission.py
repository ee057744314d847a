"""Who gets in: join codes, and how often one address may guess them."""

from __future__ import annotations

from sessions_app.models import Event
from sessions_app.rate import count

MOST_FAILED_JOINS = 20
WITHIN_S = 60
"""20 wrong codes a minute from one address: a hall mistypes less, a guesser needs 31^8 tries."""


class UnknownJoinCode(Exception):
    """No event has this join code."""


class TooManyAttempts(Exception):
    """This address has tried too many wrong codes."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


def find_event(code: str, address: str) -> Event:
    """The event with this join code.

    Right codes are never limited, since a whole hall may sit behind one address. Raises
    UnknownJoinCode, or TooManyAttempts once an address has failed too often.
    """
    event = Event.with_join_code(code)
    if event is not None:
        return event
    if count(f"failed-joins:{address}", WITHIN_S) > MOST_FAILED_JOINS:
        raise TooManyAttempts(WITHIN_S)
    raise UnknownJoinCode
