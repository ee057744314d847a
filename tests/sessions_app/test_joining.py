"""Joining while the database takes its time, in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from avatartranslate.asgi import application
from sessions_app import admission, consumers
from sessions_app.admission import EventCard
from sessions_app.models import Event

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


async def test_who_has_asked_to_join_is_not_late_however_long_the_database_takes(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    monkeypatch.setattr(consumers, "JOIN_WITHIN_S", 1.0)
    monkeypatch.setattr(admission, "CARD_IS_FRESH_FOR_S", 0.0)
    find, asked, answers = EventCard.find, threading.Event(), threading.Event()

    def find_late(code: str) -> EventCard | None:
        """At once when the socket opens, and not when it joins."""
        assert not asked.is_set() or answers.wait(10)
        asked.set()
        return find(code)

    monkeypatch.setattr(EventCard, "find", find_late)
    socket = WebsocketCommunicator(application, f"/ws/listen/{event.join_code}/")
    try:
        await socket.connect()
        await socket.send_json_to({"type": "join", "language": "es-ES"})
        assert await socket.receive_nothing(1.5)
        answers.set()
        assert (await socket.receive_json_from(10))["type"] == "joined"
    finally:
        answers.set()
        await socket.disconnect()
