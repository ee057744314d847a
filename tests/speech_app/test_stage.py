"""How sessions begin and stop in a process, at moments that real speech does not hit twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from sessions_app import holding
from sessions_app.announcements import mute
from sessions_app.models import Event, LiveSession
from sessions_app.models.transcript import State
from speech_app import consumers
from tests.clients import until_stored
from tests.speech_app.scripted import ScriptedBackend, Socket, listening, speaking, start, until

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MakeEvent = Callable[..., Event]


async def token_of(event: Event) -> str:
    return (await event.speakers.aget(name="Speaker")).token


async def say_held(talk: Socket, backend: ScriptedBackend, *sentences: str) -> LiveSession:
    """Begin a session in which an operator holds these sentences."""
    await start(talk)
    session = await LiveSession.objects.aget()
    await sync_to_async(holding.hold_for)(session, 30)
    for frame, sentence in enumerate(sentences):
        await talk.send_audio(frame)
        await until(lambda: backend.recogniser.samples == (frame + 1) * 1600)  # noqa: B023
        backend.recogniser.has_heard(sentence)
    waiting = session.translations.filter(language="es-ES", seq=None, text__isnull=False)
    await until_stored(waiting.acount, len(sentences))
    return session


@pytest.mark.usefixtures("soon_gone")
@pytest.mark.parametrize(("wish", "state"), [("end", "ended"), ("pause", "paused")])
async def test_who_stops_while_an_operator_writes_is_not_taken_for_gone(
    make_event: MakeEvent, backend: ScriptedBackend, wish: str, state: str
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listening(event.join_code) as page,
        speaking(await token_of(event)) as talk,
    ):
        await talk.expect(type="audience", total=1)
        session = await say_held(talk, backend, "one")
        await talk.send(type=wish)
        await asyncio.sleep(5)
        assert talk.all(type="state", state=state) == []
        await sync_to_async(holding.show_now)(session, 1)
        await talk.expect(type="state", state=state)
        await page.expect(type="state", state=state)
        await page.expect(type="speech", segment=1)
        assert talk.closed is None
    await session.arefresh_from_db()
    assert (session.state, session.epoch) == (state, 1)


async def test_a_language_that_is_muted_while_a_session_is_being_ended_is_not_heard(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listening(event.join_code) as page,
        speaking(await token_of(event)) as talk,
    ):
        await talk.expect(type="audience", total=1)
        session = await say_held(talk, backend, "one")
        await sync_to_async(session.order)(State.ENDED)
        await talk.expect(type="problem", code="operator")
        await sync_to_async(mute)(event, "es-ES", on=True)
        await asyncio.sleep(2)  # it looks every second
        await sync_to_async(holding.show_now)(session, 1)
        await page.expect(type="caption", final=True, text="es one")
        await talk.expect(type="state", state="ended")
    assert backend.voiced == []


async def test_a_speakers_page_hears_of_its_session_while_an_operator_stops_it(
    make_event: MakeEvent, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it takes its connection for dead and comes back, which undoes the pause."""
    monkeypatch.setattr(consumers, "SAY_EVERY_S", 0.2)
    event = await sync_to_async(make_event)("es-ES")
    async with speaking(await token_of(event)) as talk:
        session = await say_held(talk, backend, "one")
        await sync_to_async(session.order)(State.PAUSED)
        await talk.expect(5, type="state", session=session.pk, state="live")
        await sync_to_async(holding.show_now)(session, 1)
        await talk.expect(type="state", state="paused")
        assert talk.all(type="state")[-1]["next_frame"] == 1


