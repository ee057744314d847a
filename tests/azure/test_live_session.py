"""Talks through both sockets of the whole product, on Azure Speech."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from asgiref.sync import sync_to_async

from sessions_app.models import Event, GlossaryTerm, Language, LiveSession
from tests.azure.talking import sentences, words
from tests.azure_emulator.running import Emulator
from tests.clients import SpeakerClient, listener, recorded, speaker
from tests.conftest import LaunchServer, Server, troubles

pytestmark = pytest.mark.azure

MakeEvent = Callable[..., Event]
ENGLISH = sentences("en")
SPANISH = sentences("es")


@pytest.fixture
def launch_azure(launch_server: LaunchServer, emulator: Emulator) -> Callable[[str], Server]:
    """Starts a server whose key is this one."""

    def start(key: str = "ok") -> Server:
        return launch_server(
            SPEECH_BACKEND="azure",
            SPEECH_KEY=key,
            SPEECH_PRIVATE_ENDPOINT=emulator.endpoint,
        )

    return start


async def token_of(event: Event) -> str:
    return (await event.speakers.aget()).token


async def end(client: SpeakerClient) -> None:
    await client.send(type="end")
    await client.expect(type="state", state="ended")


@pytest.mark.parametrize("listeners", [1, 200])
async def test_each_final_is_synthesised_once_however_many_listen(
    launch_azure: Callable[..., Server], emulator: Emulator, make_event: MakeEvent, listeners: int
) -> None:
    server = launch_azure()
    event = await sync_to_async(make_event)("es-ES", "fr-FR", "de-DE")
    token = await token_of(event)
    async with AsyncExitStack() as stack:
        spanish = [
            await stack.enter_async_context(listener(server.socket_url, event.join_code))
            for _ in range(listeners)
        ]
        reader = await stack.enter_async_context(listener(server.socket_url, event.join_code))
        talk = await stack.enter_async_context(speaker(server.socket_url, token))
        await asyncio.gather(*(each.join("es-ES", speech=True) for each in spanish))
        await reader.join("fr-FR")
        await talk.expect(type="audience", total=listeners + 1)
        await talk.start()
        await talk.play(recorded(0, 7_400))
        await end(talk)
        for client in [*spanish, reader]:
            await client.expect(type="state", state="ended")
            assert [m["seq"] for m in client.all(type="caption", final=True)] == [1, 2]
        assert [words(text) for text in talk.finals()] == [words(t) for t in ENGLISH[:2]]
        for client in spanish:
            assert list(client.captions().values()) == SPANISH[:2]
            speech = client.all(type="speech")
            assert [(m["seq"], m["mime"]) for m in speech] == [
                (1, "audio/mpeg"),
                (2, "audio/mpeg"),
            ]
            for frame in speech:
                times = [offset for offset, _ in frame["visemes"]]
                assert times == sorted(times)
                assert 0 <= times[-1] <= frame["duration_ms"]
        assert reader.all(type="speech") == []
    state = emulator.state()
    assert [(each["text"], each["voice"]) for each in state["spoken"]] == [
        (text, "es-ES-ElviraNeural") for text in SPANISH[:2]
    ]
    assert state["opened"]["stt"] == 1
    await emulator.until(lambda state: "stt" not in state["open"])
    assert troubles(server.log) == []


async def test_a_connection_lost_in_mid_talk_is_noticed_by_nobody(
    launch_azure: Callable[..., Server], make_event: MakeEvent
) -> None:
    server = launch_azure("key-stt-close-abort-once@5")
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await spanish.join("es-ES")
        await talk.start()
        await talk.play(recorded(0, 11_700))
        await end(talk)
        await spanish.expect(type="state", state="ended")
        assert list(spanish.captions().values()) == SPANISH[:3]
        assert talk.all(type="problem") == []
    session = await LiveSession.objects.aget(event=event)
    assert await session.segments.acount() == 3
    assert troubles(server.log) == []


async def test_a_caption_that_the_service_left_out_comes_later(
    launch_azure: Callable[..., Server], make_event: MakeEvent
) -> None:
    server = launch_azure("key-stt-missing-language-es")
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await spanish.join("es-ES")
        await talk.start()
        await talk.play(recorded(0, 7_400))
        await end(talk)
        await spanish.expect(type="state", state="ended")
        assert list(spanish.captions().values()) == SPANISH[:2]


async def test_a_key_that_is_refused_is_told_to_the_speaker_in_plain_words(
    launch_azure: Callable[..., Server], make_event: MakeEvent
) -> None:
    server = launch_azure("key-stt-401")
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as talk:
        await talk.send(type="start", client="t", consent=True, source_language="en-US")
        problem = await talk.expect(type="problem")
        assert (problem["code"], problem["fatal"]) == ("backend_down", False)
        assert "check SPEECH_KEY and SPEECH_REGION" in problem["message"]
    assert not await LiveSession.objects.filter(event=event).aexists()
    assert "key-stt-401" not in server.log.read_text()


async def test_a_listener_reads_a_spoken_language_while_another_is_spoken(
    launch_azure: Callable[..., Server], make_event: MakeEvent
) -> None:
    server = launch_azure()
    event = await sync_to_async(make_event)("es-ES")
    await event.source_languages.aadd(await Language.objects.aget(code="de-DE"))
    async with (
        listener(server.socket_url, event.join_code) as german,
        listener(server.socket_url, event.join_code) as english,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await german.join("de-DE")
        await english.join("en-US")
        ready = await talk.expect(type="ready")
        codes = [each["code"] for each in ready["event"]["source_languages"]]
        assert codes[0] == "auto"
        await talk.start(source_language="auto")
        await talk.play(recorded(0, 7_400))
        await end(talk)
        for client in (german, english):
            await client.expect(type="state", state="ended")
        assert [words(t or "") for t in english.captions().values()] == [
            words(text) for text in ENGLISH[:2]
        ]
        assert len(german.captions()) == 2
        assert None not in german.captions().values()
        assert german.captions() != english.captions()


async def test_the_glossary_is_obeyed_and_pronounced(
    launch_azure: Callable[..., Server], emulator: Emulator, make_event: MakeEvent
) -> None:
    server = launch_azure()
    event = await sync_to_async(make_event)("es-ES")
    await GlossaryTerm.objects.acreate(
        event=event, term="quarterly update", keep=True, say_as="cuarterli"
    )
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await spanish.join("es-ES", speech=True)
        await talk.expect(type="audience", total=1)
        await talk.start()
        await talk.play(recorded(0, 4_300))
        await end(talk)
        await spanish.expect(type="state", state="ended")
        [caption] = spanish.captions().values()
        assert "quarterly update" in (caption or "")
    [spoken] = emulator.state()["spoken"]
    assert "cuarterli" in spoken["sounds"]


async def test_a_killed_server_leaves_nothing_and_the_next_one_goes_on(
    launch_azure: Callable[..., Server], emulator: Emulator, make_event: MakeEvent
) -> None:
    server = launch_azure()
    event = await sync_to_async(make_event)("es-ES")
    token = await token_of(event)
    pcm = recorded(0, 7_400)
    async with speaker(server.socket_url, token) as talk:
        await talk.start()
        await talk.play(pcm[: 4_300 * 32])
        await talk.expect(type="caption", final=True)
        server.kill()
        await talk.closed()
    await emulator.until(lambda state: state["open"] == {})
    server = launch_azure()
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        speaker(server.socket_url, token) as talk,
    ):
        await spanish.join("es-ES")
        await talk.start()
        await talk.play(pcm[talk.next_frame * 3200 :])
        await end(talk)
        await spanish.expect(type="state", state="ended")
        assert list(spanish.captions().values()) == SPANISH[:2]
    assert troubles(server.log) == []


async def test_a_server_that_is_stopped_in_mid_talk_exits_cleanly(
    launch_azure: Callable[..., Server], emulator: Emulator, make_event: MakeEvent
) -> None:
    server = launch_azure()
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(server.socket_url, event.join_code) as spanish,
        speaker(server.socket_url, await token_of(event)) as talk,
    ):
        await spanish.join("es-ES", speech=True)
        await talk.expect(type="audience", total=1)
        await talk.start()
        await talk.play(recorded(0, 5_500))
        await spanish.expect(type="speech")
        await asyncio.to_thread(server.stop)
    assert server.process.returncode == 0
    await emulator.until(lambda state: state["open"] == {})
