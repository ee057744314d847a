"""Joining while the database takes its time, in this process."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from avatartranslate.asgi import application
from sessions_app import admission, consumers
from sessions_app.admission import EventCard
from sessions_app.models import Event

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MakeEvent = Callable[..., Event]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, the database tells of an event once and then hangs; no card stays fresh."""
    monkeypatch.setattr(admission, "CARD_IS_FRESH_FOR_S", 0.0)
    find, asked, answering = EventCard.find, threading.Event(), threading.Event()

    def find_late(code: str) -> EventCard | None:
        assert not asked.is_set() or answering.wait(10)
        asked.set()
        return find(code)

    monkeypatch.setattr(EventCard, "find", find_late)
    yield answering
    answering.set()


@asynccontextmanager
async def joining(event: Event) -> AsyncIterator[WebsocketCommunicator]:
    """A socket that is open and asks to join."""
    socket = WebsocketCommunicator(application, f"/ws/listen/{event.join_code}/")
    await socket.connect()
    try:
        await socket.send_json_to({"type": "join", "language": "es-ES"})
        yield socket
    finally:
        await socket.disconnect()


async def test_who_has_asked_to_join_is_not_late_however_long_the_database_takes(
    make_event: MakeEvent, answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "JOIN_WITHIN_S", 0.5)
    event = await sync_to_async(make_event)("es-ES")
    async with joining(event) as socket:
        assert await socket.receive_nothing(1)
        answers.set()
        assert (await socket.receive_json_from(10))["type"] == "joined"


async def test_who_comes_while_the_database_hangs_gets_what_is_known(
    make_event: MakeEvent, answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "ANSWERS_WITHIN_S", 0.1)
    event = await sync_to_async(make_event)("es-ES")
    async with joining(event) as socket:
        assert (await socket.receive_json_from(5))["type"] == "joined"
        assert not answers.is_set()
        answers.set()
