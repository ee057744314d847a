"""Talks through both sockets, and what becomes of them when something breaks."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from sessions_app.models import AudienceCount, Event, LiveSession
from sessions_app.review.transcript import Transcript
from tests.clients import (
    BYTES_PER_MS,
    FRAME_MS,
    SpeakerClient,
    listener,
    recorded,
    silence,
    speaker,
    until_stored,
)
from tests.conftest import LaunchServer, Server, troubles

from .embedded import drowned

pytestmark = pytest.mark.embedded

MakeEvent = Callable[..., Event]

FIRST = "good morning everyone and welcome to our quarterly update"
SECOND = "today i want to share three things with you"
FIRST_MS = 4_300
BOTH_MS = 7_400


def words(text: str) -> str:
    """What was said, without the marks that a different cut of the audio may change."""
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c == " ").split())


async def said(event: Event) -> list[str]:
    """What is stored of the event's only session."""
    session = await LiveSession.objects.aget(event=event)
    return [words(segment.text) async for segment in session.segments.order_by("number")]


async def translated(event: Event, language: str) -> list[tuple[int, int | None]]:
    """Segment and seq of every stored translation with a text."""
    session = await LiveSession.objects.aget(event=event)
    rows = session.translations.filter(language=language, text__isnull=False).order_by("seq")
    return [(row.segment.number, row.seq) async for row in rows.select_related("segment")]


async def token_of(event: Event) -> str:
    return (await event.speakers.aget()).token


async def play_on(client: SpeakerClient, pcm: bytes) -> None:
    """Play a recording whose first sample is in frame 0, from the frame the server wants."""
    await client.play(pcm[client.next_frame * FRAME_MS * BYTES_PER_MS :])


async def end(client: SpeakerClient) -> None:
    await client.send(type="end")
    await client.expect(type="state", state="ended")


