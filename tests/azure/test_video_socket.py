"""The listener's socket with a video avatar: the real SDK, WebRTC without a browser."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from pytest_django import Settings

from sessions_app.broadcast import publish_final, publish_speech
from sessions_app.messages import FinalCaption, SpeechHeader
from sessions_app.models import Avatar, Event, LiveSession, VideoSeat
from speech_app import video
from speech_app.backends import get_backend
from tests.azure.video_page import VideoPage
from tests.azure_emulator.running import Emulator
from tests.clients import until_stored

pytestmark = [
    pytest.mark.azure,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

MakeEvent = Callable[..., Event]
JSON = dict[str, Any]

WITHIN_S = 30.0
SENTENCES = [
    "Buenos días.",
    "Hoy quiero compartir tres cosas.",
    "Primero, hemos vendido más.",
    "Gracias y hasta pronto.",
]
LONG = "Esta es una frase que dura bastante más que las otras, porque tiene que cortarse."


class Page:
    """A listener's page on its socket, in this process."""

    def __init__(self, code: str) -> None:
        from avatartranslate.asgi import application

        self.received: list[JSON] = []
        self._socket = WebsocketCommunicator(application, f"/ws/listen/{code}/")
        self._reading: asyncio.Task[None] | None = None
        self._open = True

    async def open(self) -> None:
        connected, _ = await self._socket.connect()
        assert connected
        self._reading = asyncio.create_task(self._read())

    async def send(self, **message: Any) -> None:
        await self._socket.send_json_to(message)

    async def join(self, language: str = "es-ES") -> JSON:
        await self.send(type="join", language=language, after=None, speech=True)
        await self.expect(type="replayed")
        return self.all(type="joined")[-1]

    def all(self, **fields: Any) -> list[JSON]:
        return [
            message
            for message in self.received
            if all(message.get(name) == value for name, value in fields.items())
        ]

    async def expect(self, count: int = 1, **fields: Any) -> JSON:
        await until(lambda: len(self.all(**fields)) >= count)
        return self.all(**fields)[count - 1]

    def voiced(self) -> list[int]:
        """The segments that came as audio."""
        return [message["segment"] for message in self.all(type="speech")]

    async def close(self) -> None:
        if self._open:
            self._open = False
            await self._socket.disconnect(timeout=10)
            if self._reading:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            sent = await self._socket.output_queue.get()
            if sent["type"] != "websocket.send":
                continue
            if sent.get("text"):
                self.received.append(json.loads(sent["text"]))
            else:
                length = int.from_bytes(sent["bytes"][:4], "big")
                self.received.append(json.loads(sent["bytes"][4 : 4 + length]))


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "It did not come true in time."
        await asyncio.sleep(0.02)


class Room:
    """A live session of an event with a video avatar, and the pages that listen."""

    def __init__(self, event: Event, session: LiveSession, emulator: Emulator) -> None:
        self.event = event
        self.session = session
        self.emulator = emulator
        self.segment = 0
        self._closing: list[Callable[[], Awaitable[None]]] = []

    async def page(self, language: str = "es-ES") -> Page:
        page = Page(self.event.join_code)
        self._closing.append(page.close)
        await page.open()
        await page.join(language)
        return page

    async def ready(self, page: Page) -> JSON:
        await page.send(type="video", on=True)
        return await page.expect(type="video", state="ready")

    async def connected(self, page: Page) -> VideoPage:
        """Ask, queue, offer and connect."""
        ready = await self.ready(page)
        peer = VideoPage()
        self._closing.append(peer.close)
        await page.send(type="video_offer", ticket=ready["ticket"], sdp=await peer.offer())
        answer = await page.expect(type="video", state="answer")
        await peer.accept(answer["sdp"])
        await until(lambda: peer.frames > 1)
        return peer

    async def playing(self, page: Page) -> VideoPage:
        peer = await self.connected(page)
        await page.send(type="video", on=True, playing=True, behind_ms=0)
        await self.until_seats("playing")
        return peer

    async def say(self, text: str, *, voiced: bool = True) -> int:
        """Publish a final as the Interpreter does, and its voice."""
        self.segment += 1
        await publish_final(
            FinalCaption(
                session=self.session.pk,
                language="es-ES",
                segment=self.segment,
                seq=await sync_to_async(self._store)(text),
                text=text,
                source=text,
                source_language="en-US",
                start_ms=0,
                end_ms=1,
                corrected=False,
            )
        )
        if voiced:
            await self.voice(self.segment)
        return self.segment

    async def voice(self, segment: int) -> None:
        await publish_speech(
            SpeechHeader(
                session=self.session.pk,
                language="es-ES",
                segment=segment,
                seq=segment,
                mime="audio/mpeg",
                duration_ms=500,
                visemes=[],
            ),
            b"mp3",
        )

    def _store(self, text: str) -> int:
        segment = self.session.finish_segment(
            source_language="en-US",
            text=text,
            start_ms=0,
            end_ms=1,
            acked_frame=self.segment,
            acked_samples=self.segment,
        )
        seq = self.session.finish_translation(segment, "es-ES", text).seq
        assert seq is not None
        return seq

    async def spoken(self, *texts: str) -> None:
        """Wait until avatars have said exactly this, to the end."""
        await self.emulator.until(
            lambda state: [each["text"] for each in state["spoken"] if each["done"]] == [*texts]
        )

    async def until_seats(self, *states: str) -> None:
        rows = VideoSeat.objects.order_by("pk")
        deadline = time.monotonic() + WITHIN_S
        while [seat.state async for seat in rows.all()] != [*states]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def nothing_is_open(self) -> None:
        await self.emulator.until(
            lambda state: not state["open"].get("avatar") and not state["peers_open"]
        )

    async def reasons(self) -> list[str]:
        return [seat.reason async for seat in VideoSeat.objects.order_by("pk")]

    async def close(self) -> None:
        for close in reversed(self._closing):
            await close()


