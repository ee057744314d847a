"""What the product itself adds to Azure Speech: from the SDK's callback to a listener's socket.

Run as `python -m tests.bench.azure`. The sample talk is played twice as fast as it was spoken, into
two languages and then into eight, with a listener each, through the real sockets of a server of its
own that uses the emulator of the service. The service's own delay is not in these figures; that the
emulator makes eight voices at once on the same machine is.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import django

LANGUAGES = ("es-ES", "fr-FR", "de-DE", "it-IT", "pt-BR", "ja-JP", "zh-CN", "ar-SA")
WITH_GLOSSARY = "es-ES"
TERM = "office"
SPEED = 2.0
MEDIAN_AT_MOST_S = 0.05


class Stamped(list[dict[str, Any]]):
    """Messages, each with the time it arrived."""

    def append(self, message: dict[str, Any]) -> None:
        super().append({**message, "at": time.monotonic()})


def main() -> None:
    """Measure and print a table for each; fails where a median of the first is above its limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="avatartranslate.settings",
            DATABASE_URL=f"sqlite:///{folder / 'bench.sqlite3'}",
            VAR_DIR=name,
            LOG_LEVEL="WARNING",
        )
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        good = report(*measure(folder, LANGUAGES[:2]), MEDIAN_AT_MOST_S)
        report(*measure(folder, LANGUAGES), None)
    sys.exit(0 if good else 1)


def measure(
    folder: Path, languages: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """What the SDK told and when, and what each language's listener received and when."""
    from tests.azure_emulator.running import emulator_process

    join_code, token = _event(languages)
    file = folder / f"notes-{len(languages)}.jsonl"
    with emulator_process() as emulator:
        server = _launch(folder, file, emulator.endpoint)
        try:
            received = asyncio.run(_play(server.socket_url, join_code, token, languages))
        finally:
            server.stop()
    return [json.loads(line) for line in file.read_text().splitlines()], received


def _event(languages: Sequence[str]) -> tuple[str, str]:
    """Join code and speaker's token."""
    from sessions_app.models import Avatar, Event, EventLanguage, GlossaryTerm, Language, Speaker

    event = Event.objects.create(title="Bench", avatar=Avatar.objects.filter(kind="drawn")[0])
    event.source_languages.add(Language.objects.get(code="en-US"))
    for code in languages:
        EventLanguage.objects.create(event=event, language=Language.objects.get(code=code))
    term = GlossaryTerm.objects.create(event=event, term=TERM)
    spanish = Language.objects.get(code=WITH_GLOSSARY)
    term.translations.create(language=spanish, text="sede")
    return event.join_code, Speaker.objects.create(event=event, name="Bench").token


def _launch(folder: Path, notes: Path, endpoint: str) -> Any:
    import urllib.error
    import urllib.request

    from tests.conftest import READY_WITHIN_S, ROOT, Server
    from tests.services import free_port

    port = free_port()
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.azure_server", str(port), str(notes)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "SPEECH_BACKEND": "azure",
                "SPEECH_KEY": "ok",
                "SPEECH_PRIVATE_ENDPOINT": endpoint,
            },
        )
    server = Server(port, process, log)
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=5):  # noqa: S310
                return server
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    server.kill()
    raise RuntimeError(f"The server did not become ready:\n{log.read_text()}")


async def _play(
    url: str, join_code: str, token: str, languages: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    from tests.clients import SAMPLE_TALK, listener, recorded, speaker

    async with AsyncExitStack() as stack:
        audience = {}
        for language in languages:
            client = await stack.enter_async_context(listener(url, join_code))
            client.received = Stamped()
            await client.join(language, speech=True)
            audience[language] = client
        talk = await stack.enter_async_context(speaker(url, token))
        await talk.expect(type="audience", total=len(languages))
        await talk.start()
        await talk.play(recorded(0, 56_300, path=SAMPLE_TALK), speed=SPEED)
        await talk.send(type="end")
        for client in audience.values():
            await client.expect(type="state", state="ended")
        return {language: client.received for language, client in audience.items()}


def report(
    notes: list[dict[str, Any]],
    received: dict[str, list[dict[str, Any]]],
    median_at_most_s: float | None,
) -> bool:
    """Print every figure beside its limit; whether they are within it."""
    from tests.bench.embedded import line, percentile

    finals = {note["text"]: note["at"] for note in notes if note["what"] == "final"}
    captions: list[float] = []
    with_term: list[float] = []
    speeches: list[float] = []
    missing = 0
    for language, messages in received.items():
        found = [m for m in messages if m["type"] == "caption" and m["final"] and m["seq"]]
        missing += len(finals) - len({m["segment"] for m in found})
        for message in found:
            delay = message["at"] - finals[message["source"]]
            asks = language == WITH_GLOSSARY and TERM in message["source"]
            (with_term if asks else captions).append(delay)
        mark = f'xml:lang="{language}"'
        audio = [note for note in notes if note["what"] == "audio" and mark in note["text"]]
        heard = [m for m in messages if m["type"] == "speech"]
        missing += len(audio) - len(heard)
        speeches += [m["at"] - note["at"] for m, note in zip(heard, audio, strict=False)]

    print(f"\n{'':<58} {'measured':>14} {'at most':>12}")
    medians = []
    for what, delays, limit in (
        ("SDK's final to the caption at a listener", captions, median_at_most_s),
        ("the same, with a term to be looked up", with_term, None),
        ("SDK's audio to the audio at a listener", speeches, median_at_most_s),
    ):
        median = percentile(delays, 0.5)
        at_most = f"{1000 * limit:.0f} ms" if limit else ""
        line(f"{what}, median", f"{1000 * median:.0f} ms", at_most)
        line(f"{what}, 95th percentile", f"{1000 * percentile(delays, 0.95):.0f} ms", "")
        medians += [median] if limit else []
    line("captions and speeches missing", str(missing), "0")
    print(
        f"\n{len(finals)} finals into {len(received)} languages, {len(captions) + len(with_term)} "
        f"captions, {len(speeches)} speeches; {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d %H:%M')}"
    )
    return not missing and (not medians or max(medians) <= MEDIAN_AT_MOST_S)


if __name__ == "__main__":
    main()
