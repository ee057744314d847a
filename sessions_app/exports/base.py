"""What every format of an export is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from sessions_app.exports.transcript import Transcript

Write = Callable[[Transcript, IO[bytes]], None]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: `write(transcript, file)` writes one.

    `key` is its name in addresses and commands and the file's extension. Transcripts in two
    languages go only to formats that have them `side_by_side`.
    """

    key: str
    label: str
    content_type: str
    side_by_side: bool
    write: Write
