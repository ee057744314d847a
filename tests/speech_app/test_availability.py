"""What the real backends tell the catalogue."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from sessions_app.availability import Availability
from sessions_app.models import Language, Voice
from speech_app.availability import available_from
from speech_app.backends.azure.backend import AzureBackend
from speech_app.backends.azure.credentials import Credentials
from speech_app.backends.embedded.backend import EmbeddedBackend

pytestmark = pytest.mark.django_db


def codes(languages: object) -> set[str]:
    return {language.code for language in languages}  # type: ignore[attr-defined]


def test_the_embedded_backend_offers_what_this_machine_has() -> None:
    backend = EmbeddedBackend()
    available = available_from(backend)
    assert codes(available.spoken_languages()) == {"en-GB", "en-US"}
    catalogue = codes(Language.objects.all())
    reached = {code for source in ("en-GB", "en-US") for code in backend.target_languages(source)}
    assert codes(available.target_languages()) == (reached | {"en-GB", "en-US"}) & catalogue
    assert set(available.all_voices()) == set(Voice.objects.filter(backend="embedded"))
    assert {avatar.kind for avatar in available.avatars()} == {"drawn"}


def test_azure_offers_its_languages_voices_and_video() -> None:
    available = available_from(AzureBackend(Credentials(key="k", region="westeurope")))
    catalogue = codes(Language.objects.exclude(code="eo"))
    assert codes(available.spoken_languages()) == catalogue
    assert codes(available.target_languages()) == catalogue
    assert set(available.all_voices()) == set(Voice.objects.filter(backend="azure"))
    assert {avatar.kind for avatar in available.avatars()} == {"drawn", "video"}
    assert available.problems == []


def test_variants_of_the_spoken_language_need_no_translation() -> None:
    available = available_from(AzureBackend(Credentials(key="k", region="westeurope")))
    british, american = (Language.objects.get(code=code) for code in ("en-GB", "en-US"))
    assert available.untranslatable(american, [british]) == []


def test_a_backend_that_cannot_be_used_is_a_problem_and_no_crash(
    monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    def fail() -> None:
        raise ImproperlyConfigured("SPEECH_BACKEND is “none”.")

    monkeypatch.setattr("speech_app.availability.get_backend", fail)
    assert Availability.here() == Availability(problems=["SPEECH_BACKEND is “none”."])
    page = admin_client.get("/admin/sessions_app/event/add/")
    assert page.context["problems"] == ["SPEECH_BACKEND is “none”."]