@pytest.fixture
def key() -> str:
    return "ok"


@pytest.fixture
async def room(
    emulator: Emulator, make_event: MakeEvent, settings: Settings, key: str
) -> AsyncIterator[Room]:
    settings.SPEECH_BACKEND, settings.SPEECH_KEY = "azure", key
    settings.SPEECH_PRIVATE_ENDPOINT = emulator.endpoint
    settings.AZURE_AVATAR_PACE = (100, 60)
    get_backend.cache_clear()
    room = Room(*await sync_to_async(_begin)(make_event), emulator)
    yield room
    await room.close()
    await room.nothing_is_open()
    await get_backend().close()
    get_backend.cache_clear()
    await until(lambda: not azure_threads())


def _begin(make_event: MakeEvent) -> tuple[Event, LiveSession]:
    event = make_event("es-ES", "fr-FR")
    event.avatar, event.video_seats = Avatar.objects.get(character="lisa"), 10
    event.save()
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
        backend="azure",
    )
    return event, session


def azure_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("azure")]


@asynccontextmanager
async def patched(monkeypatch: pytest.MonkeyPatch, **constants: float) -> AsyncIterator[None]:
    with monkeypatch.context() as patch:
        for name, value in constants.items():
            patch.setattr(video, name, value)
        yield


async def test_the_video_is_offered_with_a_drawn_stand_in(room: Room) -> None:
    page = await room.page()
    avatar = page.all(type="joined")[-1]["avatar"]
    assert (avatar["kind"], avatar["character"], avatar["style"]) == ("video", "ada", "casual")


async def test_a_seat_is_queued_for_and_the_ticket_comes_with_ice_servers(room: Room) -> None:
    page = await room.page()
    ready = await room.ready(page)
    assert page.all(type="video")[0] == {"type": "video", "state": "queued", "position": 1}
    assert set(ready) == {"type", "state", "ice_servers", "ticket", "expires_s"}
    port = room.emulator.port
    assert [server["urls"] for server in ready["ice_servers"]] == [[f"turn:127.0.0.1:{port}"]]
    assert ready["ice_servers"][0]["username"]
    assert ready["ice_servers"][0]["credential"]
    assert 0 < ready["expires_s"] <= 30


async def test_own_turn_servers_take_the_place_of_azures(room: Room, settings: Settings) -> None:
    settings.ICE_SERVER_URL = "turn:turn.example.org:3478"
    settings.ICE_SERVER_USERNAME, settings.ICE_SERVER_PASSWORD = "user", "word"
    ready = await room.ready(await room.page())
    assert ready["ice_servers"] == [
        {"urls": ["turn:turn.example.org:3478"], "username": "user", "credential": "word"}
    ]
    assert room.emulator.state()["requests"].get("relay", 0) == 0


async def test_finals_are_spoken_in_order_and_not_sent_as_audio_as_well(room: Room) -> None:
    page = await room.page()
    await room.say("Antes del vídeo.")
    await page.expect(type="speech", segment=1)
    peer = await room.playing(page)
    for text in SENTENCES:
        await room.say(text)
    await room.spoken(*SENTENCES)
    assert page.voiced() == [1]
    assert peer.loud_frames > 10
    await page.send(type="video", on=False)
    await page.expect(type="video", state="ended", reason="off")
    await room.say("Después del vídeo.")
    await page.expect(type="speech", segment=6)
    assert page.voiced() == [1, 6]
    await room.nothing_is_open()
    seat = await VideoSeat.objects.aget()
    assert seat.spoken_characters == sum(map(len, SENTENCES))


