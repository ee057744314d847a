"""The addresses of an event's pages, as links for people."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from sessions_app.models import Event


def listener_link(request: HttpRequest, event: Event) -> str:
    """Where listeners go; on the host this request was made to."""
    return request.build_absolute_uri(event.get_absolute_url())


def rehearsal_link(request: HttpRequest, event: Event) -> str:
    """Where invited listeners hear rehearsals too."""
    return f"{listener_link(request, event)}?{_key(event)}"


def qr_path(event: Event) -> str:
    """The picture of `listener_link`."""
    return reverse("listener-qr", args=[event.join_code])


def rehearsal_qr_path(event: Event) -> str:
    """The picture of `rehearsal_link`."""
    return f"{qr_path(event)}?{_key(event)}"


def _key(event: Event) -> str:
    return urlencode({"rehearsal": event.rehearsal_key})
