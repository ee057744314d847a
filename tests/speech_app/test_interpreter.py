"""What becomes of recognised words at moments that real speech does not hit twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from sessions_app import holding
from sessions_app.models import Event, LiveSession
from speech_app import stage
from tests.clients import until_stored
from tests.speech_app.scripted import ScriptedBackend, listening, speaking, start, until

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MakeEvent = Callable[..., Event]


async def token_of(event: Event) -> str:
    return (await event.speakers.aget()).token


async def test_words_that_failing_recognition_has_lost_are_not_acknowledged(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with speaking(await token_of(event)) as talk:
        await start(talk)
        for frame in range(10):
            await talk.send_audio(frame)
        await until(lambda: backend.recogniser.samples == 16_000)
        backend.recogniser.has_heard("one")
        await talk.expect(type="ack", frame=9)
        for frame in range(10, 20):
            await talk.send_audio(frame)
        backend.recogniser.fails(RuntimeError("a fault"))
        state = await talk.expect(type="state", state="paused")
        assert state["next_frame"] == 10
    session = await LiveSession.objects.aget()
    assert session.acked_frame == 9


async def test_words_on_the_pages_of_a_sentence_that_turns_out_held_are_taken_back(
    make_event: MakeEvent, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It became final before its Interpreter looked what its operator wants."""
    monkeypatch.setattr(stage, "LOOK_EVERY_S", 1.0)
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listening(event.join_code) as page,
        speaking(await token_of(event)) as talk,
    ):
        await start(talk)
        session = await LiveSession.objects.aget()
        await page.expect(type="state", state="live")
        monkeypatch.setattr(stage, "LOOK_EVERY_S", 3600.0)
        await asyncio.sleep(1.2)  # it looks once more, and then not again
        for frame, words in enumerate(("good", "good morning", "good morning all")):
            await talk.send_audio(frame)
            backend.recogniser.hears(words)
            await talk.expect(type="caption", final=False, source=words)
        await page.expect(type="caption", final=False, stable="es good", tail=" morning")
        await sync_to_async(holding.hold_for)(session, 30)
        backend.recogniser.has_heard("good morning all")
        await talk.expect(type="caption", final=True)
        await page.expect(type="caption", segment=1, final=False, stable="", tail="")
        waiting = session.translations.filter(seq=None, text__isnull=False)
        await until_stored(waiting.acount, 2)
        assert page.all(type="caption", final=True) == []
        assert page.all(type="caption")[-1]["stable"] == ""
        # Nor are words of the next one shown, though it has not looked yet.
        shown = len(page.all(type="caption"))
        for words in ("and", "and now", "and now then"):
            backend.recogniser.hears(words)
            await talk.expect(type="caption", final=False, source=words)
        await asyncio.sleep(0.5)
        assert len(page.all(type="caption")) == shown
