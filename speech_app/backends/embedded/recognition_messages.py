"""What the server and the recognition worker say to each other.

Positions are samples of one stream; audio is signed 16-bit PCM, mono, 16 000 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Open:
    """A new stream whose first sample has this position."""

    stream: int
    first_sample: int


@dataclass(frozen=True, slots=True)
class Audio:
    """The next audio of a stream."""

    stream: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    """No more audio comes; answered by `Finished` after all that was said."""

    stream: int


@dataclass(frozen=True, slots=True)
class Close:
    """Forget the stream at once."""

    stream: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is being said since `start`, so far."""

    stream: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """`[start, end)` was speech and says this; `text` is empty where no words were in it."""

    stream: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """No speech is pending before this position."""

    stream: int
    until: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The stream is done."""

    stream: int


Result = Hearing | Heard | Quiet | Finished