async def test_audio_goes_on_until_the_page_says_that_the_video_plays(room: Room) -> None:
    page = await room.page()
    await room.connected(page)
    await room.say(SENTENCES[0])
    await page.expect(type="speech", segment=1)
    await room.say(SENTENCES[1], voiced=False)  # its voice is still being synthesised
    await page.expect(type="caption", segment=2)
    await page.send(type="video", on=True, playing=True, behind_ms=0)
    await room.spoken(SENTENCES[1])
    await room.voice(2)
    await room.say(SENTENCES[2])
    await room.spoken(*SENTENCES[1:3])
    assert page.voiced() == [1]


@pytest.mark.parametrize("corrected", [1, 2])
async def test_a_correction_is_not_spoken_again(room: Room, corrected: int) -> None:
    page = await room.page()
    await room.say(SENTENCES[0])
    await page.expect(type="speech", segment=1)
    await room.playing(page)
    await room.say(SENTENCES[1])
    await room.spoken(SENTENCES[1])

    def correct() -> None:
        translation = room.session.translations.get(segment__number=corrected)
        translation.correct("¡Buenos días a todos!", None)

    await sync_to_async(correct)()
    await room.say(SENTENCES[2])
    await page.expect(type="caption", segment=corrected, corrected=True)
    await room.spoken(*SENTENCES[1:3])


async def test_a_ticket_is_good_once_and_for_its_own_socket(room: Room) -> None:
    page, other = await room.page(), await room.page()
    ready = await room.ready(page)
    await room.ready(other)
    peer = VideoPage()
    sdp = await peer.offer()
    for client, ticket in ((other, ready["ticket"]), (page, ready["ticket"] + "x")):
        await client.send(type="video_offer", ticket=ticket, sdp=sdp)
        await client.expect(type="problem", code="bad_message", fatal=False)
    await page.send(type="video_offer", ticket=ready["ticket"], sdp=sdp)
    await page.expect(2, type="problem", code="bad_message")
    assert room.emulator.state()["opened"].get("avatar", 0) == 0
    await peer.close()


async def test_nobody_asks_before_joining_or_where_there_is_no_video(room: Room) -> None:
    await Event.objects.aupdate(video_seats=0)
    stranger = Page(room.event.join_code)
    await stranger.open()
    await stranger.send(type="video", on=True)
    await stranger.expect(type="problem", fatal=True)
    await stranger.close()
    page = await room.page()
    assert page.all(type="joined")[-1]["avatar"]["kind"] == "drawn"
    await page.send(type="video", on=True)
    await page.expect(type="video", state="ended", reason="unavailable")
    assert not await VideoSeat.objects.aexists()


@pytest.mark.parametrize("way", ["off", "left", "language", "silent", "session_ended"])
async def test_nothing_stays_open_however_a_video_ends(room: Room, way: str) -> None:
    page = await room.page()
    await room.playing(page)
    await room.say(LONG)
    await room.emulator.until(lambda state: bool(state["spoken"]))
    match way:
        case "off":
            await page.send(type="video", on=False)
        case "left":
            await page.close()
        case "language":
            await page.send(type="language", language="fr-FR")
        case "silent":
            await page.send(type="speech", on=False)
        case "session_ended":
            await sync_to_async(room.session.end)()
    await room.nothing_is_open()
    await room.until_seats("ended")
    assert await room.reasons() == ["off" if way == "silent" else way]
    await until(lambda: not azure_threads())


