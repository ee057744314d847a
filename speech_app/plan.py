"""What an event wants of the Interpreter: languages, voices and the glossary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions_app.models import Event
from speech_app.backends.base import Backend, GlossaryEntry


@dataclass(frozen=True, slots=True)
class Plan:
    """`voices` has every language listeners may choose, with the backend's code of its voice.

    A language the backend has no voice for has "". In `muted` ones nothing is to be heard for now.
    `targets` are those it is translated into for the speaker to see, `sources` those that may be
    spoken; `names` is what people call them all.
    """

    voices: Mapping[str, str]
    muted: frozenset[str]
    targets: Sequence[str]
    sources: Sequence[str]
    glossary: Sequence[GlossaryEntry]
    names: Mapping[str, str]

    @classmethod
    def of(cls, event: Event, backend: Backend) -> Plan:
        known = backend.voices()
        voices = {}
        targets = []
        for row in event.languages.select_related("language", "voice"):
            code = row.language.code
            targets.append(code)
            if row.voice and row.voice.backend == backend.name:
                voices[code] = row.voice.code
        names = {}
        for language in event.offered_languages():
            names[language.code] = language.name
            fitting = [voice.code for voice in known if voice.language == language.code]
            voices.setdefault(language.code, fitting[0] if fitting else "")
        sources = [language.code for language in event.source_languages.order_by("name")]
        return cls(
            voices=voices,
            muted=event.muted_languages(),
            targets=targets,
            sources=sources,
            glossary=_glossary(event),
            names=names,
        )


def _glossary(event: Event) -> list[GlossaryEntry]:
    return [
        GlossaryEntry(
            term=term.term,
            keep=term.keep,
            say_as=term.say_as,
            translations={row.language.code: row.text for row in term.translations.all()},
        )
        for term in event.glossary.prefetch_related("translations__language")
    ]
