"""Who listens now, and what they report, in the back office."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from sessions_app.admin.base import ModelAdmin, ReadOnly
from sessions_app.models import AudienceCount, ListenerReport


@admin.register(AudienceCount)
class AudienceCountAdmin(ReadOnly, ModelAdmin[AudienceCount]):
    list_display = ["event", "language", "listeners", "with_sound", "rehearsal", "process"]
    list_filter = ["language", "rehearsal"]
    list_select_related = ["event"]
    search_fields = ["event__title", "event__join_code", "language"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AudienceCount]:
        return super().get_queryset(request).filter(expires_at__gt=timezone.now())


@admin.register(ListenerReport)
class ListenerReportAdmin(ReadOnly, ModelAdmin[ListenerReport]):
    list_display = ["created_at", "event", "language", "message"]
    list_filter = ["language"]
    list_select_related = ["event"]
    search_fields = ["message", "event__title", "event__join_code"]
    date_hierarchy = "created_at"
    fields = ["created_at", "event", "language", "message"]
