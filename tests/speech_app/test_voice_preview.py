"""“Say a sentence”: hearing a voice before an audience does."""

from __future__ import annotations

import io
from array import array
from typing import Any

import av
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient

from sessions_app.models import Language, Voice
from sessions_app.permissions import ORGANISER, REVIEWER
from sessions_app.sample_sentences import sample_sentence
from speech_app.backends.embedded.backend import EmbeddedBackend
from speech_app.voice_preview import MOST_SENTENCES
from tests.azure.conftest import emulator, shared_emulator  # noqa: F401 - fixtures
from tests.azure.talking import backend_at
from tests.azure_emulator.running import Emulator
from tests.people import person

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("nothing_counted"),
]


@pytest_asyncio.fixture
async def organiser() -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(await sync_to_async(person)("organiser", ORGANISER))
    return client


async def say(client: AsyncClient, text: str = "Hola a todos.", **choice: Any) -> Any:
    return await client.post("/voice-preview/", {"text": text, **choice})


async def voice(code: str) -> int:
    found: int = (await Voice.objects.order_by("pk").filter(code=code).afirst()).pk  # type: ignore[union-attr]
    return found


async def language(code: str) -> int:
    return (await Language.objects.aget(code=code)).pk


def message(response: Any) -> str:
    words: str = response.json()["message"]
    return words


def loudness(mp3: bytes) -> tuple[float, int]:
    """Seconds of sound, and its highest sample."""
    samples: list[int] = []
    with av.open(io.BytesIO(mp3), "r") as container:
        for frame in container.decode(audio=0):
            resampled = av.AudioResampler(format="s16", layout="mono", rate=24_000).resample(frame)
            for part in resampled:
                samples += array("h", bytes(part.planes[0])[: part.samples * 2])
    return len(samples) / 24_000, max(map(abs, samples))


# The voices


@pytest.mark.embedded
async def test_a_voice_of_this_machine_is_heard(
    embedded: EmbeddedBackend, organiser: AsyncClient
) -> None:
    response = await say(organiser, voice=await voice("es+f3"))
    assert (response.status_code, response["Content-Type"]) == (200, "audio/mpeg")
    assert response["Cache-Control"] == "no-store"
    seconds, highest = loudness(response.content)
    assert seconds > 0.5
    assert highest > 3000


@pytest.mark.embedded
async def test_another_language_takes_another_voice(
    embedded: EmbeddedBackend, organiser: AsyncClient
) -> None:
    seconds = []
    for choice in (
        {"voice": await voice("es")},
        {"language": await language("es-ES")},
        {"language": await language("de-DE")},
    ):
        response = await say(organiser, "Dos mil veinticinco: 2025 y 1999.", **choice)
        seconds.append(loudness(response.content)[0])
    spanish, default, german = seconds
    assert default == pytest.approx(spanish, abs=0.1)
    assert german != pytest.approx(spanish, abs=0.1)


@pytest.mark.azure
async def test_a_voice_of_azure_is_heard(
    emulator: Emulator,  # noqa: F811
    organiser: AsyncClient,
    use: Any,
) -> None:
    async with backend_at(emulator) as backend:
        use(backend)
        response = await say(organiser, "1 < 2 & 3", voice=await voice("es-ES-ElviraNeural"))
        assert (response.status_code, response["Content-Type"]) == (200, "audio/mpeg")
        assert loudness(response.content)[0] > 0.2
        await say(organiser, "Uno.", language=await language("es-ES"))
        spoken = emulator.state()["spoken"]
    assert [(one["voice"], one["text"]) for one in spoken] == [
        ("es-ES-ElviraNeural", "1 < 2 & 3"),
        ("es-ES-ElviraNeural", "Uno."),
    ]


def test_every_language_of_the_catalogue_has_a_sentence_short_enough() -> None:
    lengths = {row.code: len(sample_sentence(row.code)) for row in Language.objects.all()}
    assert [code for code, length in lengths.items() if not 10 < length <= 200] == []


# Refusals


