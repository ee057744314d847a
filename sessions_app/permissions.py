"""Who may do what at which event: one answer for the back office, pages, sockets and exports.

A person signs in to the back office as staff. Administrators (a group, and superusers) may do
everything. Organisers, Reviewers and Operators are groups too; what their members may touch are
the events they own and those they are given as `EventMember`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Model, Q, QuerySet

from sessions_app.models import (
    AudienceCount,
    AudienceSample,
    CaptionStream,
    Correction,
    Event,
    EventLanguage,
    EventMember,
    GlossaryTerm,
    GlossaryTranslation,
    LanguageReview,
    ListenerReport,
    LiveSession,
    OperatorPresence,
    Segment,
    SessionLogEntry,
    Speaker,
    Translation,
    VideoSeat,
)
from sessions_app.models.event import Role

M = TypeVar("M", bound=Model)

ORGANISER, REVIEWER, OPERATOR, ADMINISTRATOR = (
    "Organiser",
    "Reviewer",
    "Operator",
    "Administrator",
)
"""Names of the groups."""


class Action(Enum):
    """What a person may do at an event."""

    VIEW = "view"
    CHANGE = "change"
    RUN = "run"
    REVIEW = "review"
    EXPORT = "export"


_ROLES = {
    Action.VIEW: {Role.ORGANISER, Role.REVIEWER, Role.OPERATOR},
    Action.CHANGE: {Role.ORGANISER},
    Action.RUN: {Role.ORGANISER, Role.OPERATOR},
    Action.REVIEW: {Role.ORGANISER, Role.REVIEWER},
    Action.EXPORT: {Role.ORGANISER, Role.REVIEWER},
}


def is_administrator(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person may do everything."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return False
    return user.is_superuser or user.groups.filter(name=ADMINISTRATOR).exists()


def events_for(user: AbstractBaseUser | AnonymousUser, action: Action) -> QuerySet[Event]:
    """The events at which this person may do this."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return Event.objects.none()
    if is_administrator(user):
        return Event.objects.all()
    given = Q(
        pk__in=user.memberships.filter(role__in=_ROLES[action]).values("event"),
    )
    return Event.objects.filter(Q(owner=user) | given)


def may(user: AbstractBaseUser | AnonymousUser, action: Action, event: Event) -> bool:
    """Whether this person may do this at this event."""
    return events_for(user, action).filter(pk=event.pk).exists()


@dataclass(frozen=True, slots=True)
class Rule:
    """How a row belongs to its event, and what one must be allowed there to see or change it.

    `event` is the path of lookups from the row to the event; "" for the event itself.
    """

    event: str
    to_view: Action = Action.VIEW
    to_change: Action = Action.CHANGE


RULES: dict[type[Model], Rule] = {
    Event: Rule(""),
    EventLanguage: Rule("event"),
    EventMember: Rule("event", to_view=Action.CHANGE),
    # Who sees a speaker can find out the secret link.
    Speaker: Rule("event", to_view=Action.RUN),
    GlossaryTerm: Rule("event"),
    GlossaryTranslation: Rule("term__event"),
    LiveSession: Rule("event", to_change=Action.RUN),
    Segment: Rule("session__event", to_change=Action.REVIEW),
    Translation: Rule("session__event", to_change=Action.REVIEW),
    Correction: Rule("segment__session__event", to_change=Action.REVIEW),
    LanguageReview: Rule("session__event", to_change=Action.REVIEW),
    CaptionStream: Rule("session__event", to_change=Action.RUN),
    AudienceCount: Rule("event", to_change=Action.RUN),
    AudienceSample: Rule("session__event", to_change=Action.RUN),
    SessionLogEntry: Rule("session__event", to_change=Action.RUN),
    OperatorPresence: Rule("event", to_view=Action.RUN, to_change=Action.RUN),
    ListenerReport: Rule("event", to_change=Action.RUN),
    VideoSeat: Rule("event", to_change=Action.RUN),
}
"""Every kind of row that belongs to an event. What is not here belongs to all: the catalogue."""


def rows_for(
    user: AbstractBaseUser | AnonymousUser, action: Action, rows: QuerySet[M]
) -> QuerySet[M]:
    """Those of the rows at whose event this person may do this."""
    path = RULES[rows.model].event
    return rows.filter(**{f"{path}__in" if path else "pk__in": events_for(user, action)})


def event_id_of(row: Model) -> int:
    """The primary key of the event a saved row belongs to."""
    *through, last = RULES[type(row)].event.split("__")
    for name in through:
        row = getattr(row, name)
    event: int = getattr(row, f"{last}_id") if last else row.pk
    return event
