"""What of the catalogue is in use cannot be deleted; the page says where it is used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from sessions_app.models import Avatar, Event, Language, Voice
from sessions_app.permissions import Action, events_for

NAMED = 20
"""Events; of more only the number is told."""


class InUse:
    """An admin of languages, voices or avatars."""

    def get_deleted_objects(
        self, objs: Sequence[Model] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        deleted, counts, lacking, protected = super().get_deleted_objects(  # type: ignore[misc]
            objs, request
        )
        uses = [line for row in objs for line in _uses(row, request)]
        return deleted, counts, lacking, uses or protected


def _uses(row: Model, request: HttpRequest) -> list[str]:
    """Where it is used, as HTML, each with the event to be changed."""
    events = Event.objects.filter(_used_by(row)).distinct()
    named = list(events_for(request.user, Action.VIEW).filter(pk__in=events)[:NAMED])
    lines = [
        format_html(
            "{}: the event <a href='{}'>{}</a>",
            row,
            reverse("admin:sessions_app_event_change", args=[event.pk]),
            event,
        )
        for event in named
    ]
    if more := events.count() - len(named):
        lines.append(format_html("{}: {} more event{}", row, more, "" if more == 1 else "s"))
    return [*lines, *_voices(row)]


def _used_by(row: Model) -> Q:
    if isinstance(row, Language):
        return (
            Q(source_languages=row)
            | Q(languages__language=row)
            | Q(glossary__translations__language=row)
        )
    if isinstance(row, Voice):
        return Q(languages__voice=row)
    if isinstance(row, Avatar):
        return Q(avatar=row) | Q(languages__avatar=row)
    return Q(pk__in=[])


def _voices(row: Model) -> Iterable[str]:
    if isinstance(row, Language) and (count := row.voices.count()):
        link = f"{reverse('admin:sessions_app_voice_changelist')}?language__id__exact={row.pk}"
        yield format_html(
            "{}: <a href='{}'>{} voice{}</a>", row, link, count, "" if count == 1 else "s"
        )
