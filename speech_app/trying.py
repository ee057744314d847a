"""What pages have in common on which organisers try things before an audience hears them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, JsonResponse

from sessions_app.models import Event
from sessions_app.permissions import Action, events_for
from sessions_app.rate import count
from speech_app.backends import get_backend
from speech_app.backends.base import Backend
from speech_app.voice_preview import TRY_AGAIN, WITHIN_S, Refused

View = Callable[[HttpRequest, int], Coroutine[Any, Any, HttpResponse]]


def tells_refusals(view: View) -> View:
    """Answers Refused with a JSON object whose `message` says what to do; nothing is kept."""

    @wraps(view)
    async def answer(request: HttpRequest, pk: int) -> HttpResponse:
        try:
            response = await view(request, pk)
        except Refused as refusal:
            response = JsonResponse({"message": str(refusal)}, status=refusal.status)
        response["Cache-Control"] = "no-store"
        return response

    return answer


async def find_event(request: HttpRequest, pk: int, action: Action, *, most: int) -> Event:
    """The event, if this person may do this there; `most` is how often in a minute.

    Raises Refused.
    """
    user = await request.auser()
    event = await sync_to_async(_find)(user, pk, action)
    if event is None:
        raise Refused(404, "This event is not there, or not yours. Load the page again.")
    if count(f"tries:{action.value}:{user.pk}", WITHIN_S) > most:
        raise Refused(429, "That was very often. Wait a minute and go on.")
    return event


def _find(user: AbstractBaseUser | AnonymousUser, pk: int, action: Action) -> Event | None:
    return events_for(user, action).filter(pk=pk).select_related("avatar").first()


def backend_here() -> Backend:
    """Raises Refused where the settings name none."""
    try:
        return get_backend()
    except ImproperlyConfigured as error:
        raise Refused(503, str(error)) from error


def with_remedy(error: Exception, backend: Backend) -> str:
    """What is wrong and what to do, in plain words."""
    advice = backend.problems() or [TRY_AGAIN]
    return " ".join(dict.fromkeys([str(error), *advice]))
