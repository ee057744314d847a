"""Events, invitations to speak and glossaries in the back office."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.forms import BaseInlineFormSet, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from sessions_app.admin.base import ModelAdmin, PlainChoices, TabularInline, changeable
from sessions_app.admin.event_form import EventForm, first_answers
from sessions_app.admin.export import export_events
from sessions_app.admin.members import MemberInline
from sessions_app.admin.offer import OfferForm, Offers
from sessions_app.availability import Availability
from sessions_app.concerns import concerns
from sessions_app.invitations import invitations
from sessions_app.links import (
    listener_link,
    qr_path,
    reaches_only_this_computer,
    rehearsal_link,
    rehearsal_qr_path,
)
from sessions_app.models import (
    Avatar,
    Event,
    EventLanguage,
    GlossaryTerm,
    GlossaryTranslation,
    Language,
    LiveSession,
    Speaker,
)
from sessions_app.models.catalogue import AvatarKind
from sessions_app.models.transcript import State
from sessions_app.permissions import Action, events_for, is_administrator, may
from sessions_app.previews import avatar_data, voice_preview_data
from sessions_app.time_zones import with_zone


class EventLanguageInline(Offers, PlainChoices, TabularInline[EventLanguage, Event]):
    model = EventLanguage
    form = OfferForm
    verbose_name_plural = "target languages, with their voices and avatars"
    extra = 0
    autocomplete_fields = ["language", "voice", "avatar"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventLanguage]:
        return super().get_queryset(request).select_related("language")


class SpeakerInline(TabularInline[Speaker, Event]):
    model = Speaker
    verbose_name_plural = "speakers (their links appear above once the event is saved)"
    fields = ["name", "consented_at", "revoked_at"]
    readonly_fields = ["consented_at", "revoked_at"]
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Speaker]:
        return super().get_queryset(request).select_related("event")

    def get_extra(self, request: HttpRequest, obj: Event | None = None, **kwargs: Any) -> int:
        return 0 if obj else 1


class RunningFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("running", "Running now"), ("open", "Open"), ("closed", "Closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        if self.value() == "running":
            running = LiveSession.objects.exclude(state=State.ENDED)
            return queryset.filter(pk__in=running.values("event"))
        if self.value() in {"open", "closed"}:
            return queryset.filter(closed_at__isnull=self.value() == "open")
        return queryset


@admin.register(Event)
class EventAdmin(Offers, PlainChoices, ModelAdmin[Event]):
    form = EventForm
    list_display = ["title", "starts", "state", "join_code", "spoken", "translated", "owner"]
    list_filter = [
        RunningFilter,
        ("source_languages", admin.RelatedOnlyFieldListFilter),
        ("target_languages", admin.RelatedOnlyFieldListFilter),
        ("owner", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["owner"]
    ordering = ["-starts_at", "-created_at"]
    search_fields = ["title", "join_code", "speakers__name", "owner__username"]
    date_hierarchy = "starts_at"
    autocomplete_fields = ["source_languages", "avatar", "owner"]
    fieldsets = [
        (None, {"fields": ["title", "starts_at", "duration_min"]}),
        ("Languages", {"fields": ["source_languages", "add_languages", "voices"]}),
        ("Avatar", {"fields": ["avatar", "video_seats"]}),
        ("Who may listen", {"fields": ["access", "pin"]}),
        ("Captions", {"fields": ["hold_s"]}),
        ("Organisation", {"fields": ["closed_at"]}),
    ]
    readonly_fields = ["owned_by"]
    inlines = [EventLanguageInline, SpeakerInline, MemberInline]
    actions = ["close", "reopen", export_events]
    change_form_template = "admin/sessions_app/event/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        running = LiveSession.objects.filter(event=OuterRef("pk")).exclude(state=State.ENDED)
        return (
            super()
            .get_queryset(request)
            .prefetch_related("source_languages")
            .annotate(
                running_state=Subquery(running.values("state")[:1]),
                may_run=Exists(events_for(request.user, Action.RUN).filter(pk=OuterRef("pk"))),
                target_count=Count("languages", distinct=True),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        """Only administrators give an event to somebody else; who makes one owns it."""
        if is_administrator(request.user):
            return [*(self.fieldsets or []), ("Owner", {"fields": ["owner"]})]
        return [*(self.fieldsets or []), *([("Owner", {"fields": ["owned_by"]})] if obj else [])]

    @admin.display(description="owner")
    def owned_by(self, event: Event) -> str:
        return event.owner.get_full_name() or event.owner.get_username() if event.owner else "-"

    @admin.display(description="starts at", ordering="starts_at", empty_value="no time yet")
    def starts(self, event: Event) -> str | None:
        return with_zone(event.starts_at) if event.starts_at else None

    @admin.display(description="state", ordering="running_state")
    def state(self, event: Event) -> str:
        """Of a running one with the way to where it is run."""
        running: str | None = event.running_state  # type: ignore[attr-defined]
        if running and event.may_run:  # type: ignore[attr-defined]
            address = reverse("control", args=[event.pk])
            return format_html('{} · <a href="{}">Control room</a>', running, address)
        return running or event.status

    @admin.display(description="spoken")
    def spoken(self, event: Event) -> str:
        return ", ".join(sorted(language.code for language in event.source_languages.all()))

    @admin.display(description="translated into", ordering="target_count")
    def translated(self, event: Event) -> str:
        count: int = event.target_count  # type: ignore[attr-defined]
        return f"{count} language{'' if count == 1 else 's'}"

    @admin.action(description="Close: nobody can go live any more", permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        chosen = changeable(request, queryset)
        closed = Event.objects.filter(pk__in=chosen.values("pk"), closed_at=None)
        now = timezone.now()
        count = closed.update(closed_at=now, changed_at=now)
        self.message_user(request, f"Events closed: {count}.", messages.SUCCESS)

    @admin.action(description="Open again", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        chosen = changeable(request, queryset)
        closed = Event.objects.filter(pk__in=chosen.values("pk"), closed_at__isnull=False)
        count = closed.update(closed_at=None, changed_at=timezone.now())
        self.message_user(request, f"Events opened again: {count}.", messages.SUCCESS)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        asked = super().get_changeform_initial_data(request)
        return {"owner": request.user.pk, **first_answers(), **asked}

    def save_model(
        self, request: HttpRequest, obj: Event, form: ModelForm[Event], change: bool
    ) -> None:
        if not change and obj.owner is None and isinstance(request.user, User):
            obj.owner = request.user
        super().save_model(request, obj, form, change)
        if obj.avatar.kind == AvatarKind.VIDEO and not obj.video_seats:
            self.message_user(
                request,
                "Nobody sees the video avatar until this event has video seats.",
                messages.WARNING,
            )

    def save_related(
        self, request: HttpRequest, form: EventForm, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        form.add_chosen_languages()
        event: Event = form.instance
        if not change and not event.speakers.exists():
            # As when an event is made in a minute: its owner speaks, until somebody is invited.
            speaker = event.owner or request.user
            name = speaker.get_full_name() or speaker.get_username()  # type: ignore[union-attr]
            Speaker.objects.create(event=event, name=name[:120])

    def response_add(
        self, request: HttpRequest, obj: Event, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        elsewhere = {"_addanother", "_continue", "_popup"} & request.POST.keys()
        if elsewhere or not self.has_change_permission(request, obj):
            return response
        # The links are what an organiser wants next.
        return redirect("admin:sessions_app_event_change", obj.pk)

    def response_post_save_change(self, request: HttpRequest, obj: Event) -> HttpResponseRedirect:
        # The event's own page says so, too; the list, where this leads, does not.
        for concern in concerns(obj, request.user):
            self.message_user(request, f"{obj}: {concern}", messages.WARNING)
        return super().response_post_save_change(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        event = self.get_object(request, object_id) if object_id else None
        context = {
            **(extra_context or {}),
            **_availability(event),
            **(_about(request, event) if event else {}),
        }
        return super().changeform_view(request, object_id, form_url, context)


def _availability(event: Event | None) -> dict[str, Any]:
    available = Availability.here()
    return {
        "problems": available.problems,
        "shortcomings": available.shortcomings(event) if event else [],
        "preview": {
            "voices": voice_preview_data(Language.objects.all()),
            "avatars": avatar_data(Avatar.objects.all()),
        },
    }


def _about(request: HttpRequest, event: Event) -> dict[str, Any]:
    """What an event's page shows above its form."""
    sessions = event.live_sessions.annotate(segment_count=Count("segments"))
    shown = {
        "concerns": concerns(event, request.user),
        "may_change": may(request.user, Action.CHANGE, event),
        "term_count": event.glossary.count(),
        "listener_link": listener_link(request, event),
        "only_here": reaches_only_this_computer(listener_link(request, event)),
        "listener_qr": qr_path(event),
        "sessions": sessions[:10],
    }
    if not may(request.user, Action.RUN, event):
        return shown
    return {
        **shown,
        "rehearsal_link": rehearsal_link(request, event),
        "rehearsal_qr": rehearsal_qr_path(event),
        "may_invite": True,
        "invitations": invitations(request, event),
        "may_revoke": request.user.has_perm("sessions_app.change_speaker")
        and may(request.user, Action.CHANGE, event),
    }


