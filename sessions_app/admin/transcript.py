"""Live sessions, what was said in them, and its correction, in the back office.

Machine text is read-only everywhere; a person's text is entered beside it as "shown text".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path

from sessions_app.admin.base import (
    Kept,
    ModelAdmin,
    OwnValues,
    ReadOnly,
    StackedInline,
    clock,
)
from sessions_app.admin.export import export_path, export_sessions, export_view
from sessions_app.broadcast import publish_correction
from sessions_app.costs import Costs
from sessions_app.messages import FinalCaption
from sessions_app.models import CaptionStream, Correction, LiveSession, Segment, Translation
from sessions_app.models.catalogue import BackendName
from sessions_app.permissions import Action, may

if TYPE_CHECKING:
    SegmentForm = forms.ModelForm[Segment]
    TranslationForm = forms.ModelForm[Translation]
else:
    SegmentForm = TranslationForm = forms.ModelForm

LINES_PER_PAGE = 100


def _shown_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 90}),
        help_text="What listeners read. The machine's text is kept beside it.",
    )


class SegmentCorrectionForm(SegmentForm):
    """The words spoken, as they should be shown."""

    shown = _shown_field("Words spoken")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["shown"] = _shown_source(self.instance)

    def clean_shown(self) -> str:
        return " ".join(self.cleaned_data["shown"].split())


class TranslationCorrectionForm(TranslationForm):
    """A translation, as it should be shown."""

    shown = _shown_field("Shown text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["shown"] = _shown_text(self.instance)

    def clean_shown(self) -> str:
        return " ".join(self.cleaned_data["shown"].split())


def _shown_source(segment: Segment) -> str:
    newest = segment.corrections.filter(translation=None).order_by("-pk").first()
    return newest.text if newest else segment.text


def _shown_text(translation: Translation) -> str:
    shown = Translation.objects.shown().filter(pk=translation.pk).first()
    return (FinalCaption.of(shown).text or "") if shown else ""


def _correct_segment(segment: Segment, form: forms.BaseForm, author: Any) -> None:
    text: str = form.cleaned_data["shown"]
    if text != form.initial["shown"]:
        _publish_later(segment.correct(text, author))


def _correct_translation(translation: Translation, form: forms.BaseForm, author: Any) -> None:
    if translation.language == translation.segment.source_language:
        # It says what was spoken, and so do the lines beneath each translation.
        _correct_segment(translation.segment, form, author)
        return
    text: str = form.cleaned_data["shown"]
    if text != form.initial["shown"]:
        _publish_later(translation.correct(text, author))


def _publish_later(correction: Correction) -> None:
    transaction.on_commit(partial(publish_correction, correction))


@dataclass(slots=True)
class Said:
    """What is shown of a line in one language."""

    language: str
    text: str | None
    corrected: bool


@dataclass(slots=True)
class Line:
    """A segment as the transcript of its session lists it."""

    segment: Segment
    time: str
    text: str
    corrected: bool
    translations: list[Said] = field(default_factory=list)


def _transcript(segments: Sequence[Segment]) -> list[Line]:
    corrections = Correction.objects.filter(segment__in=segments, translation=None)
    sources = dict(corrections.order_by("pk").values_list("segment_id", "text"))
    said: dict[int, list[Said]] = defaultdict(list)
    translations = Translation.objects.shown().filter(segment__in=segments)
    for translation in translations.exclude(language=F("segment__source_language")):
        caption = FinalCaption.of(translation)
        own: str | None = translation.corrected_text  # type: ignore[attr-defined]
        said[translation.segment_id].append(
            Said(translation.language, caption.text, own is not None)
        )
    return [
        Line(
            segment=segment,
            time=clock(segment.start_ms),
            text=sources.get(segment.pk, segment.text),
            corrected=segment.pk in sources,
            translations=sorted(said[segment.pk], key=lambda one: one.language),
        )
        for segment in segments
    ]


@admin.register(LiveSession)
class LiveSessionAdmin(ReadOnly, ModelAdmin[LiveSession]):
    list_display = ["started_at", "event", "kind", "who", "state", "duration", "segment_count"]
    list_filter = ["state", "rehearsal", "source_language"]
    list_select_related = ["event", "speaker"]
    search_fields = ["event__title", "event__join_code", "speaker__name", "segments__text"]
    search_help_text = "An event's title or join code, a speaker's name, or words that were said."
    date_hierarchy = "started_at"
    fields = [
        "event",
        "speaker",
        "rehearsal",
        "state",
        "source_language",
        "started_at",
        "ended_at",
        "duration",
        "cost",
    ]
    readonly_fields = ["duration", "cost"]
    actions = [export_sessions]
    change_form_template = "admin/sessions_app/livesession/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export_view)
        return [
            path("export/", export, name="sessions_app_livesession_export"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        return export_view(request, self.admin_site)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LiveSession]:
        said = Count("segments", distinct=True)
        return super().get_queryset(request).annotate(said=said)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LiveSession], search_term: str
    ) -> tuple[QuerySet[LiveSession], bool]:
        # Searched aside: in one query, each segment found would be paired with each one counted.
        every = LiveSession.objects.all()
        found, _ = super().get_search_results(request, every, search_term)
        return queryset.filter(pk__in=found.values("pk")), False

    @admin.display(description="kind", ordering="rehearsal")
    def kind(self, session: LiveSession) -> str:
        return "rehearsal" if session.rehearsal else "session"

    @admin.display(description="speaker", ordering="speaker__name")
    def who(self, session: LiveSession) -> str | None:
        # The event stands beside it, and a row has to fit without being scrolled.
        return session.speaker.name if session.speaker else None

    @admin.display(description="duration")
    def duration(self, session: LiveSession) -> str:
        if session.ended_at is None:
            return "running"
        return clock(round((session.ended_at - session.started_at).total_seconds() * 1000))

    @admin.display(description="cost so far")
    def cost(self, session: LiveSession) -> str:
        if session.backend != BackendName.AZURE:
            return "none: it ran on this machine"
        return Costs.of(session).in_words()

    @admin.display(description="segments", ordering="said")
    def segment_count(self, session: LiveSession) -> int:
        count: int = session.said  # type: ignore[attr-defined]
        return count

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        session = self.get_object(request, object_id)
        page: Page[Segment] | None = None
        if session:
            pages = Paginator(session.segments.order_by("number"), LINES_PER_PAGE)
            page = pages.get_page(request.GET.get("page"))
        context: dict[str, Any] = {
            "page": page,
            "lines": _transcript(list(page)) if page else [],
            "may_review": session and may(request.user, Action.REVIEW, session.event),
            "may_run": session and may(request.user, Action.RUN, session.event),
        }
        if session and may(request.user, Action.EXPORT, session.event):
            context["export_path"] = export_path(LiveSession.objects.filter(pk=session.pk))
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )


class TranslationInline(Kept, StackedInline[Translation, Segment]):
    model = Translation
    form = TranslationCorrectionForm
    fields = ["language", "machine_text", "shown"]
    readonly_fields = ["language", "machine_text"]
    can_delete = False
    ordering = ["language"]

    @admin.display(description="the machine's text")
    def machine_text(self, translation: Translation) -> str | None:
        return translation.text

    def get_queryset(self, request: HttpRequest) -> QuerySet[Translation]:
        rows = super().get_queryset(request).select_related("segment")
        return rows.exclude(language=F("segment__source_language"))


@admin.register(Segment)
class SegmentAdmin(Kept, ModelAdmin[Segment]):
    form = SegmentCorrectionForm
    list_display = ["number", "event", "time", "source_language", "text", "correction_count"]
    list_display_links = ["number", "text"]
    list_filter = ["source_language", "session__rehearsal"]
    list_select_related = ["session__event"]
    search_fields = ["text", "translations__text", "corrections__text", "session__event__title"]
    search_help_text = "Words that were said, translated or corrected, or an event's title."
    date_hierarchy = "created_at"
    ordering = ["-session", "number"]
    fields = ["session", "number", "time", "source_language", "recognised", "shown"]
    readonly_fields = ["session", "number", "time", "source_language", "recognised"]
    inlines = [TranslationInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        corrected = Count("corrections", distinct=True)
        return super().get_queryset(request).annotate(corrected=corrected)

    @admin.display(description="event", ordering="session__event__title")
    def event(self, segment: Segment) -> str:
        return segment.session.event.title

    @admin.display(description="recognised")
    def recognised(self, segment: Segment) -> str:
        return segment.text

    @admin.display(description="time", ordering="start_ms")
    def time(self, segment: Segment) -> str:
        return f"{clock(segment.start_ms)}–{clock(segment.end_ms)}"

    @admin.display(description="corrections", ordering="corrected")
    def correction_count(self, segment: Segment) -> int:
        count: int = segment.corrected  # type: ignore[attr-defined]
        return count

    def save_model(
        self, request: HttpRequest, obj: Segment, form: forms.BaseForm, change: bool
    ) -> None:
        _correct_segment(obj, form, request.user)

    def response_post_save_change(self, request: HttpRequest, obj: Segment) -> HttpResponseRedirect:
        # Whoever corrects during a talk goes on in its transcript.
        return redirect("admin:sessions_app_livesession_change", obj.session_id)

    def save_formset(
        self,
        request: HttpRequest,
        form: Any,
        formset: forms.BaseModelFormSet[Any, Any],
        change: bool,
    ) -> None:
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        for translation_form in formset.forms:
            _correct_translation(translation_form.instance, translation_form, request.user)
            if translation_form.changed_data:
                changes = (translation_form.instance, translation_form.changed_data)
                formset.changed_objects.append(changes)


@admin.register(Translation)
class TranslationAdmin(Kept, ModelAdmin[Translation]):
    form = TranslationCorrectionForm
    list_display = ["segment_number", "event", "language", "text", "seq", "correction_count"]
    list_display_links = ["segment_number", "text"]
    list_filter = ["language", ("text", admin.EmptyFieldListFilter)]
    list_select_related = ["segment", "session__event"]
    search_fields = ["text", "corrections__text", "segment__text", "session__event__title"]
    search_help_text = "Words of a translation, its correction or its source, or an event's title."
    ordering = ["-session", "segment__number", "language"]
    fields = ["segment", "language", "spoken", "machine_text", "shown"]
    readonly_fields = ["segment", "language", "spoken", "machine_text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Translation]:
        corrected = Count("corrections", distinct=True)
        return super().get_queryset(request).annotate(corrected=corrected)

    @admin.display(description="segment", ordering="segment__number")
    def segment_number(self, translation: Translation) -> int:
        return translation.segment.number

    @admin.display(description="event", ordering="session__event__title")
    def event(self, translation: Translation) -> str:
        return translation.session.event.title

    @admin.display(description="corrections", ordering="corrected")
    def correction_count(self, translation: Translation) -> int:
        count: int = translation.corrected  # type: ignore[attr-defined]
        return count

    @admin.display(description="the machine's text")
    def machine_text(self, translation: Translation) -> str | None:
        return translation.text

    @admin.display(description="words spoken")
    def spoken(self, translation: Translation) -> str:
        return _shown_source(translation.segment)

    def save_model(
        self, request: HttpRequest, obj: Translation, form: forms.BaseForm, change: bool
    ) -> None:
        _correct_translation(obj, form, request.user)


@admin.register(Correction)
class CorrectionAdmin(ReadOnly, ModelAdmin[Correction]):
    list_display = ["created_at", "author", "event", "language", "machine_text", "text", "machine"]
    list_filter = [
        ("author", admin.RelatedOnlyFieldListFilter),
        ("translation__language", OwnValues),
    ]
    list_select_related = ["author", "segment__session__event", "translation"]
    search_fields = ["text", "segment__text", "translation__text", "author__username"]
    date_hierarchy = "created_at"
    fields = [
        "segment",
        "language",
        "machine_text",
        "text",
        "machine",
        "undoes",
        "author",
        "created_at",
    ]
    readonly_fields = ["language", "machine_text"]

    @admin.display(description="event", ordering="segment__session__event__title")
    def event(self, correction: Correction) -> str:
        return correction.segment.session.event.title

    @admin.display(description="language")
    def language(self, correction: Correction) -> str:
        if correction.translation:
            return correction.translation.language
        return f"{correction.segment.source_language} (spoken)"

    @admin.display(description="the machine's text")
    def machine_text(self, correction: Correction) -> str | None:
        return (correction.translation or correction.segment).text


@admin.register(CaptionStream)
class CaptionStreamAdmin(ReadOnly, ModelAdmin[CaptionStream]):
    list_display = ["session", "language", "last_seq"]
    list_filter = ["language"]
    list_select_related = ["session__event"]
    search_fields = ["session__event__title", "language"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # bookkeeping, of use to an engineer who knows its address
