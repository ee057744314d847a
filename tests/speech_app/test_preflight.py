"""Whether an event will work, tried with the real backends."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from sessions_app.models import Event, EventMember
from sessions_app.models.event import Role
from sessions_app.sample_sentences import sample_sentence
from speech_app import preflight
from speech_app.backends.embedded.backend import EmbeddedBackend
from speech_app.plan import Plan
from speech_app.preflight import Check, Part, checks_of, try_out
from tests.azure.conftest import emulator, shared_emulator  # noqa: F401 - fixtures
from tests.azure.talking import backend_at
from tests.azure_emulator.running import Emulator
from tests.speech_app.embedded import hang, needs_apertium
from tests.speech_app.test_voice_preview import loudness

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("nothing_counted"),
]

MakeEvent = Callable[..., Event]


@pytest.fixture
def event(make_event: MakeEvent) -> Event:
    event = make_event("es-ES", "fr-FR")
    event.owner = User.objects.create_user("ann", is_staff=True)
    event.save()
    return event


async def client_of(name: str) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(await User.objects.aget(username=name))
    return client


async def try_part(client: AsyncClient, event: Event, check: str) -> Any:
    return await client.post(f"/office/events/{event.pk}/preflight/check/", {"check": check})


def test_everything_an_event_needs_is_tried_once(event: Event) -> None:
    event.languages.filter(language__code="fr-FR").update(muted=True)
    assert [check.key for check in checks_of(event)] == [
        "recognition:en-US:",
        "translation:en-US:fr-FR",
        "translation:en-US:es-ES",
        "voice::es-ES",
    ]


@pytest.mark.embedded
@needs_apertium
async def test_every_part_of_this_machine_answers(embedded: EmbeddedBackend, event: Event) -> None:
    client = await client_of("ann")
    listens = (await try_part(client, event, "recognition:en-US:")).json()
    assert (listens["ok"], listens["message"]) == (True, "It listens.")
    translated = (await try_part(client, event, "translation:en-US:es-ES")).json()
    assert translated["ok"]
    assert translated["sample"].startswith("¡Bienvenidos!")
    response = await try_part(client, event, "voice::es-ES")
    spoken = response.json()
    assert (spoken["ok"], spoken["sample"]) == (True, sample_sentence("es-ES"))
    assert loudness(base64.b64decode(spoken["audio"]))[1] > 3000
    assert response["Cache-Control"] == "no-store"


@pytest.mark.embedded
async def test_a_try_takes_no_place_from_a_speaker(
    embedded: EmbeddedBackend, event: Event, settings: Settings
) -> None:
    settings.EMBEDDED_MAX_SPEAKERS = 1
    plan = await sync_to_async(Plan.of)(event, embedded)
    check = Check(Part.RECOGNITION, "en-US")
    cancelled = asyncio.create_task(try_out(check, plan, embedded))
    await asyncio.sleep(0.3)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert (await try_out(check, plan, embedded)).ok
    speaker = await embedded.open_translator("en-US", ["es-ES"])
    outcome = await try_out(check, plan, embedded)
    assert not outcome.ok
    await speaker.close()


@pytest.mark.embedded
async def test_what_hangs_is_given_up(
    embedded: EmbeddedBackend, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await sync_to_async(Plan.of)(event, embedded)
    voice = Check(Part.VOICE, "", "es-ES")
    assert (await try_out(voice, plan, embedded)).ok
    hang(embedded.pids()["voice"][0])
    monkeypatch.setattr(preflight, "WITHIN_S", 1)
    outcome = await try_out(voice, plan, embedded)
    assert (outcome.ok, outcome.audio) == (False, b"")
    assert "no answer within 1 seconds" in outcome.message


async def test_a_language_without_a_way_or_a_voice_says_so(
    embedded: EmbeddedBackend, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("ja-JP")
    plan = await sync_to_async(Plan.of)(event, embedded)
    outcomes = [
        await try_out(check, plan, embedded) for check in await sync_to_async(checks_of)(event)
    ]
    assert [(one.ok, one.message) for one in outcomes[1:]] == [
        (False, "This server cannot translate from en-US into ja-JP."),
        (False, "There is no voice here: its listeners read captions."),
    ]


@pytest.mark.azure
async def test_azure_answers_or_says_what_to_do(
    emulator: Emulator,  # noqa: F811
    event: Event,
    use: Any,
) -> None:
    client = await client_of("ann")
    async with backend_at(emulator) as backend:
        use(backend)
        for check in await sync_to_async(checks_of)(event):
            assert (await try_part(client, event, check.key)).json()["ok"], check
    async with backend_at(emulator, key="key-tts-401") as backend:
        use(backend)
        refused = (await try_part(client, event, "voice::es-ES")).json()
    assert not refused["ok"]
    assert "SPEECH_KEY" in refused["message"]
    assert "key-tts-401" not in refused["message"]


# Who may


async def test_only_those_who_run_an_event_try_it(embedded: EmbeddedBackend, event: Event) -> None:
    bob = await User.objects.acreate_user("bob", is_staff=True)
    client = await client_of("bob")
    for role, status in ((None, 404), (Role.REVIEWER, 404), (Role.OPERATOR, 200)):
        if role:
            await EventMember.objects.acreate(event=event, user=bob, role=role)
        assert (await try_part(client, event, "voice::es-ES")).status_code == status
    assert (await try_part(AsyncClient(), event, "voice::es-ES")).status_code == 404


async def test_what_is_not_of_the_event_is_not_tried(
    embedded: EmbeddedBackend, event: Event
) -> None:
    client = await client_of("ann")
    for check in ("", "voice::ja-JP", "recognition:xx:", "\x00"):
        response = await try_part(client, event, check)
        assert response.status_code == 404
        assert "Load the page again." in response.json()["message"]


async def test_too_many_tries_have_to_wait(
    embedded: EmbeddedBackend, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech_app.preflight_views.MOST_TRIES", 3)
    client = await client_of("ann")
    statuses = [(await try_part(client, event, "")).status_code for _ in range(4)]
    assert statuses == [404, 404, 404, 429]


async def test_a_server_without_a_backend_says_so(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImproperlyConfigured("SPEECH_BACKEND is “none”.")

    monkeypatch.setattr("speech_app.trying.get_backend", fail)
    response = await try_part(await client_of("ann"), event, "voice::es-ES")
    assert (response.status_code, response.json()["message"]) == (503, "SPEECH_BACKEND is “none”.")


# What is missing


def test_what_is_missing_is_named_with_its_remedy(client: Client, event: Event) -> None:
    event.owner = User.objects.create_superuser("root")
    client.force_login(event.owner)
    path = reverse("event-preflight", args=[event.pk])
    event.speakers.get().revoke()
    event.source_languages.clear()
    event.closed_at = timezone.now()
    event.save()
    missing = client.get(path).context["missing"]
    assert [one.message.split(":")[0] for one in missing] == [
        "The event is closed",
        "It has no time",
        "Nobody is invited to speak.",
        "No language is spoken at it.",
        "This page came without HTTPS",
    ]
    secure = client.get(path, secure=True).context["missing"]
    assert [one for one in missing if one not in secure] == missing[-1:]
    assert [client.get(one.link).status_code for one in missing if one.link] == [200] * 4


def test_the_speech_service_says_what_it_is(client: Client) -> None:
    client.force_login(User.objects.create_user("ann", is_staff=True))
    page = client.get(reverse("speech-service")).text
    assert "it runs on this server" in page
    assert "SPEECH_REGION" in page
    client.logout()
    assert client.get(reverse("speech-service")).status_code == 302
