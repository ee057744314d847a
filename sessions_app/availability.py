"""What of the catalogue can be used here; only speech_app, which has the backend, knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.db.models import Q, QuerySet

from sessions_app.models import Avatar, Event, Language, Voice
from sessions_app.models.catalogue import AvatarKind


@dataclass(frozen=True, slots=True)
class Availability:
    """What a backend has, as codes of the catalogue.

    `targets` has, for each source language, those it can be translated into; `voices` those of
    each language, the default first. `voices_by_name`: it has more voices than it lists, and an
    organiser adds them to the catalogue. `problems` are what is missing, each with its remedy.
    """

    backend: str = ""
    sources: Sequence[str] = ()
    targets: Mapping[str, Collection[str]] = field(default_factory=dict)
    voices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    voices_by_name: bool = False
    video: bool = False
    problems: Sequence[str] = ()

    _here: ClassVar[Callable[[], Availability] | None] = None

    @classmethod
    def provide(cls, here: Callable[[], Availability]) -> None:
        """Whoever has the backend registers it here, once, when Django starts."""
        cls._here = here

    @classmethod
    def here(cls) -> Availability:
        """What this installation can do now."""
        return cls._here() if cls._here else cls()

    def spoken_languages(self) -> QuerySet[Language]:
        return Language.objects.filter(code__in=self.sources)

    def target_languages(self) -> QuerySet[Language]:
        """What at least one of the spoken languages can be translated into."""
        return Language.objects.filter(code__in=set().union(*self.targets.values()))

    def all_voices(self) -> QuerySet[Voice]:
        known = Q(language__code__in=self.voices) if self.voices_by_name else Q(pk__in=[])
        for language, codes in self.voices.items():
            known |= Q(language__code=language, code__in=codes)
        return Voice.objects.filter(known, backend=self.backend).select_related("language")

    def avatars(self) -> QuerySet[Avatar]:
        """A video avatar is one of the service; the drawn ones are ours."""
        kinds = AvatarKind.values if self.video else [AvatarKind.DRAWN]
        return Avatar.objects.filter(kind__in=kinds)

    def untranslatable(self, source: Language, targets: Iterable[Language]) -> list[Language]:
        """Those of the targets that there is no way to; whoever wants the source needs none."""
        reachable = {source.code, *self.targets.get(source.code, ())}
        return [language for language in targets if language.code not in reachable]

    def shortcomings(self, event: Event) -> list[str]:
        """What this event asks for and does not get here, in plain words with a way out."""
        return [
            *self._unspeakable(event),
            *self._unsaid(event),
            *self._unseen(event),
        ]

    def _unspeakable(self, event: Event) -> list[str]:
        found = []
        targets = list(event.target_languages.order_by("name"))
        for source in event.source_languages.order_by("name"):
            if source.code not in self.sources:
                found.append(f"{source} cannot be recognised here: choose another spoken language.")
            elif missing := self.untranslatable(source, targets):
                names = _enumerate(missing)
                found.append(
                    f"{source} cannot be translated into {names} here: "
                    f"listeners in {names} will see no captions while it is spoken."
                )
        return found

    def _unsaid(self, event: Event) -> list[str]:
        own = event.languages.exclude(voice=None).select_related("language", "voice")
        available = set(self.all_voices().values_list("pk", flat=True))
        return [
            f"The voice {row.voice.name} of {row.language} is not available here: "
            + (
                "another one will speak. Choose a voice you like."
                if self.voices.get(row.language.code)
                else "listeners will read captions."
            )
            for row in own
            if row.voice and row.voice_id not in available
        ]

    def _unseen(self, event: Event) -> list[str]:
        own = Q(events=event) | Q(pk__in=event.languages.values("avatar"))
        missing = Avatar.objects.filter(own).exclude(pk__in=self.avatars()).distinct()
        return [
            f"The avatar {avatar} is not available here: a drawn one takes its place."
            for avatar in missing
        ]


def _enumerate(languages: Sequence[Language]) -> str:
    *others, last = (language.name for language in languages)
    return f"{', '.join(others)} and {last}" if others else last
