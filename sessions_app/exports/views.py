"""What the holder of a link sees: what it is for, and the download."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from sessions_app.exports import FORMATS
from sessions_app.exports.download import download
from sessions_app.exports.links import LinkExpired, LinkRevoked, NoSuchLink, open_link
from sessions_app.exports.order import File, NothingToExport
from sessions_app.models import ExportLink
from sessions_app.rate import count

MOST_DOWNLOADS, WITHIN_S = 20, 60
"""Of one link, in each server process: a file takes seconds of a core that talks need, too."""


@require_safe
@never_cache
def exported(request: HttpRequest, token: str) -> HttpResponseBase:
    """`/export/<token>/`: what there is to download. It costs little, as programs that show a
    preview of every link open it too."""
    opened = _open(request, token)
    if isinstance(opened, HttpResponseBase):
        return opened
    link, files = opened
    languages = {column for file in files for column in file.transcript.columns}
    page = {
        "token": token,
        "sessions": list({f.transcript.session.pk: f.transcript.session for f in files}.values()),
        "languages": sorted({(column.language, column.native_name) for column in languages}),
        "formats": [FORMATS[key].label for key in link.formats],
        "count": len(files),
        "until": timezone.localtime(link.expires_at),
    }
    return render(request, "export.html", page)


@require_GET
@never_cache
def download_exported(request: HttpRequest, token: str) -> HttpResponseBase:
    """`/export/<token>/download/`: the file, or the files as a ZIP."""
    opened = _open(request, token)
    if isinstance(opened, HttpResponseBase):
        return opened
    if count(f"export-link:{opened[0].pk}", WITHIN_S) > MOST_DOWNLOADS:
        advice = "Many people are downloading this right now. Try again in a minute."
        response = _refusal(request, "One moment, please", advice, 429)
        response["Retry-After"] = str(WITHIN_S)
        return response
    return download(opened[1])


def _open(request: HttpRequest, token: str) -> tuple[ExportLink, list[File]] | HttpResponseBase:
    """What the link gives, or the page saying why it gives nothing."""
    ask = "Ask whoever gave it to you for a new one."
    try:
        link, order = open_link(token)
        return link, order.files()
    except NoSuchLink:
        advice = f"It may have been cut short on its way. {ask}"
        return _refusal(request, "This link does not work", advice, 404)
    except LinkExpired:
        return _refusal(request, "This link has expired", ask, 410)
    except LinkRevoked:
        return _refusal(request, "This link has been taken back", ask, 410)
    except NothingToExport as nothing:
        return _refusal(request, "Nothing to download yet", str(nothing), 404)


def _refusal(request: HttpRequest, heading: str, advice: str, status: int) -> HttpResponseBase:
    page = {"heading": heading, "advice": advice}
    return render(request, "link_refused.html", page, status=status)