async def test_only_staff_in_a_group_may_ask(embedded: EmbeddedBackend) -> None:
    stranger, listener, unassigned = AsyncClient(), AsyncClient(), AsyncClient()
    await listener.aforce_login(await sync_to_async(person)("a", ORGANISER, is_staff=False))
    await unassigned.aforce_login(await sync_to_async(person)("b"))
    for client in (stranger, listener, unassigned):
        response = await say(client, voice=await voice("es"))
        assert (response.status_code, message(response)) == (
            403,
            "Sign in as an organiser to hear voices.",
        )
    assert embedded.pids()["voice"] == []


async def test_a_foreign_page_cannot_ask(embedded: EmbeddedBackend) -> None:
    client = AsyncClient(enforce_csrf_checks=True)
    await client.aforce_login(await sync_to_async(person)("organiser", ORGANISER))
    response = await say(client, voice=await voice("es"))
    assert response.status_code == 403
    assert embedded.pids()["voice"] == []


async def test_it_is_asked_by_post(embedded: EmbeddedBackend, organiser: AsyncClient) -> None:
    assert (await organiser.get("/voice-preview/")).status_code == 405


async def test_a_mistake_is_explained(embedded: EmbeddedBackend, organiser: AsyncClient) -> None:
    spanish = await voice("es")
    for text, choice, status, words in (
        ("   ", {"voice": spanish}, 400, "Write a sentence first."),
        ("a" * 201, {"voice": spanish}, 400, "Write at most 200 characters."),
        ("Hola", {"voice": 10**6}, 400, "This voice was deleted. Choose another one."),
        ("Hola", {}, 422, "Choose a language or a voice first."),
        (
            "Hola",
            {"voice": await voice("es-ES-ElviraNeural")},
            422,
            "The voice Elvira is not available here. Choose another one.",
        ),
        (
            "こんにちは",
            {"language": await language("ja-JP")},
            422,
            "There is no voice for Japanese here: its listeners read captions.",
        ),
    ):
        response = await say(organiser, text, **choice)
        assert (response.status_code, message(response)) == (status, words)
        assert response["Cache-Control"] == "no-store"
    assert embedded.pids()["voice"] == []


async def test_too_many_sentences_have_to_wait(
    embedded: EmbeddedBackend, organiser: AsyncClient
) -> None:
    other = AsyncClient()
    await other.aforce_login(await sync_to_async(person)("other", REVIEWER))
    answers = [await say(organiser, "") for _ in range(MOST_SENTENCES + 1)]
    assert [answer.status_code for answer in answers] == [400] * MOST_SENTENCES + [429]
    assert answers[-1]["Retry-After"] == "60"
    assert (await say(other, "")).status_code == 400


@pytest.mark.azure
async def test_a_service_that_refuses_says_what_to_do(
    emulator: Emulator,  # noqa: F811
    organiser: AsyncClient,
    use: Any,
) -> None:
    async with backend_at(emulator, key="key-tts-401") as backend:
        use(backend)
        response = await say(organiser, voice=await voice("es-ES-ElviraNeural"))
    assert response.status_code == 503
    assert "SPEECH_KEY" in message(response)
    assert "key-tts-401" not in message(response)


async def test_a_service_without_a_key_says_what_to_do(organiser: AsyncClient, use: Any) -> None:
    from speech_app.backends.azure.backend import AzureBackend
    from speech_app.backends.azure.credentials import Credentials

    backend = AzureBackend(Credentials(region="westeurope"))
    use(backend)
    response = await say(organiser, voice=await voice("es-ES-ElviraNeural"))
    assert (response.status_code, message(response)) == (503, " ".join(backend.problems()))


async def test_a_server_without_a_backend_says_so(
    organiser: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImproperlyConfigured("SPEECH_BACKEND is “none”.")

    monkeypatch.setattr("speech_app.voice_preview.get_backend", fail)
    response = await say(organiser, voice=await voice("es"))
    assert (response.status_code, message(response)) == (503, "SPEECH_BACKEND is “none”.")
