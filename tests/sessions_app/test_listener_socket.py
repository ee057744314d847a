"""The listener's socket, line by line of the protocol, against a server that uses our database."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from sessions_app.models import AudienceCount, Event, ListenerReport, LiveSession
from sessions_app.models.transcript import Segment
from tests.clients import JSON, Client, ListenerClient, listener, speaker, until_stored
from tests.conftest import LaunchServer, Server

pytestmark = pytest.mark.usefixtures("clean_log")

MakeEvent = Callable[..., Event]


@sync_to_async
def begin(event: Event, *, rehearsal: bool = False) -> LiveSession:
    """A session that some other process interprets."""
    return LiveSession.go_live(
        event.speakers.get(),
        client="elsewhere",
        source_language="en-US",
        rehearsal=rehearsal,
        take_over=True,
    )


@sync_to_async
def say(session: LiveSession, count: int = 1, *, languages: tuple[str, ...] = ("es-ES",)) -> None:
    """Store this many segments more; each text tells its language and number."""
    with transaction.atomic():
        for _ in range(count):
            number = session.segments.count() + 1
            segment = session.finish_segment(
                source_language="en-US",
                text=f"en {number}",
                start_ms=number * 1000,
                end_ms=number * 1000 + 900,
                acked_frame=number,
                acked_samples=number * 16_000,
            )
            for language in languages:
                session.finish_translation(segment, language, f"{language[:2]} {number}")


@sync_to_async
def correct(session: LiveSession, number: int, text: str) -> None:
    session.translations.get(segment__number=number, language="es-ES").correct(text, None)


def finals(client: ListenerClient) -> list[JSON]:
    return client.all(type="caption", final=True)


def numbers(captions: list[JSON]) -> list[int]:
    return [caption["segment"] for caption in captions]


async def test_joined_comes_first_then_the_replay_then_its_end(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES", title="Town hall")
    session = await begin(event)
    await say(session, 2)
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        assert [message["type"] for message in client.received] == [
            "joined",
            "caption",
            "caption",
            "replayed",
        ]
        avatar = event.avatar
        assert client.received[0] == {
            "type": "joined",
            "event": {"title": "Town hall"},
            "session": session.pk,
            "state": "live",
            "language": "es-ES",
            "languages": [
                {
                    "code": language.code,
                    "name": language.name,
                    "native_name": language.native_name,
                    "direction": language.direction,
                    "muted": False,
                }
                for language in await sync_to_async(event.offered_languages)()
            ],
            "avatar": {
                "kind": avatar.kind,
                "name": avatar.name,
                "character": avatar.character,
                "style": avatar.style,
                "background_colour": avatar.background_colour,
                "transparent": avatar.transparent,
                "crop": avatar.crop,
            },
            "seq": 2,
        }
        assert client.received[2] == {
            "type": "caption",
            "session": session.pk,
            "language": "es-ES",
            "segment": 2,
            "final": True,
            "seq": 2,
            "text": "es 2",
            "source": "en 2",
            "source_language": "en-US",
            "start_ms": 2000,
            "end_ms": 2900,
            "corrected": False,
        }
        assert client.received[3] == {"type": "replayed", "seq": 2}


async def test_an_event_that_has_not_begun_waits(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code.lower()) as client:
        joined = await client.join("es-ES", after={"session": 1, "seq": 5}, unknown_field=1)
        assert (joined["session"], joined["state"], joined["seq"]) == (None, "waiting", 0)
        assert [message["type"] for message in client.received] == ["joined", "replayed"]


@pytest.mark.parametrize("after", [None, {"session": 0, "seq": 58}])
async def test_a_new_listener_gets_the_newest_version_of_the_last_50_segments(
    server: Server, make_event: MakeEvent, after: JSON | None
) -> None:
    """Also one who comes back from another session."""
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event)
    await say(session, 60)
    await correct(session, 5, "too old to be shown")
    await correct(session, 55, "mended")
    async with listener(server.socket_url, event.join_code) as client:
        joined = await client.join("es-ES", after=after)
        assert numbers(finals(client)) == list(range(11, 61))
        assert [c["text"] for c in finals(client) if c["corrected"]] == ["mended"]
        assert (joined["seq"], client.received[-1]["seq"]) == (62, 62)


@pytest.mark.parametrize(
    ("count", "seq", "expected"),
    [
        (20, 12, [13, 14, 15, 16, 17, 18, 19, 20, 3]),
        (20, 20, [3]),
        (20, 21, []),
        (20, 500, []),
        (300, 10, [*range(11, 301), 3]),
        (300, 299, [300, 3]),
    ],
    ids=["some", "correction", "none", "from the future", "beyond memory", "end of a long one"],
)
async def test_a_returning_listener_gets_what_it_lacks_by_seq(
    server: Server, make_event: MakeEvent, count: int, seq: int, expected: list[int]
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event)
    await say(session, count)
    await correct(session, 3, "mended")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES", after={"session": session.pk, "seq": seq})
        assert numbers(finals(client)) == expected


async def test_a_long_session_is_replayed_to_a_new_listener_in_spoken_order(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event)
    await say(session, 230)
    await correct(session, 200, "mended")
    async with listener(server.socket_url, event.join_code) as client:
        joined = await client.join("es-ES")
        assert numbers(finals(client)) == list(range(181, 231))
        assert joined["seq"] == 231


async def test_another_language_begins_anew_and_nothing_of_the_old_one_follows(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    session = await begin(event)
    await say(session, 3, languages=("es-ES", "fr-FR"))
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES", after={"session": session.pk, "seq": 2})
        await client.send(type="language", language="fr-FR")
        await client.expect_count(2, type="replayed")
        await say(session, 2, languages=("es-ES", "fr-FR"))
        await client.expect(type="caption", segment=5)
        switched = client.received.index(client.all(type="joined", language="fr-FR")[0])
        after = [m for m in client.received[switched:] if m["type"] == "caption"]
        assert [m["text"] for m in after] == [f"fr {number}" for number in range(1, 6)]
        assert len(client.all(language="es-ES", type="caption")) == 1


async def test_older_captions_come_in_pages(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event)
    await say(session, 120)
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        pages = []
        for page, before in enumerate((71, 21, 1), start=1):
            seen = len(client.received)
            await client.send(type="history", before=before)
            await client.expect_count(page, type="history")
            *captions, end = client.received[seen:]
            pages.append((numbers(captions), end["more"]))
        assert pages == [(list(range(21, 71)), True), (list(range(1, 21)), False), ([], False)]


async def test_history_before_anything_was_said_is_empty(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        await client.send(type="history", before=51)
        assert await client.expect(type="history") == {"type": "history", "more": False}


async def test_states_follow_the_session_and_a_new_one_begins_on_the_same_socket(
    server: Server, make_event: MakeEvent
) -> None:
    """Nothing of this reaches the server by its channel layer: it looks every 2 s."""
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        first = await begin(event)
        await client.expect(type="state", state="live")
        await say(first, 2)
        await client.expect(type="caption", session=first.pk, segment=2)
        await sync_to_async(first.pause)()
        await client.expect(type="state", state="paused")
        first = await begin(event)
        await client.expect_count(2, type="state", state="live")
        await sync_to_async(first.end)()
        await client.expect(type="state", state="ended")
        second = await begin(event)
        await say(second, 1)
        await client.expect(type="caption", session=second.pk, segment=1)
        assert [(m["session"], m["state"]) for m in client.all(type="state")] == [
            (first.pk, "live"),
            (first.pk, "paused"),
            (first.pk, "live"),
            (first.pk, "ended"),
            (second.pk, "live"),
        ]
        assert len(client.all(type="joined")) == 1


async def test_a_session_that_came_to_nothing_is_waited_for_again(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        session = await begin(event)
        number = session.pk
        await client.expect(type="state", session=number, state="live")
        await sync_to_async(session.withdraw)()
        await client.expect(type="state", session=None, state="waiting")
        again = await begin(event)
        await client.expect(type="state", session=again.pk, state="live")
        await say(again)
        await client.expect(type="caption", session=again.pk, text="es 1")


async def test_an_ended_session_can_still_be_read(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event)
    await say(session, 1)
    await sync_to_async(session.end)()
    async with listener(server.socket_url, event.join_code) as client:
        joined = await client.join("es-ES")
        assert (joined["session"], joined["state"]) == (session.pk, "ended")
        assert client.captions() == {1: "es 1"}


async def test_a_beat_every_ten_seconds_tells_where_everyone_should_be(
    server: Server, make_event: MakeEvent
) -> None:
    """Takes 10 s."""
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event)
    await say(session, 3)
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        listener(server.socket_url, event.join_code) as english,
    ):
        await spanish.join("es-ES")
        await english.join("en-US")
        expected = {"type": "beat", "session": session.pk, "state": "live"}
        assert await spanish.expect(type="beat") == {**expected, "seq": 3}
        assert await english.expect(type="beat") == {**expected, "seq": 0}


async def test_corrections_reach_open_listeners_though_nobody_tells_the_server(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    session = await begin(event)
    await say(session, 2, languages=("es-ES", "fr-FR", "en-US"))
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        listener(server.socket_url, event.join_code) as french,
        listener(server.socket_url, event.join_code) as english,
    ):
        clients = (spanish, french, english)
        for client, language in zip(clients, ("es-ES", "fr-FR", "en-US"), strict=True):
            await client.join(language)
        await correct(session, 1, "uno")
        mended = await spanish.expect(type="caption", corrected=True)
        assert (mended["seq"], mended["text"], mended["source"]) == (3, "uno", "en 1")

        segment = await Segment.objects.aget(session=session, number=2)
        await sync_to_async(segment.correct)("what was said", None)
        shown = [
            (await client.expect(type="caption", source="what was said", corrected=True))["text"]
            for client in clients
        ]
        assert shown == ["es 2", "fr 2", "what was said"]
        assert [c["seq"] for c in finals(spanish)] == [1, 2, 3, 4]
        assert [c["seq"] for c in finals(french)] == [1, 2, 3]


async def test_a_failed_translation_is_null_and_mended_later(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event)
    await say(session, 1, languages=())
    segment = await session.segments.aget()
    await sync_to_async(session.finish_translation)(segment, "es-ES", None)
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        await sync_to_async(session.finish_translation)(segment, "es-ES", "por fin")
        await client.expect(type="caption", seq=2)
        assert [(c["seq"], c["text"]) for c in finals(client)] == [(1, None), (2, "por fin")]


async def test_a_rehearsal_is_for_the_invited(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    session = await begin(event, rehearsal=True)
    await say(session, 1)
    async with (
        listener(server.socket_url, event.join_code) as public,
        listener(server.socket_url, event.join_code) as invited,
    ):
        joined = await public.join("es-ES")
        assert (joined["session"], joined["state"], joined["seq"]) == (None, "waiting", 0)
        joined = await invited.join("es-ES", rehearsal=event.rehearsal_key)
        assert (joined["session"], joined["state"], joined["seq"]) == (session.pk, "live", 1)
        await say(session, 1)
        await invited.expect(type="caption", segment=2)
        await sync_to_async(session.end)()
        await invited.expect(type="state", state="ended")
        real = await begin(event)
        await say(real, 1)
        for client in (public, invited):
            await client.expect(type="caption", session=real.pk, segment=1)
        assert [m["session"] for m in public.all(type="state")] == [real.pk]
        assert {m["session"] for m in public.all(type="caption")} == {real.pk}


async def test_a_wrong_rehearsal_key_is_refused(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.send(type="join", language="es-ES", after=None, speech=False, rehearsal="x")
        assert await client.closed() == 4403
        assert [(m["type"], m["code"]) for m in client.received] == [("problem", "rehearsal")]


async def test_a_language_that_is_not_offered_is_a_problem_and_another_may_be_chosen(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.send(type="join", language="fr-FR", after=None, speech=False)
        problem = await client.expect(type="problem")
        assert (problem["code"], problem["fatal"]) == ("unknown_language", False)
        await client.join("es-ES")
        await client.send(type="language", language="tlh")
        await client.expect_count(2, type="problem")
        assert len(client.all(type="joined")) == 1


MALFORMED: list[str | bytes] = [
    "hello",
    "[]",
    "null",
    "{}",
    '{"type":5}',
    "[" * 10_000,
    b"\x00\x00\x00\x00sound",
    '{"type":"history","before":5}',
    '{"type":"join"}',
    '{"type":"join","language":7}',
    '{"type":"join","language":"es-ES","speech":"yes"}',
    '{"type":"join","language":"es-ES","after":5}',
    '{"type":"join","language":"es-ES","after":{"session":1}}',
    '{"type":"join","language":"es-ES","after":{"session":1,"seq":-1}}',
    '{"type":"join","language":"es-ES","after":{"session":true,"seq":1}}',
    '{"type":"join","language":"es-ES","rehearsal":"\\ud800"}',
    '{"type":"join","language":"' + "x" * 20_000 + '"}',
]


async def test_a_first_message_that_is_no_join_is_refused(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    answers = []
    for frame in MALFORMED:
        async with listener(server.socket_url, event.join_code) as client:
            await client.socket.send(frame)
            code = await client.closed()
            said = [(m["type"], m["code"], m["fatal"]) for m in client.received]
            answers.append((frame, code, said))
    assert answers == [(frame, 4400, [("problem", "bad_message", True)]) for frame in MALFORMED]


async def test_what_makes_no_sense_later_is_a_problem_and_the_listener_stays(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    wrong: list[str | bytes] = [
        "hello",
        b"sound",
        '{"type":"dance"}',
        '{"type":"history"}',
        '{"type":"history","before":"soon"}',
        '{"type":"history","before":1e400}',
        '{"type":"speech","on":1}',
        '{"type":"report"}',
        '{"type":"report","message":"nul \\u0000"}',
        json.dumps({"type": "report", "message": "x" * 1001}),
    ]
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        for count, frame in enumerate(wrong, start=1):
            await client.socket.send(frame)
            await client.expect_count(count, type="problem")
        assert {(m["code"], m["fatal"]) for m in client.all(type="problem")} == {
            ("bad_message", False)
        }
        await client.send(type="history", before=1)
        await client.expect(type="history")


async def test_an_unknown_code_is_refused_even_if_the_page_talks_on(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    for _ in range(5):
        async with listener(server.socket_url, "AAAAAAAA") as client:
            with contextlib.suppress(ConnectionClosed):
                await client.send(type="join", language="es-ES", after=None, speech=False)
            assert await client.closed() == 4404
            assert [(m["type"], m["fatal"]) for m in client.received] == [("problem", True)]
    # What a socket stumbles over is logged within a second; a speaker hears of its audience then.
    async with speaker(server.socket_url, (await event.speakers.aget()).token) as later:
        await later.expect(type="audience")


@pytest.mark.parametrize("path", ["", "/ws/", "/ws/listen/", "/admin/", "/ws/listen/AAAAAAAA"])
async def test_there_is_nothing_at_other_addresses(server: Server, path: str) -> None:
    async with connect(server.socket_url + path) as socket:
        client = Client(socket)
        assert await client.closed() == 4404
        assert [m["type"] for m in client.received] == ["problem"]


async def test_guessing_codes_is_limited_and_a_right_code_still_joins(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    server = launch_server()
    event = await sync_to_async(make_event)("es-ES")
    codes = []
    for _ in range(21):
        async with listener(server.socket_url, "ZZZZZZZZ") as client:
            codes.append(await client.closed())
    assert codes == [4404] * 20 + [4429]
    assert 0 < client.received[0]["retry_after_s"] <= 60
    async with listener(server.socket_url, event.join_code) as client:
        assert (await client.join("es-ES"))["state"] == "waiting"


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        (None, True),
        ("http://127.0.0.1:8000", True),
        ("https://localhost", True),
        ("http://elsewhere.example", False),
        ("http://127.0.0.1.elsewhere.example", False),
        ("null", False),
    ],
)
async def test_only_our_own_pages_and_programs_get_in(
    server: Server, make_event: MakeEvent, origin: str | None, admitted: bool
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    headers = {} if origin is None else {"Origin": origin}
    async with listener(server.socket_url, event.join_code, **headers) as client:
        with contextlib.suppress(ConnectionClosed):
            await client.send(type="join", language="es-ES", after=None, speech=False)
        if admitted:
            await client.expect(type="joined")
        else:
            assert await client.closed() == 4403
            assert [m["type"] for m in client.received] == ["problem"]


async def test_a_report_reaches_the_organiser_and_a_flood_does_not(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        for number in range(6):
            await client.send(type="report", message=f"No sound {number}")
        await client.expect(type="problem", code="bad_message")
    stored = [(row.language, row.message) async for row in ListenerReport.objects.order_by("pk")]
    assert stored == [("es-ES", f"No sound {number}") for number in range(5)]


async def heard(event: Event) -> dict[str, tuple[int, int]]:
    totals = await sync_to_async(AudienceCount.totals)(event.pk, rehearsal=False)
    return {code: (count.listeners, count.with_sound) for code, count in totals.items()}


async def test_the_audience_is_counted_and_whoever_vanishes_is_not(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    async with listener(server.socket_url, event.join_code) as stays:
        await stays.join("es-ES", speech=True)
        async with (
            listener(server.socket_url, event.join_code) as vanishes,
            listener(server.socket_url, event.join_code) as breaks,
        ):
            await vanishes.join("es-ES", speech=False)
            await breaks.join("fr-FR", speech=True)
            await until_stored(lambda: heard(event), {"es-ES": (2, 1), "fr-FR": (1, 1)})
            await stays.send(type="speech", on=False)
            await breaks.send(type="language", language="es-ES")
            await until_stored(lambda: heard(event), {"es-ES": (3, 1)})
            vanishes.socket.transport.abort()
        await until_stored(lambda: heard(event), {"es-ES": (1, 0)})
    nobody: dict[str, tuple[int, int]] = {}
    await until_stored(lambda: heard(event), nobody)
