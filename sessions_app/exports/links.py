"""Links that let whoever has them download one order, until they expire.

A link is not stored: it is the order, who gave it and until when, signed with the server's
SECRET_KEY, so nothing in it can be changed. It gives what its giver may export at the time it is
used: it ends before its time where he may no longer, and for all where the key is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.core import signing
from django.utils import timezone

from sessions_app.exports.order import Order
from sessions_app.exports.transcript import Wanted
from sessions_app.models import LiveSession
from sessions_app.permissions import Action, events_for

_SALT = "sessions_app.exports.links"


class NoSuchLink(Exception):
    """It was never given, or its giver may no longer give it."""


class LinkExpired(Exception):
    """It was good until some time ago."""


@dataclass(frozen=True, slots=True)
class Link:
    """An order that was given away."""

    order: Order
    giver: int
    until: datetime

    def token(self) -> str:
        """What stands for it in an address."""
        order = self.order
        return signing.dumps(
            {
                "s": order.sessions,
                "f": order.formats,
                "l": order.languages,
                "b": order.side_by_side,
                "w": order.wanted.value,
                "g": self.giver,
                "u": int(self.until.timestamp()),
            },
            salt=_SALT,
            compress=True,
        )

    @classmethod
    def read(cls, token: str) -> Link:
        """The link of this token, good now. Raises NoSuchLink or LinkExpired."""
        try:
            given = signing.loads(token, salt=_SALT)
            order = Order(
                sessions=tuple(given["s"]),
                formats=tuple(given["f"]),
                languages=tuple(given["l"]),
                side_by_side=given["b"],
                wanted=Wanted(given["w"]),
            )
        except (signing.BadSignature, ValueError) as refused:
            raise NoSuchLink from refused
        link = cls(order, given["g"], datetime.fromtimestamp(given["u"], UTC))
        if link.until <= timezone.now():
            raise LinkExpired
        giver = User.objects.filter(pk=link.giver).first()
        if giver is None or not may_export(giver, order.sessions):
            raise NoSuchLink
        return link


def may_export(user: User, sessions: tuple[int, ...]) -> bool:
    """Whether this person may export every one of these sessions, all of which there are."""
    permitted = LiveSession.objects.filter(
        pk__in=sessions, event__in=events_for(user, Action.EXPORT)
    )
    return permitted.count() == len(set(sessions))
