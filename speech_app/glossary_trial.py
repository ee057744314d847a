"""Trying an event's glossary on a sentence: translated and said with it and without it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asgiref.sync import sync_to_async
from django import forms
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from sessions_app import metrics
from sessions_app.models import Event
from sessions_app.office import event_or_404, office_page
from sessions_app.permissions import Action
from sessions_app.previews import LONGEST_SENTENCE
from speech_app.backends.base import (
    Backend,
    BackendError,
    GlossaryEntry,
    LanguageUnavailable,
    same_language,
)
from speech_app.backends.glossary import term_key, terms_pattern
from speech_app.plan import Plan
from speech_app.trying import backend_here, find_event, tells_refusals, with_remedy
from speech_app.voice_preview import Refused

MOST_TRIES = 60
"""A minute."""
WITHIN_S = 30


class TrialForm(forms.Form):
    """A sentence in a spoken language, and the language it is to be in."""

    text = forms.CharField(
        max_length=LONGEST_SENTENCE,
        error_messages={
            "required": "Write a sentence first.",
            "max_length": f"Write at most {LONGEST_SENTENCE} characters.",
        },
    )
    source = forms.CharField(max_length=35)
    target = forms.CharField(max_length=35)


class SayForm(forms.Form):
    """A translated sentence, and whether the glossary says how its terms sound."""

    # A translation is longer than what it was made of.
    text = forms.CharField(max_length=3 * LONGEST_SENTENCE)
    language = forms.CharField(max_length=35)
    glossary = forms.BooleanField(required=False)


@staff_member_required
@never_cache
@require_safe
def glossary_trial(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/glossary/try/`: the page."""
    event = event_or_404(request, pk, Action.CHANGE)
    first = event.glossary.first()
    return office_page(
        request,
        "office/glossary_trial.html",
        "Try the glossary",
        event=event,
        sources=event.source_languages.order_by("name"),
        targets=event.target_languages.order_by("name"),
        sentence=f"Today we talk about {first.term}." if first else "",
        longest=LONGEST_SENTENCE,
        trial={
            "translate": reverse("glossary-trial-translate", args=[event.pk]),
            "say": reverse("glossary-trial-say", args=[event.pk]),
        },
    )


@require_POST
@tells_refusals
async def glossary_trial_translate(request: HttpRequest, pk: int) -> HttpResponse:
    """JSON: the sentence `without` and `with` the glossary, and the `terms` found in it."""
    event = await find_event(request, pk, Action.CHANGE, most=MOST_TRIES)
    form = TrialForm(request.POST)
    if not form.is_valid():
        raise Refused(400, " ".join(str(error) for all_ in form.errors.values() for error in all_))
    text, source, target = (form.cleaned_data[name] for name in ("text", "source", "target"))
    backend, plan = await sync_to_async(_prepare)(event)
    if source not in plan.sources or target not in plan.targets:
        raise Refused(404, "The event's languages have changed meanwhile. Load the page again.")
    if same_language(source, target):
        raise Refused(422, "This is the spoken language itself: nothing is translated.")
    translator = backend.text_translator()
    try:
        async with asyncio.timeout(WITHIN_S):
            without = await translator.translate(text, source, target)
            obeyed = await translator.translate(text, source, target, plan.glossary)
    except (BackendError, TimeoutError) as error:
        raise _refusal(error, backend) from error
    answer = {"without": without, "with": obeyed, "terms": _found(text, plan.glossary)}
    return JsonResponse(answer)


@require_POST
@tells_refusals
async def glossary_trial_say(request: HttpRequest, pk: int) -> HttpResponse:
    """The sentence as MP3, in the voice the event has in this language."""
    event = await find_event(request, pk, Action.CHANGE, most=MOST_TRIES)
    form = SayForm(request.POST)
    if not form.is_valid():
        raise Refused(400, "There is nothing to say. Translate a sentence first.")
    text, language = form.cleaned_data["text"], form.cleaned_data["language"]
    backend, plan = await sync_to_async(_prepare)(event)
    voice = plan.voices.get(language, "")
    if not voice:
        raise Refused(422, "There is no voice in this language here: its listeners read captions.")
    glossary = plan.glossary if form.cleaned_data["glossary"] else ()
    try:
        async with asyncio.timeout(WITHIN_S):
            speech = await backend.synthesizer().synthesize(
                text, language, voice, glossary=glossary
            )
    except (BackendError, TimeoutError) as error:
        raise _refusal(error, backend) from error
    metrics.count_synthesised(language, len(text))
    return HttpResponse(speech.audio, content_type=speech.mime)


def _prepare(event: Event) -> tuple[Backend, Plan]:
    backend = backend_here()
    return backend, Plan.of(event, backend)


def _refusal(error: Exception, backend: Backend) -> Refused:
    if isinstance(error, LanguageUnavailable):
        return Refused(422, str(error))
    if isinstance(error, TimeoutError):
        error = BackendError(f"There was no answer within {WITHIN_S} seconds.")
    return Refused(503, with_remedy(error, backend))


def _found(text: str, glossary: Sequence[GlossaryEntry]) -> list[str]:
    """The terms as the glossary writes them, in the order of the text."""
    written = {term_key(entry.term): entry.term for entry in glossary if entry.term.strip()}
    if not written:
        return []
    keys = (term_key(match[0]) for match in terms_pattern(written).finditer(text))
    return list(dict.fromkeys(written[key] for key in keys if key in written))
