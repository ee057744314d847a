"""Who may do what at which event: one answer for the back office, pages, sockets and exports.

A person signs in to the back office as staff. Administrators (a group, and superusers) may do
everything. Organisers, Reviewers and Operators are groups too; what their members may touch are
the events they own and those they are given as `EventMember`.
"""

from __future__ import annotations

from enum import Enum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet

from sessions_app.models import Event
from sessions_app.models.event import Role

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
