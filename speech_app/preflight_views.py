"""The page on which an organiser sees whether an event will work, and the tries it makes."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from sessions_app import metrics
from sessions_app.availability import Availability
from sessions_app.concerns import concerns
from sessions_app.costs import Costs
from sessions_app.invitations import invitations
from sessions_app.models import Event, Language
from sessions_app.models.catalogue import AvatarKind
from sessions_app.office import event_or_404, office_page
from sessions_app.permissions import Action
from speech_app.availability import available_here
from speech_app.plan import Plan
from speech_app.preflight import Check, Part, checks_of, try_out
from speech_app.trying import backend_here, find_event, tells_refusals
from speech_app.voice_preview import Refused

MOST_TRIES = 300
"""A minute: several runs over an event in many languages."""
LOCAL = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Missing:
    """Something to be done before the event, and where."""

    message: str
    link: str = ""
    link_text: str = ""


@staff_member_required
@never_cache
@require_safe
def preflight(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/preflight/`: what is missing, what it will cost, and every try."""
    event = event_or_404(request, pk, Action.RUN)
    available = available_here()
    names = dict(Language.objects.values_list("code", "name"))
    return office_page(
        request,
        "office/preflight.html",
        "Preflight check",
        event=event,
        missing=_missing(request, event, available),
        invitations=[one for one in invitations(request, event) if not one.speaker.revoked_at],
        cost=Costs.estimate(event, available.backend),
        is_paid=available.backend == "azure",
        preflight={
            "url": reverse("event-preflight-check", args=[event.pk]),
            "checks": [
                {"key": check.key, "label": _label(check, names)} for check in checks_of(event)
            ],
        },
    )


def _label(check: Check, names: dict[str, str]) -> str:
    source, target = names.get(check.source, ""), names.get(check.target, "")
    return {
        Part.RECOGNITION: f"Recognising {source}",
        Part.TRANSLATION: f"{source} into {target}",
        Part.VOICE: f"The voice of {target}",
    }[check.part]


def _missing(request: HttpRequest, event: Event, available: Availability) -> list[Missing]:
    form = reverse("admin:sessions_app_event_change", args=[event.pk])
    found = [Missing(text) for text in available.problems]
    if event.closed_at:
        found.append(Missing("The event is closed: nobody can go live.", form, "Open it again"))
    if event.starts_at is None:
        found.append(Missing("It has no time: calendars and posters need one.", form, "Set it"))
    if not event.speakers.filter(revoked_at=None).exists():
        speakers = f"{form}#speakers-group"
        found.append(Missing("Nobody is invited to speak.", speakers, "Add a speaker"))
    if not event.source_languages.exists():
        found.append(Missing("No language is spoken at it.", form, "Choose one"))
    found += [Missing(text, form, "Open the event") for text in concerns(event, request.user)]
    found += [Missing(text, form, "Change it") for text in available.shortcomings(event)]
    if event.avatar.kind == AvatarKind.VIDEO and not event.video_seats:
        text = "Nobody sees the video avatar until this event has video seats."
        found.append(Missing(text, form, "Set them"))
    if not request.is_secure() and request.get_host().partition(":")[0] not in LOCAL:
        found.append(
            Missing(
                "This page came without HTTPS: browsers give no microphone to a speaker's page "
                "then. Speak on the server itself, or ask whoever runs it for HTTPS."
            )
        )
    return found


@require_POST
@tells_refusals
async def preflight_check(request: HttpRequest, pk: int) -> HttpResponse:
    """Try one part of it: JSON with `ok`, `message`, and a sample as text and as MP3 in base64."""
    event = await find_event(request, pk, Action.RUN, most=MOST_TRIES)
    backend = backend_here()
    checks, plan = await sync_to_async(_prepare)(event)
    check = checks.get(request.POST.get("check", ""))
    if check is None:
        raise Refused(404, "The event has changed meanwhile. Load the page again.")
    # Awaited on the server's own loop, whose live sessions share their workers with it.
    outcome = await try_out(check, plan, backend)
    if outcome.audio:
        metrics.count_synthesised(outcome.language, len(outcome.sample))
    answer: dict[str, Any] = {
        "ok": outcome.ok,
        "message": outcome.message,
        "sample": outcome.sample,
        "language": outcome.language,
        "audio": base64.b64encode(outcome.audio).decode(),
    }
    return JsonResponse(answer)


def _prepare(event: Event) -> tuple[dict[str, Check], Plan]:
    return {check.key: check for check in checks_of(event)}, Plan.of(event, backend_here())


@staff_member_required
@never_cache
@require_safe
def speech_service(request: HttpRequest) -> HttpResponse:
    """`/office/speech-service/`: what is used here, and how to get Azure."""
    available = available_here()
    return office_page(
        request,
        "office/speech_service.html",
        "The speech service",
        available=available,
        spoken=available.spoken_languages(),
        targets=available.target_languages(),
    )
