"""A ready event to try everything with."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.urls import reverse

from sessions_app.models import Avatar, Event, EventLanguage, Language, Speaker
from sessions_app.models.catalogue import AvatarKind

TITLE = "Demo: quarterly update"
SPEAKER = "Demo speaker"
SOURCE = "en-US"
TARGETS = ["es-ES", "fr-FR", "pt-BR", "it-IT", "ca-ES", "gl-ES"]


class Command(BaseCommand):
    help = "Finds or creates the demo event and prints its links."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--host", default="127.0.0.1", help="host of the links")
        parser.add_argument("--port", type=int, default=8000, help="port of the links")
        parser.add_argument(
            "--base-url", help="instead of host and port, such as https://example.org"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        event, speaker = find_or_create_demo_event()
        base = (options["base_url"] or f"http://{options['host']}:{options['port']}").rstrip("/")
        links = {
            "listener_url": base + event.get_absolute_url(),
            "speaker_url": base + speaker.get_absolute_url(),
            "admin_url": base + reverse("admin:sessions_app_event_change", args=[event.pk]),
        }
        if options["json"]:
            languages = event.target_languages.order_by("code").values_list("code", flat=True)
            facts = {"join_code": event.join_code, "speaker_token": speaker.token}
            self.stdout.write(json.dumps({**facts, **links, "languages": list(languages)}))
            return
        self.stdout.write(f"{event.title}, join code {event.join_code}")
        self.stdout.write(f"  Listener  {links['listener_url']}")
        self.stdout.write(f"  Speaker   {links['speaker_url']}")
        self.stdout.write(f"  Admin     {links['admin_url']}")


def find_or_create_demo_event() -> tuple[Event, Speaker]:
    """The open event with the demo's title, and a speaker of it whose link is valid."""
    with transaction.atomic():
        event = Event.objects.filter(title=TITLE, closed_at=None).order_by("pk").first()
        if event is None:
            avatar = Avatar.objects.filter(kind=AvatarKind.DRAWN).order_by("pk")[:1].get()
            event = Event.objects.create(title=TITLE, avatar=avatar)
            event.source_languages.add(Language.objects.get(code=SOURCE))
            EventLanguage.objects.bulk_create(
                EventLanguage(event=event, language=language)
                for language in Language.objects.filter(code__in=TARGETS)
            )
        speaker = event.speakers.filter(revoked_at=None).order_by("pk").first()
        if speaker is None:
            speaker = Speaker.objects.create(event=event, name=SPEAKER)
    return event, speaker
