"""Long talks and clean ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.azure.talking import (
    TALK_MS,
    native_threads,
    sentences,
    talking,
    threads_of_process,
    until,
    words,
)
from tests.azure_emulator.running import Emulator
from tests.clients import recorded

pytestmark = pytest.mark.azure

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = sentences("en")
SPANISH = sentences("es")
TALKS = 22
"""Of 56 s each: 20 minutes and a half."""
MOST_AHEAD_S = 60
"""As a speaker's page keeps it."""


async def test_twenty_minutes_come_whole_and_in_order(emulator: Emulator, settings: Any) -> None:
    settings.SPEECH_UPLOAD_AHEAD_MS = 24 * 60 * 60 * 1000
    pcm = recorded(0, TALK_MS) * TALKS
    async with talking(emulator, targets=["es-ES", "fr-FR"]) as talk:
        size = 3200
        for position in range(0, len(pcm), size):
            talk.translator.feed(pcm[position : position + size])
            fed_s = position / 32_000
            if position % (10 * size) == 0:
                await asyncio.sleep(0)
                await talk.until(
                    lambda talk, fed_s=fed_s: fed_s - _dealt_with_s(talk) < MOST_AHEAD_S  # type: ignore[misc]
                )
        await talk.finish()
        assert talk.said == [words(text) for text in ENGLISH] * TALKS
        assert talk.translated("es-ES") == SPANISH * TALKS
        assert talk.troubles == []
        times = [(final.start_sample, final.end_sample) for final in talk.finals]
        assert times == sorted(times)
        assert times[-1][1] == pytest.approx(((TALKS - 1) * TALK_MS + 55_360) * 16, abs=3200)
    await emulator.until(lambda state: state["open"] == {})
    await until(lambda: native_threads() == [])


def _dealt_with_s(talk: Any) -> float:
    last = talk.finals[-1].end_sample if talk.finals else 0
    return float(max([last, *talk.silences[-1:]]) / 16_000)


async def test_sessions_one_after_the_other_leave_nothing(emulator: Emulator) -> None:
    counts = []
    for _ in range(4):
        async with talking(emulator) as talk:
            await talk.say(recorded(0, 1_500))
            await talk.finish()
        await until(lambda: native_threads() == [])
        counts.append(threads_of_process())
    await emulator.until(lambda state: state["open"] == {})
    assert counts[-1] <= counts[0]


@pytest.mark.parametrize("end", ["finish", "nothing", "error"])
def test_a_process_exits_cleanly_however_its_session_ended(emulator: Emulator, end: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, emulator.endpoint, end],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr[-2000:] if end != "error" else "") == (
        1 if end == "error" else 0,
        "",
    )
    assert ran.stdout.strip() == "spoke"


PROGRAM = """
import asyncio, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "avatartranslate.settings"
import django
django.setup()
from speech_app.backends.azure.backend import AzureBackend
from speech_app.backends.azure.credentials import Credentials
from tests.clients import recorded

async def main():
    backend = AzureBackend(Credentials(key="ok", endpoint=sys.argv[1]))
    translator = await backend.open_translator("en-US", ["es-ES"])
    translator.feed(recorded(0, 4_000))
    async for event in translator.events():
        break
    if (await backend.synthesizer().synthesize("Hola.", "es-ES", "es-ES-ElviraNeural")).audio:
        print("spoke", flush=True)
    if sys.argv[2] == "finish":
        await translator.finish()
        await backend.close()
    if sys.argv[2] == "error":
        raise SystemExit(1)

asyncio.run(main())
"""
