"""Several server processes behind nginx, with PostgreSQL and Redis, as they serve a hall."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import signal
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from tests.clients import (
    BYTES_PER_MS,
    FRAME_MS,
    ListenerClient,
    SpeakerClient,
    listener,
    recorded,
    speaker,
    until_stored,
)
from tests.cluster import ROOT, Cluster, ServerProcess, manage
from tests.conftest import troubles

pytestmark = pytest.mark.services

FIRST_MS, BOTH_MS = 4_300, 7_400
BOTH = [
    "Good morning, everyone, and welcome to our quarterly update.",
    "Today I want to share three things with you.",
]
READY = {
    "ready": True,
    "database": "ok",
    "channel_layer": "ok",
    "migrations": "ok",
    "backend": "ok",
    "draining": False,
}
NEW_EVENT = """
import json
from sessions_app.management.commands.demo_event import find_or_create_demo_event
from sessions_app.models import Event
Event.objects.update(title="Of another test")
event, speaker = find_or_create_demo_event()
print(json.dumps({"join_code": event.join_code, "token": speaker.token}))
"""


@dataclass(frozen=True, slots=True)
class Invitation:
    join_code: str
    token: str


@pytest.fixture
def event(cluster: Cluster) -> Invitation:
    """A new event in English, translated into six languages."""
    return Invitation(**json.loads(cluster.manage("shell", "--verbosity=0", "-c", NEW_EVENT)))


@pytest.fixture
def clean_logs(cluster: Cluster) -> Iterator[None]:
    """Fails the test if a server process logged an error or a traceback meanwhile."""
    before = {process.log: process.log.stat().st_size for process in cluster.processes}
    yield
    assert [troubles(log, since=size) for log, size in before.items()] == [[], []]


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in small letters, and body."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            body: bytes = answer.read()
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, body
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, {}, refusal.read()


async def play_on(client: SpeakerClient, pcm: bytes) -> None:
    """Play a recording whose first sample is in frame 0, from the frame the server wants."""
    await client.play(pcm[client.next_frame * FRAME_MS * BYTES_PER_MS :])


@asynccontextmanager
async def crowd(process: ServerProcess, event: Invitation) -> AsyncIterator[list[ListenerClient]]:
    """So many listeners that it takes a while until each was told, one after the other, to go."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(listener(process.socket_url, event.join_code))
            for _ in range(30)
        ]


def seqs(*clients: ListenerClient) -> list[int]:
    """The numbers of the finals these got, one after the other."""
    return [m["seq"] for client in clients for m in client.all(type="caption", final=True)]


@pytest.mark.embedded
@pytest.mark.usefixtures("clean_logs")
async def test_what_is_said_at_one_process_is_heard_at_every_one(
    cluster: Cluster, event: Invitation
) -> None:
    here, there = cluster.processes
    async with (
        listener(here.socket_url, event.join_code) as same,
        listener(there.socket_url, event.join_code) as other,
        listener(cluster.socket_url, event.join_code) as through_nginx,
        speaker(cluster.socket_url, event.token) as talk,
    ):
        listeners = (same, other, through_nginx)
        for client in listeners:
            await client.join("es-ES", speech=True)
        await talk.expect(type="audience", total=3)
        await talk.start()
        await talk.play(recorded(0, 7_500))
        await talk.send(type="end")
        await talk.expect(type="state", state="ended")
        for client in listeners:
            await client.expect(type="state", state="ended")
        assert talk.finals() == BOTH
        for client in listeners:
            assert seqs(client) == [1, 2]
            assert client.captions() == same.captions()
            # It has no way but the channel layer: the database would bring captions alone.
            assert [m["seq"] for m in client.all(type="speech")] == [1, 2]


def test_nginx_serves_the_static_files_itself(cluster: Cluster) -> None:
    written = (ROOT / "static/js/reconnecting-socket.js").read_bytes()
    status, headers, body = get(
        f"{cluster.url}/static/js/reconnecting-socket.js", **{"Accept-Encoding": "gzip"}
    )
    assert (status, gzip.decompress(body)) == (200, written)
    assert (headers["cache-control"], headers["x-content-type-options"]) == (
        "public, max-age=60",
        "nosniff",
    )
    assert get(f"{cluster.url}/static/js/none.js")[0] == 404
    [one, none] = [
        line for line in cluster.nginx.access_log.read_text().splitlines() if "GET /static" in line
    ][-2:]
    # No server process was asked.
    assert (one.split()[-2:], none.split()[-2:]) == (["-", "-"], ["-", "-"])


