"""Puts the catalogue an installation starts with into the database."""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps

from sessions_app.catalogue_data import (
    AVATARS,
    AZURE_VOICES,
    EMBEDDED_SPEAKERS,
    EMBEDDED_VOICES,
    LANGUAGES,
)


def load_catalogue(apps: Apps) -> None:
    """Add what is missing of the catalogue; rows that are there stay as the organisers left them.

    `apps` is the registry of a migration, or `django.apps.apps`.
    """
    language_model = apps.get_model("sessions_app", "Language")
    languages: dict[str, Any] = {
        row.code: language_model._default_manager.get_or_create(
            code=row.code,
            defaults={
                "name": row.name,
                "native_name": row.native_name,
                "direction": row.direction,
            },
        )[0]
        for row in LANGUAGES
    }
    _load_voices(apps, languages)
    _load_avatars(apps)


def _load_voices(apps: Apps, languages: dict[str, Any]) -> None:
    voices = apps.get_model("sessions_app", "Voice")._default_manager

    def add(backend: str, language: str, code: str, name: str, gender: str) -> None:
        voices.get_or_create(
            backend=backend,
            language=languages[language],
            code=code,
            defaults={"name": name, "gender": gender},
        )

    for azure in AZURE_VOICES:
        for name, gender in ((azure.female, "female"), (azure.male, "male")):
            code = f"{azure.language}-{name}Neural"
            add("azure", azure.language, code, name.removesuffix("Multilingual"), gender)
    for embedded in EMBEDDED_VOICES:
        for speaker in EMBEDDED_SPEAKERS:
            code = f"{embedded.espeak}{speaker.variant}"
            add("embedded", embedded.language, code, speaker.name, speaker.gender)


def _load_avatars(apps: Apps) -> None:
    avatars = apps.get_model("sessions_app", "Avatar")._default_manager
    for row in AVATARS:
        figure = {"kind": row.kind, "character": row.character, "style": row.style}
        # Whatever background it was given since, it is still this figure.
        if not avatars.filter(**figure, custom_id="").exists():
            avatars.create(**figure, name=row.name, background_colour=row.background_colour)