@admin.register(EventLanguage)
class EventLanguageAdmin(Offers, PlainChoices, ModelAdmin[EventLanguage]):
    form = OfferForm
    list_display = ["event", "language", "voice", "avatar"]
    list_filter = [("language", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["event", "language", "voice__language", "avatar"]
    search_fields = ["event__title", "event__join_code", "language__name", "language__code"]
    autocomplete_fields = ["event", "language", "voice", "avatar"]


class RevokedFilter(admin.SimpleListFilter):
    title = "link"
    parameter_name = "link"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("valid", "Valid"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Speaker]) -> QuerySet[Speaker]:
        if self.value() in {"valid", "revoked"}:
            return queryset.filter(revoked_at__isnull=self.value() == "valid")
        return queryset


@admin.register(Speaker)
class SpeakerAdmin(PlainChoices, ModelAdmin[Speaker]):
    list_display = ["name", "event", "has_valid_link", "consented_at", "created_at"]
    list_filter = [RevokedFilter, ("consented_at", admin.EmptyFieldListFilter)]
    list_select_related = ["event"]
    search_fields = ["name", "event__title", "event__join_code"]
    date_hierarchy = "created_at"
    autocomplete_fields = ["event"]
    fields = ["event", "name", "consented_at", "revoked_at", "created_at"]
    readonly_fields = ["consented_at", "revoked_at", "created_at"]
    actions = ["revoke"]

    @admin.display(description="link valid", boolean=True, ordering="revoked_at")
    def has_valid_link(self, speaker: Speaker) -> bool:
        return speaker.revoked_at is None

    @admin.action(description="Revoke the links of the chosen speakers", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Speaker]) -> None:
        count = 0
        for speaker in changeable(request, queryset).filter(revoked_at=None):
            speaker.revoke()
            self.log_change(request, speaker, "Revoked the link.")
            count += 1
        self.message_user(request, f"Links revoked: {count}.", messages.SUCCESS)

    def get_readonly_fields(self, request: HttpRequest, obj: Speaker | None = None) -> list[str]:
        # A link is for one event; an invitation elsewhere is another speaker.
        return [*self.readonly_fields, *(["event"] if obj else [])]

    def get_urls(self) -> list[URLPattern]:
        revoke = self.admin_site.admin_view(require_POST(self.revoke_view))
        return [
            path("<int:pk>/revoke/", revoke, name="sessions_app_speaker_revoke"),
            *super().get_urls(),
        ]

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponseRedirect:
        """Revoke one link from its event's page."""
        speaker = self.get_object(request, str(pk))
        if speaker is None or not self.has_change_permission(request, speaker):
            raise Http404
        self.revoke(request, Speaker.objects.filter(pk=pk))
        return HttpResponseRedirect(
            reverse("admin:sessions_app_event_change", args=[speaker.event_id])
        )


