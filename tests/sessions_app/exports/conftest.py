"""Sessions in which things have been said."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import AsyncClient

from sessions_app.exports import FORMATS
from sessions_app.exports.order import Order
from sessions_app.exports.transcript import Wanted
from sessions_app.models import Event, LiveSession

Said = tuple[int, int, Mapping[str, str | None]]
"""Start and end in milliseconds, and the text in each language; English is what is spoken."""
Say = Callable[..., LiveSession]


@pytest.fixture
def say(make_event: Callable[..., Event]) -> Say:
    """A session in which this was said, on 4 March 2026 at 17:05."""

    def run(
        lines: Sequence[Said],
        *languages: str,
        event: Event | None = None,
        title: str = "Weekly meeting",
        ended: bool = True,
        rehearsal: bool = False,
    ) -> LiveSession:
        event = event or make_event(*(languages or ("es-ES",)), title=title)
        session = LiveSession.go_live(
            event.speakers.all()[0],
            client="tab-1",
            source_language="en-US",
            rehearsal=rehearsal,
            take_over=False,
        )
        add(session, lines)
        if ended:
            session.end()
        started_at = datetime(2026, 3, 4, 17, 5, tzinfo=UTC)
        LiveSession.objects.filter(pk=session.pk).update(started_at=started_at)
        return session

    return run


def add(session: LiveSession, lines: Sequence[Said]) -> None:
    """Say these, too."""
    for start_ms, end_ms, texts in lines:
        segment = session.finish_segment(
            source_language="en-US",
            text=texts.get("en-US") or "Hello.",
            start_ms=start_ms,
            end_ms=end_ms,
            acked_frame=0,
            acked_samples=0,
        )
        for language, text in texts.items():
            session.finish_translation(segment, language, text)


def correct(session: LiveSession, number: int, language: str, text: str) -> None:
    """As a person does it in the back office."""
    translation = session.translations.get(segment__number=number, language=language)
    translation.correct(text, None)


def accept(session: LiveSession, number: int, language: str) -> None:
    """A reviewer has read this line and found it good."""
    rows = session.translations.filter(segment__number=number, language=language)
    rows.update(reviewed_at=datetime(2026, 3, 5, tzinfo=UTC))


def exported(session: LiveSession, key: str, *languages: str, wanted: Wanted = Wanted.ALL) -> bytes:
    """The session's file in this format and language, or in two side by side."""
    order = Order((session.pk,), (key,), languages, len(languages) > 1, wanted)
    (file,) = order.files()
    assert file.format is FORMATS[key]
    written = io.BytesIO()
    file.write(written)
    return written.getvalue()


class Visitor:
    """Somebody's browser, talking to the application as a server does."""

    def __init__(self, user: User | None = None) -> None:
        self._client = AsyncClient()
        if user:
            self._client.force_login(user)

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("get", path, query)

    def post(self, path: str, **fields: Any) -> Any:
        return self._ask("post", path, fields)

    def _ask(self, method: str, path: str, data: dict[str, Any]) -> Any:
        """The response; a file is in its `body`."""

        async def ask() -> Any:
            response = await getattr(self._client, method)(path, data)
            response.body = (
                b"".join([chunk async for chunk in response.streaming_content])
                if response.streaming
                else response.content
            )
            return response

        return async_to_sync(ask)()
