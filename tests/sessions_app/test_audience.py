"""One process's audience, with a real database and the channel layer of a single process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from sessions_app import audience as audience_module
from sessions_app.audience import Audience
from sessions_app.broadcast import (
    publish_correction,
    publish_final,
    publish_partial,
    publish_speech,
    publish_state,
)
from sessions_app.listener import Listener
from sessions_app.messages import (
    FinalCaption,
    Message,
    PartialCaption,
    SpeechHeader,
    StateChange,
)
from sessions_app.models import AudienceCount, Correction, Event, LiveSession, Translation
from sessions_app.outbox import MOST_FRAMES, Frame
from sessions_app.sockets import NOT_FOUND, RESTARTING, TOO_SLOW
from sessions_app.stream import Stream
from tests.clients import until_stored

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MakeEvent = Callable[..., Event]


@pytest.fixture(autouse=True)
def seldom_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sees came through the channel layer, unless it asks for the comparison."""
    monkeypatch.setattr(audience_module, "COMPARE_EVERY_S", 3600.0)
    monkeypatch.setattr(audience_module, "BEAT_EVERY_S", 3600.0)


class Page:
    """A listener's socket that keeps what it is sent, as long as it takes anything."""

    def __init__(self, event: Event) -> None:
        self.frames: list[Frame] = []
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.takes = asyncio.Event()
        self.takes.set()
        self.listener = Listener(event.pk, invited=False, send=self._take, close=self._close)

    async def _take(self, frame: Frame) -> None:
        await self.takes.wait()
        self.frames.append(frame)

    def _close(self, code: int) -> None:
        Audience.here().leave(self.listener)
        self.closed.set_result(code)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.frames if isinstance(frame, str)]

    def finals(self) -> list[tuple[int, str | None]]:
        return [(m["seq"], m["text"]) for m in self.messages if m.get("final")]

    async def got(self, kind: str, count: int = 1) -> None:
        async def look() -> bool:
            return len([m for m in self.messages if m["type"] == kind]) >= count

        await until_stored(look, True)


def joined(state: StateChange, seq: int) -> Message:
    return state


@asynccontextmanager
async def page(
    event: Event, language: str = "es-ES", *, speech: bool = False
) -> AsyncIterator[Page]:
    audience = Audience.here()
    one = Page(event)
    await audience.enter(one.listener)
    try:
        audience.set_speech(one.listener, speech)
        await audience.listen(one.listener, language, None, joined)
        await one.got("replayed")
        yield one
    finally:
        audience.leave(one.listener)
        await one.listener.end()


@sync_to_async
def begin(make_event: MakeEvent) -> tuple[Event, LiveSession]:
    event = make_event("es-ES", "fr-FR")
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    return event, session


@sync_to_async
def store(session: LiveSession, text: str) -> FinalCaption:
    number = session.segments.count() + 1
    segment = session.finish_segment(
        source_language="en-US",
        text=f"{text} in English",
        start_ms=number * 1000,
        end_ms=number * 1000 + 900,
        acked_frame=number,
        acked_samples=number * 16_000,
    )
    row = session.finish_translation(segment, "es-ES", text)
    return FinalCaption.of(Translation.objects.shown().get(pk=row.pk))


async def test_what_is_published_reaches_everyone_as_the_very_same_bytes(
    make_event: MakeEvent,
) -> None:
    event, session = await begin(make_event)
    async with page(event) as one, page(event) as other, page(event, "fr-FR") as french:
        await publish_final(await store(session, "hola"))
        for client in (one, other):
            await client.got("caption")
        assert one.frames[-1] is other.frames[-1]
        assert french.finals() == []


async def test_a_final_lost_on_the_way_comes_with_the_next_one(make_event: MakeEvent) -> None:
    event, session = await begin(make_event)
    async with page(event) as client:
        await store(session, "lost")
        await publish_final(await store(session, "next"))
        await client.got("caption", 2)
        assert client.finals() == [(1, "lost"), (2, "next")]


