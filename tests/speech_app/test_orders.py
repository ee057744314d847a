"""A real talk under an operator's hands, who works through another process than the speaker's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from sessions_app import holding
from sessions_app.announcements import mute
from sessions_app.models import Event, LiveSession
from sessions_app.models.transcript import State
from tests.clients import listener, recorded, speaker, until_stored
from tests.conftest import LaunchServer, Server
from tests.people import person
from tests.speech_app.test_speaker_socket import (
    BOTH_MS,
    FIRST,
    FIRST_MS,
    SECOND,
    end,
    heard,
    play_on,
    stored,
    token_of,
)

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("clean_log")]

MakeEvent = Callable[..., Event]


async def session_of(event: Event) -> LiveSession:
    return await LiveSession.objects.aget(event=event)


async def test_an_operator_pauses_and_the_speaker_goes_on_without_losing_a_word(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as talk:
        await talk.start()
        await talk.play(recorded(0, FIRST_MS))
        await heard(talk, 1)
        await sync_to_async((await session_of(event)).order)(State.PAUSED)
        message = "The organiser has paused the session. Press Resume to go on."
        await talk.expect(type="problem", code="operator", message=message, fatal=False)
        # Who takes no notice of it speaks on. That the pause cuts no word in two makes recognition
        # hear the same each time; where it does, see the test of its sound in test_stage.py.
        await talk.play(recorded(FIRST_MS, BOTH_MS))
        await talk.expect(type="state", state="paused")
        await talk.start()
        await play_on(talk, recorded(0, BOTH_MS))
        assert await heard(talk, 2) == [FIRST, SECOND]
        await end(talk)
    assert await stored(event) == [FIRST, SECOND]


async def test_an_operator_ends_the_session_with_its_last_words(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as client,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await client.join("es-ES")
        await talk.start()
        await talk.play(recorded(0, FIRST_MS - 300))
        await sync_to_async((await session_of(event)).order)(State.ENDED)
        await talk.expect(type="problem", code="operator")
        await talk.expect(type="state", state="ended")
        await client.expect(type="state", state="ended")
    assert await stored(event) == [FIRST]
    assert (await session_of(event)).wanted == ""


async def test_a_muted_language_is_read_and_not_heard(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        listener(server.socket_url, event.join_code) as french,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await spanish.join("es-ES", speech=True)
        await french.join("fr-FR", speech=True)
        await talk.expect(type="audience", total=2)
        await talk.start()
        await sync_to_async(mute)(event, "es-ES", on=True)
        await spanish.expect(type="languages")
        await talk.play(recorded(0, FIRST_MS), speed=2)
        await heard(talk, 1)
        await end(talk)
        for client in (spanish, french):
            await client.expect(type="state", state="ended")
        assert [len(one.captions()) for one in (spanish, french)] == [1, 1]
        assert [len(one.all(type="speech")) for one in (spanish, french)] == [0, 1]


async def test_nobody_sees_a_word_of_a_held_sentence_before_its_operator_lets_it_go(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    operator = await sync_to_async(person)("operator")
    async with (
        listener(server.socket_url, event.join_code) as client,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await client.join("es-ES", speech=True)
        await talk.expect(type="audience", total=1)
        await talk.start()
        session = await session_of(event)
        await sync_to_async(holding.hold_for)(session, 30)
        await talk.play(recorded(0, BOTH_MS), speed=2)
        assert await heard(talk, 2) == [FIRST, SECOND]
        spanish = session.translations.filter(language="es-ES", text__isnull=False)
        await until_stored(spanish.acount, 2)
        # Of the first sentence some words may have been shown before it was known to be held.
        assert client.all(type="caption", final=True) == client.all(type="caption", segment=2) == []
        await sync_to_async(_fix)(session, 1, "¡Buenos días!", operator)
        await sync_to_async(holding.drop)(session, 2, operator)
        await sync_to_async(holding.show_now)(session, 1)
        await client.expect(type="caption", final=True, text="¡Buenos días!", seq=1)
        await client.expect(type="speech", segment=1)
        await sync_to_async(holding.hold_for)(session, 0)
        await end(talk)
        await client.expect(type="state", state="ended")
        assert client.captions() == {1: "¡Buenos días!"}
        assert len(client.all(type="speech")) == 1
    assert await stored(event) == [FIRST, SECOND]


def _fix(session: LiveSession, number: int, text: str, author: Any) -> None:
    session.translations.get(segment__number=number, language="es-ES").correct(text, author)


async def test_how_the_session_went_is_measured(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as client,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await client.join("es-ES", speech=True)
        await talk.expect(type="audience", total=1)
        await talk.start()
        session = await session_of(event)
        await talk.play(recorded(0, FIRST_MS), speed=2)
        await client.expect(type="speech", segment=1)
        await end(talk)
    samples = session.audience_samples.values_list("language", "listeners", "with_sound")
    assert [row async for row in samples] == [("es-ES", 1, 1)]
    segment = await session.segments.aget()
    spanish = await session.translations.aget(language="es-ES")
    assert segment.final_ms is not None
    assert spanish.caption_ms is not None
    assert spanish.speech_ms is not None
    assert 0 < segment.final_ms <= spanish.caption_ms < spanish.speech_ms < 20_000


async def test_what_a_killed_process_held_is_shown_by_another_once(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    token = await token_of(event)
    first = await sync_to_async(launch_server)()
    async with speaker(first.socket_url, token) as talk:
        await talk.start()
        session = await session_of(event)
        await sync_to_async(holding.hold_for)(session, 5)
        await talk.play(recorded(0, FIRST_MS))
        spanish = session.translations.filter(language="es-ES", text__isnull=False)
        await until_stored(spanish.acount, 1)
        assert await spanish.filter(seq=None).acount() == 1
        await sync_to_async(first.kill)()
    second = await sync_to_async(launch_server)()
    async with (
        listener(second.socket_url, event.join_code) as client,
        speaker(second.socket_url, token) as talk,
    ):
        await client.join("es-ES")
        await client.expect(type="caption", final=True, segment=1, within_s=20)
        await talk.start(take_over=True)
        await play_on(talk, recorded(0, BOTH_MS))
        await client.expect(type="caption", final=True, segment=2, within_s=30)
        await end(talk)
        await client.expect(type="state", state="ended")
        finals = client.all(type="caption", final=True)
        assert [(caption["segment"], caption["seq"]) for caption in finals] == [(1, 1), (2, 2)]
    assert await stored(event) == [FIRST, SECOND]
