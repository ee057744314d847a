"""A table for spreadsheets, a row for each segment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import IO

from sessions_app.clock import timecode
from sessions_app.exports.base import Format
from sessions_app.exports.transcript import Transcript

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write(transcript: Transcript, file: IO[bytes]) -> None:
    """UTF-8 with the mark at its start by which spreadsheets know it, and CRLF (RFC 4180)."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    rows = csv.writer(text)
    heads = [
        head for column in transcript.columns for head in (column.language, f"{column.language} is")
    ]
    rows.writerow(safe_row(["number", "start", "end", "spoken in", *heads]))
    for line in transcript.lines():
        cells = [cell for said in line.texts for cell in (str(said), said.state.value)]
        times = (timecode(line.start_ms, "."), timecode(line.end_ms, "."))
        rows.writerow(safe_row([line.number, *times, line.source_language, *cells]))
    text.detach()


def safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one that looks like it gets a ' before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def safe_row(cells: Iterable[object]) -> list[object]:
    """A table's row, or its heads, in which every text is a safe cell."""
    return [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]


FORMAT = Format("csv", "Table for spreadsheets (CSV)", "text/csv; charset=utf-8", True, write)
