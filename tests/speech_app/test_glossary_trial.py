"""A glossary tried on a sentence before an audience hears it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from sessions_app.models import Event, EventMember, GlossaryTerm, GlossaryTranslation, Language
from sessions_app.models.event import Role
from speech_app.backends.embedded.backend import EmbeddedBackend
from tests.speech_app.embedded import needs_apertium
from tests.speech_app.test_voice_preview import loudness

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("nothing_counted"),
]

MakeEvent = Callable[..., Event]
SENTENCE = "We talk about the churn."


@pytest.fixture
def event(make_event: MakeEvent) -> Event:
    event = make_event("es-ES", "ja-JP", "en-GB")
    event.owner = User.objects.create_user("ann", is_staff=True)
    event.save()
    term = GlossaryTerm.objects.create(event=event, term="Churn")
    GlossaryTranslation.objects.create(
        term=term, language=Language.objects.get(code="es-ES"), text="bajas"
    )
    GlossaryTerm.objects.create(event=event, term="bajas", say_as="uno dos tres cuatro cinco seis")
    return event


async def client_of(name: str) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(await User.objects.aget(username=name))
    return client


async def ask(client: AsyncClient, event: Event, what: str, **question: str) -> Any:
    return await client.post(f"/office/events/{event.pk}/glossary/try/{what}/", question)


def sentence(**other: str) -> dict[str, str]:
    return {"text": SENTENCE, "source": "en-US", "target": "es-ES"} | other


@pytest.mark.embedded
@needs_apertium
async def test_a_sentence_comes_with_the_glossary_and_without(
    embedded: EmbeddedBackend, event: Event
) -> None:
    response = await ask(await client_of("ann"), event, "translate", **sentence())
    answer = response.json()
    assert ("bajas" in answer["with"], "bajas" in answer["without"]) == (True, False)
    assert answer["terms"] == ["Churn"]
    assert response["Cache-Control"] == "no-store"


@pytest.mark.embedded
async def test_a_term_is_said_as_it_sounds(embedded: EmbeddedBackend, event: Event) -> None:
    client = await client_of("ann")
    seconds = []
    for glossary in ("on", ""):
        question = {"text": "Hablamos de bajas.", "language": "es-ES", "glossary": glossary}
        response = await ask(client, event, "say", **question)
        assert (response.status_code, response["Content-Type"]) == (200, "audio/mpeg")
        seconds.append(loudness(response.content)[0])
    assert seconds[0] > seconds[1] + 0.5


async def test_a_mistake_is_explained(embedded: EmbeddedBackend, event: Event) -> None:
    client = await client_of("ann")
    for what, question, status, words in (
        ("translate", sentence(text=" "), 400, "Write a sentence first."),
        ("translate", sentence(text="a" * 201), 400, "Write at most 200 characters."),
        ("translate", sentence(target="fr-FR"), 404, "languages have changed meanwhile"),
        ("translate", sentence(target="en-GB"), 422, "This is the spoken language itself"),
        (
            "translate",
            sentence(target="ja-JP"),
            422,
            "This server cannot translate from en-US into ja-JP.",
        ),
        ("say", {"text": "", "language": "es-ES"}, 400, "Translate a sentence first."),
        ("say", {"text": "Hai", "language": "ja-JP"}, 422, "There is no voice in this language"),
    ):
        response = await ask(client, event, what, **question)
        assert (response.status_code, words in response.json()["message"]) == (status, True), words
    assert embedded.pids()["voice"] == []


async def test_only_those_who_plan_an_event_try_its_glossary(
    embedded: EmbeddedBackend, event: Event
) -> None:
    bob = await User.objects.acreate_user("bob", is_staff=True)
    await EventMember.objects.acreate(event=event, user=bob, role=Role.REVIEWER)
    for client in (AsyncClient(), await client_of("bob")):
        for what in ("translate", "say"):
            response = await ask(client, event, what, **sentence(), language="es-ES")
            assert response.status_code == 404
    assert embedded.pids()["translation"] == []


async def test_too_many_tries_have_to_wait(
    embedded: EmbeddedBackend, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech_app.glossary_trial.MOST_TRIES", 2)
    client = await client_of("ann")
    answers = [await ask(client, event, what) for what in ("translate", "say", "translate")]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
