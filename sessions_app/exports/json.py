"""Everything that is known of each segment, for programs: docs/transcript-schema.json."""

from __future__ import annotations

import json
from typing import IO, Any

from sessions_app.exports.base import Format
from sessions_app.exports.transcript import Column, Line, Transcript

VERSION = 1
"""Rises when something is taken away or means something else; additions leave it as it is."""


def write(transcript: Transcript, file: IO[bytes]) -> None:
    """UTF-8, one segment on each line."""
    session = transcript.session
    head = {
        "version": VERSION,
        "event": session.event.title,
        "session": session.pk,
        "rehearsal": session.rehearsal,
        "state": session.state,
        "started_at": session.started_at.isoformat(),
        "ended_at": session.ended_at and session.ended_at.isoformat(),
        "speaker": transcript.speaker or None,
        "text": transcript.wanted.value,
        "languages": [_language(column) for column in transcript.columns],
    }
    # The segments follow one by one: a long talk need not fit into memory.
    file.write(_encode(head)[:-1] + b',"segments":[')
    before = b"\n"
    for line in transcript.lines():
        file.write(before + _encode(_segment(transcript, line)))
        before = b",\n"
    file.write(b"\n]}\n")


def _language(column: Column) -> dict[str, Any]:
    return {
        "code": column.language,
        "name": column.name,
        "direction": "rtl" if column.right_to_left else "ltr",
        "review": column.review.value,
    }


def _segment(transcript: Transcript, line: Line) -> dict[str, Any]:
    return {
        "number": line.number,
        "start_ms": line.start_ms,
        "end_ms": line.end_ms,
        "source_language": line.source_language,
        "texts": {
            column.language: {
                "text": text.shown,
                "state": text.state.value,
                "machine_text": text.machine,
            }
            for column, text in zip(transcript.columns, line.texts, strict=True)
        },
    }


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


FORMAT = Format("json", "Data for programs (JSON)", "application/json", True, write)
