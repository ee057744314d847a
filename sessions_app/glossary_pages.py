"""An event's glossary: its terms at a glance, into a file and out of one."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.core import signing
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from sessions_app.glossary_export import export_glossary
from sessions_app.glossary_import import (
    MOST_BYTES,
    MOST_ROWS,
    ImportRefused,
    Plan,
    decode,
    plan_import,
    store,
)
from sessions_app.models import Event, GlossaryTerm
from sessions_app.office import event_or_404, office_page
from sessions_app.permissions import Action, may

TERMS_PER_PAGE = 100
SHOWN = 200
"""Lines of each kind that the page lists before an import."""
SALT = "sessions_app.glossary_import"
VALID_S = 3600
"""So long after the page was shown its import can be confirmed."""


@staff_member_required
@never_cache
@require_safe
def glossary(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/glossary/`: the terms, each with its translations."""
    event = event_or_404(request, pk, Action.VIEW)
    terms = event.glossary.prefetch_related("translations__language")
    page = Paginator(terms, TERMS_PER_PAGE).get_page(request.GET.get("page"))
    languages = [row.language for row in event.languages.select_related("language")]
    return office_page(
        request,
        "office/glossary.html",
        "Glossary",
        event=event,
        languages=languages,
        page=page,
        lines=[(term, _cells(term, [language.pk for language in languages])) for term in page],
        may_change=may(request.user, Action.CHANGE, event),
    )


def _cells(term: GlossaryTerm, languages: list[int]) -> list[Any]:
    said = {row.language_id: row for row in term.translations.all()}
    return [said.get(language) for language in languages]


@staff_member_required
@never_cache
@require_safe
def glossary_export(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/glossary.csv`: the terms as a file that can be imported."""
    event = event_or_404(request, pk, Action.VIEW)
    name = slugify(event.title)[:60] or event.join_code
    return HttpResponse(
        # With this mark spreadsheets read UTF-8 as what it is.
        f"\N{ZERO WIDTH NO-BREAK SPACE}{export_glossary(event)}",
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="glossary-{name}.csv"'},
    )


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        allow_empty_file=True,
        error_messages={"required": "Choose a file first."},
    )


@staff_member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def glossary_import(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/glossary/import/`: a file, what it would change, the change."""
    event = event_or_404(request, pk, Action.CHANGE)
    if request.method != "POST":
        return _ask(request, event)
    try:
        if "confirmed" in request.POST:
            return _confirm(request, event, request.POST["confirmed"])
        return _preview(request, event, _uploaded(request))
    except ImportRefused as refusal:
        return _ask(request, event, str(refusal))


def _ask(request: HttpRequest, event: Event, refusal: str = "") -> HttpResponse:
    return office_page(
        request,
        "office/glossary_import.html",
        "Import terms",
        event=event,
        refusal=refusal,
        most_rows=MOST_ROWS,
        most_mb=MOST_BYTES / 1_000_000,
        languages=[row.language for row in event.languages.select_related("language")],
    )


def _uploaded(request: HttpRequest) -> str:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        raise ImportRefused(" ".join(str(error) for error in form.errors["file"]))
    # One byte more tells a file that is too large; the rest of it is never read.
    return decode(form.cleaned_data["file"].read(MOST_BYTES + 1))


def _preview(request: HttpRequest, event: Event, text: str, note: str = "") -> HttpResponse:
    plan = plan_import(event, text)
    signed = signing.dumps([event.pk, plan.digest, text], salt=SALT, compress=True)
    return office_page(
        request,
        "office/glossary_import.html",
        "Import terms",
        event=event,
        plan=plan,
        shown=_shown(plan),
        most_shown=SHOWN,
        note=note,
        signed=signed,
    )


def _shown(plan: Plan) -> dict[str, Any]:
    return {
        "new": plan.new[:SHOWN],
        "changed": plan.changed[:SHOWN],
        "problems": plan.problems[:SHOWN],
    }


def _confirm(request: HttpRequest, event: Event, signed: str) -> HttpResponse:
    try:
        of, digest, text = signing.loads(signed, salt=SALT, max_age=VALID_S)
    except signing.BadSignature:
        of = None
    if of != event.pk:
        raise ImportRefused("This page was open for too long: choose the file once more.")
    with transaction.atomic():
        plan = plan_import(event, text)
        if plan.digest == digest:
            store(event, plan)
    if plan.digest != digest:
        note = "Somebody changed the glossary meanwhile: look at what the file would change now."
        return _preview(request, event, text, note)
    done = f"Terms added: {len(plan.new)}. Terms changed: {len(plan.changed)}."
    user = cast(User, request.user)
    LogEntry.objects.log_actions(user.pk, [event], CHANGE, f"Imported a glossary. {done}")
    messages.success(request, done)
    return redirect("event-glossary", event.pk)
