"""Languages, voices and avatars in the back office."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from sessions_app.admin.base import ModelAdmin, PlainChoices
from sessions_app.admin.in_use import InUse
from sessions_app.admin.offer import offered_here
from sessions_app.availability import Availability
from sessions_app.models import Avatar, Language, Voice
from sessions_app.previews import voice_preview_data


@admin.register(Language)
class LanguageAdmin(InUse, ModelAdmin[Language]):
    list_display = ["name", "native_name", "code", "direction"]
    list_filter = ["direction"]
    search_fields = ["name", "native_name", "code"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Language], search_term: str
    ) -> tuple[QuerySet[Language], bool]:
        found, duplicates = super().get_search_results(request, queryset, search_term)
        return offered_here(request, found), duplicates


@admin.register(Voice)
class VoiceAdmin(InUse, PlainChoices, ModelAdmin[Voice]):
    list_display = ["name", "language", "gender", "backend", "code"]
    list_filter = ["backend", "gender", "language"]
    list_select_related = ["language"]
    search_fields = ["name", "code", "language__name", "language__code"]
    autocomplete_fields = ["language"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Voice], search_term: str
    ) -> tuple[QuerySet[Voice], bool]:
        found, duplicates = super().get_search_results(request, queryset, search_term)
        return offered_here(request, found).select_related("language"), duplicates

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        voice = self.get_object(request, object_id)
        preview = _voice_preview(voice) if voice else {}
        context = {**(extra_context or {}), **preview}
        return super().change_view(request, object_id, form_url, context)


def _voice_preview(voice: Voice) -> dict[str, Any]:
    return {
        "is_available": Availability.here().all_voices().filter(pk=voice.pk).exists(),
        "preview": {
            "voices": voice_preview_data([voice.language]),
            "voice": {"id": voice.pk, "language": voice.language_id},
        },
    }


@admin.register(Avatar)
class AvatarAdmin(InUse, ModelAdmin[Avatar]):
    list_display = [
        "name",
        "kind",
        "character",
        "style",
        "custom_id",
        "background_colour",
        "transparent",
        "crop",
    ]
    list_filter = ["kind", "transparent", "crop", "character"]
    search_fields = ["name", "character", "style", "custom_id"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "character", "style"]}),
        ("Look", {"fields": ["background_colour", "transparent", "crop"]}),
        ("Custom avatar", {"fields": ["custom_id", "use_built_in_voice"]}),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Avatar], search_term: str
    ) -> tuple[QuerySet[Avatar], bool]:
        found, duplicates = super().get_search_results(request, queryset, search_term)
        return offered_here(request, found), duplicates
