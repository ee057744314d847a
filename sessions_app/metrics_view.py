"""`/metrics`: the figures of all server processes, for whoever watches over this installation."""

from __future__ import annotations

import hmac
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from sessions_app import metric_files

WRITTEN_BY_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
REFUSED = (
    "These figures are for whoever runs this server. Ask without a proxy from this machine or its "
    "private network, or send the server's METRICS_TOKEN as 'Authorization: Bearer …'.\n"
)


# Not async: reading files belongs in a thread.
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The sums over all server processes in Prometheus' text format, or 403."""
    if not (_has_token(request) or _is_internal(request)):
        return HttpResponse(REFUSED, status=403, content_type="text/plain; charset=utf-8")
    return HttpResponse(metric_files.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token: str = settings.METRICS_TOKEN
    right = hmac.compare_digest(given.strip().encode(), token.encode())
    return bool(token) and scheme.lower() == "bearer" and right


def _is_internal(request: HttpRequest) -> bool:
    """Whether the other end of the connection is in this network and speaks for itself.

    A proxy is in this network, too, and whom it speaks for can be written by anyone: what has come
    through one needs the token.
    """
    if any(name in request.headers for name in WRITTEN_BY_PROXIES):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_private
