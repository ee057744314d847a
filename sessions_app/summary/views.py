"""The summary's page and its tables."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_app.exports.names import safe
from sessions_app.models import LiveSession
from sessions_app.office import office_page
from sessions_app.permissions import Action, may, rows_for
from sessions_app.summary.figures import MILLISECONDS, Summary, total_of
from sessions_app.summary.tables import audience_csv, languages_csv
from sessions_app.time_zones import in_words, zone_name


def _summary_or_404(request: HttpRequest, pk: int) -> Summary:
    """Of a session of an event this person may see. Raises Http404 as if there were none."""
    sessions = rows_for(request.user, Action.VIEW, LiveSession.objects.all())
    session = sessions.select_related("event", "speaker").filter(pk=pk).first()
    if session is None:
        raise Http404
    return Summary(session)


@staff_member_required
@never_cache
@require_safe
def summary(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/sessions/<pk>/summary/`: how the session went, on the screen and on paper."""
    found = _summary_or_404(request, pk)
    event = found.session.event
    return office_page(
        request,
        "office/summary.html",
        f"Summary: {event.title}",
        event=event,
        summary=found,
        session=found.session,
        when=in_words(found.session.started_at),
        shows_cost=may(request.user, Action.RUN, event),
        may_review=may(request.user, Action.REVIEW, event),
        may_run=may(request.user, Action.RUN, event),
        plots=_plots(found),
        is_nav_sidebar_enabled=False,
    )


def _plots(found: Summary) -> dict[str, Any]:
    """Points as pairs of ms since 1970 and a value; `zone` is that of the page's other times."""
    end = round(found.ends_at.timestamp() * MILLISECONDS)
    lines = [
        (one.name, [sample for sample in found.samples if sample.language == one.code])
        for one in found.languages
        if one.audience
    ]
    if len(lines) > 1:
        lines.insert(0, ("All languages", total_of(found.samples)))
    minutes = [
        (round(minute.at.timestamp() * MILLISECONDS), minute) for minute in found.delays_by_minute
    ]
    return {
        "zone": zone_name(),
        "audience": [
            {
                "label": name,
                "points": [
                    *([round(one.at.timestamp() * MILLISECONDS), one.listeners] for one in samples),
                    [end, samples[-1].listeners],
                ],
            }
            for name, samples in lines
        ],
        "delays": [
            {
                "label": label,
                "points": [
                    [at, round(value / MILLISECONDS, 2)]
                    for at, minute in minutes
                    if (value := getattr(minute, name)) is not None
                ],
            }
            for label, name in (("Caption", "caption_ms"), ("Voice", "speech_ms"))
        ],
    }


@staff_member_required
@never_cache
@require_safe
def summary_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/sessions/<pk>/summary.csv`: a row for each language."""
    found = _summary_or_404(request, pk)
    return _file(found, "summary", languages_csv(found))


@staff_member_required
@never_cache
@require_safe
def audience_table(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/sessions/<pk>/audience.csv`: who listened when."""
    found = _summary_or_404(request, pk)
    return _file(found, "audience", audience_csv(found))


def _file(found: Summary, what: str, content: str) -> HttpResponse:
    started = timezone.localtime(found.session.started_at)
    name = f"{safe(found.session.event.title)} {started:%Y-%m-%d %H%M} {what}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(True, name) or ""},
    )