async def test_a_long_silence_ends_the_video(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    async with patched(monkeypatch, IDLE_AFTER_S=1.0):
        page = await room.page()
        await room.playing(page)
        await room.say(SENTENCES[0])
        await page.expect(type="video", state="ended", reason="idle")
        await room.nothing_is_open()
        await room.spoken(SENTENCES[0])


async def test_a_video_ends_before_azures_time_limit(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with patched(monkeypatch, LONGEST_S=2.0):
        page = await room.page()
        await room.playing(page)
        await page.expect(type="video", state="ended", reason="time_limit")
        await room.nothing_is_open()
        await page.send(type="video", on=True)
        await page.expect(2, type="video", state="ready")


async def test_a_video_that_nobody_sees_is_given_up(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with patched(monkeypatch, PLAYS_WITHIN_S=1.0):
        page = await room.page()
        await room.connected(page)
        await page.expect(type="video", state="ended", reason="no_media")
        await room.nothing_is_open()


async def test_a_page_that_lost_the_video_gets_what_it_cannot_have_heard(room: Room) -> None:
    page = await room.page()
    await room.playing(page)
    await room.say(SENTENCES[0])

    async def counted() -> int:
        return (await VideoSeat.objects.aget()).spoken_characters

    await until_stored(counted, len(SENTENCES[0]))
    await page.send(type="video", on=False, lost=True)
    await page.expect(type="speech", segment=1)


async def test_a_sentence_too_late_to_be_said_is_left_out(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with patched(monkeypatch, FURTHEST_BEHIND_S=1.0):
        page = await room.page()
        await room.playing(page)
        await room.say(LONG)
        await room.say(SENTENCES[1])
        await room.emulator.until(lambda state: any(each["done"] for each in state["spoken"]))
        await room.say(SENTENCES[2])
        await room.spoken(LONG, SENTENCES[2])


@pytest.mark.parametrize("key", ["key-avatar-close-1011@3", "key-avatar-close-abort@3"])
async def test_a_socket_lost_in_mid_sentence_leaves_no_gap(room: Room) -> None:
    page = await room.page()
    await room.playing(page)
    await room.say(LONG)
    await room.say(SENTENCES[1])
    await page.expect(type="video", state="ended", reason="lost")
    await page.expect(type="speech", segment=2)
    assert page.voiced() == [1, 2]
    await room.nothing_is_open()
    assert room.emulator.state()["opened"]["avatar"] == 1


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("key-avatar-429", "busy"),
        ("key-avatar-401", "failed"),
        ("key-avatar-403", "failed"),
        ("key-avatar-500", "failed"),
        ("key-avatar-no-answer", "failed"),
        ("key-relay-500", "failed"),
    ],
)
async def test_a_refusal_is_told_and_the_audio_goes_on(room: Room, reason: str) -> None:
    page = await room.page()
    await page.send(type="video", on=True)
    await until(lambda: page.all(type="video", state="ready") or page.all(state="ended"))
    for ready in page.all(type="video", state="ready"):
        peer = VideoPage()
        await page.send(type="video_offer", ticket=ready["ticket"], sdp=await peer.offer())
        await page.expect(type="video", state="ended")
        await peer.close()
    assert [each["reason"] for each in page.all(type="video", state="ended")] == [reason]
    await room.say(SENTENCES[0])
    await page.expect(type="speech", segment=1)
    await room.nothing_is_open()


@pytest.mark.parametrize("key", ["key-avatar-mute", "key-avatar-silent"])
async def test_a_service_that_does_not_answer_is_given_up(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with patched(monkeypatch, CONNECT_WITHIN_S=2.0):
        page = await room.page()
        ready = await room.ready(page)
        peer = VideoPage()
        await page.send(type="video_offer", ticket=ready["ticket"], sdp=await peer.offer())
        await page.expect(type="video", state="ended", reason="failed")
        await peer.close()
        await room.nothing_is_open()


async def test_a_bad_offer_is_refused(room: Room) -> None:
    page = await room.page()
    ready = await room.ready(page)
    await page.send(type="video_offer", ticket=ready["ticket"], sdp="bm90IGFuIG9mZmVy")
    await page.expect(type="video", state="ended", reason="failed")
    await room.nothing_is_open()


async def test_the_figure_is_shown_as_the_organiser_chose(room: Room) -> None:
    def choose() -> None:
        own = Avatar.objects.create(
            name="Our Ana",
            kind="video",
            custom_id="our-ana",
            style="office",
            use_built_in_voice=True,
            transparent=True,
            crop=True,
        )
        Event.objects.update(avatar=own)

    await sync_to_async(choose)()
    page = await room.page()
    await room.connected(page)
    contexts = [each for each in room.emulator.state()["contexts"] if "talkingAvatar" in str(each)]
    shown = json.loads(json.dumps(contexts[-1]))
    while "synthesis" not in shown:
        shown = next(value for value in shown.values() if isinstance(value, dict))
    parts = shown["synthesis"]["video"]
    assert parts["talkingAvatar"] == {
        "customized": True,
        "character": "our-ana",
        "style": "office",
        "background": {"color": "#00FF00FF"},
        "useBuiltInVoice": True,
    }
    assert parts["format"]["crop"] == {
        "topLeft": {"x": 600, "y": 0},
        "bottomRight": {"x": 1320, "y": 1080},
    }
