"""What strangers may send to a production server, while a listener beside them notices nothing."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import psutil  # type: ignore[import-untyped]
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.clients import listener, until_stored
from tests.cluster import Cluster, ServerProcess
from tests.conftest import troubles

pytestmark = pytest.mark.services

TALK = """
import json, sys
from asgiref.sync import async_to_sync
from sessions_app.broadcast import publish_final, publish_state
from sessions_app.management.commands.demo_event import find_or_create_demo_event
from sessions_app.messages import FinalCaption
from sessions_app.models import Event, LiveSession, Translation
wish = json.loads({wish!r})
if wish["event"] is None:
    Event.objects.update(title="Of another test")
    event, speaker = find_or_create_demo_event()
else:
    event = Event.objects.get(pk=wish["event"])
    speaker = event.speakers.first()
session = event.running_session() or LiveSession.go_live(
    speaker, client="tab", source_language="en-US", rehearsal=False, take_over=True
)
async_to_sync(publish_state)(session)
for text in wish["say"]:
    number = session.segments.count() + 1
    segment = session.finish_segment(
        source_language="en-US", text=text, start_ms=number, end_ms=number,
        acked_frame=number, acked_samples=number,
    )
    row = session.finish_translation(segment, "es-ES", text * wish["times"])
    async_to_sync(publish_final)(FinalCaption.of(Translation.objects.shown().get(pk=row.pk)))
