"""WebVTT subtitles, for video in web pages."""

from __future__ import annotations

from typing import IO

from sessions_app.clock import timecode
from sessions_app.exports.base import Format
from sessions_app.exports.subtitles import cues
from sessions_app.exports.transcript import Transcript

_RIGHT_TO_LEFT_MARK = "&rlm;"


def write(transcript: Transcript, file: IO[bytes]) -> None:
    """UTF-8 with LF. A line's first letter says its direction, so one that goes to the left has a
    mark before a foreign word or a number."""
    rtl = transcript.columns[0].right_to_left
    about = "\n".join(_escape(fact) for fact in [transcript.title, *transcript.facts()])
    file.write(f"WEBVTT\n\nNOTE\n{about}\n\n".encode())
    for number, cue in enumerate(cues(transcript), 1):
        times = f"{timecode(cue.start_ms, '.')} --> {timecode(cue.end_ms, '.')}"
        lines = [(_RIGHT_TO_LEFT_MARK if rtl else "") + _escape(line) for line in cue.lines]
        file.write("\n".join([str(number), times, *lines, "\n"]).encode())


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


FORMAT = Format("vtt", "Subtitles for the web (WebVTT)", "text/vtt; charset=utf-8", False, write)
