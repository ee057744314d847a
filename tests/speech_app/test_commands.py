"""`demo_event` and `rehearse`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from sessions_app.models import Event, LiveSession, Segment
from speech_app.audio import wav
from tests.clients import recorded, silence, speaker
from tests.conftest import ROOT, Server
from tests.services import free_port

MakeEvent = Callable[..., Event]

SENTENCES = [
    "Good morning, everyone, and welcome to our quarterly update.",
    "Today I want to share three things with you.",
]
WITHIN_S = 60


# demo_event


def demo_event(**options: Any) -> dict[str, Any]:
    printed = StringIO()
    call_command("demo_event", json=True, stdout=printed, **options)
    facts: dict[str, Any] = json.loads(printed.getvalue())
    return facts


@pytest.mark.django_db
def test_the_demo_event_is_made_once_and_then_found() -> None:
    facts = demo_event()
    event = Event.objects.get()
    token = event.speakers.get().token
    assert facts == {
        "join_code": event.join_code,
        "speaker_token": token,
        "listener_url": f"http://127.0.0.1:8000/listener/{event.join_code}/",
        "speaker_url": f"http://127.0.0.1:8000/speaker/{token}/",
        "admin_url": f"http://127.0.0.1:8000/admin/sessions_app/event/{event.pk}/change/",
        "languages": ["ca-ES", "es-ES", "fr-FR", "gl-ES", "it-IT", "pt-BR"],
    }
    assert demo_event() == facts
    assert [language.code for language in event.source_languages.all()] == ["en-US"]
    assert event.avatar.kind == "drawn"


@pytest.mark.django_db
def test_the_demo_events_links_open(client: Client, admin_client: Client) -> None:
    facts = demo_event(base_url="http://testserver/")
    assert client.get(facts["listener_url"]).status_code == 200
    assert client.get(facts["speaker_url"]).status_code == 200
    assert admin_client.get(facts["admin_url"]).status_code == 200


@pytest.mark.django_db
def test_a_demo_event_that_was_closed_or_revoked_is_ready_again() -> None:
    first = demo_event()
    event = Event.objects.get()
    event.speakers.get().revoke()
    second = demo_event()
    assert second["join_code"] == first["join_code"]
    assert second["speaker_token"] == event.speakers.get(revoked_at=None).token
    Event.objects.update(closed_at=timezone.now())
    assert demo_event()["join_code"] != first["join_code"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "base"),
    [
        ({"host": "10.0.0.5", "port": 9000}, "http://10.0.0.5:9000/"),
        ({"base_url": "https://talks.example.org/"}, "https://talks.example.org/"),
    ],
)
def test_links_are_for_the_host_that_is_named(options: dict[str, Any], base: str) -> None:
    facts = demo_event(**options)
    assert facts["listener_url"] == f"{base}listener/{facts['join_code']}/"


@pytest.mark.django_db
def test_people_get_the_links_as_text() -> None:
    facts = demo_event()
    printed = StringIO()
    call_command("demo_event", stdout=printed)
    links = [line.split()[-1] for line in printed.getvalue().splitlines()]
    names = ("join_code", "listener_url", "speaker_url", "admin_url")
    assert links == [facts[name] for name in names]


# rehearse: what can be wrong


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """The first two sentences of the sample talk."""
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(recorded(0, 7500)))
    return str(path)


def rehearse(*arguments: str, **options: Any) -> str:
    printed = StringIO()
    call_command("rehearse", *arguments, stdout=printed, **options)
    return printed.getvalue()


def refusal(*arguments: str, **options: Any) -> str:
    with pytest.raises(CommandError) as refused:
        rehearse(*arguments, **options)
    return str(refused.value)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ABCD2345", "999999", "nonsense"])
def test_an_event_that_is_not_there(recording: str, name: str) -> None:
    assert refusal(name, recording) == (
        f"There is no event “{name}”. Give its join code, or its number."
    )


@pytest.mark.django_db
def test_an_event_at_which_nobody_may_speak(make_event: MakeEvent, recording: str) -> None:
    event = make_event()
    event.speakers.get().revoke()
    assert refusal(str(event.pk), recording) == (
        "Nobody may speak at “Weekly meeting”. Add a speaker to it in the admin."
    )


@pytest.mark.django_db
def test_a_recording_that_is_none(make_event: MakeEvent, tmp_path: Path) -> None:
    code = make_event().join_code
    text = tmp_path / "notes.txt"
    text.write_text("These are notes, and no sound. " * 100)
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    missing = tmp_path / "missing.wav"
    assert refusal(code, str(missing)) == f"There is no file “{missing}”."
    assert refusal(code, str(tmp_path)) == f"There is no file “{tmp_path}”."
    for file in (text, empty):
        assert refusal(code, str(file)).startswith(f"“{file}”: This file ")


@pytest.mark.django_db
def test_a_server_that_does_not_run(make_event: MakeEvent, recording: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert refusal(make_event().join_code, recording, url=url) == (
        f"No server answers there. Is it running? ({url})"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://"])
def test_an_address_that_is_none(make_event: MakeEvent, recording: str, url: str) -> None:
    assert refusal(make_event().join_code, recording, url=url).startswith(f"“{url}” is not the ")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One that nobody has signed, with its key, for 127.0.0.1."""
    key, signed = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=talks"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", signed),
        ],
        check=True,
        capture_output=True,
    )
    signed.write_text(signed.read_text() + key.read_text())
    return signed


