"""What a listener notices and what the server uses, measured on the sample talk.

Run as `make bench`, best on a machine that has nothing else to do. The talk is played in real time
through the real sockets of a server of its own, into two languages, three times (`--once`: once).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

import django

LANGUAGES = ("es-ES", "pt-BR")


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play the talk once, not three times")
    runs = 1 if parser.parse_args().once else 3
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
        measure(database, folder, runs)


def measure(database: str, folder: Path, runs: int) -> None:
    """Start a server on this empty database, play the talk, print the figures."""
    # Django's models can be imported only now.
    from django.core.management import call_command

    from tests.bench.report import report
    from tests.bench.talk import Figures, Venue, play_talk
    from tests.conftest import launch

    call_command("migrate", verbosity=0)
    join_code, token = _event()
    server = launch(database, folder)
    venue = Venue(server.socket_url, server.process.pid, join_code, token)
    figures = Figures()
    loads = []
    try:
        for run in range(runs):
            print(f"Playing the sample talk, {run + 1} of {runs} …", file=sys.stderr)
            asyncio.run(play_talk(venue, LANGUAGES, figures))
            loads.append(os.getloadavg()[0])
    finally:
        server.stop()
    report(figures, loads)


def _event() -> tuple[str, str]:
    """Join code and speaker's token of an event into the languages of this bench."""
    from sessions_app.models import Avatar, Event, EventLanguage, Language, Speaker

    event = Event.objects.create(title="Bench", avatar=Avatar.objects.filter(kind="drawn")[0])
    event.source_languages.add(Language.objects.get(code="en-US"))
    for language in Language.objects.filter(code__in=LANGUAGES):
        EventLanguage.objects.create(event=event, language=language)
    return event.join_code, Speaker.objects.create(event=event, name="Bench").token


if __name__ == "__main__":
    main()
