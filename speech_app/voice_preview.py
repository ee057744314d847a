"""Saying a sentence with a voice, so that an organiser hears it before an audience does."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST

from sessions_app import metrics
from sessions_app.models import Language, Voice
from sessions_app.previews import LONGEST_SENTENCE
from sessions_app.rate import count
from speech_app.availability import available_from
from speech_app.backends import get_backend
from speech_app.backends.base import Backend, BackendError, LanguageUnavailable, Speech

MOST_SENTENCES = 30
WITHIN_S = 60
"""30 sentences a minute of one person: more than one can listen to, and few enough to be paid."""
TRY_AGAIN = "Try again in a moment. If it stays so, ask whoever runs this server to read its log."


class SentenceForm(forms.Form):
    """A sentence, and the voice or at least the language to say it in."""

    text = forms.CharField(
        max_length=LONGEST_SENTENCE,
        error_messages={
            "required": "Write a sentence first.",
            "max_length": f"Write at most {LONGEST_SENTENCE} characters.",
        },
    )
    voice = forms.ModelChoiceField(
        Voice.objects.select_related("language"),
        required=False,
        error_messages={"invalid_choice": "This voice was deleted. Choose another one."},
    )
    language = forms.ModelChoiceField(
        Language.objects.all(),
        required=False,
        error_messages={"invalid_choice": "This language was deleted. Choose another one."},
    )

    def wanted(self, backend: Backend) -> tuple[str, str, str]:
        """Text, code of the language and the backend's code of the voice.

        Raises LanguageUnavailable.
        """
        text: str = self.cleaned_data["text"]
        voice: Voice | None = self.cleaned_data["voice"]
        language: Language | None = self.cleaned_data["language"]
        available = available_from(backend)
        if voice:
            if not available.all_voices().filter(pk=voice.pk).exists():
                raise LanguageUnavailable(
                    f"The voice {voice.name} is not available here. Choose another one."
                )
            return text, voice.language.code, voice.code
        if language is None:
            raise LanguageUnavailable("Choose a language or a voice first.")
        # The one an event speaks with where its organiser has chosen none.
        codes = available.voices.get(language.code)
        if not codes:
            raise LanguageUnavailable(
                f"There is no voice for {language} here: its listeners read captions."
            )
        return text, language.code, codes[0]


class Refused(Exception):
    """The sentence is not said; the text says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@require_POST
@cache_control(no_store=True)
async def voice_preview(request: HttpRequest) -> HttpResponse:
    """The sentence as MP3, or a JSON object whose `message` says in plain words what is wrong."""
    try:
        await _admit(request)
        speech = await _say(request)
    except Refused as refusal:
        response = JsonResponse({"message": str(refusal)}, status=refusal.status)
        if refusal.status == 429:
            response["Retry-After"] = str(WITHIN_S)
        return response
    return HttpResponse(speech.audio, content_type=speech.mime)


async def _admit(request: HttpRequest) -> None:
    user = await request.auser()
    if not (user.is_staff and await user.ahas_perm("sessions_app.view_voice")):
        raise Refused(403, "Sign in as an organiser to hear voices.")
    if count(f"voice-previews:{user.pk}", WITHIN_S) > MOST_SENTENCES:
        raise Refused(429, "These were many sentences. Wait a minute and go on.")


async def _say(request: HttpRequest) -> Speech:
    form = SentenceForm(request.POST)
    if not await sync_to_async(form.is_valid)():
        raise Refused(400, _mistakes(form))
    try:
        backend = get_backend()
    except ImproperlyConfigured as error:
        raise Refused(503, str(error)) from error
    try:
        text, language, voice = await sync_to_async(form.wanted)(backend)
        # Awaited on the server's own loop, whose live sessions share their workers with it.
        speech = await backend.synthesizer().synthesize(text, language, voice)
    except LanguageUnavailable as error:
        raise Refused(422, str(error)) from error
    except BackendError as error:
        metrics.count_backend_error("voice_preview")
        advice = backend.problems() or [TRY_AGAIN]
        raise Refused(503, " ".join(dict.fromkeys([str(error), *advice]))) from error
    metrics.count_synthesised(language, len(text))
    return speech


def _mistakes(form: SentenceForm) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