@asynccontextmanager
async def answering(context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """The port of something that answers everybody with a word, over TLS or without."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome\r\n")
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.mark.django_db(transaction=True)
async def test_a_certificate_nobody_trusts_is_told_with_what_to_do(
    facts: dict[str, str], recording: str, certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with answering(context) as port:
        url = f"https://127.0.0.1:{port}"
        async with running(facts["code"], recording, url) as command:
            assert await command.wait() == 1
            assert await command.stderr() == (
                "CommandError: The server's certificate is not trusted here: self-signed "
                "certificate. Give the address the certificate is made for, or name the file of "
                f"the authority that signed it in SSL_CERT_FILE. ({url})\n"
            )


@pytest.mark.django_db(transaction=True)
async def test_a_server_without_tls_is_told(facts: dict[str, str], recording: str) -> None:
    async with answering(None) as port:
        url = f"https://127.0.0.1:{port}"
        async with running(facts["code"], recording, url) as command:
            assert await command.wait() == 1
            assert await command.stderr() == (
                "CommandError: What answers there speaks no TLS. Is it http:// rather than "
                f"https://? ({url})\n"
            )


# rehearse against the running server


def said() -> list[str]:
    return list(Segment.objects.order_by("number").values_list("text", flat=True))


@pytest.mark.embedded
def test_a_recording_is_heard_translated_and_stored(
    server: Server, make_event: MakeEvent, recording: str
) -> None:
    event = make_event("es-ES")
    printed = rehearse(event.join_code.lower(), recording, url=server.url).splitlines()
    assert [line for line in printed if line.startswith("▸")] == [f"▸ {one}" for one in SENTENCES]
    session = LiveSession.objects.get()
    assert (session.state, session.rehearsal, session.event) == ("ended", False, event)
    assert said() == SENTENCES
    translations = session.translations.filter(language="es-ES").order_by("seq")
    shown = [line for line in printed if line.startswith("  es-ES")]
    assert shown == [f"  es-ES  {one.text}" for one in translations]
    assert len(shown) == 2
    assert (printed[0], printed[-1]) == ("Live.", "Ended.")


@pytest.mark.embedded
def test_a_rehearsal_stays_one(server: Server, make_event: MakeEvent, tmp_path: Path) -> None:
    recording = tmp_path / "short.wav"
    recording.write_bytes(wav(recorded(0, 4500)))
    event = make_event("es-ES")
    rehearse(str(event.pk), str(recording), url=server.url, rehearsal=True)
    assert LiveSession.objects.get().rehearsal
    assert said() == SENTENCES[:1]


@pytest.mark.embedded
def test_a_language_the_event_does_not_speak(
    server: Server, make_event: MakeEvent, recording: str
) -> None:
    code = make_event().join_code
    assert refusal(code, recording, url=server.url, language="ja-JP") == (
        f"This event does not expect that spoken language. ({server.url})"
    )


@pytest.mark.embedded
async def test_somebody_else_who_speaks_is_not_interrupted(
    server: Server, facts: dict[str, str], recording: str
) -> None:
    async with speaker(server.socket_url, facts["token"]) as other:
        await other.start(client="tab-1")
        async with running(facts["code"], recording, server.url) as command:
            assert await command.wait() == 1
            assert (await command.stderr()).startswith(
                "CommandError: Somebody else is speaking at this event now."
            )


@pytest.mark.embedded
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_and_an_end_from_outside_end_the_session(
    server: Server, facts: dict[str, str], tmp_path: Path, sign: signal.Signals
) -> None:
    recording = tmp_path / "talk.wav"
    recording.write_bytes(wav(recorded(0, 4_000) + silence(60_000) + recorded(4_000, 7_500)))
    async with running(facts["code"], str(recording), server.url) as command:
        await command.until("▸")
        command.send(sign)
        assert await command.wait() == 0
    assert command.lines[-1] == "Ended."
    session = await LiveSession.objects.aget()
    assert session.state == "ended"
    assert [one.text async for one in Segment.objects.all()] == SENTENCES[:1]


@pytest.mark.embedded
async def test_a_lost_connection_loses_no_word(
    server: Server, facts: dict[str, str], recording: str
) -> None:
    async with cut_once(server.port, after_bytes=64_000) as port:
        url = f"http://127.0.0.1:{port}"
        async with running(facts["code"], recording, url) as command:
            assert await command.wait() == 0
    told = [line for line in command.lines if not line.startswith("  ")]
    assert told == [
        "Live.",
        "The connection is lost; trying again.",
        "Connected again.",
        *(f"▸ {sentence}" for sentence in SENTENCES),
        "Ended.",
    ]


@pytest.fixture
def facts(server: Server, make_event: MakeEvent) -> dict[str, str]:
    """An event's join code and its speaker's token."""
    event = make_event("es-ES")
    return {"code": event.join_code, "token": event.speakers.get().token}


class Running:
    """`manage.py rehearse` as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def until(self, beginning: str) -> None:
        """Read until a line begins so."""
        assert self._process.stdout
        async with asyncio.timeout(WITHIN_S):
            while not (self.lines and self.lines[-1].startswith(beginning)):
                line = await self._process.stdout.readline()
                assert line, f"It ended after {self.lines}"
                self.lines.append(line.decode().rstrip("\n"))

    async def wait(self) -> int:
        """Its exit code, once all its output is read."""
        assert self._process.stdout
        async with asyncio.timeout(WITHIN_S):
            rest = await self._process.stdout.read()
            self.lines += rest.decode().splitlines()
            return await self._process.wait()

    async def stderr(self) -> str:
        assert self._process.stderr
        return (await self._process.stderr.read()).decode()

    def send(self, sign: signal.Signals) -> None:
        self._process.send_signal(sign)


@asynccontextmanager
async def running(code: str, recording: str, url: str) -> AsyncIterator[Running]:
    database = f"sqlite:///{settings.DATABASES['default']['NAME']}"
    arguments = [sys.executable, "manage.py", "rehearse", code, recording, "--url", url]
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def cut_once(target: int, *, after_bytes: int) -> AsyncIterator[int]:
    """A port that leads to another; its first connection is torn after so much was sent."""
    connections = 0

    async def carry(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: float
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while most > 0 and (data := await reader.read(4096)):
                most -= len(data)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        most = after_bytes if connections == 1 else float("inf")
        there, back = await asyncio.open_connection("127.0.0.1", target)
        sending = asyncio.create_task(carry(reader, back, most))
        await carry(there, writer, float("inf"))
        await sending

    proxy = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield proxy.sockets[0].getsockname()[1]
    finally:
        proxy.close()
