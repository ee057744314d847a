"""The review page and its small JSON answers; every one asks who may review the transcript."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django import forms
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from sessions_app.models.transcript import ReviewState, State
from sessions_app.review import changes
from sessions_app.review.history import history
from sessions_app.review.replacing import replacements
from sessions_app.review.transcript import FIRST_WINDOW
from speech_app.review.access import Problem, Review, as_json, refusal
from speech_app.review.forms import (
    AcceptForm,
    LinesForm,
    NewsForm,
    PlaceForm,
    PlacesForm,
    ReplaceForm,
    SearchForm,
    StateForm,
    TextForm,
    VersionsForm,
    mistakes,
)
from speech_app.review.machine import retranslate, speak

Answer = dict[str, Any]
F = TypeVar("F", bound=forms.Form)


@require_safe
@cache_control(no_store=True)
def page(request: HttpRequest, session: int) -> HttpResponse:
    """`/admin/review/<session>/?lang=es-ES`: the transcript to be read and corrected."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    try:
        review = Review.opened_by(request, session)
        transcript = review.transcript
    except Problem as problem:
        raise Http404(str(problem)) from problem
    here = reverse("review", args=[session])
    data = {
        "url": here,
        "language": transcript.language,
        "languages": [asdict(language) for language in review.languages],
        # Before the lines: what is stored in between comes once more.
        "newest": transcript.newest_correction(),
        "lines": as_json(transcript.lines(most=FIRST_WINDOW)),
        **_state(review),
    }
    context = {
        **admin.site.each_context(request),
        "title": f"Review: {review.session.event.title}",
        "session": review.session,
        "language": transcript.language,
        "languages": review.languages,
        "states": ReviewState.choices,
        "data": data,
        "is_nav_sidebar_enabled": False,
        "may_view_session": request.user.has_perm("sessions_app.view_livesession"),
    }
    return render(request, "admin/review.html", context)


def _state(review: Review) -> Answer:
    """What the language is marked as, and whether more lines may come."""
    return {
        "state": review.transcript.state(),
        "running": review.session.state != State.ENDED,
    }


def _standing(review: Review) -> Answer:
    """How far the review is. Counting takes long where thousands of lines were spoken."""
    return {"counts": review.transcript.counts(), **_state(review)}


def _after(review: Review, *numbers: int) -> Answer:
    """The lines as they are after a change."""
    return {"lines": as_json(review.transcript.lines_numbered(numbers)), **_standing(review)}


def _valid(form: F) -> F:
    if not form.is_valid():
        raise Problem(400, mistakes(form))
    return form


def _asked(answer: Callable[[Review, Mapping[str, Any]], Answer]) -> Callable[..., HttpResponse]:
    """A view that only reads."""

    @require_safe
    @cache_control(no_store=True)
    def view(request: HttpRequest, session: int) -> HttpResponse:
        return _answered(request, session, lambda review: answer(review, request.GET))

    return view


def _told(answer: Callable[[Review, Mapping[str, Any]], Answer]) -> Callable[..., HttpResponse]:
    """A view that changes something."""

    @require_POST
    @cache_control(no_store=True)
    def view(request: HttpRequest, session: int) -> HttpResponse:
        return _answered(request, session, lambda review: answer(review, request.POST))

    return view


def _answered(
    request: HttpRequest, session: int, answer: Callable[[Review], Answer]
) -> HttpResponse:
    review = None
    try:
        review = Review.opened_by(request, session)
        return JsonResponse(answer(review))
    except (Problem, changes.Refused) as error:
        return refusal(error, review)


@_asked
def lines(review: Review, query: Mapping[str, Any]) -> Answer:
    """A window of lines: after or before a number, or from a session time on."""
    wanted = _valid(LinesForm(query)).cleaned_data
    after = wanted["after"]
    if wanted["at"] is not None:
        after = review.transcript.number_at(wanted["at"]) - 1
    found = review.transcript.lines(
        only=wanted["only"] or "all",
        containing=wanted["containing"],
        after=after,
        before=wanted["before"],
    )
    return {"lines": as_json(found)}


