"""What the review page has the backend do: translate a line again, and say it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.test import AsyncClient

from sessions_app.models import Correction, Event, LiveSession
from speech_app.backends.embedded.backend import EmbeddedBackend
from tests.speech_app.embedded import needs_apertium
from tests.speech_app.test_review import Reviewer, person, say

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.embedded,
]


@pytest_asyncio.fixture
async def maria(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reviewer]:
    """She reviews the Spanish of a talk of one line, on a machine with the embedded backend."""
    cache.clear()
    backend = EmbeddedBackend()
    monkeypatch.setattr("speech_app.review.machine.get_backend", lambda: backend)
    yield await sync_to_async(_begin)(make_event)
    await backend.close()


def _begin(make_event: Callable[..., Event]) -> Reviewer:
    event = make_event("es-ES", "fr-FR")
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    say(session, "Good morning.", es="Buenos días.", fr="Bonjour.")
    return Reviewer(person("maria", event), session)


async def tell(reviewer: Reviewer, name: str, **fields: Any) -> Any:
    """Ask what waits for the backend, on this loop, where its workers run."""
    client = AsyncClient()
    client.cookies = reviewer.client.cookies
    return await client.post(f"{reviewer.path}{name}/?lang={reviewer.language}", fields)


@needs_apertium
async def test_corrected_words_are_translated_again_where_nobody_touched_the_translation(
    maria: Reviewer,
) -> None:
    def correct() -> int:
        session = LiveSession.objects.get()
        session.event.glossary.create(term="Rialto", keep=True)
        maria.correct(1, "The house is big at Rialto.", spoken=True)
        session.translations.get(language="fr-FR").correct("La maison.", None)
        return maria.last(1, spoken=True)

    last = await sync_to_async(correct)()
    answer = (await tell(maria, "again", number=1, last=last)).json()
    assert answer["message"] == (
        "Translated again: Spanish (Spain). "
        "Left as they are, since people wrote or accepted them: French (France)."
    )
    (line,) = answer["lines"]
    text = line["translation"]["text"]
    assert (line["translation"]["again"], line["translation"]["by"]) == (True, "")
    assert text.startswith("La casa es grande")
    assert "Rialto" in text

    def look() -> None:
        session = LiveSession.objects.get()
        # It is still the machine's: nobody has accepted it.
        assert line["accepted"] == ""
        row = session.translations.get(language="es-ES")
        newest = row.corrections.get()
        assert (row.text, newest.machine) == ("Buenos días.", True)
        assert maria.history(1)[0] == ("Translated again at the wish of maria", text)
        assert maria.undo(1).json()["lines"][0]["translation"]["text"] == "Buenos días."
        french = session.translations.get(language="fr-FR")
        assert french.corrections.get().text == "La maison."

    await sync_to_async(look)()


@needs_apertium
async def test_an_accepted_translation_is_touched(maria: Reviewer) -> None:
    await sync_to_async(maria.tell)("accept", number=1, last=0, good=True)
    answer = (await tell(maria, "again", number=1, last=0)).json()
    assert "accepted them: Spanish (Spain)." in answer["message"]
    assert answer["lines"][0]["translation"]["text"] == "Buenos días."


@needs_apertium
async def test_a_language_that_cannot_be_translated_into_is_named(maria: Reviewer) -> None:
    def offer_japanese() -> None:
        session = LiveSession.objects.get()
        session.finish_translation(session.segments.get(), "ja-JP", None)

    await sync_to_async(offer_japanese)()
    message = (await tell(maria, "again", number=1, last=0)).json()["message"]
    assert "Japanese failed: " in message
    assert not await Correction.objects.filter(translation__language="ja-JP").aexists()


async def test_a_line_is_heard_as_it_is_shown(maria: Reviewer) -> None:
    await sync_to_async(maria.correct)(1, "Uno.")
    short = await tell(maria, "voice", number=1)
    assert (short.status_code, short["Content-Type"]) == (200, "audio/mpeg")
    await sync_to_async(maria.correct)(1, "Uno, dos, tres, cuatro, cinco, seis, siete, ocho.")
    long = await tell(maria, "voice", number=1)
    spoken = await tell(maria, "voice", number=1, spoken=True)
    assert len(long.content) > 2 * len(short.content)
    assert len(short.content) < len(spoken.content) < len(long.content)
