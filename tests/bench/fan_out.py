"""How long until the last listener has heard a sentence, beside speaking to one after the other.

Run as `python -m tests.bench.fan_out`, on the emulator of Azure Speech by the real SDK. One after
the other means: a video avatar says the sentence as often as there are listeners. That is how an
avatar for each listener, spoken to in a loop, comes to the last of them; here it is one avatar over
and over, since twenty would not fit on one machine.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import django

AUDIENCES = (1, 5, 20)
LANGUAGE = "es-ES"
SENTENCE_MS = 4_200


def main() -> None:
    """Measure both ways for each size of audience and print one table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = f"sqlite:///{folder / 'bench.sqlite3'}"
        os.environ.update(
            DJANGO_SETTINGS_MODULE="avatartranslate.settings",
            DATABASE_URL=database,
            VAR_DIR=name,
            LOG_LEVEL="WARNING",
        )
        django.setup()
        measure(database, folder)


def measure(database: str, folder: Path) -> None:
    """Print seconds from the stored sentence to the end of its sound at the last listener."""
    from django.core.management import call_command

    from tests.azure_emulator.running import emulator_process
    from tests.conftest import launch

    call_command("migrate", verbosity=0)
    print(f"{'listeners':>10} {'all at once':>14} {'one by one':>14}   sentence")
    with emulator_process(avatars_per_minute=0) as emulator:
        server = launch(
            database,
            folder,
            SPEECH_BACKEND="azure",
            SPEECH_KEY="ok",
            SPEECH_PRIVATE_ENDPOINT=emulator.endpoint,
        )
        try:
            for listeners in AUDIENCES:
                ours, text = asyncio.run(_all_at_once(server.socket_url, listeners))
                theirs = asyncio.run(_one_by_one(emulator.endpoint, text, listeners))
                print(f"{listeners:>10} {ours:>12.1f} s {theirs:>12.1f} s   {text}")
        finally:
            server.stop()


async def _all_at_once(url: str, listeners: int) -> tuple[float, str]:
    """Seconds, and the sentence; every listener's speech comes whole and plays from its arrival."""
    from tests.clients import ListenerClient, listener, recorded, speaker

    join_code, token = await asyncio.to_thread(_event)
    async with AsyncExitStack() as stack:
        audience: list[ListenerClient] = []
        for _ in range(listeners):
            client = await stack.enter_async_context(listener(url, join_code))
            await client.join(LANGUAGE, speech=True)
            audience.append(client)
        talk = await stack.enter_async_context(speaker(url, token))
        await talk.expect(type="audience", total=listeners)
        await talk.start()

        async def hears(client: ListenerClient) -> float:
            speech = await client.expect(type="speech")
            duration_ms: int = speech["duration_ms"]
            return time.monotonic() + duration_ms / 1000

        hearing = [asyncio.create_task(hears(client)) for client in audience]
        playing = asyncio.create_task(talk.play(recorded(0, SENTENCE_MS), speed=1))
        caption = await audience[0].expect(type="caption", final=True)
        stored = time.monotonic()
        ends = await asyncio.gather(*hearing)
        await playing
        await talk.send(type="end")
        await talk.expect(type="state", state="ended")
        return max(ends) - stored, caption["text"]


async def _one_by_one(endpoint: str, text: str, listeners: int) -> float:
    from speech_app.backends.azure.backend import AzureBackend
    from speech_app.backends.azure.credentials import Credentials
    from speech_app.backends.base import VideoKey, VideoLook
    from tests.azure.video_page import VideoPage

    backend = AzureBackend(Credentials(key="ok", endpoint=endpoint))
    page = VideoPage()
    try:
        look = VideoLook(
            character="lisa",
            style="casual-sitting",
            custom_id="",
            use_built_in_voice=False,
            background_colour="#FFFFFFFF",
            transparent=False,
            crop=True,
            voice="es-ES-ElviraNeural",
        )
        avatars = backend.video_avatars()
        avatar = await avatars.take_seat(VideoKey(1, LANGUAGE), look, await page.offer())
        await page.accept(avatar.answer)
        began = time.monotonic()
        for segment in range(listeners):
            await avatar.speak(segment, text, 1.0, ())
        took = time.monotonic() - began
        await avatar.close()
        return took
    finally:
        await page.close()
        await backend.close()


def _event() -> tuple[str, str]:
    """Join code and speaker's token of a new event."""
    from sessions_app.models import Avatar, Event, EventLanguage, Language, Speaker

    event = Event.objects.create(title="Bench", avatar=Avatar.objects.filter(kind="drawn")[0])
    event.source_languages.add(Language.objects.get(code="en-US"))
    EventLanguage.objects.create(event=event, language=Language.objects.get(code=LANGUAGE))
    return event.join_code, Speaker.objects.create(event=event, name="Bench").token


if __name__ == "__main__":
    main()
