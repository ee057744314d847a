"""Captions that a dead process has left untranslated, and what brings them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from sessions_app import holding
from sessions_app.models import Event, LiveSession, transcript
from sessions_app.models.transcript import State, Superseded
from speech_app.backends.base import BackendDown
from tests.clients import until_stored
from tests.people import person
from tests.speech_app.scripted import ScriptedBackend, Socket, listening, speaking, start, until

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("soon_gone"),
]

MakeEvent = Callable[..., Event]


def begin(event: Event, *sentences: str) -> LiveSession:
    """A session whose process has died before it had translated these."""
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    for frame, sentence in enumerate(sentences):
        say(session, frame, sentence)
    return session


def say(session: LiveSession, frame: int, sentence: str) -> None:
    session.finish_segment(
        source_language="en-US",
        text=sentence,
        start_ms=frame * 100,
        end_ms=frame * 100 + 100,
        acked_frame=frame,
        acked_samples=1600 * (frame + 1),
    )


def finals(page: Socket) -> list[tuple[int, str]]:
    return [(m["seq"], m["text"]) for m in page.all(type="caption", final=True)]


async def test_what_a_dead_process_had_not_translated_is_though_its_speaker_never_comes_back(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    session = await sync_to_async(begin)(event, "one", "two")
    async with listening(event.join_code) as page, listening(event.join_code, "fr-FR") as other:
        await page.expect(type="state", state="paused")
        await page.expect(2, type="caption", final=True)
        await other.expect(2, type="caption", final=True)
        # Nor is anything stored or shown a second time.
        await until_stored(LiveSession.objects.filter(finish_at=None).acount, 1)
        await asyncio.sleep(3)
        assert finals(page) == [(1, "es one"), (2, "es two")]
        assert finals(other) == [(1, "fr one"), (2, "fr two")]
    await session.arefresh_from_db()
    assert session.state == "paused"
    assert backend.recognisers == []


async def test_what_lacks_nothing_stays_as_it_is(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listening(event.join_code) as page,
        speaking((await event.speakers.aget()).token) as talk,
    ):
        await start(talk)
        await talk.send_audio(0)
        await until(lambda: backend.recogniser.samples == 1600)
        backend.recogniser.has_heard("one")
        await talk.send(type="end")
        await page.expect(type="state", state="ended")
        await until_stored(LiveSession.objects.filter(finish_at=None).acount, 1)
    session = await LiveSession.objects.aget()
    assert session.epoch == 1


async def test_a_session_that_was_to_end_ends_and_gets_its_captions(
    make_event: MakeEvent, backend: ScriptedBackend
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await sync_to_async(begin)(event, "one", "two")
    await sync_to_async(session.order)(State.ENDED)
    async with listening(event.join_code) as page:
        await page.expect(type="state", state="ended")
        await page.expect(2, type="caption", final=True)
        assert finals(page) == [(1, "es one"), (2, "es two")]


@pytest.mark.parametrize("state", ["paused", "ended"])
async def test_a_dropped_sentence_that_is_brought_back_is_translated_then(
    make_event: MakeEvent, backend: ScriptedBackend, state: str
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    operator = await sync_to_async(person)("operator")

    def drop_one() -> LiveSession:
        session = begin(event)
        holding.hold_for(session, 20)
        say(session, 0, "one")
        holding.drop(session, 1, operator)
        if state == "paused":
            session.pause()
        else:
            session.end()
        return session

    session = await sync_to_async(drop_one)()
    async with listening(event.join_code) as page:
        await until_stored(LiveSession.objects.filter(finish_at=None).acount, 1)
        assert await session.translations.acount() == 0
        await sync_to_async(holding.restore)(session, 1)
        await page.expect(type="caption", final=True, text="es one")
    await session.arefresh_from_db()
    assert session.state == state


async def test_a_backend_that_cannot_be_had_keeps_no_session_from_ending(
    make_event: MakeEvent, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise BackendDown("away")

    monkeypatch.setattr(transcript, "FINISHED_WITHIN", timedelta(seconds=1))
    event = await sync_to_async(make_event)("es-ES")
    session = await sync_to_async(begin)(event, "one")
    await sync_to_async(session.order)(State.ENDED)
    with monkeypatch.context() as broken:
        broken.setattr(backend, "voices", away)
        async with listening(event.join_code) as page:
            await page.expect(type="state", state="ended")
            await asyncio.sleep(3)
            assert finals(page) == []
    async with listening(event.join_code) as page:
        await page.expect(type="caption", final=True, text="es one")


async def test_who_resumes_while_it_is_being_finished_goes_on_with_what_is_missing(
    make_event: MakeEvent, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    translate, asked, may_answer = backend.translate, [], asyncio.Event()

    async def translate_late(text: str, source: str, target: str, *_: object) -> str:
        asked.append(text)
        await may_answer.wait()
        return await translate(text, source, target)

    monkeypatch.setattr(backend, "translate", translate_late)
    event = await sync_to_async(make_event)("es-ES")
    session = await sync_to_async(begin)(event, "one", "two")
    async with listening(event.join_code) as page:
        await until(lambda: asked)
        async with speaking((await event.speakers.aget()).token) as talk:
            await start(talk)
            may_answer.set()
            await page.expect(2, type="caption", final=True)
            await talk.send_audio(2)
            await until(lambda: backend.recogniser.samples == 1600)
            backend.recogniser.has_heard("three")
            await page.expect(3, type="caption", final=True)
            assert talk.closed is None
            assert finals(page) == [(1, "es one"), (2, "es two"), (3, "es three")]
            await talk.send(type="end")
            await talk.expect(type="state", state="ended")
    await session.arefresh_from_db()
    assert session.state == "ended"


def test_only_one_finishes_a_session_and_another_where_that_one_dies(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(make_event("es-ES"), "one", "two")
    session.pause()
    monkeypatch.setattr(transcript, "FINISHED_WITHIN", timedelta(seconds=30))
    first = LiveSession.claim_to_finish(session.pk, ["es-ES"])
    assert first
    first.keep_finishing()
    assert LiveSession.claim_to_finish(session.pk, ["es-ES"]) is None
    first.finish_translation(first.segments.get(number=1), "es-ES", "uno")
    monkeypatch.setattr(transcript, "FINISHED_WITHIN", timedelta(seconds=-1))
    first.keep_finishing()
    monkeypatch.undo()
    second = LiveSession.claim_to_finish(session.pk, ["es-ES"])
    assert second
    with pytest.raises(Superseded):
        first.finish_translation(first.segments.get(number=2), "es-ES", "dos")
    first.say_finished()
    second.finish_translation(second.segments.get(number=2), "es-ES", "dos")
    second.say_finished()
    assert not LiveSession.to_finish().exists()
    session.refresh_from_db()
    assert session.finish_at is None
