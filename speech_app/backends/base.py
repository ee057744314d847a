"""What the Interpreter asks of a backend, and the values that pass between them.

Audio is signed 16-bit little-endian PCM, mono, 16 000 Hz. Positions in audio are counted in
samples from the first sample fed to a translator.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Worker processes import this module and know no Django.
    from sessions_app.messages import IceServer

SAMPLE_RATE = 16_000
"""Hz of the audio a translator is fed."""

AUTO = "auto"
"""Source language of a session in which the backend finds out what is spoken."""


class BackendError(Exception):
    """A backend cannot do what was asked; the text is written for the people in the room."""


class Overloaded(BackendError):
    """This machine already carries as many live speakers as it can."""


class LanguageUnavailable(BackendError):
    """The backend has no way from this source language to this target language, or no voice."""


class BackendDown(BackendError):
    """A worker or the service failed; trying again later may work."""


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice the backend has: `code` is the backend's own name for it."""

    code: str
    language: str
    name: str


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """A term as the event's organiser wants it.

    `keep` leaves the term as it is written in every language; otherwise `translations` gives it
    by language code. `say_as` is how a voice pronounces the written term ("" = as written).
    """

    term: str
    keep: bool = False
    say_as: str = ""
    translations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Partial:
    """What is being said now, not yet final.

    `translations` holds the newest full translation by language, flicker and all: what of it is
    shown is decided by `speech_app.partials`. Languages without one are absent.
    """

    start_sample: int
    source_language: str
    text: str
    translations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Final:
    """One finished stretch of speech, `[start_sample, end_sample)`. `key` names it in `Translated`.

    Every current target language follows as one `Translated` with the same key, in any order,
    except those that are the same language as the source. `confidence`, 0 to 1, is how sure
    recognition is of the text; None where the backend does not say, as with Azure, whose
    translation results have no such figure
    (https://github.com/Azure-Samples/cognitive-services-speech-sdk/issues/104).
    """

    key: int
    start_sample: int
    end_sample: int
    source_language: str
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Translated:
    """A final's text in one language; `text` is None where this language failed."""

    key: int
    language: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Silence:
    """No speech is pending before `until_sample`: that audio is dealt with. About once a second."""

    until_sample: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something failed and is being dealt with; `code` is a problem code of the protocol."""

    code: str
    message: str
    language: str | None = None


SpeechEvent = Partial | Final | Translated | Silence | Trouble


@dataclass(frozen=True, slots=True)
class Viseme:
    """A mouth shape (id 0–21 as Azure numbers them) from `offset_ms` after the first sample on."""

    offset_ms: int
    viseme: int


@dataclass(frozen=True, slots=True)
class Speech:
    """A synthesised sentence: MP3, 24 kHz mono, and its mouth shapes sorted by time."""

    audio: bytes
    mime: str
    duration_ms: int
    visemes: Sequence[Viseme]


def same_language(one: str, other: str) -> bool:
    """Whether text in one serves readers of the other: en-US and en-GB do, zh-CN and zh-TW not."""
    first, second = one.split("-", maxsplit=1)[0], other.split("-", maxsplit=1)[0]
    return one == other or (first == second and first not in ("zh", "sr"))


class SpeechTranslator(Protocol):
    """One continuous recognition with all target languages, owned by one Interpreter."""

    def feed(self, pcm: bytes) -> None:
        """Take 1–1000 ms of audio. Never blocks, never fails: failures come as events."""

    def events(self) -> AsyncIterator[SpeechEvent]:
        """Everything heard, in order of recognition; ends after `finish` or `close`."""

    async def add_language(self, language: str) -> None:
        """Translate into this language from the next final on. Raises LanguageUnavailable."""

    async def remove_language(self, language: str) -> None:
        """Stop translating into this language."""

    async def set_source_language(self, language: str) -> None:
        """What is spoken from here on. Raises LanguageUnavailable."""

    async def finish(self) -> None:
        """Finish and emit what was said so far, then end the events."""

    async def close(self) -> None:
        """End now and free every worker slot; may be called twice."""


class TextTranslator(Protocol):
    """Translates whole written sentences."""

    async def translate(
        self, text: str, source: str, target: str, glossary: Sequence[GlossaryEntry] = ()
    ) -> str:
        """The text in `target`. Raises LanguageUnavailable or BackendDown."""


class Synthesizer(Protocol):
    """Turns a sentence into a voice with mouth shapes."""

    async def synthesize(
        self,
        text: str,
        language: str,
        voice: str,
        rate: float = 1.0,
        glossary: Sequence[GlossaryEntry] = (),
    ) -> Speech:
        """Speak `text`; `rate` 1.0 is the voice's own, 1.25 a quarter faster.

        Cancelling the awaiting task stops the work. Raises LanguageUnavailable or BackendDown.
        """


class VideoRefused(BackendError):
    """The service lets no more video connections begin for the moment."""


@dataclass(frozen=True, slots=True)
class VideoKey:
    """What a video avatar speaks: one language of one live session."""

    session: int
    language: str


@dataclass(frozen=True, slots=True)
class VideoLook:
    """The figure to be shown and the backend's code of its voice.

    `custom_id` names an avatar of one's own, whose built-in voice is used where asked for.
    `background_colour` is #RRGGBBAA; `transparent` means pure green, for the page to take out.
    """

    character: str
    style: str
    custom_id: str
    use_built_in_voice: bool
    background_colour: str
    transparent: bool
    crop: bool
    voice: str


class VideoAvatar(Protocol):
    """One viewer's seat at a video avatar; several seats may share one connection.

    `answer` is the SDP answer to the viewer's offer, as base64 of JSON. `lost` is set once the
    connection is gone, whoever ended it: it never comes back.
    """

    answer: str
    lost: asyncio.Event

    async def speak(
        self, segment: int, text: str, rate: float, glossary: Sequence[GlossaryEntry]
    ) -> None:
        """Say a segment's text, once however many seats ask; returns when it has been said.

        Raises BackendError; where `lost` is set then, nothing more will be said.
        """

    async def interrupt(self) -> None:
        """Stop what is being said; the connection stays."""

    async def close(self) -> None:
        """Give the seat up, and the connection with the last one; may be called twice."""


class VideoAvatars(Protocol):
    """Video avatars of a backend. `resource` names the account whose limits count."""

    resource: str

    async def ice_servers(self) -> Sequence[IceServer]:
        """What a viewer's browser needs to reach the video. Raises BackendDown."""

    async def take_seat(self, key: VideoKey, look: VideoLook, offer: str) -> VideoAvatar:
        """Connect a viewer by the SDP offer of its browser, as base64 of JSON.

        Cancelling the awaiting task gives the seat up. Raises VideoRefused or BackendDown.
        """


class Backend(Protocol):
    """Where recognition, translation and voices come from."""

    name: str

    def source_languages(self) -> Sequence[str]:
        """Codes of the languages it recognises, best first; may include `auto`."""

    def target_languages(self, source: str) -> Sequence[str]:
        """Codes it can translate into from `source`, on this machine as it is now."""

    def voices(self) -> Sequence[VoiceInfo]:
        """Every voice it can speak with."""

    async def open_translator(
        self,
        source: str,
        targets: Sequence[str],
        glossary: Sequence[GlossaryEntry] = (),
        candidates: Sequence[str] = (),
    ) -> SpeechTranslator:
        """One live session's translator. Raises Overloaded, LanguageUnavailable, BackendDown.

        Where the source is `auto`, `candidates` are the languages that may be spoken.
        """

    def text_translator(self) -> TextTranslator: ...

    def synthesizer(self) -> Synthesizer: ...

    def video_avatars(self) -> VideoAvatars | None:
        """None where the backend has no video."""

    def problems(self) -> Sequence[str]:
        """What is missing on this machine, each with its remedy, in plain words."""

    async def close(self) -> None:
        """Stop every worker. The backend starts again on next use."""
