"""The addresses of an event's pages, as links for people."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from sessions_app.models import Event


def listener_url(event: Event, base_url: str) -> str:
    """Where listeners go: at PUBLIC_URL, or else at `base_url` (`https://host[:port]`)."""
    return (settings.PUBLIC_URL or base_url.rstrip("/")) + event.get_absolute_url()


def listener_link(request: HttpRequest, event: Event) -> str:
    """Where listeners go, for the page this request asks for."""
    return listener_url(event, request.build_absolute_uri("/"))


def reaches_only_this_computer(link: str) -> bool:
    """Whether this link, given to somebody else, would lead them to their own device."""
    host = urlsplit(link).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def rehearsal_link(request: HttpRequest, event: Event) -> str:
    """Where invited listeners hear rehearsals too."""
    return f"{listener_link(request, event)}?{_key(event)}"


def public_link(request: HttpRequest, path: str) -> str:
    """The page at this path, for people who are sent its address."""
    return (settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")) + path


def qr_path(event: Event) -> str:
    """The picture of `listener_link`."""
    return reverse("listener-qr", args=[event.join_code])


def rehearsal_qr_path(event: Event) -> str:
    """The picture of `rehearsal_link`."""
    return f"{qr_path(event)}?{_key(event)}"


def _key(event: Event) -> str:
    return urlencode({"rehearsal": event.rehearsal_key})