def test_pages_come_through_nginx(cluster: Cluster, event: Invitation) -> None:
    status, headers, body = get(f"{cluster.url}/listener/{event.join_code}/")
    assert (status, headers["server"]) == (200, "nginx")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert event.join_code.encode() in body
    assert get(f"{cluster.url}/healthz")[0] == 200


async def test_no_key_of_a_link_is_written_down(cluster: Cluster, event: Invitation) -> None:
    get(f"{cluster.url}/speaker/{event.token}/")
    get(f"{cluster.url}/listener/{event.join_code}/?lang=es-ES&rehearsal=not-to-be-seen&a=1")
    async with speaker(cluster.socket_url, event.token) as talk:
        await talk.expect(type="ready")
    logs = [cluster.nginx.access_log, cluster.nginx.log, *(p.log for p in cluster.processes)]

    def written() -> list[bool]:
        text = "".join(log.read_text() for log in logs)
        keys = (event.token, "not-to-be-seen")
        addresses = ("/speaker/***/", "?lang=es-ES&rehearsal=***&a=1", "/ws/speak/***/")
        return [key in text for key in keys] + [address in text for address in addresses]

    await until_stored(lambda: asyncio.to_thread(written), [False, False, True, True, True])


def test_a_visitor_who_claims_many_addresses_is_one(cluster: Cluster) -> None:
    answers = [
        get(f"{cluster.url}/listener/WRONG{number:03}/", **{"X-Forwarded-For": f"10.0.0.{number}"})
        for number in range(100)
    ]
    assert {status for status, _, _ in answers} == {404, 429}


async def test_listeners_are_counted_over_all_processes_and_not_after_theirs_has_died(
    cluster: Cluster, event: Invitation
) -> None:
    here, there = cluster.processes
    async with (
        listener(here.socket_url, event.join_code) as first,
        listener(there.socket_url, event.join_code) as second,
        listener(there.socket_url, event.join_code) as third,
        speaker(here.socket_url, event.token) as talk,
    ):
        for client, language in ((first, "es-ES"), (second, "es-ES"), (third, "fr-FR")):
            await client.join(language)
        await talk.expect(type="audience", total=3, languages={"es-ES": 2, "fr-FR": 1})
        there.kill()
        assert await second.closed() == 1006
        # Its rows expire after half a minute.
        await talk.until(
            lambda _: talk.all(type="audience")[-1]["languages"] == {"es-ES": 1}, within_s=60
        )


@pytest.mark.embedded
@pytest.mark.usefixtures("clean_logs")
async def test_a_process_that_is_told_to_end_hands_its_speaker_and_listeners_over(
    cluster: Cluster, event: Invitation
) -> None:
    leaving, staying = cluster.processes
    talk = recorded(0, BOTH_MS)
    async with (
        # While these are told, the speaker must already have room at the other process.
        crowd(leaving, event) as hall,
        listener(leaving.socket_url, event.join_code) as moved,
        listener(staying.socket_url, event.join_code) as other,
    ):
        for client in (moved, other, *hall):
            await client.join("es-ES")
        async with speaker(leaving.socket_url, event.token) as speaking:
            await speaking.start()
            await speaking.play(talk[: FIRST_MS * BYTES_PER_MS])
            await speaking.play(talk[FIRST_MS * BYTES_PER_MS : 6_000 * BYTES_PER_MS])
            await moved.expect(type="caption", final=True, seq=1)
            session = moved.all(type="caption", seq=1)[0]["session"]
            process = leaving.process
            assert process is not None
            leaving.terminate()
            assert await speaking.closed() == 1012
        async with speaker(cluster.socket_url, event.token) as again:
            ready = await again.expect(type="ready")
            assert ready["session"] == {"id": session, "state": "live", "rehearsal": False}
            await again.start()
            assert await moved.closed() == 1012
            async with listener(cluster.socket_url, event.join_code) as back:
                await back.join("es-ES", after={"session": session, "seq": max(seqs(moved))})
                await play_on(again, talk)
                await again.send(type="end")
                await again.expect(type="state", state="ended")
                for client in (back, other):
                    await client.expect(type="state", state="ended")
                assert again.finals() == BOTH
                assert (seqs(moved, back), seqs(other)) == ([1, 2], [1, 2])
                assert {**moved.captions(), **back.captions()} == other.captions()
        # For those who stayed it never paused.
        assert [m["state"] for m in other.all(type="state")] == ["live", "ended"]
    assert await asyncio.to_thread(process.wait, 30) == -signal.SIGTERM


