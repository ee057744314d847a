"""What the server and the voice worker say to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speech_app.backends.base import Viseme


@dataclass(frozen=True, slots=True)
class Speak:
    """Say plain text; `voice` is espeak's name, `language` a BCP 47 code."""

    number: int
    text: str
    voice: str
    language: str
    words_per_minute: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The speech is not wanted any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """MP3 and mouth shapes of one speech."""

    number: int
    mp3: bytes
    duration_ms: int
    visemes: Sequence[Viseme]


@dataclass(frozen=True, slots=True)
class Unspoken:
    """The speech failed."""

    number: int
    reason: str
