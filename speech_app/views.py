"""The speakers' pages: speaking at an event, and creating one quickly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from sessions_app.links import listener_link, qr_path, rehearsal_link, rehearsal_qr_path
from sessions_app.messages import LanguageItem
from sessions_app.models import Event, LiveSession, Speaker
from sessions_app.models.transcript import State
from sessions_app.permissions import Action, events_for
from sessions_app.previews import avatar_data, voice_preview_data
from speech_app.availability import available_from
from speech_app.backends import get_backend
from speech_app.backends.base import AUTO
from speech_app.forms import QuickCreateForm

SAMPLE = "audio/quarterly-update.en.wav"
SAMPLE_LANGUAGE = "en-US"
EVENTS_LISTED = 50


@require_safe
@cache_control(no_store=True)
def speaker(request: HttpRequest, token: str) -> HttpResponse:
    """`/speaker/<token>/`: the speaker's page."""
    found = Speaker.with_token(token)
    if found is None:
        response = _refuse(
            request,
            404,
            "This speaker link does not exist",
            "Open the whole link you were sent, or ask the organiser for a new one.",
        )
    elif found.revoked_at:
        response = _refuse(
            request,
            410,
            "This speaker link is no longer valid",
            "The organiser has withdrawn it. Ask them for a new one.",
        )
    else:
        response = render(request, "speaker.html", {"page": _speaker_page(request, found)})
    # The address of this page is a secret.
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True)
@login_required
def speaker_home(request: HttpRequest) -> HttpResponse:
    """`/speaker/`: create an event quickly, open those one owns or helps to run."""
    user = cast(User, request.user)
    own = events_for(user, Action.RUN).filter(
        Q(owner=user) | Q(pk__in=user.memberships.values("event"))
    )
    may_create = user.is_staff and user.has_perm("sessions_app.add_event")
    if not may_create and (request.method == "POST" or not own.exists()):
        raise PermissionDenied
    available = available_from(get_backend())
    if request.method == "POST":
        form = QuickCreateForm(available, request.POST)
        if form.is_valid():
            event = form.create_event(user)
            return redirect(f"{reverse('speaker-home')}?{urlencode({'created': event.join_code})}")
    else:
        form = QuickCreateForm(available)
    code = request.GET.get("created", "")
    created = own.filter(join_code=code).first()
    context = {
        "form": form if may_create else None,
        "created": _cards(request, [created])[0] if created else None,
        "events": _cards(request, own.order_by("-created_at")[:EVENTS_LISTED]),
        "problems": available.problems,
        "preview": {
            "voices": voice_preview_data(available.target_languages()),
            "chosen": form.voices(),
            "avatars": avatar_data(available.avatars()),
        },
    }
    return render(request, "speaker_home.html", context)


@dataclass(frozen=True, slots=True)
class EventCard:
    """An own event as the quick-create page lists it; a link is "" where there is none."""

    title: str
    join_code: str
    starts_at: datetime | None
    listener_url: str
    speaker_url: str
    qr_url: str
    running: LiveSession | None
    get_absolute_admin_url: str


def _cards(request: HttpRequest, events: Iterable[Event]) -> list[EventCard]:
    events = list(events)
    running = {
        session.event_id: session
        for session in LiveSession.objects.filter(event__in=events).exclude(state=State.ENDED)
    }
    # The first invitation of each event wins: it is the owner's, where they created it here.
    valid = Speaker.objects.filter(event__in=events, revoked_at=None)
    links = {
        speaker.event_id: request.build_absolute_uri(speaker.get_absolute_url())
        for speaker in valid.order_by("-pk")
    }
    return [
        EventCard(
            title=event.title,
            join_code=event.join_code,
            starts_at=event.starts_at,
            listener_url=listener_link(request, event),
            speaker_url=links.get(event.pk, ""),
            qr_url=qr_path(event),
            running=running.get(event.pk),
            get_absolute_admin_url=_admin_url(request, event),
        )
        for event in events
    ]


def _admin_url(request: HttpRequest, event: Event) -> str:
    may_open = request.user.has_perm("sessions_app.view_event")
    return reverse("admin:sessions_app_event_change", args=[event.pk]) if may_open else ""


def _speaker_page(request: HttpRequest, speaker: Speaker) -> dict[str, object]:
    event = speaker.event
    spoken = [
        {"code": language.code, "name": language.name}
        for language in event.source_languages.order_by("name")
    ]
    if len(spoken) > 1 and AUTO in get_backend().source_languages():
        spoken.insert(0, {"code": AUTO, "name": "Detect automatically"})
    return {
        "title": event.title,
        "speaker_name": speaker.name,
        "socket_path": f"/ws/speak/{speaker.token}/",
        "listener_url": listener_link(request, event),
        "rehearsal_url": rehearsal_link(request, event),
        "qr_url": qr_path(event),
        "rehearsal_qr_url": rehearsal_qr_path(event),
        "source_languages": spoken,
        "languages": [
            asdict(LanguageItem.of(language))
            for language in event.target_languages.order_by("name")
        ],
        "sample_url": static(SAMPLE),
        "sample_language": SAMPLE_LANGUAGE,
    }


def _refuse(request: HttpRequest, status: int, heading: str, advice: str) -> HttpResponse:
    context = {"heading": heading, "advice": advice, "offer_to_listen": True}
    return render(request, "link_refused.html", context, status=status)
