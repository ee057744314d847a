"""Plain text, to read or to paste elsewhere; two languages beneath each other."""

from __future__ import annotations

from typing import IO

from sessions_app.clock import clock
from sessions_app.exports.base import Format
from sessions_app.exports.transcript import LEFT_OUT, Line, Transcript


def write(transcript: Transcript, file: IO[bytes]) -> None:
    """UTF-8 with LF."""
    head = "\n".join([transcript.title, *transcript.facts()])
    file.write(f"{head}\n\n".encode())
    for line in transcript.passages():
        file.write(f"{_passage(transcript, line)}\n".encode())


def _passage(transcript: Transcript, line: Line | None) -> str:
    if line is None:
        return LEFT_OUT
    time = f"[{clock(line.start_ms)}]"
    if len(line.texts) == 1:
        return f"{time} {line.texts[0]}"
    texts = [
        f"{column.language}: {LEFT_OUT if text.shown is None else text}"
        for column, text in zip(transcript.columns, line.texts, strict=True)
    ]
    return "\n".join([time, *texts, ""])


FORMAT = Format("txt", "Plain text (TXT)", "text/plain; charset=utf-8", True, write)
