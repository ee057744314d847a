"""The form of an event: few questions, and an answer to begin with for nearly all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sessions_app.admin.offer import OfferForm
from sessions_app.availability import Availability
from sessions_app.models import EventLanguage, Language, Voice
from sessions_app.models.catalogue import AvatarKind, Gender
from sessions_app.time_zones import zone_name, zone_offset

PREFERRED_SOURCE = "en-US"
PREFERRED_TARGET = "es-ES"


class NativeNames(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Languages by their English and their own name."""

    def label_from_instance(self, language: Language) -> SafeString:
        if language.name == language.native_name:
            return format_html("{}", language.name)
        return format_html(
            '{} · <bdi lang="{}">{}</bdi>', language.name, language.code, language.native_name
        )


class EventForm(OfferForm):
    """An event, and languages to add to those it is translated into already."""

    add_languages = NativeNames(
        Language.objects.none(),
        label="Translate into",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Tick as many as you like. Each gets a voice, and a line below once it is saved, "
        "where voice and avatar can be heard, seen and changed.",
    )
    voices = forms.ChoiceField(
        label="With",
        choices=[(Gender.FEMALE, "women's voices"), (Gender.MALE, "men's voices")],
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.available = Availability.here()
        if "add_languages" in self.fields:
            self._offer_languages()
        if "starts_at" in self.fields:
            self._ask_for_a_time()

    def _offer_languages(self) -> None:
        offered = self.available.target_languages().order_by("name")
        if self.instance.pk is not None:
            offered = offered.exclude(pk__in=self.instance.languages.values("language"))
        field = cast("forms.ModelMultipleChoiceField[Language]", self.fields["add_languages"])
        field.queryset = offered

    def _ask_for_a_time(self) -> None:
        field = self.fields["starts_at"]
        # Events made in a hurry on another page have none, and may stay so.
        field.required = self.instance.pk is None
        field.error_messages["required"] = "Say on which day and when it starts."
        moment = self.instance.starts_at or timezone.now()
        field.help_text = format_html(
            'In the time zone {} ({}). <a href="{}">Change the zone</a>',
            zone_name(),
            zone_offset(moment),
            reverse("time-zone"),
        )

    def add_chosen_languages(self) -> None:
        """Translate the saved event into the ticked languages, as far as it is not yet."""
        chosen: Iterable[Language] = self.cleaned_data.get("add_languages") or ()
        gender = self.cleaned_data.get("voices") or Gender.FEMALE
        voices: dict[int, Voice] = {}
        for voice in self.available.all_voices().filter(gender=gender):
            voices.setdefault(voice.language_id, voice)
        with transaction.atomic():
            there = set(self.instance.languages.values_list("language", flat=True))
            EventLanguage.objects.bulk_create(
                EventLanguage(event=self.instance, language=language, voice=voices.get(language.pk))
                for language in chosen
                if language.pk not in there
            )


def first_answers() -> dict[str, Any]:
    """What a new event's form begins with: the first of everything this installation has."""
    available = Availability.here()
    return {
        "source_languages": [*_preferred(PREFERRED_SOURCE, available.sources)],
        "add_languages": [
            *_preferred(
                PREFERRED_TARGET,
                available.target_languages().order_by("code").values_list("code", flat=True),
            )
        ],
        "avatar": available.avatars().filter(kind=AvatarKind.DRAWN).order_by("pk").first(),
    }


def _preferred(code: str, codes: Iterable[str]) -> Iterable[Language]:
    codes = list(codes)
    wanted = code if code in codes else next(iter(codes), "")
    return Language.objects.filter(code=wanted)
