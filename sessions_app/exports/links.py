"""Links that let whoever has them download one order, until they expire or are revoked.

A link gives what its giver may export at the time it is used: it ends before its time where he may
no longer. Whoever may export one of its sessions sees that there is a link, and may revoke it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, QuerySet

from sessions_app.exports.order import Order
from sessions_app.exports.transcript import Wanted
from sessions_app.models import ExportLink, LiveSession
from sessions_app.permissions import Action, events_for


class NoSuchLink(Exception):
    """It was never given, or its giver may no longer give it."""


class LinkExpired(Exception):
    """It was good until some time ago."""


class LinkRevoked(Exception):
    """Somebody has taken it back."""


def give_away(
    order: Order, giver: User, until: datetime, recipient: str = ""
) -> tuple[ExportLink, str]:
    """A new link to this order, and the secret that stands for it in its address."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        link = ExportLink.objects.create(
            token_digest=ExportLink.digest_of(token),
            giver=giver,
            recipient=recipient,
            formats=order.formats,
            languages=order.languages,
            side_by_side=order.side_by_side,
            wanted=order.wanted,
            expires_at=until,
        )
        link.sessions.set(order.sessions)
    return link, token


def open_link(token: str) -> tuple[ExportLink, Order]:
    """The link with this secret, good now, and what it gives.

    Raises NoSuchLink, LinkRevoked or LinkExpired.
    """
    digest = ExportLink.digest_of(token)
    link = ExportLink.objects.select_related("giver").filter(token_digest=digest).first()
    if link is None:
        raise NoSuchLink
    if link.revoked_at:
        raise LinkRevoked
    if link.has_expired:
        raise LinkExpired
    try:
        order = Order(
            sessions=tuple(link.sessions.values_list("pk", flat=True)),
            formats=tuple(link.formats),
            languages=tuple(link.languages),
            side_by_side=link.side_by_side,
            wanted=Wanted(link.wanted),
        )
    except ValueError as refused:  # its sessions, or a format, are no longer there
        raise NoSuchLink from refused
    if not may_export(link.giver, order.sessions):
        raise NoSuchLink
    return link, order


def links_to(sessions: Sequence[LiveSession]) -> QuerySet[ExportLink]:
    """Every link that gives away one of these; `session_count` is how many it gives in all."""
    gives = ExportLink.sessions.through._default_manager.filter(livesession__in=sessions)
    return (
        ExportLink.objects.filter(pk__in=gives.values("exportlink"))
        .select_related("giver", "revoked_by")
        .annotate(session_count=Count("sessions"))
    )


def may_export(user: User, sessions: tuple[int, ...]) -> bool:
    """Whether this person may export every one of these sessions, all of which there are."""
    permitted = LiveSession.objects.filter(
        pk__in=sessions, event__in=events_for(user, Action.EXPORT)
    )
    return permitted.count() == len(set(sessions))
