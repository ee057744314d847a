"""Whether an event will work: each part of the backend tried for real, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from enum import StrEnum

from sessions_app.models import Event
from sessions_app.sample_sentences import sample_sentence
from speech_app.backends.base import (
    SAMPLE_RATE,
    Backend,
    BackendError,
    LanguageUnavailable,
    Overloaded,
    SpeechTranslator,
    Trouble,
    same_language,
)
from speech_app.plan import Plan
from speech_app.trying import with_remedy

WITHIN_S = 30
"""A part that has not answered by then will not answer in time for a talk either."""
SILENCE = bytes(2 * SAMPLE_RATE // 10)
"""A tenth of a second that the recogniser is fed."""


class Part(StrEnum):
    RECOGNITION = "recognition"
    TRANSLATION = "translation"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to try: the recognition of `source`, its translation or the voice of `target`."""

    part: Part
    source: str
    target: str = ""

    @property
    def key(self) -> str:
        """Its name in the page's questions."""
        return ":".join([self.part, self.source, self.target])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went, in plain words with the remedy; `sample` is a text, `audio` MP3."""

    ok: bool
    message: str
    sample: str = ""
    language: str = ""
    audio: bytes = b""


def checks_of(event: Event) -> list[Check]:
    """Everything that is tried for this event, in order."""
    sources = sorted(event.source_languages.values_list("code", flat=True))
    targets = list(event.target_languages.order_by("name").values_list("code", flat=True))
    spoken = [row.language.code for row in event.languages.select_related("language")]
    muted = event.muted_languages()
    return [
        *(Check(Part.RECOGNITION, source) for source in sources),
        *(
            Check(Part.TRANSLATION, source, target)
            for source in sources
            for target in targets
            if not same_language(source, target)
        ),
        *(Check(Part.VOICE, "", target) for target in spoken if target not in muted),
    ]


async def try_out(check: Check, plan: Plan, backend: Backend) -> Outcome:
    """Do it, within WITHIN_S seconds. Cancelling it stops the work."""
    do = {
        Part.RECOGNITION: _recognise,
        Part.TRANSLATION: _translate,
        Part.VOICE: _speak,
    }[check.part]
    try:
        async with asyncio.timeout(WITHIN_S):
            return await do(check, plan, backend)
    except TimeoutError:
        return Outcome(
            False,
            f"There was no answer within {WITHIN_S} seconds. Check the connection to the speech "
            "service and the load of the server, and try again.",
        )
    except (Overloaded, LanguageUnavailable) as error:
        # These say themselves what to do.
        return Outcome(False, str(error))
    except BackendError as error:
        return Outcome(False, with_remedy(error, backend))


async def _recognise(check: Check, plan: Plan, backend: Backend) -> Outcome:
    translator = await backend.open_translator(check.source, [], plan.glossary)
    try:
        return await _listen(translator, backend)
    finally:
        # Also where nobody waits for the answer any more: it holds one of few places.
        await asyncio.shield(translator.close())


async def _listen(translator: SpeechTranslator, backend: Backend) -> Outcome:
    feeding = asyncio.create_task(_feed(translator))
    try:
        async for event in translator.events():
            if isinstance(event, Trouble):
                return Outcome(False, with_remedy(BackendError(event.message), backend))
            return Outcome(True, "It listens.")
    finally:
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
    return Outcome(False, with_remedy(BackendError("The recognition ended at once."), backend))


async def _feed(translator: SpeechTranslator) -> None:
    """Silence at the pace of a microphone, to which a recogniser answers about once a second."""
    for _ in range(WITHIN_S * 10):
        translator.feed(SILENCE)
        await asyncio.sleep(0.1)


async def _translate(check: Check, plan: Plan, backend: Backend) -> Outcome:
    sentence = sample_sentence(check.source)
    translator = backend.text_translator()
    text = await translator.translate(sentence, check.source, check.target, plan.glossary)
    if not text.strip():
        return Outcome(False, "It came back empty. Try again; if it stays so, leave it out.")
    return Outcome(True, f"“{sentence}” becomes:", sample=text, language=check.target)


async def _speak(check: Check, plan: Plan, backend: Backend) -> Outcome:
    voice = plan.voices.get(check.target, "")
    if not voice:
        return Outcome(False, "There is no voice here: its listeners read captions.")
    sentence = sample_sentence(check.target)
    speech = await backend.synthesizer().synthesize(
        sentence, check.target, voice, glossary=plan.glossary
    )
    seconds = speech.duration_ms / 1000
    return Outcome(
        True, f"It speaks ({seconds:.1f} s):", sentence, language=check.target, audio=speech.audio
    )