@pytest.mark.parametrize(("wish", "state"), [("end", "ended"), ("pause", "paused")])
async def test_a_speakers_page_hears_of_its_session_while_it_is_stopped_as_it_wished(
    make_event: MakeEvent,
    backend: ScriptedBackend,
    monkeypatch: pytest.MonkeyPatch,
    wish: str,
    state: str,
) -> None:
    """An operator may hold its last words for longer than the page waits without a sign."""
    monkeypatch.setattr(consumers, "SAY_EVERY_S", 0.2)
    event = await sync_to_async(make_event)("es-ES")
    async with speaking(await token_of(event)) as talk:
        session = await say_held(talk, backend, "one")
        await talk.send(type=wish)
        await talk.expect(5, type="state", session=session.pk, state="live")
        await sync_to_async(holding.show_now)(session, 1)
        await talk.expect(type="state", state=state)
        told = len(talk.received)
        await asyncio.sleep(1)
        assert [message["state"] for message in talk.received[told:] if "state" in message] == []


async def test_a_pause_in_the_middle_of_a_word_loses_no_sound_and_doubles_none(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    sound = [number.to_bytes(2, "little") * 1600 for number in range(1, 201)]
    async with speaking(await token_of(event)) as talk:
        await start(talk)
        session = await LiveSession.objects.aget()
        for frame in range(10):
            await talk.send_audio(frame, sound[frame])
        await sync_to_async(session.order)(State.PAUSED)
        frame = 10
        while not talk.all(type="state", state="paused"):  # who does not know of it yet speaks on
            await talk.send_audio(frame, sound[frame])
            frame += 1
            await asyncio.sleep(0.1)
        after = (await talk.expect(type="state", state="paused"))["next_frame"]
        assert 10 <= after <= frame
        await start(talk)
        again = (await talk.expect(2, type="state", state="live"))["next_frame"]
        assert again == after
        for frame in range(again, len(sound)):
            await talk.send_audio(frame, sound[frame])
        await talk.send(type="end")
        await talk.expect(type="state", state="ended")
    first, second = backend.recognisers
    assert first.fed == b"".join(sound[:after])
    assert first.fed + second.fed == b"".join(sound)


async def test_a_session_that_an_operator_has_ended_ends_though_its_process_has_died(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    """The page that comes to another process takes it for running, and wants to go on."""
    event = await sync_to_async(make_event)("es-ES")

    @sync_to_async
    def begin_and_order() -> LiveSession:
        session = LiveSession.go_live(
            event.speakers.get(),
            client="tab-1",
            source_language="en-US",
            rehearsal=False,
            take_over=False,
        )
        # The process died before it had translated this.
        session.finish_segment(
            source_language="en-US",
            text="one",
            start_ms=0,
            end_ms=100,
            acked_frame=0,
            acked_samples=1600,
        )
        session.order(State.ENDED)
        return session

    session = await begin_and_order()
    async with listening(event.join_code) as page, speaking(await token_of(event)) as talk:
        assert talk.all(type="ready")[0]["session"]["state"] == "live"
        await start(talk)
        await talk.expect(type="problem", code="operator")
        await talk.expect(type="state", state="ended")
        await page.expect(type="state", session=session.pk, state="ended")
        assert [m["text"] for m in page.all(type="caption", final=True)] == ["es one"]
    await session.arefresh_from_db()
    assert (session.state, session.wanted) == ("ended", "")


async def test_an_end_that_comes_while_another_takes_over_does_not_end_their_talk(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    second = await event.speakers.acreate(name="Second")
    async with (
        speaking(await token_of(event)) as first,
        speaking(second.token) as talk,
    ):
        await start(first)
        said_last = backend.recogniser.finishes
        said_last.clear()
        await talk.send(
            type="start",
            client="tab-2",
            source_language="en-US",
            consent=True,
            take_over=True,
        )
        await asyncio.sleep(0.5)  # it waits for what was said last
        await first.send(type="end")
        await asyncio.sleep(0.5)  # it waits for its turn
        said_last.set()
        await first.expect(type="problem", code="busy")
        await talk.expect(type="state", state="live")
        await talk.send_audio(0)
        await until(lambda: backend.recogniser.samples == 1600)
        backend.recogniser.has_heard("one")
        await talk.expect(type="ack", frame=0)
        assert talk.all(type="state", state="ended") == []
    session = await LiveSession.objects.aget()
    assert (session.state, session.speaker_id) == ("live", second.pk)
