"""What the server and the recognition worker say to each other.

Positions are samples of one stream; audio is signed 16-bit PCM, mono, 16 000 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the model makes of some audio, and how sure it is, from 0 to 1.

    `confidence` is the mean of the words' probabilities, each the product of those of its parts.
    What it is worth: `tests.bench.confidence`.
    """

    text: str
    confidence: float


NO_WORDS = Recognised("", 0.0)


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
    """`[start, end)` was speech and says this; `text` is empty where no words were in it.

    `confidence`, 0 to 1, is that of `Recognised`.
    """

    stream: int
    start: int
    end: int
    text: str
    confidence: float


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
