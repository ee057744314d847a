"""A talk through both sockets: what is said, heard, stored, paused and ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from sessions_app.models import Event, LiveSession
from tests.clients import listener, recorded, silence, speaker
from tests.conftest import Server

pytestmark = pytest.mark.embedded

MakeEvent = Callable[..., Event]


async def test_what_is_said_is_heard_in_the_listeners_language(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    token = (await event.speakers.aget()).token
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        speaker(server.socket_url, token) as talk,
    ):
        joined = await spanish.join("es-ES", speech=True)
        assert (joined["state"], joined["session"], joined["seq"]) == ("waiting", None, 0)
        await talk.start()
        await talk.play(recorded(0, 7_500))
        await talk.send(type="end")
        await talk.expect(type="state", state="ended")
        await spanish.expect(type="state", state="ended")

        assert talk.finals() == [
            "Good morning, everyone, and welcome to our quarterly update.",
            "Today I want to share three things with you.",
        ]
        assert [m["seq"] for m in spanish.all(type="caption", final=True)] == [1, 2]
        assert [m["seq"] for m in spanish.all(type="speech")] == [1, 2]
        session = await LiveSession.objects.aget(event=event)
        stored = [
            (row.segment_id, row.text)
            async for row in session.translations.filter(language="es-ES").order_by("seq")
        ]
        assert [text for _, text in stored] == list(spanish.captions().values())


async def test_silence_is_acknowledged_and_stores_nothing(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    token = (await event.speakers.aget()).token
    async with speaker(server.socket_url, token) as talk:
        await talk.start()
        await talk.play(silence(5_000), speed=8)
        await talk.until(lambda _: any(m["frame"] >= 40 for m in talk.all(type="ack")))
        await talk.send(type="end")
        await talk.expect(type="state", state="ended")
        assert talk.finals() == []
    session = await LiveSession.objects.aget(event=event)
    assert (session.acked_frame, session.acked_samples) == (49, 5 * 16_000)
