"""Video seats shared by several server processes of the whole product."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from sessions_app.models import Avatar, Event, LiveSession, VideoSeat
from tests.azure.video_page import VideoPage
from tests.azure_emulator.running import Emulator
from tests.clients import ListenerClient, listener, until_stored
from tests.conftest import ROOT, LaunchServer, Server, troubles
from tests.services import free_port

pytestmark = pytest.mark.azure

MakeEvent = Callable[..., Event]
PACE_S = 5


@sync_to_async
def begin(make_event: MakeEvent, *, seats: int) -> Event:
    event = make_event("es-ES")
    event.avatar, event.video_seats = Avatar.objects.get(character="lisa"), seats
    event.save()
    LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
        backend="azure",
    )
    return event


def launch(launch_server: LaunchServer, emulator: Emulator, pace: str) -> Server:
    return launch_server(
        SPEECH_BACKEND="azure",
        SPEECH_KEY="ok",
        SPEECH_PRIVATE_ENDPOINT=emulator.endpoint,
        AZURE_AVATAR_PACE=pace,
    )


async def watch(client: ListenerClient) -> VideoPage:
    """Queue for a seat, take it and see the video."""
    await client.join("es-ES", speech=True)
    await client.send(type="video", on=True)
    ready = await client.expect(type="video", state="ready", within_s=90)
    peer = VideoPage()
    await client.send(type="video_offer", ticket=ready["ticket"], sdp=await peer.offer())
    answer = await client.expect(type="video", state="answer")
    await peer.accept(answer["sdp"])
    await client.send(type="video", on=True, playing=True, behind_ms=0)
    return peer


async def states() -> list[str]:
    return [seat.state async for seat in VideoSeat.objects.order_by("pk")]


@pytest.mark.timeout(200)
async def test_ten_listeners_in_two_processes_keep_to_a_pace_of_two(
    launch_server: LaunchServer, emulator: Emulator, make_event: MakeEvent
) -> None:
    servers = [launch(launch_server, emulator, f"2,{PACE_S}") for _ in range(2)]
    event = await begin(make_event, seats=10)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                listener(servers[number % 2].socket_url, event.join_code)
            )
            for number in range(10)
        ]
        peers = await asyncio.gather(*(watch(client) for client in clients))
        await until_stored(states, ["playing"] * 10)
        opened = [seat.opened_at async for seat in VideoSeat.objects.order_by("opened_at")]
        for first, third in zip(opened, opened[2:], strict=False):
            assert first
            assert third
            assert third - first >= timedelta(seconds=PACE_S)
        for client in clients:
            told = [each["position"] for each in client.all(type="video", state="queued")]
            assert told == sorted(told, reverse=True)
            assert len(set(told)) == len(told)
        assert emulator.state()["peers_open"] == 10
        await asyncio.gather(*(peer.close() for peer in peers))
    await emulator.until(lambda state: not state["peers_open"] and not state["open"])
    await until_stored(states, ["ended"] * 10)
    for server in servers:
        server.stop()
        assert troubles(server.log) == []


async def test_a_killed_process_frees_its_seats_for_the_others(
    launch_server: LaunchServer, emulator: Emulator, make_event: MakeEvent
) -> None:
    first, second = (launch(launch_server, emulator, "20,60") for _ in range(2))
    event = await begin(make_event, seats=1)
    async with (
        listener(first.socket_url, event.join_code) as seated,
        listener(second.socket_url, event.join_code) as waiting,
    ):
        peer = await watch(seated)
        await waiting.join("es-ES", speech=True)
        await waiting.send(type="video", on=True)
        await waiting.expect(type="video", state="queued", position=1)
        first.kill()
        await emulator.until(lambda state: not state["peers_open"])
        await waiting.expect(type="video", state="ready", within_s=60)
        await peer.close()


@pytest.fixture
def production_server(
    transactional_db: None, django_db_serialized_rollback: None, emulator: Emulator, tmp_path: Path
) -> Iterator[Server]:
    """The product on the server of production, which says goodbye to its sockets."""
    port, log = free_port(), tmp_path / "uvicorn.log"
    options = ["--ws", "websockets-sansio", "--lifespan", "off", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "avatartranslate.asgi:application", *options],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "DATABASE_URL": f"sqlite:///{settings.DATABASES['default']['NAME']}",
                "VAR_DIR": str(tmp_path),
                "SPEECH_BACKEND": "azure",
                "SPEECH_KEY": "ok",
                "SPEECH_PRIVATE_ENDPOINT": emulator.endpoint,
                "AZURE_AVATAR_PACE": "20,60",
            },
        )
    server = Server(port, process, log)
    deadline = time.monotonic() + 60
    while b"Uvicorn running" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield server
    if process.poll() is None:
        server.kill()


async def test_a_server_that_stops_leaves_no_video_open(
    production_server: Server, emulator: Emulator, make_event: MakeEvent
) -> None:
    server = production_server
    event = await begin(make_event, seats=2)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(listener(server.socket_url, event.join_code))
            for _ in range(2)
        ]
        peers = [await watch(client) for client in clients]
        await say(event, "Esta frase es tan larga que el servidor se cierra mientras se dice.")
        await emulator.until(lambda state: len(state["spoken"]) == 2)
        server.process.terminate()
        await asyncio.to_thread(server.process.wait, 30)
        await emulator.until(lambda state: not state["peers_open"] and not state["open"])
        await asyncio.gather(*(peer.close() for peer in peers))
    assert troubles(server.log) == []
    assert server.process.returncode in (0, -signal.SIGTERM), server.log.read_text()


@sync_to_async
def say(event: Event, text: str) -> None:
    """Store a final; the server finds it as it finds whatever its channel layer has lost."""
    session = LiveSession.objects.get(event=event)
    segment = session.finish_segment(
        source_language="en-US", text=text, start_ms=0, end_ms=1, acked_frame=0, acked_samples=0
    )
    session.finish_translation(segment, "es-ES", text)
