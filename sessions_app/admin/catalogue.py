"""Languages, voices and avatars in the back office."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from sessions_app.admin.base import ModelAdmin, PlainChoices
from sessions_app.models import Avatar, Language, Voice
from sessions_app.models.catalogue import AvatarKind, BackendName


def is_choosing(request: HttpRequest) -> bool:
    """Whether this asks what to offer in a field, rather than for the list itself."""
    return request.path.endswith("/autocomplete/")


@admin.register(Language)
class LanguageAdmin(ModelAdmin[Language]):
    list_display = ["name", "native_name", "code", "direction"]
    list_filter = ["direction"]
    search_fields = ["name", "native_name", "code"]


@admin.register(Voice)
class VoiceAdmin(PlainChoices, ModelAdmin[Voice]):
    list_display = ["name", "language", "gender", "backend", "code"]
    list_filter = ["backend", "gender", "language"]
    list_select_related = ["language"]
    search_fields = ["name", "code", "language__name", "language__code"]
    autocomplete_fields = ["language"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Voice], search_term: str
    ) -> tuple[QuerySet[Voice], bool]:
        found, duplicates = super().get_search_results(request, queryset, search_term)
        if is_choosing(request):
            # Another backend's voice would silently be replaced by a default.
            found = found.filter(backend=settings.SPEECH_BACKEND).select_related("language")
        return found, duplicates


@admin.register(Avatar)
class AvatarAdmin(ModelAdmin[Avatar]):
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
        if is_choosing(request) and settings.SPEECH_BACKEND != BackendName.AZURE:
            found = found.filter(kind=AvatarKind.DRAWN)
        return found, duplicates
