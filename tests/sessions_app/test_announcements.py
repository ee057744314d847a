"""Notices and muted languages, as listeners of any process are told them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from sessions_app.announcements import LONGEST_NOTICE, announce, mute
from sessions_app.models import Event
from tests.clients import listener
from tests.conftest import Server
from tests.sessions_app.test_audience import page, seldom_compared  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MakeEvent = Callable[..., Event]


def muted(message: dict[str, Any]) -> list[str]:
    return [language["code"] for language in message["languages"] if language["muted"]]


async def test_a_notice_comes_at_once_stays_for_those_who_join_and_is_taken_back(
    make_event: MakeEvent,
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with page(event) as early:
        await sync_to_async(announce)(event, "  We begin\nat ten. ")
        await early.got("notice")
        async with page(event) as late:
            await late.got("notice")
            await sync_to_async(announce)(event, "")
            for one in (early, late):
                await one.got("notice", 2)
                notices = [m["text"] for m in one.messages if m["type"] == "notice"]
                assert notices == ["We begin at ten.", ""]


async def test_a_muted_language_is_told_once_to_everybody(make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    async with page(event) as spanish, page(event, "fr-FR") as french:
        assert await sync_to_async(mute)(event, "es-ES", on=True)
        for one in (spanish, french):
            await one.got("languages")
        assert await sync_to_async(mute)(event, "es-ES", on=False)
        for one in (spanish, french):
            await one.got("languages", 2)
            told = [muted(m) for m in one.messages if m["type"] == "languages"]
            assert told == [["es-ES"], []]


def test_what_cannot_be_announced_is_refused(make_event: MakeEvent) -> None:
    event = make_event("es-ES")
    with pytest.raises(ValueError, match=str(LONGEST_NOTICE)):
        announce(event, "x" * (LONGEST_NOTICE + 1))
    assert not mute(event, "fr-FR", on=True)
    event.refresh_from_db()
    assert (event.notice, event.muted_languages()) == ("", frozenset())


@pytest.mark.usefixtures("clean_log")
async def test_what_another_process_announces_is_found_in_the_database(
    server: Server, make_event: MakeEvent
) -> None:
    # The server's channel layer is its own: nothing but the database connects us.
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        await sync_to_async(announce)(event, "Lunch until one.")
        await sync_to_async(mute)(event, "es-ES", on=True)
        await client.expect(type="notice", text="Lunch until one.")
        await client.expect(type="languages")
        assert await _told_who_joins(server, event) == ["es-ES"]
        # Who chooses another language and comes back is told the notice again.
        await client.join("en-US")
        await client.until(lambda _: len(client.all(type="notice")) == 2)


async def _told_who_joins(server: Server, event: Event) -> list[str]:
    """Languages that are muted by the last word on it: what `joined` says may be a little old."""
    async with listener(server.socket_url, event.join_code) as client:
        joined = await client.join("es-ES")
        await client.expect(type="notice")
        return muted([joined, *client.all(type="languages")][-1])