class GlossaryTranslationInline(PlainChoices, TabularInline[GlossaryTranslation, GlossaryTerm]):
    """A line for every target language of the event; those left empty are not stored."""

    model = GlossaryTranslation
    autocomplete_fields = ["language"]

    def get_extra(
        self, request: HttpRequest, obj: GlossaryTerm | None = None, **kwargs: Any
    ) -> int:
        return len(self._missing(request, obj))

    def get_formset(
        self, request: HttpRequest, obj: GlossaryTerm | None = None, **kwargs: Any
    ) -> type[BaseInlineFormSet[Any, Any, Any]]:
        missing = self._missing(request, obj)

        class Prepared(super().get_formset(request, obj, **kwargs)):  # type: ignore[misc]
            def __init__(self, *args: Any, **options: Any) -> None:
                options.setdefault("initial", [{"language": pk} for pk in missing])
                super().__init__(*args, **options)

        return Prepared

    def _missing(self, request: HttpRequest, term: GlossaryTerm | None) -> list[int]:
        event = request.GET.get("event", "") if term is None else str(term.event_id)
        if not event.isdigit():
            return []
        wanted = EventLanguage.objects.filter(event__in=events_for(request.user, Action.VIEW))
        there = GlossaryTranslation.objects.filter(term=term).values("language")
        return list(
            wanted.filter(event=int(event))
            .exclude(language__in=there)
            .order_by("language__name")
            .values_list("language", flat=True)
        )


@admin.register(GlossaryTerm)
class GlossaryTermAdmin(PlainChoices, ModelAdmin[GlossaryTerm]):
    list_display = ["term", "event", "keep", "say_as", "translated"]
    list_filter = ["keep", ("event", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["event"]
    ordering = ["event", "term"]
    search_fields = ["term", "say_as", "translations__text", "event__title"]
    autocomplete_fields = ["event"]
    inlines = [GlossaryTranslationInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[GlossaryTerm]:
        with_text = Count("translations", filter=~Q(translations__text=""), distinct=True)
        return super().get_queryset(request).annotate(translation_count=with_text)

    def response_post_save_add(
        self, request: HttpRequest, obj: GlossaryTerm
    ) -> HttpResponseRedirect:
        return self.response_post_save_change(request, obj)

    def response_post_save_change(
        self, request: HttpRequest, obj: GlossaryTerm
    ) -> HttpResponseRedirect:
        # Whoever writes an event's terms goes on with them.
        return redirect("event-glossary", obj.event_id)

    @admin.display(description="translations", ordering="translation_count")
    def translated(self, term: GlossaryTerm) -> int:
        count: int = term.translation_count  # type: ignore[attr-defined]
        return count


@admin.register(GlossaryTranslation)
class GlossaryTranslationAdmin(PlainChoices, ModelAdmin[GlossaryTranslation]):
    list_display = ["term", "language", "text"]
    list_filter = [("language", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["term", "language"]
    search_fields = ["term__term", "text"]
    autocomplete_fields = ["term", "language"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # found under its term
