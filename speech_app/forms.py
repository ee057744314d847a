"""Creating an event in one step, from what this installation's backend can do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from sessions_app.availability import Availability
from sessions_app.models import Avatar, Event, EventLanguage, Language, Speaker
from sessions_app.models.catalogue import Gender

PREFERRED_SOURCE = "en-US"
PREFERRED_TARGET = "es-ES"


class ColourInput(forms.TextInput):
    input_type = "color"


class QuickCreateForm(forms.Form):
    """Title, spoken language, target languages, voice and avatar of a new event."""

    title = forms.CharField(label="Title", max_length=200)
    source_language = forms.ModelChoiceField(
        Language.objects.none(),
        label="Spoken language",
        to_field_name="code",
        empty_label=None,
    )
    languages = forms.ModelMultipleChoiceField(
        Language.objects.none(),
        label="Translate into",
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one language to translate into."},
    )
    voice = forms.ChoiceField(
        label="Voice",
        choices=[(Gender.FEMALE, "A woman's voice"), (Gender.MALE, "A man's voice")],
    )
    avatar = forms.ModelChoiceField(Avatar.objects.none(), label="Avatar", empty_label=None)
    background_colour = forms.RegexField(
        r"^#[0-9A-Fa-f]{6}$",
        label="Background",
        error_messages={"invalid": "Choose a colour such as #FFFFFF."},
        widget=ColourInput,
    )
    transparent = forms.BooleanField(
        label="Transparent background",
        required=False,
        help_text="Shows the page behind the avatar.",
    )
    crop = forms.BooleanField(
        label="Head and shoulders only",
        required=False,
        help_text="In portrait format.",
    )

    def __init__(self, available: Availability, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.available = available
        avatars = _figures(available.avatars())
        targets = available.target_languages()
        choices: dict[str, QuerySet[Any]] = {
            "source_language": available.spoken_languages(),
            "languages": targets,
            "avatar": avatars,
        }
        for name, queryset in choices.items():
            cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = queryset

        first = avatars.first()
        self.initial = {
            "title": f"Live session, {date_format(_today(), 'j F Y')}",
            "source_language": _preferred(PREFERRED_SOURCE, available.sources),
            "languages": [
                _preferred(
                    PREFERRED_TARGET, targets.order_by("code").values_list("code", flat=True)
                )
            ],
            "voice": Gender.FEMALE,
            "avatar": first.pk if first else None,
            "background_colour": first.background_colour[:7] if first else "#FFFFFF",
            **self.initial,
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        source, targets = cleaned.get("source_language"), cleaned.get("languages")
        if source is None or targets is None:
            return cleaned
        # Whoever wants the spoken language gets it without a translation.
        wanted = [language for language in targets if language != source]
        if missing := self.available.untranslatable(source, wanted):
            names = ", ".join(language.name for language in missing)
            self.add_error("languages", f"{source.name} cannot be translated into {names} here.")
        elif not wanted:
            self.add_error("languages", "Choose a language other than the spoken one.")
        cleaned["languages"] = wanted
        return cleaned

    def create_event(self, owner: User) -> Event:
        """The event, with its owner as its first speaker."""
        chosen = self.cleaned_data
        with transaction.atomic():
            avatar: Avatar = chosen["avatar"]
            event = Event.objects.create(
                title=chosen["title"],
                owner=owner,
                avatar=avatar.with_options(
                    background_colour=f"{chosen['background_colour']}FF",
                    transparent=chosen["transparent"],
                    crop=chosen["crop"],
                ),
            )
            event.source_languages.add(chosen["source_language"])
            voices = self.voices()
            EventLanguage.objects.bulk_create(
                EventLanguage(
                    event=event,
                    language=language,
                    voice_id=voices.get(language.code, {}).get(chosen["voice"]),
                )
                for language in chosen["languages"]
            )
            Speaker.objects.create(event=event, name=owner.get_full_name() or owner.get_username())
        return event

    def voices(self) -> dict[str, dict[str, int]]:
        """Which voice would speak: ids by language code and gender."""
        chosen: dict[str, dict[str, int]] = {}
        for voice in self.available.all_voices():
            chosen.setdefault(voice.language.code, {}).setdefault(voice.gender, voice.pk)
        return chosen


def _figures(avatars: QuerySet[Avatar]) -> QuerySet[Avatar]:
    """Each figure once, whatever its background."""
    seen: dict[tuple[str, ...], int] = {}
    for avatar in avatars.order_by("pk"):
        figure = (avatar.kind, avatar.character, avatar.style, avatar.custom_id)
        seen.setdefault(figure, avatar.pk)
    return Avatar.objects.filter(pk__in=list(seen.values()))


def _preferred(code: str, codes: Iterable[str]) -> str | None:
    codes = list(codes)
    return code if code in codes else next(iter(codes), None)


def _today() -> date:
    return timezone.localdate()