print(json.dumps({{"event": event.pk, "join_code": event.join_code, "session": session.pk}}))
"""


@dataclass(slots=True)
class Talk:
    """An event that goes on; what is said reaches listeners as from another process."""

    cluster: Cluster
    event: int | None = None
    join_code: str = ""
    session: int = 0

    async def say(self, *texts: str, times: int = 1) -> None:
        """Store and publish these in Spanish, each so many times as long."""
        wish = json.dumps({"event": self.event, "say": texts, "times": times})
        code = TALK.format(wish=wish)
        done = await asyncio.to_thread(
            self.cluster.manage, "shell", "--verbosity=0", "--no-imports", "-c", code
        )
        answer = json.loads(done)
        self.event, self.join_code = answer["event"], answer["join_code"]
        self.session = answer["session"]


@pytest.fixture
async def talk(cluster: Cluster) -> Talk:
    talk = Talk(cluster)
    await talk.say("uno", "dos")
    return talk


@pytest.fixture
def server(cluster: Cluster) -> ServerProcess:
    return cluster.processes[0]


@pytest.fixture(autouse=True)
def clean_log(server: ServerProcess) -> Iterator[None]:
    """Fails the test if bad input made the server log an error or a traceback."""
    before = server.log.stat().st_size
    yield
    assert troubles(server.log, since=before) == []


@asynccontextmanager
async def undisturbed(server: ServerProcess, talk: Talk) -> AsyncIterator[None]:
    """A listener of the same process, who gets what is said before and after."""
    async with listener(server.socket_url, talk.join_code) as client:
        await client.join("es-ES")
        before = client.captions()
        yield
        await talk.say("fin")
        await client.expect(type="caption", final=True, text="fin")
        assert client.captions() == {**before, len(before) + 1: "fin"}
        assert client.close_code is None


async def answers_of(socket: ClientConnection) -> tuple[list[dict[str, Any]], int | None]:
    """All messages until the server closes, and its code."""
    said = []
    with suppress(ConnectionClosed):
        async for frame in socket:
            said.append(json.loads(frame))
    return said, socket.close_code


async def closed_as_slow(server: ServerProcess) -> float:
    """How many sockets all processes closed because they took nothing."""
    with await asyncio.to_thread(urlopen, f"{server.url}/metrics", timeout=30) as answer:
        figures = answer.read().decode()
    found = re.search("^avatartranslate_slow_sockets_closed_total (.+)$", figures, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_a_hall_joins_while_its_neighbour_guesses_codes(
    server: ServerProcess, talk: Talk
) -> None:
    guesses = random.Random(7)  # noqa: S311 (guesses, not secrets)
    codes: list[int | None] = []

    async def guess() -> None:
        code = "".join(guesses.choice("23456789ABCDEFGH") for _ in range(8))
        async with connect(f"{server.socket_url}/ws/listen/{code}/") as socket:
            codes.append((await answers_of(socket))[1])

    async def join() -> dict[str, Any]:
        async with listener(server.socket_url, talk.join_code) as client:
            return await client.join("es-ES")

    async with undisturbed(server, talk):
        for _ in range(10):
            guessing = [asyncio.create_task(guess()) for _ in range(30)]
            joined = await asyncio.gather(*(join() for _ in range(20)))
            assert [answer["session"] for answer in joined] == [talk.session] * 20
            await asyncio.gather(*guessing)
    assert Counter(codes) == {4404: 20, 4429: 280}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{" * 60_000, 4400),
        ("[" * 60_000 + "]" * 60_000, 4400),
        (
            '{"type":"join","language":"es-ES","after":{"session":1,"seq":' + "9" * 60_000 + "}}",
            4400,
        ),
        ('{"type":"join","language":' + '"x"' + ',"a":[' * 20_000 + "]" * 20_000 + "}", 4400),
        ('{"type":"\\ud800"}', 4400),
        ("\0" * 300_000, 1009),
        (b"\xff" * 1000, 4400),
    ],
    ids=[
        "open braces",
        "deep",
        "a number of 60 000 digits",
        "deep inside",
        "half a character",
        "large",
        "binary",
    ],
)
async def test_what_is_no_message_is_refused(
    server: ServerProcess, talk: Talk, frame: str | bytes, code: int
) -> None:
    async with undisturbed(server, talk):
        async with connect(f"{server.socket_url}/ws/listen/{talk.join_code}/") as socket:
            await socket.send(frame)
            said, closed = await answers_of(socket)
        assert closed == code
        assert [message["code"] for message in said] == ["bad_message"] * (code == 4400)


async def test_a_frame_of_100_mb_is_refused_at_its_first_bytes(
    server: ServerProcess, talk: Talk
) -> None:
    assert server.process
    memory = psutil.Process(server.process.pid)
    async with undisturbed(server, talk):
        before = memory.memory_info().rss
        async with connect(f"{server.socket_url}/ws/listen/{talk.join_code}/") as socket:
            with suppress(ConnectionClosed):
                await socket.send(b"\0" * 100_000_000)
            assert (await answers_of(socket))[1] == 1009
        assert memory.memory_info().rss - before < 10_000_000


async def test_half_open_connections_are_ended(server: ServerProcess, talk: Talk) -> None:
    address = ("127.0.0.1", server.port)
    async with undisturbed(server, talk):
        silent = [await asyncio.open_connection(*address) for _ in range(50)]
        slow, talking = await asyncio.open_connection(*address)
        talking.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:")
        async with connect(f"{server.socket_url}/ws/listen/{talk.join_code}/") as waiting:
            said, code = await answers_of(waiting)
        assert (code, [message["code"] for message in said]) == (4400, ["bad_message"])
        for reader, writer in [*silent, (slow, talking)]:
            assert await reader.read() == b""
            writer.close()


async def test_a_socket_that_never_takes_anything_again_is_ended(
    server: ServerProcess, talk: Talk
) -> None:
    assert server.process
    kept = psutil.Process(server.process.pid)
    stalled = socket.create_connection(("127.0.0.1", server.port))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = stalled.getsockname()
    join = b'{"type":"join","language":"es-ES","after":null,"speech":false}'
    stalled.sendall(
        f"GET /ws/listen/{talk.join_code}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
        + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        + bytes([0x81, 0x80 | len(join), 0, 0, 0, 0])
        + join
    )

    async def connected() -> bool:
        return any(one.raddr == address for one in kept.net_connections("tcp"))

    async with listener(server.socket_url, talk.join_code) as other:
        await other.join("es-ES")
        assert await connected()
        # 80 KB each: more than the kernel's buffers and ours hold together.
        await talk.say(*(f"{number:03} " for number in range(250)), times=20_000)
        await other.expect(type="caption", final=True, segment=252, within_s=120)
        await until_stored(connected, False)
    stalled.close()


async def test_who_sends_too_much_is_asked_to_come_later(server: ServerProcess, talk: Talk) -> None:
    async with undisturbed(server, talk):
        async with connect(f"{server.socket_url}/ws/listen/{talk.join_code}/") as socket:
            join = {"type": "join", "language": "es-ES", "after": None, "speech": False}
            await socket.send(json.dumps(join))
            with suppress(ConnectionClosed):
                for number in range(500):
                    language = ("es-ES", "fr-FR")[number % 2]
                    await socket.send(json.dumps({"type": "language", "language": language}))
            said, code = await answers_of(socket)
        assert code == 4429
        assert (said[-1]["code"], said[-1]["retry_after_s"]) == ("too_fast", 10)


async def test_who_joins_and_leaves_all_the_time_disturbs_nobody(
    server: ServerProcess, talk: Talk
) -> None:
    async with undisturbed(server, talk):
        for _ in range(100):
            async with listener(server.socket_url, talk.join_code) as client:
                await client.join("fr-FR")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (lambda talk: {"session": talk.session, "seq": 2**53 - 1}, {}),
        (lambda talk: {"session": 2**53 - 1, "seq": 1}, {1: "uno", 2: "dos"}),
        (lambda talk: {"session": talk.session, "seq": 0}, {1: "uno", 2: "dos"}),
        (lambda talk: {"session": talk.session, "seq": 1}, {2: "dos"}),
    ],
    ids=["a seq to come", "no session", "everything", "the last one"],
)
async def test_any_after_is_answered(
    server: ServerProcess, talk: Talk, after: Any, expected: dict[int, str]
) -> None:
    async with listener(server.socket_url, talk.join_code) as client:
        joined = await client.join("es-ES", after=after(talk))
        assert (joined["session"], joined["seq"]) == (talk.session, 2)
        assert client.captions() == expected
        await talk.say("tres")
        await client.expect(type="caption", final=True, seq=3, text="tres")


async def test_a_listener_gets_nothing_of_the_session_it_names_but_its_own(
    cluster: Cluster, server: ServerProcess, talk: Talk
) -> None:
    other = Talk(cluster)
    await other.say("secreto")
    async with listener(server.socket_url, talk.join_code) as client:
        joined = await client.join("es-ES", after={"session": other.session, "seq": 0})
        assert (joined["session"], client.captions()) == (talk.session, {1: "uno", 2: "dos"})
        await other.say("otro secreto")
        await talk.say("tres")
        await client.expect(type="caption", final=True, text="tres")
        assert client.captions() == {1: "uno", 2: "dos", 3: "tres"}


async def test_a_socket_that_takes_nothing_is_closed_and_catches_up(
    server: ServerProcess, talk: Talk
) -> None:
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect(("127.0.0.1", server.port))
    small.setblocking(False)
    url = f"{server.socket_url}/ws/listen/{talk.join_code}/"
    async with listener(server.socket_url, talk.join_code) as other:
        await other.join("es-ES")
        # Nothing takes what comes in before the server gives up.
        async with connect(url, sock=small, max_queue=1, compression=None) as stalled:
            join = {"type": "join", "language": "es-ES", "after": None, "speech": False}
            await stalled.send(json.dumps(join))
            before = await closed_as_slow(server)
            # 80 KB each: more than the kernel's buffers and ours hold together.
            texts = (f"{number:03} " for number in range(250))
            saying = asyncio.create_task(talk.say(*texts, times=20_000))
            await until_stored(lambda: closed_as_slow(server), before + 1)
            # Now: who takes nothing of the farewell either is cut off after a while.
            said, code = await answers_of(stalled)
            await saying
            await other.expect(type="caption", final=True, segment=252, within_s=120)
        assert code == 4408
        got = [message["seq"] for message in said if message.get("final")]
        assert got == list(range(1, len(got) + 1))
        async with listener(server.socket_url, talk.join_code) as again:
            await again.join("es-ES", after={"session": talk.session, "seq": got[-1]})
            assert list(again.captions()) == list(range(got[-1] + 1, 253))