def workers(server: Server, module: str) -> list[int]:
    """Process ids of a server's workers of this kind."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == server.process.pid and module in command:
            found.append(int(folder.name))
    return found


@pytest.mark.usefixtures("clean_log")
async def test_what_is_said_is_heard_in_the_listeners_language(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        listener(server.socket_url, event.join_code) as english,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        joined = await spanish.join("es-ES", speech=True)
        assert (joined["state"], joined["session"], joined["seq"]) == ("waiting", None, 0)
        await english.join("en-US")
        await talk.expect(type="audience", total=2)
        await talk.start()
        await talk.play(recorded(0, 7_500))
        await end(talk)
        for client in (spanish, english):
            await client.expect(type="state", state="ended")

        assert talk.finals() == [
            "Good morning, everyone, and welcome to our quarterly update.",
            "Today I want to share three things with you.",
        ]
        assert [m["seq"] for m in spanish.all(type="caption", final=True)] == [1, 2]
        session = await LiveSession.objects.aget(event=event)
        stored = [
            (row.segment_id, row.text)
            async for row in session.translations.filter(language="es-ES").order_by("seq")
        ]
        assert [text for _, text in stored] == list(spanish.captions().values())
        assert list(english.captions().values()) == talk.finals()

        speech = spanish.all(type="speech")
        assert [m["seq"] for m in speech] == [1, 2]
        for frame in speech:
            caption = spanish.all(type="caption", seq=frame["seq"])[0]
            assert spanish.received.index(caption) < spanish.received.index(frame)
            assert (frame["session"], frame["language"], frame["segment"]) == (
                session.pk,
                "es-ES",
                caption["segment"],
            )
            assert (frame["mime"], len(frame["audio"]) > 1000) == ("audio/mpeg", True)
            times = [offset for offset, _ in frame["visemes"]]
            assert times == sorted(times)
            assert 0 == times[0] < times[-1] <= frame["duration_ms"]
        assert english.all(type="speech") == []


@pytest.mark.usefixtures("clean_log")
async def test_reviewers_are_shown_what_was_hardly_understood(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    sentence = recorded(36_200, 41_300)
    async with speaker(server.socket_url, await token_of(event)) as talk:
        await talk.start()
        await talk.play(sentence + drowned(sentence, noise=4000) + silence(1_000))
        await end(talk)
    session = await LiveSession.objects.aget(event=event)
    lines = await sync_to_async(Transcript(session, "es-ES").lines)()
    assert [line.doubtful for line in lines] == [False, True]


@pytest.mark.usefixtures("clean_log")
async def test_partials_grow_into_the_final(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        listener(server.socket_url, event.join_code) as english,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await spanish.join("es-ES")
        await english.join("en-US")
        await talk.start()
        await talk.play(recorded(0, FIRST_MS), speed=1.0)
        await end(talk)
        for client in (spanish, english):
            await client.expect(type="state", state="ended")
            partials = client.all(type="caption", final=False)
            assert partials
            assert {m["segment"] for m in partials} == {1}
            for one, other in itertools.pairwise(partials):
                assert other["stable"].startswith(one["stable"])
            assert all(m["stable"] + m["tail"] for m in partials)
            [final] = client.all(type="caption", final=True)
            assert client.received.index(partials[-1]) < client.received.index(final)


@pytest.mark.usefixtures("clean_log")
async def test_silence_is_acknowledged_and_stores_nothing(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as talk:
        await talk.start()
        await talk.play(silence(5_000), speed=8)
        await talk.acknowledged(34)  # half a second is kept back, up to one unsaid
        await end(talk)
        assert talk.finals() == []
    session = await LiveSession.objects.aget(event=event)
    assert (session.acked_frame, session.acked_samples) == (49, 5 * 16_000)


@pytest.mark.usefixtures("clean_log")
async def test_two_events_at_once_never_cross(server: Server, make_event: MakeEvent) -> None:
    one = await sync_to_async(make_event)("es-ES", title="One")
    other = await sync_to_async(make_event)("es-ES", title="Other")
    async with (
        listener(server.socket_url, one.join_code) as at_one,
        listener(server.socket_url, other.join_code) as at_other,
        speaker(server.socket_url, await token_of(one)) as first,
        speaker(server.socket_url, await token_of(other)) as second,
    ):
        await at_one.join("es-ES", speech=True)
        await at_other.join("es-ES", speech=True)
        for talk in (first, second):
            await talk.expect(type="audience", total=1)
        await first.start()
        await second.start()
        await asyncio.gather(
            first.play(recorded(0, FIRST_MS)), second.play(recorded(4_000, BOTH_MS))
        )
        for client in (at_one, at_other):
            await client.expect(type="speech")
        await end(first)
        await end(second)
        assert [words(text) for text in first.finals()] == [FIRST]
        assert [words(text) for text in second.finals()] == [SECOND]
        for client, event, heard in ((at_one, one, FIRST), (at_other, other, SECOND)):
            session = await LiveSession.objects.aget(event=event)
            finals = client.all(type="caption", final=True)
            assert [words(m["source"]) for m in finals] == [heard]
            kinds = ("caption", "speech", "state")
            sessions = {m["session"] for m in client.received if m["type"] in kinds}
            assert sessions == {session.pk}


async def test_without_a_listener_with_sound_nothing_is_voiced_and_nothing_later_on(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    server = launch_server()
    event = await sync_to_async(make_event)("es-ES")
    talk = recorded(0, BOTH_MS)
    async with (
        listener(server.socket_url, event.join_code) as client,
        speaker(server.socket_url, await token_of(event)) as talker,
    ):
        await client.join("es-ES", speech=False)
        await talker.start()
        await talker.play(talk[: FIRST_MS * BYTES_PER_MS])
        await client.expect(type="caption", final=True, segment=1)
        assert workers(server, "espeak_worker") == []
        assert len(workers(server, "recognition_worker")) == 1

        await client.send(type="speech", on=True)
        with_sound = {"es-ES": (1, 1)}
        await until_stored(lambda: _with_sound(event), with_sound)
        async with listener(server.socket_url, event.join_code) as other:
            await other.join("es-ES")
            await talker.expect(type="audience", total=2)  # so the Interpreter knows by now
        await play_on(talker, talk)
        await client.expect(type="speech")
        await end(talker)
        await client.expect(type="state", state="ended")
        assert [m["segment"] for m in client.all(type="speech")] == [2]
    assert troubles(server.log) == []


async def _with_sound(event: Event) -> dict[str, tuple[int, int]]:
    totals = await sync_to_async(AudienceCount.totals)(event.pk, rehearsal=False)
    return {code: (count.listeners, count.with_sound) for code, count in totals.items()}


@pytest.mark.parametrize("killed_at_ms", [4_000, 5_600])
async def test_a_killed_server_loses_and_doubles_nothing(
    launch_server: LaunchServer, make_event: MakeEvent, killed_at_ms: int
) -> None:
    """Just after a phrase, whose translations may be missing, and within one."""
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    talk = recorded(0, BOTH_MS)
    token = await token_of(event)
    server = launch_server()
    async with (
        listener(server.socket_url, event.join_code) as before,
        speaker(server.socket_url, token) as client,
    ):
        await before.join("es-ES")
        await client.start()
        await client.play(talk[: killed_at_ms * BYTES_PER_MS])
        await client.expect(type="caption", final=True)
        server.kill()
        await client.closed()
        await before.closed()
        known = before.all(type="caption", final=True)

    server = launch_server()
    async with (
        listener(server.socket_url, event.join_code) as after,
        speaker(server.socket_url, token) as client,
    ):
        session = await LiveSession.objects.aget(event=event)
        seq = known[-1]["seq"] if known else 0
        await after.join("es-ES", after={"session": session.pk, "seq": seq})
        ready = await client.expect(type="ready")
        assert ready["next_frame"] == session.acked_frame + 1
        await client.start()
        await play_on(client, talk)
        await end(client)
        await after.expect(type="state", state="ended")
        assert await said(event) == [FIRST, SECOND]
        for language in ("es-ES", "fr-FR"):
            assert await translated(event, language) == [(1, 1), (2, 2)]
        seen = {m["seq"]: m["segment"] for m in known + after.all(type="caption", final=True)}
        assert seen == {1: 1, 2: 2}
    assert troubles(server.log) == []


async def test_a_recognition_worker_killed_in_mid_phrase_loses_nothing(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    server = launch_server()
    event = await sync_to_async(make_event)("es-ES")
    talk = recorded(0, BOTH_MS)
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        await client.play(talk[: 2_500 * BYTES_PER_MS])
        await client.expect(type="caption", final=False)
        [pid] = workers(server, "recognition_worker")
        os.kill(pid, signal.SIGKILL)
        await play_on(client, talk)
        await end(client)
        assert [words(text) for text in client.finals()] == [FIRST, SECOND]
    assert await said(event) == [FIRST, SECOND]
    assert await translated(event, "es-ES") == [(1, 1), (2, 2)]
    assert troubles(server.log) == []


async def test_an_interpreter_that_was_taken_over_elsewhere_stores_nothing_more(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    """Two processes that cannot hear each other: only the database is between them."""
    here, there = launch_server(), launch_server()
    event = await sync_to_async(make_event)("es-ES")
    talk = recorded(0, BOTH_MS)
    token = await token_of(event)
    async with (
        listener(here.socket_url, event.join_code) as client,
        speaker(here.socket_url, token) as old,
        speaker(there.socket_url, token) as new,
    ):
        await client.join("es-ES")
        await old.start(client="tab-1")
        await old.play(talk[: 2_000 * BYTES_PER_MS])
        await old.expect(type="caption", final=False)
        await new.send(type="start", client="tab-2", consent=True, source_language="en-US")
        assert (await new.expect(type="problem"))["code"] == "busy"
        await new.start(client="tab-2", take_over=True)
        # Acknowledged is what went before the phrase; the new page says all of it again.
        assert new.next_frame <= 5
        await asyncio.gather(_go_on_though_replaced(old, talk), play_on(new, talk))
        assert await old.closed() == 4409
        await end(new)
        await client.expect(type="state", state="ended")
        assert await said(event) == [FIRST, SECOND]
        assert await translated(event, "es-ES") == [(1, 1), (2, 2)]
        # Finals of the other process come by the comparison with the database.
        await client.expect(type="caption", final=True, seq=2)
        assert [m["seq"] for m in client.all(type="caption", final=True)] == [1, 2]
    assert troubles(here.log) + troubles(there.log) == []


async def test_a_session_that_another_process_paused_goes_on_by_itself(
    server: Server, make_event: MakeEvent
) -> None:
    """It saw no sign of life, as where this process alone could not reach the database."""
    event = await sync_to_async(make_event)("es-ES")
    talk = recorded(0, BOTH_MS)
    token = await token_of(event)
    async with speaker(server.socket_url, token) as client:
        await client.start()
        await client.play(talk[: 5_600 * BYTES_PER_MS])
        await client.expect(type="caption", final=True)
        now = timezone.now()
        await LiveSession.objects.filter(event=event).aupdate(
            state="paused", paused_at=now, epoch=F("epoch") + 1
        )
        assert await client.closed() == 4408
    async with speaker(server.socket_url, token) as client:
        await client.start()
        await play_on(client, talk)
        await end(client)
    assert await said(event) == [FIRST, SECOND]
    assert await translated(event, "es-ES") == [(1, 1), (2, 2)]


async def _go_on_though_replaced(client: SpeakerClient, talk: bytes) -> None:
    try:
        await play_on(client, talk)
    except ConnectionClosed:
        assert client.socket.close_code == 4409


async def test_a_database_that_is_away_for_a_while_gets_everything_once(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    database = settings.DATABASES["default"]["NAME"]
    server = launch_server(DATABASE_URL=f"sqlite:///{database}?timeout=1")
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as client,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await client.join("es-ES")
        await talk.start()
        lock = sqlite3.connect(database, isolation_level=None, timeout=30)
        try:
            lock.execute("BEGIN IMMEDIATE")
            await talk.play(recorded(0, BOTH_MS))
            problem = await talk.expect(type="problem")
            assert (problem["code"], problem["fatal"]) == ("storage_down", False)
            assert talk.finals() == []
        finally:
            lock.close()
        await end(talk)
        await client.expect(type="state", state="ended")
        assert [words(text) for text in talk.finals()] == [FIRST, SECOND]
        assert [m["seq"] for m in client.all(type="caption", final=True)] == [1, 2]
        assert {m["code"] for m in talk.all(type="problem")} == {"storage_down"}
    assert await said(event) == [FIRST, SECOND]


async def test_translations_a_crash_left_out_are_made_on_resuming(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await _crashed_session(event)
    server = launch_server()
    async with (
        listener(server.socket_url, event.join_code) as client,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await client.join("es-ES")
        assert client.all(type="caption") == []
        await talk.start()
        assert talk.next_frame == 43
        await client.expect(type="caption", segment=2)
        await end(talk)
        assert [m["seq"] for m in client.all(type="caption", final=True)] == [1, 2]
    assert await translated(event, "es-ES") == [(1, 1), (2, 2)]
    assert await translated(event, "en-US") == [(1, 1), (2, 2)]
    assert session.pk == (await LiveSession.objects.aget(event=event)).pk
    assert troubles(server.log) == []


@sync_to_async
def _crashed_session(event: Event) -> LiveSession:
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    for number in (1, 2):
        session.finish_segment(
            source_language="en-US",
            text="Thank you very much.",
            start_ms=number * 2000,
            end_ms=number * 2000 + 100,
            acked_frame=number * 21,
            acked_samples=(number * 21 + 1) * 1600,
        )
    return session


async def test_a_machine_that_is_full_says_so_and_keeps_no_session(
    launch_server: LaunchServer, make_event: MakeEvent, tmp_path: Path
) -> None:
    server = launch_server(EMBEDDED_MAX_SPEAKERS="1", TMPDIR=str(tmp_path))
    one = await sync_to_async(make_event)("es-ES", title="One")
    other = await sync_to_async(make_event)("es-ES", title="Other")
    async with (
        speaker(server.socket_url, await token_of(one)) as first,
        speaker(server.socket_url, await token_of(other)) as second,
    ):
        await first.start()
        await second.send(type="start", client="t", consent=True, source_language="en-US")
        problem = await second.expect(type="problem")
        assert (problem["code"], problem["fatal"]) == ("overloaded", False)
        assert not await LiveSession.objects.filter(event=other).aexists()
        await end(first)
        await second.start()
        await end(second)
    assert troubles(server.log) == []
