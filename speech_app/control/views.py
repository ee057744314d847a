"""The control room's page."""

from __future__ import annotations

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_app.announcements import LONGEST_NOTICE
from sessions_app.invitations import invitations
from sessions_app.models.event import MOST_HELD_S
from sessions_app.office import event_or_404, office_page
from sessions_app.permissions import Action, may
from sessions_app.time_zones import zone_name

HOLDS_S = (0, 3, 5, 10, 15, 20, MOST_HELD_S)
"""What an operator is offered; any whole number up to the last may be set in the event's form."""


@staff_member_required
@never_cache
@require_safe
def control(request: HttpRequest, event: int) -> HttpResponse:
    """`/admin/control/<event>/`: the event live, and what an operator can do about it."""
    found = event_or_404(request, event, Action.RUN)
    return office_page(
        request,
        "admin/control.html",
        f"Control room: {found.title}",
        event=found,
        longest_notice=LONGEST_NOTICE,
        holds=HOLDS_S,
        invitations=[one for one in invitations(request, found) if not one.speaker.revoked_at],
        is_nav_sidebar_enabled=False,
        control={
            "socket_path": f"/ws/control/{found.pk}/",
            "time_zone": zone_name(),
            "user": request.user.pk,
        },
        may_review=may(request.user, Action.REVIEW, found),
    )
