"""Written sentences, through Azure Translator's endpoint."""

from __future__ import annotations

import pytest

from speech_app.backends.azure.ssml import build_ssml
from speech_app.backends.azure.text import with_dictionary
from speech_app.backends.base import BackendDown, GlossaryEntry, LanguageUnavailable
from tests.azure.talking import backend_at, sentences
from tests.azure_emulator.running import Emulator

pytestmark = pytest.mark.azure

ENGLISH = sentences("en")[0]
SPANISH = sentences("es")[0]


async def test_a_sentence_is_translated(emulator: Emulator) -> None:
    async with backend_at(emulator) as backend:
        translator = backend.text_translator()
        assert await translator.translate(ENGLISH, "en-US", "es-MX") == SPANISH
        other = await translator.translate("1 < 2 & 3", "en-US", "pt-PT")
        assert other == "[pt-pt] 1 < 2 & 3"
    asked = emulator.state()["translated"]
    assert [(each["from"], each["to"]) for each in asked] == [("en", ["es"]), ("en", ["pt-pt"])]


async def test_the_glossary_is_obeyed_whatever_it_holds(emulator: Emulator) -> None:
    glossary = [
        GlossaryEntry("A<B", translations={"es-ES": 'el "A<B" & más'}),
        GlossaryEntry("Contoso", keep=True),
    ]
    async with backend_at(emulator) as backend:
        translated = await backend.text_translator().translate(
            "contoso says A<B & so on.", "en-US", "es-ES", glossary
        )
    assert translated == '[es] Contoso says el "A<B" & más & so on.'


def test_a_text_without_a_term_stays_as_it_is() -> None:
    glossary = [GlossaryEntry("Contoso", translations={"fr-FR": "Contoso SA"})]
    assert with_dictionary("Hello & goodbye", "fr-FR", glossary) is None
    assert with_dictionary("Contoso", "es-ES", glossary) is None


def test_terms_are_marked_with_their_translation() -> None:
    glossary = [GlossaryEntry("R&D", translations={"es": "I+D"})]
    assert with_dictionary("Our R&D < yours", "es-ES", glossary) == (
        'Our <mstrans:dictionary translation="I+D">R&amp;D</mstrans:dictionary> &lt; yours'
    )


@pytest.mark.parametrize(
    ("fault", "error", "words_of_it"),
    [
        ("401", BackendDown, "set TRANSLATOR_KEY and TRANSLATOR_REGION"),
        ("403", BackendDown, "set TRANSLATOR_KEY and TRANSLATOR_REGION"),
        ("429", BackendDown, "The quota of Azure Translator is used up"),
        ("500", BackendDown, "HTTP 500"),
    ],
)
async def test_refusals_say_what_to_do(
    emulator: Emulator, fault: str, error: type[Exception], words_of_it: str
) -> None:
    async with backend_at(emulator, f"key-translate-{fault}") as backend:
        with pytest.raises(error, match=words_of_it) as failed:
            await backend.text_translator().translate(ENGLISH, "en-US", "es-ES")
        assert "key-translate" not in str(failed.value)


async def test_a_service_that_does_not_answer_is_given_up(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech_app.backends.azure.backend.REST_WITHIN_S", 0.5)
    async with backend_at(emulator, "key-translate-silent") as backend:
        with pytest.raises(BackendDown, match="Azure Translator cannot be reached"):
            await backend.text_translator().translate(ENGLISH, "en-US", "es-ES")


async def test_a_language_it_does_not_give_is_unavailable(emulator: Emulator) -> None:
    async with backend_at(emulator, "key-translate-missing-language-es") as backend:
        with pytest.raises(LanguageUnavailable):
            await backend.text_translator().translate(ENGLISH, "en-US", "es-ES")


async def test_a_translator_resource_of_its_own_is_asked_with_its_own_key(
    emulator: Emulator,
) -> None:
    async with backend_at(
        emulator,
        "key-translate-401",
        translator_key="ok",
        translator_endpoint=emulator.endpoint,
    ) as backend:
        translated = await backend.text_translator().translate(ENGLISH, "en-US", "es-ES")
    assert translated == SPANISH


async def test_a_token_that_was_issued_translates_too(emulator: Emulator) -> None:
    async with backend_at(emulator, use_token=True) as backend:
        assert await backend.text_translator().translate(ENGLISH, "en-US", "es-ES") == SPANISH
    assert emulator.state()["requests"]["token"] == 1


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (1.0, '<voice name="v">Hola.</voice>'),
        (1.15, '<voice name="v"><prosody rate="+15%">Hola.</prosody></voice>'),
        (0.9, '<voice name="v"><prosody rate="-10%">Hola.</prosody></voice>'),
    ],
)
def test_the_rate_is_relative_to_the_voices_own(rate: float, expected: str) -> None:
    assert expected in build_ssml("Hola.", "es-ES", "v", rate)


def test_pronunciations_stand_where_their_terms_do() -> None:
    glossary = [GlossaryEntry("SQL", say_as="sequel"), GlossaryEntry("Kubernetes", say_as="ku")]
    assert (
        '<voice name="v">Use <sub alias="sequel">SQL</sub> with '
        '<sub alias="ku">kubernetes</sub>, not NoSQL.</voice>'
    ) in build_ssml("Use SQL with kubernetes, not NoSQL.", "en-US", "v", glossary=glossary)
