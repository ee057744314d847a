"""The speaker's socket, line by line of the protocol, with real speech through the whole server."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from sessions_app.models import Event, Language, LiveSession, Speaker
from tests.clients import (
    BYTES_PER_MS,
    FRAME_MS,
    ListenerClient,
    SpeakerClient,
    listener,
    recorded,
    silence,
    speaker,
    until_stored,
)
from tests.conftest import Server

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("clean_log")]

MakeEvent = Callable[..., Event]

FIRST = "good morning everyone and welcome to our quarterly update"
SECOND = "today i want to share three things with you"
FIRST_MS = 4_300
"""The first sentence of the sample talk with enough silence to end it."""
BOTH_MS = 7_400


def words(text: str) -> str:
    """What was said, without the marks that a different cut of the audio may change."""
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c == " ").split())


async def stored(event: Event) -> list[str]:
    """What is stored of the event, in order."""
    sessions = event.live_sessions.order_by("pk").values_list("pk", flat=True)
    return [
        words(segment.text)
        async for pk in sessions
        async for segment in (await LiveSession.objects.aget(pk=pk)).segments.order_by("number")
    ]


async def token_of(event: Event) -> str:
    return (await event.speakers.aget(name="Speaker")).token


async def play_on(client: SpeakerClient, pcm: bytes, *, speed: float = 4.0) -> None:
    """Play a recording whose first sample is in frame 0, from the frame the server wants."""
    await client.play(pcm[client.next_frame * FRAME_MS * BYTES_PER_MS :], speed=speed)


async def end(client: SpeakerClient) -> None:
    await client.send(type="end")
    await client.expect(type="state", state="ended")


async def heard(client: SpeakerClient, count: int) -> list[str]:
    await client.until(lambda _: len(client.finals()) >= count)
    return [words(text) for text in client.finals()]


async def test_ready_says_what_the_page_needs(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR", title="Town hall")
    names = dict(
        [row async for row in Language.objects.values_list("code", "name")],
    )
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.expect(type="ready")
        assert client.received[0] == {
            "type": "ready",
            "event": {
                "title": "Town hall",
                "status": "open",
                "source_languages": [{"code": "en-US", "name": names["en-US"]}],
                "languages": [{"code": code, "name": names[code]} for code in ("fr-FR", "es-ES")],
                "listener_url": f"{server.url}/listener/{event.join_code}/",
            },
            "session": None,
            "audio": {
                "sample_rate": 16000,
                "encoding": "s16le",
                "channels": 1,
                "max_frame_bytes": 32768,
            },
            "next_frame": 0,
        }


async def test_a_session_paused_long_ago_is_over_though_nobody_was_there(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")

    def pause_long_ago() -> None:
        session = LiveSession.go_live(
            event.speakers.get(name="Speaker"),
            client="tab-1",
            source_language="en-US",
            rehearsal=False,
            take_over=False,
        )
        session.pause()
        LiveSession.objects.update(seen_at=timezone.now() - timedelta(hours=3))

    await sync_to_async(pause_long_ago)()
    async with speaker(server.socket_url, await token_of(event)) as client:
        assert (await client.expect(type="ready"))["session"] is None


async def test_a_start_meant_for_a_session_that_has_ended_opens_no_other(
    server: Server, make_event: MakeEvent
) -> None:
    """It ended while the page was away, or while its wish waited for its turn."""
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        await client.send(type="pause")
        await client.expect(type="state", state="paused")
    async with speaker(server.socket_url, await token_of(event)) as client:
        session = (await client.expect(type="ready"))["session"]["id"]
        await sync_to_async((await LiveSession.objects.aget()).end)()
        await client.start()
        assert client.all(type="state")[-1] == {
            "type": "state",
            "session": session,
            "state": "ended",
            "next_frame": 0,
        }
        assert await LiveSession.objects.acount() == 1
        await client.start()
        assert client.all(type="state")[-1]["state"] == "live"
        assert await LiveSession.objects.acount() == 2
        await client.send(type="end")
        await client.until(lambda _: len(client.all(type="state", state="ended")) == 2)


async def test_who_may_not_speak_is_refused_in_words(server: Server, make_event: MakeEvent) -> None:
    event = await sync_to_async(make_event)("es-ES")
    withdrawn = await Speaker.objects.acreate(event=event, name="Withdrawn")
    await sync_to_async(withdrawn.revoke)()
    refusals = []
    for token, headers in (
        ("unknown", {}),
        (withdrawn.token, {}),
        (await token_of(event), {"Origin": "https://elsewhere.example"}),
    ):
        async with speaker(server.socket_url, token, **headers) as client:
            refusals.append((await client.closed(), [m["type"] for m in client.received]))
    assert refusals == [(4404, ["problem"]), (4410, ["problem"]), (4403, ["problem"])]
    async with speaker(server.socket_url, await token_of(event), Origin=server.url) as client:
        await client.expect(type="ready")


async def test_a_start_that_cannot_be_is_a_problem_and_leaves_no_session(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    german = await Language.objects.aget(code="de-DE")
    await event.source_languages.aadd(german)
    start = {"type": "start", "client": "tab", "consent": True, "source_language": "en-US"}
    async with speaker(server.socket_url, await token_of(event)) as client:

        async def refused(**fields: object) -> str:
            known = len(client.all(type="problem"))
            await client.send(**{**start, **fields})
            await client.expect_count(known + 1, type="problem")
            code: str = client.all(type="problem")[-1]["code"]
            return code

        assert await refused(source_language="fr-FR") == "unknown_language"
        assert await refused(source_language="de-DE") == "language_unavailable"
        assert await refused(consent=False) == "no_consent"
        assert await refused(consent="yes") == "bad_message"
        assert await refused(client="") == "bad_message"
        assert await refused(client="\ud800") == "bad_message"
        assert await refused(source_language=None) == "bad_message"
        event.closed_at = timezone.now()
        await event.asave()
        await refused()
        assert client.all(type="problem")[-1]["fatal"] is True
        assert client.all(type="state") == []
    assert await LiveSession.objects.acount() == 0


async def test_frames_that_are_wrong_are_named_and_the_right_one_goes_on(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.expect(type="ready")
        await client.send_frame(silence(100), 0)
        assert (await client.expect(type="problem"))["code"] == "bad_message"
        await client.start()

        wrong: list[tuple[bytes | str, str]] = [
            (b"", "frame_size"),
            (b"\0\0\0", "frame_size"),
            ((0).to_bytes(4, "big"), "frame_size"),
            ((0).to_bytes(4, "big") + bytes(30), "frame_size"),
            ((0).to_bytes(4, "big") + bytes(3201), "frame_size"),
            ((0).to_bytes(4, "big") + bytes(32_002), "frame_size"),
            ((0).to_bytes(4, "big") + bytes(40_000), "frame_size"),
            ((99).to_bytes(4, "big") + bytes(3200), "frame_gap"),
            ("UklGRiQAAABXQVZF", "bad_message"),
            ('{"type":"sing"}', "bad_message"),
        ]
        for count, (frame, code) in enumerate(wrong):
            known = len(client.all(type="problem"))
            await client.socket.send(frame)
            await client.expect_count(known + 1, type="problem")
            problem = client.all(type="problem")[-1]
            assert (problem["code"], problem["fatal"]) == (code, False)
            if code.startswith("frame"):
                assert problem["next_frame"] == count
            await client.send_frame(silence(1000), count)
            await client.send_frame(silence(1000), count)  # an old number is ignored
        await client.acknowledged(7)
        await end(client)
        assert client.all(type="state")[-1]["next_frame"] == 10
    session = await LiveSession.objects.aget(event=event)
    assert (session.acked_frame, session.acked_samples) == (9, 160_000)


async def test_audio_faster_than_it_can_be_heard_is_slowed_down_and_not_lost(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    frames = 300
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        for _ in range(frames):
            await client.send_frame(silence(1000))
        problem = await client.expect(type="problem")
        assert problem["code"] == "too_fast"
        assert 90 <= problem["next_frame"] < frames
        for number in range(problem["next_frame"], frames):
            # As the page does it: at most 60 s are on their way.
            await client.acknowledged(number - 60)
            await client.send_frame(silence(1000), number)
        await end(client)
    session = await LiveSession.objects.aget(event=event)
    assert (session.acked_frame, session.acked_samples) == (frames - 1, frames * 16_000)


async def test_no_frame_of_a_phrase_is_acknowledged_before_the_phrase_is_stored(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    talk = recorded(0, FIRST_MS)
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        await client.play(talk[: 3_000 * BYTES_PER_MS])
        await client.expect(type="caption", final=False)
        inside = [m["frame"] for m in client.all(type="ack")]
        assert all(frame < 5 for frame in inside)  # the phrase begins at 500 ms
        await play_on(client, talk)
        final = await client.expect(type="caption", final=True)
        at = client.received.index(final)
        ack = next(m for m in client.received[at:] if m["type"] == "ack")
        assert ack["frame"] == final["end_ms"] // FRAME_MS - 1
        assert all(m["frame"] < 5 for m in client.received[:at] if m["type"] == "ack")
        await end(client)


async def test_translations_come_to_the_speaker_as_they_are_stored(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        await client.play(recorded(0, FIRST_MS))
        await client.until(
            lambda _: any(
                len(m["translations"]) == 2 for m in client.all(type="caption", final=True)
            )
        )
        final = client.all(type="caption", final=True)[-1]
        session = await LiveSession.objects.aget(event=event)
        assert final["translations"] == {
            row.language: row.text async for row in session.translations.exclude(language="en-US")
        }
        assert (final["session"], final["segment"], final["source_language"]) == (
            session.pk,
            1,
            "en-US",
        )
        assert words(final["source"]) == FIRST
        await end(client)

    # A page that is opened later has it too, until the session has ended.
    async with speaker(server.socket_url, await token_of(event)) as later:
        assert (await later.expect(type="ready"))["session"] is None


async def test_pause_and_resume_go_on_counting_and_shift_session_time(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    sentence = recorded(0, FIRST_MS)
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        await client.play(sentence[: 3_600 * BYTES_PER_MS])
        await client.send(type="pause")
        paused = await client.expect(type="state", state="paused")
        assert paused["next_frame"] == 36
        assert [words(text) for text in client.finals()] == [FIRST]
    async with speaker(server.socket_url, await token_of(event)) as client:
        ready = await client.expect(type="ready")
        assert (ready["session"]["state"], ready["next_frame"]) == ("paused", 36)
        history = await client.expect(type="caption")
        assert (history["final"], words(history["source"])) == (True, FIRST)
        assert list(history["translations"]) == ["es-ES"]
        await client.start()
        assert client.next_frame == 36
        await client.play(sentence)
        await heard(client, 2)
        await end(client)
        assert client.all(type="state")[-1]["next_frame"] == 36 + 43
    session = await LiveSession.objects.aget(event=event)
    one, two = [segment async for segment in session.segments.order_by("number")]
    assert session.paused_ms > 0
    shift = two.start_ms - one.start_ms - 3_600 - session.paused_ms
    assert abs(shift) <= 64  # two voice activity frames
    assert await stored(event) == [FIRST, FIRST]


async def test_a_start_after_the_end_begins_a_new_session(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        await client.play(recorded(0, FIRST_MS))
        await end(client)
        await client.start()
        first, second = client.all(type="state", state="live")
        assert first["session"] != second["session"]
        assert (first["next_frame"], second["next_frame"]) == (0, 0)
        await client.play(recorded(0, FIRST_MS))
        await client.expect(type="caption", session=second["session"], segment=1, final=True)
        await client.send(type="end")
        await client.expect(type="state", session=second["session"], state="ended")
    assert await stored(event) == [FIRST, FIRST]


async def test_what_was_said_survives_a_broken_connection_in_mid_phrase(
    server: Server, make_event: MakeEvent
) -> None:
    """The Interpreter lives on: the page sends only what did not come, and nothing is doubled."""
    event = await sync_to_async(make_event)("es-ES")
    talk = recorded(0, BOTH_MS)
    token = await token_of(event)
    async with speaker(server.socket_url, token) as client:
        await client.start()
        await client.play(talk[: 2_000 * BYTES_PER_MS])
        await client.expect(type="caption", final=False)
        client.socket.transport.abort()
        await client.closed()
    async with speaker(server.socket_url, token) as client:
        ready = await client.expect(type="ready")
        assert ready["session"]["state"] == "live"
        await client.start()
        assert client.next_frame == ready["next_frame"]
        assert 5 < client.next_frame <= 20
        client.next_frame -= 5  # what was sent may be sent again
        await play_on(client, talk)
        assert await heard(client, 2) == [FIRST, SECOND]
        await end(client)
    assert await stored(event) == [FIRST, SECOND]


async def test_the_same_page_replaces_its_own_old_connection(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    talk = recorded(0, BOTH_MS)
    token = await token_of(event)
    async with speaker(server.socket_url, token) as old, speaker(server.socket_url, token) as new:
        await old.start()
        await old.play(talk[: 2_000 * BYTES_PER_MS])
        await old.expect(type="caption", final=False)
        await new.start()
        assert await old.closed() == 4409
        assert new.next_frame == 20
        await play_on(new, talk)
        assert await heard(new, 2) == [FIRST, SECOND]
        await end(new)
    assert await stored(event) == [FIRST, SECOND]


async def test_a_second_speaker_takes_over_only_when_agreed(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    guest = await Speaker.objects.acreate(event=event, name="Guest")
    talk = recorded(0, BOTH_MS)
    async with (
        speaker(server.socket_url, await token_of(event)) as first,
        speaker(server.socket_url, guest.token) as second,
    ):
        await first.start()
        await first.play(talk[: 3_600 * BYTES_PER_MS])
        ask = {"type": "start", "client": "tab-2", "consent": True, "source_language": "en-US"}
        await second.send(**ask)
        assert (await second.expect(type="problem"))["code"] == "busy"
        # Kept apart from a rehearsal, whoever asks: the speaker is not interrupted.
        await second.send(**ask, take_over=True, rehearsal=True)
        assert (await second.expect(type="problem", code="rehearsal"))["fatal"] is False
        assert first.close_code is None
        await second.send(**ask, take_over=True)
        live = await second.expect(type="state", state="live")
        assert await first.closed() == 4409
        assert (first.all(type="problem")[-1]["code"], live["next_frame"]) == ("busy", 36)
        second.next_frame = live["next_frame"]
        await play_on(second, talk)
        assert await heard(second, 1) == [SECOND]
        await end(second)
    session = await LiveSession.objects.aget(event=event)
    assert (session.epoch, session.speaker_id) == (2, guest.pk)
    assert await stored(event) == [FIRST, SECOND]


async def test_rehearsals_reach_the_invited_and_stay_rehearsals(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as public,
        listener(server.socket_url, event.join_code) as invited,
        speaker(server.socket_url, await token_of(event)) as client,
    ):
        await public.join("es-ES", speech=True)
        await invited.join("es-ES", speech=True, rehearsal=event.rehearsal_key)
        await client.start(rehearsal=True)
        await invited.expect(type="state", state="live")
        audience = {"type": "audience", "total": 1, "languages": {"es-ES": 1}}
        await client.until(lambda _: audience in client.received)
        await client.play(recorded(0, FIRST_MS))
        await invited.expect(type="speech", segment=1)
        await client.send(type="pause")
        await client.expect(type="state", state="paused")
        await client.send(
            type="start", client="tab-1", consent=True, source_language="en-US", rehearsal=False
        )
        assert (await client.expect(type="problem"))["code"] == "rehearsal"
        await client.start(rehearsal=True)
        await end(client)
        await invited.expect(type="state", state="ended")
        assert [m["type"] for m in public.received if m["type"] != "beat"] == [
            "joined",
            "replayed",
        ]


async def test_a_withdrawn_link_closes_its_sockets_and_pauses(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    invited = await event.speakers.aget()
    async with speaker(server.socket_url, invited.token) as client:
        await client.start()
        await client.play(recorded(0, 3_600))
        await sync_to_async(invited.revoke)()
        assert await client.closed() == 4410

    async def state() -> tuple[str, list[str]]:
        return (await LiveSession.objects.aget(event=event)).state, await stored(event)

    await until_stored(state, ("paused", [FIRST]))


async def test_the_spoken_language_can_change_while_live(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    for code in ("en-GB", "de-DE"):
        await event.source_languages.aadd(await Language.objects.aget(code=code))
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        for code, problem in (("fr-FR", "unknown_language"), ("de-DE", "language_unavailable")):
            await client.send(type="source_language", source_language=code)
            await client.expect(type="problem", code=problem)
        await client.send(type="source_language", source_language="en-GB")
        await client.play(recorded(0, FIRST_MS))
        final = await client.expect(type="caption", final=True)
        assert final["source_language"] == "en-GB"
        await end(client)
    assert (await LiveSession.objects.aget(event=event)).source_language == "en-GB"


async def test_a_language_this_machine_cannot_translate_into_has_captions_without_text(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("de-DE", "es-ES")
    async with (
        listener(server.socket_url, event.join_code) as german,
        listener(server.socket_url, event.join_code) as spanish,
        speaker(server.socket_url, await token_of(event)) as client,
    ):
        await german.join("de-DE")
        await spanish.join("es-ES")
        await client.start()
        await client.play(recorded(0, FIRST_MS))
        caption = await german.expect(type="caption", final=True)
        assert (caption["text"], words(caption["source"])) == (None, FIRST)
        assert (await spanish.expect(type="caption", final=True))["text"]
        await client.expect(type="problem", code="language_unavailable")
        await end(client)


async def test_the_audience_is_shown_to_the_speaker_as_it_changes(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES", "fr-FR")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(speaker(server.socket_url, await token_of(event)))
        await client.expect(type="audience", total=0, languages={})
        listeners: list[ListenerClient] = []
        for language in ("es-ES", "es-ES", "fr-FR"):
            one = await stack.enter_async_context(listener(server.socket_url, event.join_code))
            await one.join(language)
            listeners.append(one)
        await client.expect(type="audience", total=3, languages={"es-ES": 2, "fr-FR": 1})
        await listeners[0].close()
        await client.expect(type="audience", total=2, languages={"es-ES": 1, "fr-FR": 1})
        sizes = client.all(type="audience")
        assert all(one != other for one, other in itertools.pairwise(sizes))


async def test_ending_works_from_a_page_that_did_not_start(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    token = await token_of(event)
    async with (
        speaker(server.socket_url, token) as one,
        speaker(server.socket_url, token) as other,
    ):
        await other.expect(type="ready")
        await one.start()
        await one.play(recorded(0, 3_600))
        await end(other)
        await one.expect(type="state", state="ended")
    assert await stored(event) == [FIRST]


async def test_pausing_goes_on_when_the_page_is_closed_at_once(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as client:
        await client.start()
        await client.play(recorded(0, 3_600), speed=8)
        await client.send(type="end")
        client.socket.transport.abort()
        await client.closed()

    async def state() -> str:
        return (await LiveSession.objects.aget(event=event)).state

    await until_stored(state, "ended")
    assert await stored(event) in ([FIRST], [])  # what had come when the connection broke


async def test_a_speaker_gone_for_half_a_minute_is_paused(
    server: Server, make_event: MakeEvent
) -> None:
    """Takes 30 s."""
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        async with speaker(server.socket_url, await token_of(event)) as talk:
            await talk.start()
            await talk.play(recorded(0, 3_600))
        await client.expect(type="state", state="paused", within_s=60)
        assert [words(m["source"]) for m in client.all(type="caption", final=True)] == [FIRST]
    session = await LiveSession.objects.aget(event=event)
    assert (session.acked_frame, session.state) == (35, "paused")
