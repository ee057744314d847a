"""Who waited for a video avatar and who had one, in the back office."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from sessions_app.admin.base import ModelAdmin, ReadOnly, clock
from sessions_app.models import VideoResource, VideoSeat


@admin.register(VideoSeat)
class VideoSeatAdmin(ReadOnly, ModelAdmin[VideoSeat]):
    list_display = ["queued_at", "event", "language", "state", "reason", "connected"]
    list_filter = ["state", "reason", "language"]
    list_select_related = ["event"]
    search_fields = ["event__title"]
    date_hierarchy = "queued_at"
    ordering = ["-pk"]
    fields = [
        "event",
        "session",
        "language",
        "resource",
        "state",
        "reason",
        "queued_at",
        "opened_at",
        "ended_at",
        "connected",
        "spoken_characters",
    ]
    readonly_fields = ["connected"]

    @admin.display(description="connected for")
    def connected(self, seat: VideoSeat) -> str:
        return clock(round(seat.connected_s * 1000))


@admin.register(VideoResource)
class VideoResourceAdmin(ReadOnly, ModelAdmin[VideoResource]):
    list_display = ["name"]
    search_fields = ["name"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # bookkeeping, of use to an engineer who knows its address
