"""What did not work in a session, kept for its operators."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from sessions_app import database
from sessions_app.models import Event, LiveSession, SessionLogEntry
from speech_app import problem_log
from speech_app.problem_log import ProblemLog

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MakeEvent = Callable[..., Event]


@sync_to_async
def begin(make_event: MakeEvent) -> LiveSession:
    return LiveSession.go_live(
        make_event("es-ES").speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )


async def logged(session: LiveSession) -> list[tuple[str, str, str]]:
    return [row async for row in session.log.values_list("kind", "code", "text")]


async def test_what_lasts_is_said_once_in_a_while(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await begin(make_event)
    log = ProblemLog(session.pk)
    for text in ("It hangs.", "It hangs.", "It broke."):
        log.note("backend_down", text)
    monkeypatch.setattr(problem_log, "AGAIN_AFTER_S", 0.0)
    log.note("backend_down", "It hangs.")
    await log.close()
    assert await logged(session) == [
        ("problem", "backend_down", text) for text in ("It hangs.", "It broke.", "It hangs.")
    ]


async def test_it_waits_for_a_database_that_is_away(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await begin(make_event)
    monkeypatch.setattr(database, "TRY_AGAIN_AFTER_S", (0.01,))
    save, failures = SessionLogEntry.save, [OperationalError("away"), OperationalError("away")]

    def save_later(entry: SessionLogEntry) -> None:
        if failures:
            raise failures.pop()
        save(entry)

    monkeypatch.setattr(SessionLogEntry, "save", save_later)
    log = ProblemLog(session.pk)
    log.note("storage_down", "The database was away.")
    await log.close()
    assert (failures, await logged(session)) == (
        [],
        [("problem", "storage_down", "The database was away.")],
    )


async def test_it_logs_once_what_was_stored_by_a_connection_that_broke(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await begin(make_event)
    monkeypatch.setattr(database, "TRY_AGAIN_AFTER_S", (0.01,))
    save, failures = SessionLogEntry.save, [OperationalError("gone")]

    def save_and_break(entry: SessionLogEntry) -> None:
        save(entry)
        if failures:
            entry.pk = None  # which the answer, that never came, would have told
            entry._state.adding = True
            raise failures.pop()

    monkeypatch.setattr(SessionLogEntry, "save", save_and_break)
    log = ProblemLog(session.pk)
    for text in ("It hangs.", "It broke."):
        log.note("storage_down", text)
    await log.close()
    assert await logged(session) == [
        ("problem", "storage_down", text) for text in ("It hangs.", "It broke.")
    ]


async def test_a_session_deleted_meanwhile_stops_nothing(make_event: MakeEvent) -> None:
    session = await begin(make_event)
    pk = session.pk
    await session.adelete()
    log = ProblemLog(pk)
    log.note("internal", "Too late.")
    await log.close()
    assert await SessionLogEntry.objects.acount() == 0
