"""What the review page asks of the backend: a line's voice, and new translations of one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured

from sessions_app import metrics
from sessions_app.rate import count
from sessions_app.review.changes import Place, translate_again, untouched_translations
from speech_app.backends import get_backend
from speech_app.backends.base import (
    Backend,
    BackendError,
    LanguageUnavailable,
    Speech,
    same_language,
)
from speech_app.plan import Plan
from speech_app.review.access import Problem, Review

TRANSLATION_WITHIN_S = 20.0
SPEECH_WITHIN_S = 20.0
MOST_AT_THE_BACKEND = 60
WITHIN_S = 60
"""60 lines a minute of one person: faster than anyone reads, and few enough to be paid."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text of a line, with its language."""

    text: str
    language: str


async def speak(review: Review, number: int, *, spoken: bool) -> Speech:
    """The voice of a line as it is shown. Raises Problem."""
    backend, plan, said = await _prepare(review, number, spoken=spoken)
    if not said.text:
        raise Problem(422, f"Line {number} has no text to be said.")
    voice = plan.voices.get(said.language)
    if not voice:
        name = await sync_to_async(review.name)(said.language)
        raise Problem(422, f"There is no voice for {name} here.")
    try:
        async with asyncio.timeout(SPEECH_WITHIN_S):
            speech = await backend.synthesizer().synthesize(
                said.text, said.language, voice, glossary=plan.glossary
            )
    except (BackendError, TimeoutError) as error:
        raise _trouble("review_voice", backend, error) from error
    metrics.count_synthesised(said.language, len(said.text))
    return speech


async def retranslate(review: Review, place: Place) -> str:
    """Translate a line's spoken words again for the languages nobody has touched.

    Returns in words what came of each language. Raises Problem, Gone or Changed.
    """
    backend, plan, said = await _prepare(review, place.number, spoken=True)
    untouched = await sync_to_async(untouched_translations)(review.transcript, place)
    outcomes = await asyncio.gather(
        *(_translate(backend, plan, said, language) for language in untouched)
    )
    results = dict(zip(untouched, outcomes, strict=True))
    texts = {code: text for code, text in results.items() if isinstance(text, str)}
    await sync_to_async(translate_again)(review.transcript, place, texts, review.user)
    return await sync_to_async(_in_words)(review, results, said.language)


async def _prepare(review: Review, number: int, *, spoken: bool) -> tuple[Backend, Plan, Said]:
    if count(f"review-backend:{review.user.pk}", WITHIN_S) > MOST_AT_THE_BACKEND:
        raise Problem(429, "These were many lines. Wait a minute and go on.")
    try:
        backend = get_backend()
    except ImproperlyConfigured as error:
        raise Problem(503, str(error)) from error
    said = await sync_to_async(_said)(review, number, spoken=spoken)
    return backend, await sync_to_async(Plan.of)(review.session.event, backend), said


def _said(review: Review, number: int, *, spoken: bool) -> Said:
    lines = review.transcript.lines_numbered([number])
    if not lines:
        raise Problem(404, f"Line {number} was deleted meanwhile.")
    line = lines[0]
    if spoken or review.transcript.language == line.source_language:
        return Said(line.source.text or "", line.source_language)
    return Said((line.translation and line.translation.text) or "", review.transcript.language)


async def _translate(
    backend: Backend, plan: Plan, said: Said, language: str
) -> str | BackendError | TimeoutError:
    if same_language(language, said.language) or not said.text:
        return said.text
    try:
        async with asyncio.timeout(TRANSLATION_WITHIN_S):
            return await backend.text_translator().translate(
                said.text, said.language, language, plan.glossary
            )
    except (BackendError, TimeoutError) as error:
        if not isinstance(error, LanguageUnavailable):
            metrics.count_backend_error("review_translation")
        return error


def _in_words(
    review: Review, results: Mapping[str, str | BackendError | TimeoutError], source: str
) -> str:
    translated = [review.name(code) for code, text in results.items() if isinstance(text, str)]
    kept = [
        language.name
        for language in review.languages
        if language.code not in results and language.code != source
    ]
    parts = []
    if translated:
        parts.append(f"Translated again: {', '.join(translated)}.")
    for code, error in results.items():
        if not isinstance(error, str):
            why = str(error) or "It took too long. Try again in a moment."
            parts.append(f"{review.name(code)} failed: {why}")
    if kept:
        parts.append(f"Left as they are, since people wrote or accepted them: {', '.join(kept)}.")
    return " ".join(parts)


def _trouble(part: str, backend: Backend, error: BackendError | TimeoutError) -> Problem:
    if isinstance(error, LanguageUnavailable):
        return Problem(422, str(error))
    metrics.count_backend_error(part)
    words = str(error) or "The speech service takes too long."
    advice = backend.problems() or ["Try again in a moment."]
    return Problem(503, " ".join(dict.fromkeys([words, *advice])))
