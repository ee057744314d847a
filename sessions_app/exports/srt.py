"""SubRip subtitles, which nearly every player reads."""

from __future__ import annotations

from typing import IO

from sessions_app.clock import timecode
from sessions_app.exports.base import Format
from sessions_app.exports.subtitles import cues
from sessions_app.exports.transcript import Transcript

_RIGHT_TO_LEFT, _END = "\u202b", "\u202c"


def write(transcript: Transcript, file: IO[bytes]) -> None:
    """UTF-8 with LF. SubRip knows no escapes: a text that looks like a tag is written as it is.

    Players take lines for left-to-right; in other languages each says otherwise.
    """
    rtl = transcript.columns[0].right_to_left
    for number, cue in enumerate(cues(transcript), 1):
        times = f"{timecode(cue.start_ms, ',')} --> {timecode(cue.end_ms, ',')}"
        lines = [f"{_RIGHT_TO_LEFT}{line}{_END}" if rtl else line for line in cue.lines]
        file.write("\n".join([str(number), times, *lines, "\n"]).encode())


FORMAT = Format("srt", "Subtitles (SRT)", "application/x-subrip; charset=utf-8", False, write)