async def test_speech_brings_the_caption_it_voices_along(make_event: MakeEvent) -> None:
    event, session = await begin(make_event)
    async with page(event, speech=True) as client, page(event) as silent:
        await store(session, "hola")
        header = SpeechHeader(
            session=session.pk,
            language="es-ES",
            segment=1,
            seq=1,
            mime="audio/mpeg",
            duration_ms=500,
            visemes=[(0, 0), (10, 21)],
        )
        await publish_speech(header, b"sound")
        for listener in (client, silent):
            await listener.got("caption")
        await publish_final(await store(session, "adiós"))
        for listener in (client, silent):
            await listener.got("caption", 2)
        kinds = [type(frame).__name__ for frame in client.frames]
        assert kinds == ["str", "str", "str", "bytes", "str"]
        speech = client.frames[3]
        assert isinstance(speech, bytes)
        length = int.from_bytes(speech[:4], "big")
        assert json.loads(speech[4 : 4 + length])["visemes"] == [[0, 0], [10, 21]]
        assert speech[4 + length :] == b"sound"
        assert [type(frame).__name__ for frame in silent.frames] == ["str"] * 4


async def test_a_correction_reaches_open_listeners_at_once(make_event: MakeEvent) -> None:
    event, session = await begin(make_event)
    async with page(event) as client:
        caption = await store(session, "hola")
        await publish_final(caption)
        await client.got("caption")

        def correct(text: str, *, source: bool) -> None:
            row = session.translations.get(segment__number=1)
            publish_correction((row.segment if source else row).correct(text, None))

        await sync_to_async(correct)("buenas", source=False)
        await sync_to_async(correct)("good day", source=True)
        await client.got("caption", 3)
        assert client.finals() == [(1, "hola"), (2, "buenas"), (3, "buenas")]
        assert client.messages[-1]["source"] == "good day"


async def test_many_corrections_at_once_all_reach_open_listeners(make_event: MakeEvent) -> None:
    event, session = await begin(make_event)
    async with page(event) as client:
        for text in ("uno", "dos", "tres"):
            await publish_final(await store(session, text))
        await client.got("caption", 3)

        def correct() -> None:
            rows = session.translations.filter(language="es-ES").exclude(text="dos")
            corrections = [
                Correction(segment_id=row.segment_id, translation=row, text=f"¡{row.text}!")
                for row in rows
            ]
            publish_correction(*session.put_beside(corrections))

        await sync_to_async(correct)()
        await client.got("caption", 5)
        assert client.finals()[3:] == [(4, "¡uno!"), (5, "¡tres!")]


async def test_a_stalled_socket_delays_nobody_and_is_closed(make_event: MakeEvent) -> None:
    event, session = await begin(make_event)
    async with page(event) as stalled, page(event) as other:
        stalled.takes.clear()
        for number in range(MOST_FRAMES + 5):
            text = f"text {number}"
            await publish_partial(
                PartialCaption(
                    session=session.pk,
                    language="es-ES",
                    segment=number + 1,
                    stable=text,
                    tail="",
                    source=text,
                    source_language="en-US",
                )
            )
            caption = FinalCaption(
                session=session.pk,
                language="es-ES",
                segment=number + 1,
                seq=number + 1,
                text=text,
                source=text,
                source_language="en-US",
                start_ms=0,
                end_ms=1,
                corrected=False,
            )
            await publish_final(caption)
        async with asyncio.timeout(10):
            assert await stalled.closed == TOO_SLOW

        async def seen() -> int:
            return len(other.finals())

        await until_stored(seen, MOST_FRAMES + 5)
        assert not other.closed.done()
        stalled.takes.set()


async def test_states_are_told_once(make_event: MakeEvent) -> None:
    event, session = await begin(make_event)
    async with page(event) as client:
        await sync_to_async(session.pause)()
        await publish_state(session)
        await publish_state(session)
        await sync_to_async(session.end)()
        await publish_state(session)
        await client.got("state", 3)
        states = [m["state"] for m in client.messages if m["type"] == "state"]
        assert states == ["live", "paused", "ended"]  # the first one stands for `joined`


async def test_a_database_that_fails_when_a_session_begins_is_asked_again(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_module, "COMPARE_EVERY_S", 0.05)
    event = await sync_to_async(make_event)("es-ES")
    failures = [OSError("away"), OSError("away")]
    real_open = Stream.open

    async def failing_open(stream: Stream) -> None:
        if failures:
            raise failures.pop()
        await real_open(stream)

    async with page(event) as one, page(event) as other:
        monkeypatch.setattr(Stream, "open", failing_open)
        session = await sync_to_async(LiveSession.go_live)(
            await event.speakers.aget(),
            client="tab",
            source_language="en-US",
            rehearsal=False,
            take_over=False,
        )
        await store(session, "hola")
        for client in (one, other):
            await client.got("caption")
            states = [m["state"] for m in client.messages if m["type"] == "state"]
            assert states == ["waiting", "live"]
            assert client.finals() == [(1, "hola")]
    assert failures == []


