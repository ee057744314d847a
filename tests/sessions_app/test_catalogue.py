"""The catalogue an installation starts with."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from sessions_app.catalogue import load_catalogue
from sessions_app.models import Avatar, Language, Voice
from speech_app.backends.embedded.voices import all_voices

pytestmark = pytest.mark.django_db

FIGURES = Path(__file__).resolve().parents[2] / "static/js/avatar/characters.js"


MODELS: list[type[Model]] = [Language, Voice, Avatar]


def snapshot() -> dict[str, list[dict[str, Any]]]:
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in MODELS
    }


def test_loading_again_changes_nothing() -> None:
    before = snapshot()
    load_catalogue(apps)
    assert snapshot() == before


def test_what_an_organiser_edited_stays() -> None:
    Language.objects.filter(code="es-ES").update(name="Castilian", native_name="castellano")
    Voice.objects.filter(code="es-ES-ElviraNeural").update(name="Our Elvira")
    Avatar.objects.filter(character="lisa").update(name="Our Lisa", background_colour="#00FF00FF")
    before = snapshot()
    load_catalogue(apps)
    assert snapshot() == before


def test_british_voices_of_an_older_installation_get_names_that_exist() -> None:
    before = snapshot()
    for voice in Voice.objects.filter(backend="embedded", language__code="en-GB"):
        Voice.objects.filter(pk=voice.pk).update(code=voice.code.replace("en-gb-x-rp", "en-gb"))
    assert snapshot() != before
    migration = import_module("sessions_app.migrations.0006_british_voices")
    for _ in range(2):
        migration.rename(apps, None)
        assert snapshot() == before


def test_what_is_missing_comes_back() -> None:
    before = len(snapshot()["Voice"])
    Voice.objects.filter(code="es-ES-ElviraNeural").delete()
    load_catalogue(apps)
    assert Voice.objects.count() == before


def test_every_entry_is_valid() -> None:
    for model in MODELS:
        for row in model._default_manager.all():
            row.full_clean()


def test_arabic_is_written_from_right_to_left_and_nothing_else_is() -> None:
    assert list(Language.objects.filter(direction="rtl").values_list("code", flat=True)) == [
        "ar-SA"
    ]


def test_the_embedded_voices_are_those_the_backend_has() -> None:
    listed = Voice.objects.filter(backend="embedded")
    assert set(listed.values_list("language__code", "code", "name")) == {
        (voice.language, voice.code, voice.name) for voice in all_voices()
    }


def test_azure_has_a_woman_and_a_man_in_each_of_its_languages() -> None:
    voices = Voice.objects.filter(backend="azure").values_list("language__code", "gender", "code")
    assert {code for _, _, code in voices if not re.fullmatch(r"\w+-\w+-\w+Neural", code)} == set()
    by_language: dict[str, list[str]] = {}
    for language, gender, code in voices:
        assert code.startswith(f"{language}-")
        by_language.setdefault(language, []).append(gender)
    assert len(by_language) == 22
    assert {tuple(sorted(genders)) for genders in by_language.values()} == {("female", "male")}


def test_the_drawn_avatars_are_the_figures_the_page_can_draw() -> None:
    source = FIGURES.read_text()
    drawable = set()
    for figure in re.split(r"\n  \{\n    id: ", source)[1:]:
        character = re.match(r'"(\w+)"', figure)
        assert character is not None
        outfits = re.search(r"outfits: \{\n(.*?)\n    \}", figure, re.DOTALL)
        assert outfits is not None
        styles = re.findall(r"^ {6}(\w+):", outfits[1], re.MULTILINE)
        drawable |= {(character[1], style) for style in styles}
    drawn = Avatar.objects.filter(kind="drawn")
    assert set(drawn.values_list("character", "style")) == drawable
