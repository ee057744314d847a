"""`manage.py rehearse`: a recording speaks at an event, so that no microphone is needed."""

from __future__ import annotations

import asyncio
import itertools
import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from sessions_app.models import Event, Speaker
from speech_app.audio import NotAudio, read_recording
from speech_app.playback import CHUNK_MS, Playback, PlaybackFailed

ENDING = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a service manager or a closing machine sends: the session is ended first."""


class Command(BaseCommand):
    help = "Plays a recording through an event as its speaker, at its own speed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", help="join code or number of the event")
        parser.add_argument("recording", help="a sound file: WAV, MP3, M4A, …")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the server is")
        parser.add_argument(
            "--rehearsal", action="store_true", help="only invited listeners hear it"
        )
        parser.add_argument("--language", default="en-US", help="what is spoken, such as en-US")

    def handle(self, *args: Any, **options: Any) -> None:
        speaker = _speaker_of(options["event"])
        chunks = _open(options["recording"])
        playback = {
            "url": _socket_of(options["url"], speaker),
            "chunks": chunks,
            "source_language": options["language"],
            "rehearsal": options["rehearsal"],
            "say": self._say,
        }
        try:
            asyncio.run(_play(playback))
        except PlaybackFailed as failed:
            raise CommandError(f"{failed} ({options['url']})") from failed
        except KeyboardInterrupt:
            raise CommandError("Stopped before the session was ended.") from None
        self._say("Ended.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


async def _play(options: dict[str, Any]) -> None:
    playback = Playback(**options)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        playback.stop()
        # A second one does not wait for the server.
        for sign in ENDING:
            loop.remove_signal_handler(sign)

    with suppress(NotImplementedError):  # no such handlers on Windows
        for sign in ENDING:
            loop.add_signal_handler(sign, stop)
    await playback.run()


def _speaker_of(name: str) -> Speaker:
    event = Event.with_join_code(name)
    if event is None and name.isdecimal():
        event = Event.objects.filter(pk=int(name)).first()
    if event is None:
        raise CommandError(f"There is no event “{name}”. Give its join code, or its number.")
    speaker = event.speakers.filter(revoked_at=None).order_by("pk").first()
    if speaker is None:
        raise CommandError(f"Nobody may speak at “{event}”. Add a speaker to it in the admin.")
    return speaker


def _open(recording: str) -> Iterator[bytes]:
    """The recording's audio; its beginning is decoded now, so that a wrong file is found first."""
    if not Path(recording).is_file():
        raise CommandError(f"There is no file “{recording}”.")
    chunks = read_recording(recording, CHUNK_MS)
    try:
        return itertools.chain([next(chunks)], chunks)
    except NotAudio as error:
        raise CommandError(f"“{recording}”: {error}") from error


def _socket_of(url: str, speaker: Speaker) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise CommandError(f"“{url}” is not the address of a server, such as http://127.0.0.1:8000")
    return f"{parts.scheme.replace('http', 'ws')}://{parts.netloc}/ws/speak/{speaker.token}/"