async def test_a_process_that_is_about_to_end_says_so_and_takes_nobody_new(
    cluster: Cluster, event: Invitation
) -> None:
    leaving = cluster.processes[0]
    async with crowd(leaving, event) as hall:
        for client in hall:
            await client.join("es-ES")
        kept = http.client.HTTPConnection("127.0.0.1", leaving.port, timeout=10)
        assert await asyncio.to_thread(_health_over, kept) == (200, READY)
        leaving.terminate()

        async def look() -> tuple[int, dict[str, Any]]:
            return await asyncio.to_thread(_health_over, kept)

        await until_stored(look, (503, {**READY, "ready": False, "draining": True}))
        kept.close()
        with pytest.raises(ConnectionRefusedError):
            async with listener(leaving.socket_url, event.join_code):
                pass
        async with listener(cluster.socket_url, event.join_code) as elsewhere:
            await elsewhere.join("es-ES")
        assert [await client.closed() for client in hall] == [1012] * len(hall)


def _health_over(connection: http.client.HTTPConnection) -> tuple[int, dict[str, Any]]:
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(("away", "part"), [("redis", "channel_layer"), ("postgres", "database")])
async def test_a_part_that_is_away_is_named_until_it_is_back(
    cluster: Cluster, away: str, part: str
) -> None:
    process = cluster.processes[0]
    service = getattr(cluster, away)

    async def look() -> dict[str, Any]:
        return await asyncio.to_thread(process.health)

    assert await look() == READY
    service.stop()
    await until_stored(look, {**READY, "ready": False, part: "not reachable"})
    assert get(f"{process.url}/healthz/live")[0] == 200
    service.start()
    await until_stored(look, READY)


@pytest.mark.parametrize(("stuck", "part"), [("redis", "channel_layer"), ("postgres", "database")])
async def test_a_part_that_hangs_is_named_too(cluster: Cluster, stuck: str, part: str) -> None:
    process = cluster.processes[0]
    service = getattr(cluster, stuck)

    async def look() -> dict[str, Any]:
        return await asyncio.to_thread(process.health)

    assert await look() == READY
    parent = psutil.Process(service.process.pid)
    everything = [parent, *parent.children(recursive=True)]
    for one in everything:
        one.suspend()
    try:
        # All who ask are answered, and nothing piles up behind them.
        answers = await asyncio.gather(*(look() for _ in range(5)))
        assert answers == [{**READY, "ready": False, part: "does not answer"}] * 5
        assert get(f"{process.url}/healthz/live")[0] == 200
    finally:
        for one in everything:
            one.resume()
    await until_stored(look, READY)


@pytest.fixture
def unmigrated(cluster: Cluster) -> Iterator[ServerProcess]:
    """A process whose database is new and empty."""
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE cold")
    database = cluster.postgres.url.replace("/postgres", "/cold")
    with ServerProcess({**cluster.environment, "DATABASE_URL": database}) as process:
        yield process
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE cold WITH (FORCE)")


def test_a_cold_start_without_migrations_says_so(unmigrated: ServerProcess) -> None:
    words = "not applied: run manage.py migrate"
    assert unmigrated.health() == {**READY, "ready": False, "migrations": words}
    manage(unmigrated.environment, "migrate", "--verbosity=0")
    assert unmigrated.health() == READY


def test_a_configuration_for_one_machine_is_refused_in_words(
    cluster: Cluster, tmp_path: Path
) -> None:
    unsafe = {
        **cluster.environment,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "REDIS_URL": "",
        "SECRET_KEY": "",
        "ALLOWED_HOSTS": "*",
        "CSRF_TRUSTED_ORIGINS": "http://talks.example.org",
        "DEBUG": "true",
    }
    with pytest.raises(RuntimeError) as refused:
        manage(unsafe, "serve", "--port", "1")
    text = str(refused.value)
    assert [f"E00{number}" in text for number in range(1, 10)] == [
        number in (1, 2, 3, 5, 6, 9) for number in range(1, 10)
    ]
    assert "Set DATABASE_URL=postgres://user:password@host/name." in text
