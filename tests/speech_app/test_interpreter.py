"""What becomes of recognised words at moments that real speech does not hit twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from sessions_app.models import Event, LiveSession
from tests.speech_app.scripted import ScriptedBackend, speaking, start, until

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
