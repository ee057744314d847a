"""Session time as people and files write it."""

from __future__ import annotations


def clock(ms: int) -> str:
    """Milliseconds as people write them: 1:02:03, or 2:03."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def timecode(ms: int, separator: str) -> str:
    """Milliseconds as subtitles write them: 01:02:03,456 with a comma as the separator."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{ms:03}"
