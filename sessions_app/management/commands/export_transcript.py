"""`manage.py export_transcript`: transcripts as files, without a browser."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from sessions_app.exports import FORMATS
from sessions_app.exports.order import NothingToExport, Order, languages_of, zip_chunks
from sessions_app.exports.transcript import Wanted
from sessions_app.models import Event, LiveSession


class Command(BaseCommand):
    help = "Writes transcripts of an event's sessions, or of some sessions, and prints their names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("join_code", nargs="?", help="of the event; without its rehearsals")
        chosen.add_argument(
            "--session", type=int, action="append", help="a session's number; may be repeated"
        )
        parser.add_argument(
            "--format", choices=list(FORMATS), action="append", help="may be repeated; else all"
        )
        parser.add_argument("--language", action="append", help="a code; may be repeated; else all")
        parser.add_argument(
            "--side-by-side", action="store_true", help="two languages beside each other"
        )
        parser.add_argument(
            "--text",
            choices=Wanted.values,
            default=Wanted.ALL.value,
            help="all text, with machine text marked, or only what is reviewed",
        )
        parser.add_argument(
            "--output",
            type=Path,
            default=Path(),
            help="an existing folder (else this one), or the name of a ZIP to write",
        )

    def handle(self, *args: Any, output: Path, **options: Any) -> None:
        if output.suffix != ".zip" and not output.is_dir():
            raise CommandError(f"There is no folder {output}. Create it, or name a .zip file.")
        sessions = list(_sessions(options["join_code"], options["session"]))
        found = {code for codes in languages_of(sessions).values() for code in codes}
        languages = options["language"] or sorted(found)
        if not languages:
            raise CommandError("Nothing has been said in these sessions yet.")
        try:
            files = Order(
                sessions=tuple(session.pk for session in sessions),
                formats=tuple(options["format"] or FORMATS),
                languages=tuple(languages),
                side_by_side=options["side_by_side"],
                wanted=Wanted(options["text"]),
            ).files()
        except (ValueError, NothingToExport) as refused:
            raise CommandError(str(refused)) from refused
        if output.suffix == ".zip":
            with output.open("wb") as archive:
                for chunk in zip_chunks(files):
                    archive.write(chunk)
            self.stdout.write(str(output))
            return
        for file in files:
            path = output / file.name
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as written:
                file.write(written)
            self.stdout.write(str(path))


def _sessions(join_code: str | None, keys: list[int] | None) -> QuerySet[LiveSession]:
    if join_code is None:
        wanted = set(keys or ())
        sessions = LiveSession.objects.filter(pk__in=wanted)
        missing = wanted - set(sessions.values_list("pk", flat=True))
        if missing:
            raise CommandError(f"There is no session {', '.join(map(str, sorted(missing)))}.")
        return sessions
    event = Event.with_join_code(join_code)
    if event is None:
        raise CommandError(f"There is no event with the join code {join_code}.")
    return event.live_sessions.filter(rehearsal=False)
