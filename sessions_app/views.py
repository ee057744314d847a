"""The public pages: joining, listening, and whether the server is ready."""

from __future__ import annotations

import io
from dataclasses import asdict

import segno
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_app.admission import TooManyAttempts, UnknownJoinCode, find_event
from sessions_app.forms import JoinForm
from sessions_app.links import listener_link, rehearsal_link
from sessions_app.messages import LanguageItem
from sessions_app.models import Event
from sessions_app.models.event import Access
from sessions_app.readiness import OK, Readiness

sign_in = LoginView.as_view(template_name="sign_in.html")
"""`/sign-in/`: for everyone with an account, whether they may open the back office or not."""
sign_out = LogoutView.as_view()


@require_safe
@never_cache
def join(request: HttpRequest) -> HttpResponse:
    """`/`: enter a join code."""
    if "code" not in request.GET:
        return render(request, "join.html", {"form": JoinForm(), "error": ""})
    form = JoinForm(request.GET)
    if not form.is_valid():
        return render(request, "join.html", {"form": form, "error": form.errors["code"][0]})
    found = _find(request, form.cleaned_data["code"])
    return redirect(found) if isinstance(found, Event) else found


@require_safe
@never_cache
def listener(request: HttpRequest, join_code: str) -> HttpResponse:
    """`/listener/<join_code>/`: the listener's page; it tells what anyone may know."""
    event = _find(request, join_code)
    if not isinstance(event, Event):
        return event
    if event.access == Access.SIGNED_IN and not request.user.is_authenticated:
        # Shown here and not redirected to: a key in this address stays out of another's query.
        context = {"form": AuthenticationForm(request), "next": request.get_full_path()}
        return render(request, "sign_in.html", context)
    asks_pin = event.access == Access.PIN
    title = "Join with a PIN" if asks_pin else event.title
    languages = LanguageItem.offered(event)
    wanted = request.GET.get("lang", "").lower()
    codes = [language.code for language in languages]
    page = {
        "join_code": event.join_code,
        "title": title,
        "asks_pin": asks_pin,
        "socket_path": f"/ws/listen/{event.join_code}/",
        "rehearsal": _rehearsal_key(request, event),
        "preselected": next((code for code in codes if code.lower() == wanted), None),
        "languages": [asdict(language) for language in languages],
        "starts_at": event.starts_at.isoformat() if event.starts_at else None,
    }
    return render(request, "listener.html", {"page": page})


@require_safe
@never_cache
def listener_qr(request: HttpRequest, join_code: str) -> HttpResponse:
    """A QR code of the listener's link; with the rehearsal key, of the link for rehearsals."""
    event = _find(request, join_code)
    if not isinstance(event, Event):
        raise Http404
    link = listener_link(request, event)
    if "rehearsal" in request.GET:
        if not _rehearsal_key(request, event):
            raise Http404
        link = rehearsal_link(request, event)
    picture = io.BytesIO()
    # A white ground of its own: it must be readable on a dark page.
    segno.make(link, error="m", micro=False).save(
        picture, kind="svg", scale=8, light="#fff", xmldecl=False
    )
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> JsonResponse:
    """Whether this process should be sent visitors: 200, or 503 naming the part that is not ready.

    It answers within 2 s, and as cheaply however often it is asked.
    """
    parts = await Readiness.here().report()
    draining = Readiness.draining
    ready = not draining and all(state == OK for state in parts.values())
    answer = {"ready": ready, **parts, "draining": draining}
    return JsonResponse(answer, status=200 if ready else 503)


@require_safe
@never_cache
async def alive(request: HttpRequest) -> JsonResponse:
    """`/healthz/live`: whether this process runs at all; what it depends on does not matter.

    A process that is not alive is started anew, which mends no database.
    """
    return JsonResponse({"alive": True})


def _find(request: HttpRequest, code: str) -> Event | HttpResponse:
    """The event, or the join page saying why there is none."""
    try:
        return find_event(code, request.META.get("REMOTE_ADDR", ""))
    except UnknownJoinCode:
        error = "There is no event with this code. Check each letter and try again."
        status, headers = 404, {}
    except TooManyAttempts as attempts:
        error = f"Too many wrong codes came from here. {attempts}"
        status, headers = 429, {"Retry-After": str(attempts.retry_after_s)}
    context = {"form": JoinForm({"code": code}), "error": error}
    response = render(request, "join.html", context, status=status)
    for name, value in headers.items():
        response[name] = value
    return response


def _rehearsal_key(request: HttpRequest, event: Event) -> str | None:
    key = request.GET.get("rehearsal", "")
    return key if event.rehearsal_key_is(key) else None
