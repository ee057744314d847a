"""The control room's page."""

from __future__ import annotations

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
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
AFTERWARDS = (("Summary", "summary", Action.VIEW), ("Review", "review", Action.REVIEW))


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
            # Of session 0, whose number the page puts in: there may be none yet.
            "afterwards": [
                {"name": name, "path": reverse(page, args=[0])}
                for name, page, action in AFTERWARDS
                if may(request.user, action, found)
            ],
        },
        may_change=may(request.user, Action.CHANGE, found),
    )
