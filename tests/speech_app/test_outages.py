"""A talk in the production set-up while a part of it breaks: every sentence is there once.

Two server processes behind nginx, PostgreSQL and Redis, all of this module's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import pytest

from tests.clients import FaithfulListener, listener, recorded
from tests.cluster import Cluster, missing
from tests.transcripts import read_transcripts, sentences_until
from tests.whole_talk import NewEvent, Talk, make_events, slots, until

pytestmark = [
    pytest.mark.services,
    pytest.mark.embedded,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

LANGUAGES = ("es-ES", "fr-FR", "en-US")
TALK_MS = 25_000
"""Six sentences."""
SPEED = 2
OUTAGE_S = 12.0


@dataclass
class Venue:
    cluster: Cluster
    events: list[NewEvent]


@pytest.fixture(scope="module")
def _venue() -> Iterator[Venue]:
    with Cluster(processes=2) as cluster:
        yield Venue(cluster, make_events(cluster, 20, LANGUAGES[:2]))


@pytest.fixture
def venue(_venue: Venue) -> Venue:
    """The set-up, all of it running."""
    _venue.cluster.start()
    return _venue


async def give_talk(venue: Venue, trouble: Callable[[Talk], Awaitable[None]]) -> Talk:
    """Speak to four listeners while `trouble` is made."""
    event = venue.events.pop()
    url = venue.cluster.socket_url
    listeners = [FaithfulListener(url, event.join_code, language) for language in LANGUAGES]
    listeners.append(FaithfulListener(url, event.join_code, "es-ES", speech=True))
    talk = Talk(venue.cluster, event, recorded(0, TALK_MS), SPEED, listeners)
    await talk.give(trouble)
    return talk


async def check(talk: Talk) -> None:
    """Every sentence once and in order, in the transcript and at every listener."""
    assert talk.judge(sentences_until(TALK_MS)).faults == []
    assert talk.at_listeners().faults == []
    for one in talk.listeners:
        async with listener(talk.cluster.socket_url, talk.event.join_code) as fresh:
            await fresh.join(one.language)
            mine = {number: one.captions[number]["text"] for number in sorted(one.captions)}
            assert fresh.captions() == mine


def problems(talk: Talk) -> list[str]:
    """What the speaker was told."""
    return [line for line in talk.lines if line.startswith("Problem: ")]


async def test_a_talk_in_which_nothing_breaks(venue: Venue) -> None:
    async def nothing(talk: Talk) -> None:
        pass

    talk = await give_talk(venue, nothing)
    await check(talk)
    assert problems(talk) == []


@pytest.mark.parametrize("at_ms", [9_500, 15_200], ids=["in mid-sentence", "after a sentence"])
async def test_a_killed_server_process_costs_nothing(venue: Venue, at_ms: int) -> None:
    workers = []

    async def kill(talk: Talk) -> None:
        await talk.reaches(at_ms)
        server = talk.interpreting()
        assert server.process is not None
        workers.extend(psutil.Process(server.process.pid).children(recursive=True))
        await asyncio.to_thread(server.kill)
        await talk.reaches(at_ms + 4_000)
        await asyncio.to_thread(server.start)

    talk = await give_talk(venue, kill)
    await check(talk)
    assert workers
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert [slots(server) for server in venue.cluster.processes] == [[], []]


async def test_cut_connections_cost_nothing(venue: Venue) -> None:
    async def cut(talk: Talk) -> None:
        for at_ms in (6_000, 14_000):
            await talk.reaches(at_ms)
            await asyncio.to_thread(talk.cluster.nginx.kill)
            await asyncio.to_thread(talk.cluster.nginx.start)

    await check(await give_talk(venue, cut))


async def test_redis_that_dies_and_comes_back_costs_no_sentence(venue: Venue) -> None:
    async def outage(talk: Talk) -> None:
        await talk.reaches(5_000)
        await asyncio.to_thread(talk.cluster.redis.kill)
        await talk.reaches(18_000)
        await asyncio.to_thread(talk.cluster.redis.start)

    talk = await give_talk(venue, outage)
    await check(talk)
    assert any("no voice" in line for line in problems(talk))


async def test_redis_that_hangs_holds_up_no_sentence(venue: Venue) -> None:
    async def outage(talk: Talk) -> None:
        await talk.reaches(5_000)
        assert talk.cluster.redis.process is not None
        redis = psutil.Process(talk.cluster.redis.process.pid)
        redis.suspend()
        try:
            await talk.reaches(18_000)
            # What was said meanwhile is stored although nobody could be told.
            [stored] = await asyncio.to_thread(
                read_transcripts, talk.cluster.postgres.url, talk.event.join_code
            )
            assert len(stored.segments) >= 2
        finally:
            redis.resume()

    await check(await give_talk(venue, outage))


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_postgresql_that_restarts_at_once_costs_nothing(venue: Venue, end: str) -> None:
    async def restart(talk: Talk) -> None:
        for at_ms in (6_800, 11_500):
            await talk.reaches(at_ms)
            await asyncio.to_thread(getattr(talk.cluster.postgres, end))
            await asyncio.to_thread(talk.cluster.postgres.start)

    await check(await give_talk(venue, restart))


async def test_a_database_outage_in_mid_talk_is_said_and_costs_nothing(venue: Venue) -> None:
    async def outage(talk: Talk) -> None:
        await talk.reaches(9_500)
        await asyncio.to_thread(talk.cluster.postgres.kill)
        await asyncio.sleep(OUTAGE_S)
        await asyncio.to_thread(talk.cluster.postgres.start)

    talk = await give_talk(venue, outage)
    await check(talk)
    assert any("cannot be stored" in line for line in problems(talk))


async def test_a_database_that_hangs_is_said_and_costs_nothing(venue: Venue) -> None:
    """It takes connections and answers nothing."""

    async def outage(talk: Talk) -> None:
        await talk.reaches(9_500)
        assert talk.cluster.postgres.process is not None
        parent = psutil.Process(talk.cluster.postgres.process.pid)
        parent.suspend()
        hanging = [parent, *parent.children(recursive=True)]
        for process in hanging:
            process.suspend()
        await asyncio.sleep(OUTAGE_S)
        for process in hanging:
            process.resume()

    talk = await give_talk(venue, outage)
    await check(talk)
    assert any("cannot be stored" in line for line in problems(talk))


async def test_a_talk_that_ends_during_an_outage_is_ended_and_complete(venue: Venue) -> None:
    async def outage(talk: Talk) -> None:
        await talk.reaches(TALK_MS - 2_000)
        await asyncio.to_thread(talk.cluster.postgres.kill)
        await talk.reaches(TALK_MS - 200)
        await asyncio.sleep(OUTAGE_S)
        await asyncio.to_thread(talk.cluster.postgres.start)

    await check(await give_talk(venue, outage))


async def test_a_killed_process_in_a_database_outage_costs_nothing(venue: Venue) -> None:
    """The speaker's page is refused, in words, until the database is back."""

    async def outage(talk: Talk) -> None:
        await talk.reaches(9_500)
        await asyncio.to_thread(talk.cluster.postgres.kill)
        await talk.reaches(12_000)
        server = talk.interpreting()
        await asyncio.to_thread(server.kill)
        await until(lambda: any("cannot reach" in line for line in talk.lines))
        await asyncio.to_thread(talk.cluster.postgres.start)
        await asyncio.to_thread(server.start)

    talk = await give_talk(venue, outage)
    await check(talk)
    assert any("cannot reach its transcript" in line for line in problems(talk))


async def test_a_process_that_stood_still_stores_nothing_twice(venue: Venue) -> None:
    """It wakes up after its speaker went on at the other process."""

    async def standstill(talk: Talk) -> None:
        await talk.reaches(9_500)
        server = talk.interpreting()
        assert server.process is not None
        process = psutil.Process(server.process.pid)
        process.suspend()
        try:
            await asyncio.to_thread(talk.cluster.nginx.kill)
            await asyncio.to_thread(talk.cluster.nginx.start)
            await talk.reaches(17_000)
        finally:
            process.resume()

    await check(await give_talk(venue, standstill))