async def test_when_the_last_one_has_left_nothing_is_left(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_module, "LINGER_S", 0.0)
    event, session = await begin(make_event)
    before = asyncio.all_tasks()

    async def counted() -> int:
        return await AudienceCount.objects.acount()

    async def tasks() -> set[asyncio.Task[Any]]:
        return asyncio.all_tasks()

    async with page(event), page(event, "fr-FR"):
        await publish_final(await store(session, "hola"))
        await until_stored(counted, 2)
    await until_stored(tasks, before)
    assert await counted() == 0
    layer = get_channel_layer()
    assert layer is not None
    assert [name for name in layer.groups if name.endswith(f".{event.pk}")] == []
    assert [name for name in layer.groups if f".{session.pk}." in name] == []


async def test_who_comes_while_the_last_ones_tasks_end_hears_what_is_published(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_module, "LINGER_S", 0.0)
    event, session = await begin(make_event)
    audience = Audience.here()
    late = Page(event)

    async def come_late() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await audience.enter(late.listener)

    async with page(event):
        audience._tasks.insert(0, asyncio.create_task(come_late()))

    async def running() -> int:
        return len(audience._tasks)

    await until_stored(running, 6)
    await until_stored(running, 5)
    await audience.listen(late.listener, "es-ES", None, joined)
    session.state = "paused"
    await publish_state(session)
    await late.got("state", 2)
    audience.leave(late.listener)
    await late.listener.end()


async def test_who_comes_back_at_once_finds_the_language_still_followed(
    make_event: MakeEvent,
) -> None:
    event, session = await begin(make_event)
    layer = get_channel_layer()
    assert layer is not None
    async with page(event) as first:
        await publish_final(await store(session, "hola"))
        await first.got("caption")
        groups = {name: set(members) for name, members in layer.groups.items()}
    for _ in range(50):
        async with page(event) as client:
            assert client.finals() == [(1, "hola")]
    assert {name: set(members) for name, members in layer.groups.items()} == groups


async def test_everyone_is_sent_away_when_the_process_ends(make_event: MakeEvent) -> None:
    event, _ = await begin(make_event)

    async def counted() -> int:
        return await AudienceCount.objects.filter(event=event).acount()

    async with page(event) as one, page(event, "fr-FR") as other:
        await until_stored(counted, 2)
        await Audience.here().drain(0.1)
        assert await counted() == 0
        assert [await one.closed, await other.closed] == [RESTARTING, RESTARTING]
        assert Audience.here()._counts() == {}


async def test_what_a_socket_asked_for_before_it_was_closed_is_not_done(
    make_event: MakeEvent,
) -> None:
    event, _ = await begin(make_event)
    layer = get_channel_layer()
    assert layer
    async with page(event) as client:
        followed = set(layer.groups)
        client.listener.close(TOO_SLOW)
        await Audience.here().listen(client.listener, "fr-FR", None, joined)
        assert client.listener.stream is None
        assert set(layer.groups) == followed


async def test_when_an_event_is_deleted_its_listeners_are_told_and_the_others_still_counted(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_module, "COMPARE_EVERY_S", 0.05)
    event, _ = await begin(make_event)
    deleted = await sync_to_async(make_event)("es-ES")

    async def counted() -> int:
        return await AudienceCount.objects.filter(event=event, listeners=2).acount()

    async with page(event), page(deleted) as left:
        await Event.objects.filter(pk=deleted.pk).adelete()
        async with asyncio.timeout(10):
            assert await left.closed == NOT_FOUND
        assert left.messages[-1]["fatal"]
        async with page(event):
            await until_stored(counted, 1)


async def test_a_number_that_a_newer_version_has_replaced_is_not_waited_for(
    make_event: MakeEvent,
) -> None:
    event, session = await begin(make_event)
    async with page(event) as client:
        await publish_final(await store(session, "hola"))
        await store(session, "adiós")  # 2: lost on the way
        row = await session.translations.aget(seq=2)
        publish = sync_to_async(lambda: publish_correction(row.correct("hasta luego", None)))
        await publish()
        await client.got("replayed", 2)
        assert client.finals() == [(1, "hola"), (3, "hasta luego")]
        assert client.messages[-1] == {"type": "replayed", "seq": 3}
        await publish_final(await store(session, "fin"))
        await client.got("caption", 3)
        assert client.finals()[-1] == (4, "fin")