@_asked
def news(review: Review, query: Mapping[str, Any]) -> Answer:
    """What others did since, and translations that have come."""
    known = _valid(NewsForm(query)).cleaned_data
    changed, newest = review.transcript.changed_since(known["since"])
    waited_for = review.transcript.lines_numbered(known["waiting"])
    found = {line.number: line for line in (*changed, *waited_for)}
    return {"lines": as_json(list(found.values())), "newest": newest, **_standing(review)}


@_asked
def versions(review: Review, query: Mapping[str, Any]) -> Answer:
    """The history of a text, newest first."""
    wanted = _valid(VersionsForm(query)).cleaned_data
    found = history(review.transcript, wanted["number"], spoken=wanted["spoken"])
    if not found:
        raise Problem(404, f"Line {wanted['number']} was deleted meanwhile.")
    return {"versions": [asdict(version) for version in reversed(found)]}


@_asked
def matches(review: Review, query: Mapping[str, Any]) -> Answer:
    """What a replacement would change."""
    search = _valid(SearchForm(query)).search()
    found, more = replacements(review.transcript, search)
    return {"matches": [asdict(one) for one in found], "more": more}


@_told
def correct(review: Review, sent: Mapping[str, Any]) -> Answer:
    form = _valid(TextForm(sent))
    place = form.place()
    changes.correct(review.transcript, place, form.cleaned_data["text"], review.user)
    return _after(review, place.number)


@_told
def accept(review: Review, sent: Mapping[str, Any]) -> Answer:
    form = _valid(AcceptForm(sent))
    place = form.place()
    changes.accept(review.transcript, place, review.user, good=form.cleaned_data["good"])
    return _after(review, place.number)


@_told
def undo(review: Review, sent: Mapping[str, Any]) -> Answer:
    places = _valid(PlacesForm(sent)).chosen()
    changes.undo(review.transcript, places, review.user)
    return _after(review, *(place.number for place in places))


@_told
def replace(review: Review, sent: Mapping[str, Any]) -> Answer:
    form = _valid(ReplaceForm(sent))
    search = form.search()
    shown = {words.number: words.text for words in review.transcript.words(spoken=search.spoken)}
    texts = {place: search.replaced(shown.get(place.number, "")) for place in form.chosen()}
    changes.correct_many(review.transcript, texts, review.user)
    return _after(review, *(place.number for place in texts))


@_told
def state(review: Review, sent: Mapping[str, Any]) -> Answer:
    changes.set_state(review.transcript, _valid(StateForm(sent)).review_state(), review.user)
    return _standing(review)


def _spoken_to_backend(
    answer: Callable[[Review, Mapping[str, Any]], Awaitable[HttpResponse]],
) -> Callable[..., Coroutine[Any, Any, HttpResponse]]:
    """A view that waits on the server's own loop, with whose live sessions it shares workers."""

    @require_POST
    @cache_control(no_store=True)
    async def view(request: HttpRequest, session: int) -> HttpResponse:
        review = None
        try:
            review = await sync_to_async(Review.opened_by)(request, session)
            return await answer(review, request.POST)
        except (Problem, changes.Refused) as error:
            return await sync_to_async(refusal)(error, review)

    return view


@_spoken_to_backend
async def again(review: Review, sent: Mapping[str, Any]) -> HttpResponse:
    """Translate what was spoken again, for the languages nobody has touched."""
    place = dataclasses.replace(_valid(PlaceForm(sent)).place(), spoken=True)
    outcome = await retranslate(review, place)
    answer = await sync_to_async(_after)(review, place.number)
    return JsonResponse({"message": outcome, **answer})


@_spoken_to_backend
async def voice(review: Review, sent: Mapping[str, Any]) -> HttpResponse:
    """The line as sound."""
    wanted = _valid(VersionsForm(sent)).cleaned_data
    speech = await speak(review, wanted["number"], spoken=wanted["spoken"])
    return HttpResponse(speech.audio, content_type=speech.mime)
