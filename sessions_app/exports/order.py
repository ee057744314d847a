"""What somebody wants to have exported, and the files that makes."""

from __future__ import annotations

import io
import tempfile
import threading
import time
import zipfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import IO

from django.db.models import QuerySet
from django.utils import timezone

from sessions_app.exports import FORMATS
from sessions_app.exports.base import Format
from sessions_app.exports.names import number_again, safe
from sessions_app.exports.transcript import Transcript, Wanted, columns_of
from sessions_app.models import CaptionStream, Language, LiveSession

ZIP_CONTENT_TYPE = "application/zip"
MOST_SESSIONS = 100
"""In one order."""
_CHUNK = 64 * 1024

_one_at_a_time = threading.Lock()
"""Writing a file takes a core for seconds, of a process in which others may be talking."""


class NothingToExport(Exception):
    """None of the chosen sessions has text in any of the chosen languages."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of an order, not yet written."""

    name: str
    format: Format
    transcript: Transcript

    def write(self, file: IO[bytes]) -> None:
        with _one_at_a_time:
            self.format.write(self.transcript, file)

    def chunks(self) -> Generator[bytes]:
        """The file as bytes; it is complete on this machine's disk before the first are given.

        So a slow recipient keeps no query open, and who has got a beginning gets the end.
        """
        with tempfile.TemporaryFile() as written:
            self.write(written)
            written.seek(0)
            while chunk := written.read(_CHUNK):
                yield chunk


@dataclass(frozen=True, slots=True)
class Order:
    """Sessions by their primary keys, formats by their keys, languages by their codes.

    `side_by_side` puts the languages, two of them, beside each other into one file. Raises
    ValueError for an order that nobody can carry out.
    """

    sessions: tuple[int, ...]
    formats: tuple[str, ...]
    languages: tuple[str, ...]
    side_by_side: bool
    wanted: Wanted

    def __post_init__(self) -> None:
        if not self.sessions:
            raise ValueError("Choose at least one session.")
        if len(self.sessions) > MOST_SESSIONS:
            raise ValueError(f"Choose at most {MOST_SESSIONS} sessions at a time.")
        if not self.formats or not set(self.formats) <= FORMATS.keys():
            raise ValueError("Choose at least one format.")
        if not self.languages:
            raise ValueError("Choose at least one language.")
        if self.side_by_side and len(self.languages) != 2:
            raise ValueError("Choose exactly two languages to have them side by side.")
        unable = [
            FORMATS[key].label
            for key in self.formats
            if self.side_by_side and not FORMATS[key].side_by_side
        ]
        if unable:
            raise ValueError(f"Two languages side by side do not fit into: {', '.join(unable)}.")

    def files(self) -> list[File]:
        """What is to be written. Raises NothingToExport.

        A session without text in one of the languages has no file in it.
        """
        sessions = list(_sessions(self.sessions))
        spoken = languages_of(sessions)
        known = {row.code: row for row in Language.objects.filter(code__in=self.languages)}
        files: list[File] = []
        taken: set[str] = set()
        folders: set[str] = set()
        for session in sessions:
            has = [code for code in self.languages if code in spoken[session.pk]]
            groups = [has] if self.side_by_side else [[code] for code in has]
            folder = ""
            if len(sessions) > 1 and any(groups):
                folder = number_again(_name(session), folders) + "/"
            for codes in filter(None, groups):
                transcript = Transcript(session, columns_of(session, codes, known), self.wanted)
                for key in self.formats:
                    name = f"{folder}{_name(session)} {' '.join(codes)}"
                    name = number_again(name, taken, f".{key}")
                    files.append(File(name, FORMATS[key], transcript))
        if not files:
            raise NothingToExport(
                "None of these sessions has any text in the chosen languages yet."
            )
        return files


def languages_of(sessions: Sequence[LiveSession]) -> dict[int, list[str]]:
    """The codes of the languages each session has text in, by its primary key."""
    found: dict[int, list[str]] = {session.pk: [] for session in sessions}
    streams = CaptionStream.objects.filter(session__in=sessions).order_by("language")
    for session, language in streams.values_list("session_id", "language"):
        found[session].append(language)
    return found


def zip_name(files: Sequence[File]) -> str:
    """What the ZIP of these files is called."""
    sessions = {file.transcript.session.pk: file.transcript.session for file in files}
    first = files[0].transcript.session
    if len(sessions) == 1:
        languages = {column.language for file in files for column in file.transcript.columns}
        return f"{_name(first)} {languages.pop() if len(languages) == 1 else 'transcripts'}.zip"
    one_event = len({session.event_id for session in sessions.values()}) == 1
    title = safe(first.event.title) if one_event else "Events"
    return f"{title} {timezone.localdate()} transcripts.zip"


def zip_chunks(files: Sequence[File]) -> Generator[bytes]:
    """A ZIP, given away while it is being made; never more than one file is kept, on disk."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, time.localtime()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as packed:
                for chunk in file.chunks():
                    packed.write(chunk)
                    if taken := pipe.take():
                        yield taken
    yield pipe.take()


class _Pipe(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        self._written += data  # type: ignore[arg-type]
        return len(data)  # type: ignore[arg-type]

    def take(self) -> bytes:
        written = bytes(self._written)
        self._written.clear()
        return written


def _sessions(keys: Sequence[int]) -> QuerySet[LiveSession]:
    sessions = LiveSession.objects.filter(pk__in=keys).order_by("started_at", "pk")
    return sessions.select_related("event", "speaker").prefetch_related("reviews")


def _name(session: LiveSession) -> str:
    """Such as `Annual meeting 2026-03-04 17-05`."""
    return f"{safe(session.event.title)} {timezone.localtime(session.started_at):%Y-%m-%d %H-%M}"
