"""Who may open which transcript for review, and how the page is told that something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse

from sessions_app.models import Language, LiveSession
from sessions_app.models.transcript import ReviewState
from sessions_app.permissions import Action, events_for
from sessions_app.review.changes import Changed, Gone, Refused
from sessions_app.review.transcript import Line, Transcript


class Problem(Exception):
    """An answer other than the one wanted; the text says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLanguage:
    """A language of a transcript; `spoken` says that its speakers may speak it."""

    code: str
    name: str
    direction: str
    spoken: bool
    state: str


class Review:
    """A transcript in the language a person reviews."""

    def __init__(self, session: LiveSession, user: User, language: str) -> None:
        self.session = session
        self.user = user
        self._wanted = language

    @classmethod
    def opened_by(cls, request: HttpRequest, session: int) -> Review:
        """What the request's address names. Raises Problem."""
        user = request.user
        if not (isinstance(user, User) and user.is_active and user.is_staff):
            raise Problem(
                403, "Sign in again in another tab, then repeat this; nothing you wrote is lost."
            )
        own = LiveSession.objects.filter(event__in=events_for(user, Action.REVIEW))
        found = own.select_related("event", "speaker").filter(pk=session).first()
        if found is None:
            raise Problem(404, "This transcript was deleted, or you may not review it.")
        return cls(found, user, request.GET.get("lang", ""))

    @cached_property
    def languages(self) -> list[ReviewLanguage]:
        """Those the event offers, then those it once did and that have captions."""
        offered = self.session.event.offered_languages()
        used = self.session.streams.order_by("language").values_list("language", flat=True)
        left = set(used) - {language.code for language in offered}
        known = [*offered, *Language.objects.filter(code__in=left).order_by("name")]
        spoken = set(self.session.event.source_languages.values_list("code", flat=True))
        states = dict(self.session.reviews.values_list("language", "state"))
        return [
            ReviewLanguage(
                code=language.code,
                name=language.name,
                direction=language.direction,
                spoken=language.code in spoken,
                state=states.get(language.code, ReviewState.MACHINE),
            )
            for language in known
        ]

    @cached_property
    def transcript(self) -> Transcript:
        """In the language asked for, or the first one. Raises Problem."""
        codes = [language.code for language in self.languages]
        language = self._wanted or next(iter(codes), "")
        if language not in codes:
            raise Problem(404, "This transcript has no such language. Choose one of its own.")
        return Transcript(self.session, language)

    def name(self, code: str) -> str:
        return next((one.name for one in self.languages if one.code == code), code)


def as_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [asdict(line) for line in lines]


def refusal(error: Problem | Refused, review: Review | None) -> JsonResponse:
    """The error in plain words; of lines that changed meanwhile, what they are now."""
    body: dict[str, object] = {"message": str(error)}
    if isinstance(error, Changed) and review:
        body["lines"] = as_json(review.transcript.lines_numbered(error.numbers))
        return JsonResponse(body, status=409)
    if isinstance(error, Problem):
        response = JsonResponse(body, status=error.status)
        if error.status == 429:
            response["Retry-After"] = "60"
        return response
    return JsonResponse(body, status=404 if isinstance(error, Gone) else 422)
