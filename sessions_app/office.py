"""What the pages of the back office beside the admin's own have in common."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sessions_app.models import Event
from sessions_app.permissions import Action, events_for


def event_or_404(request: HttpRequest, pk: int, action: Action) -> Event:
    """The event, if this person may do this there. Raises Http404 as if there were none."""
    event = events_for(request.user, action).filter(pk=pk).select_related("avatar", "owner").first()
    if event is None:
        raise Http404
    return event


def office_page(
    request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page that looks like the admin's."""
    everything = {**admin.site.each_context(request), "title": title, **context}
    return render(request, template, everything, status=status)
