"""The messages of both sockets as typed values: encoded here, read here.

Times are milliseconds, languages BCP 47 codes. Field names are those of the wire.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from sessions_app.models import Avatar, Event, Language, LiveSession, Translation
from sessions_app.models.catalogue import AvatarKind

MAX_TEXT_BYTES = 64 * 1024
"""A JSON message from a page is far shorter than this; the longest offers a video connection."""

MAX_CLIENT_NAME = 100
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""No database takes a NUL or half of a surrogate pair."""


class BadMessage(Exception):
    """What a client sent cannot be understood; the text says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A JSON text frame; each subclass is one row of the protocol."""

    type: ClassVar[str]

    def encode(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return encode_json({"type": self.type, **values})


def encode_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageItem:
    """A language as a page offers it."""

    code: str
    name: str
    native_name: str
    direction: str
    muted: bool = False

    @classmethod
    def of(cls, language: Language, *, muted: bool = False) -> LanguageItem:
        return cls(
            code=language.code,
            name=language.name,
            native_name=language.native_name,
            direction=language.direction,
            muted=muted,
        )

    @classmethod
    def offered(cls, event: Event) -> list[LanguageItem]:
        """What a listener of this event may choose."""
        muted = event.muted_languages()
        return [
            cls.of(language, muted=language.code in muted) for language in event.offered_languages()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvatarItem:
    """An avatar as a page draws it.

    A video has the character and style that are drawn in its place while it does not play.
    """

    kind: str
    name: str
    character: str
    style: str
    background_colour: str
    transparent: bool
    crop: bool

    @classmethod
    def of(cls, avatar: Avatar, *, video: bool = False) -> AvatarItem:
        """`video`: whether the video avatar is offered; where not, only its stand-in is."""
        values = {field.name: getattr(avatar, field.name) for field in fields(cls)}
        character, style = avatar.drawn
        kind = AvatarKind.VIDEO if video else AvatarKind.DRAWN
        return cls(**{**values, "kind": kind.value, "character": character, "style": style})


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Message):
    """Something went wrong, in plain words. `next_frame` tells a speaker where to go on."""

    type: ClassVar[str] = "problem"
    code: str
    message: str
    fatal: bool = False
    retry_after_s: int | None = None
    next_frame: int | None = None

    def encode(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        present = {name: value for name, value in values.items() if value is not None}
        return encode_json({"type": self.type, **present})


# To listeners


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(Message):
    type: ClassVar[str] = "joined"
    event: Title
    session: int | None
    state: str
    language: str
    languages: Sequence[LanguageItem]
    avatar: AvatarItem
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(Message):
    type: ClassVar[str] = "replayed"
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Message):
    type: ClassVar[str] = "history"
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialCaption(Message):
    type: ClassVar[str] = "caption"
    session: int
    language: str
    segment: int
    final: bool = False
    stable: str
    tail: str
    source: str
    source_language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalCaption(Message):
    type: ClassVar[str] = "caption"
    session: int
    language: str
    segment: int
    final: bool = True
    seq: int
    text: str | None
    source: str
    source_language: str
    start_ms: int
    end_ms: int
    corrected: bool

    @classmethod
    def of(cls, translation: Translation) -> FinalCaption:
        """The newest version of a translation that came from `Translation.objects.shown()`."""
        segment = translation.segment
        assert translation.seq is not None, "what is shown has a seq"
        source: str | None = translation.corrected_source  # type: ignore[attr-defined]
        text: str | None = translation.corrected_text  # type: ignore[attr-defined]
        corrected = text is not None or source is not None
        if text is None:
            spoken = translation.language == segment.source_language
            text = source if spoken and source is not None else translation.text
        return cls(
            session=translation.session_id,
            language=translation.language,
            segment=segment.number,
            seq=translation.seq,
            text=text,
            source=segment.text if source is None else source,
            source_language=segment.source_language,
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
            corrected=corrected,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange(Message):
    """To listeners; `session` is None while nothing has begun."""

    type: ClassVar[str] = "state"
    session: int | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages(Message):
    """To listeners, when a language was muted or is to be heard again."""

    type: ClassVar[str] = "languages"
    languages: Sequence[LanguageItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Message):
    """To listeners: what the organiser tells everybody now; "" nothing any more."""

    type: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat(Message):
    type: ClassVar[str] = "beat"
    session: int | None
    state: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechHeader:
    """What stands before the audio of a binary speech frame."""

    session: int
    language: str
    segment: int
    seq: int
    mime: str
    duration_ms: int
    visemes: Sequence[tuple[int, int]]

    def encode(self, audio: bytes) -> bytes:
        """The frame: uint32 big-endian length of the JSON header, the header, the audio."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        header = encode_json({"type": "speech", **values}).encode()
        return len(header).to_bytes(4, "big") + header + audio


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    """Where a browser finds a way through firewalls, as RTCPeerConnection takes it."""

    urls: Sequence[str]
    username: str = field(default="", repr=False)
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Message):
    """How the listener's video stands; fields that do not belong to the state are left out."""

    type: ClassVar[str] = "video"
    state: str
    position: int | None = None
    ice_servers: Sequence[IceServer] | None = None
    ticket: str | None = field(default=None, repr=False)
    expires_s: int | None = None
    sdp: str | None = None
    reason: str | None = None

    def encode(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        present = {name: value for name, value in values.items() if value is not None}
        return encode_json({"type": self.type, **present})


# To speakers


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLanguage:
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerEvent:
    title: str
    status: str
    source_languages: Sequence[NamedLanguage]
    languages: Sequence[NamedLanguage]
    listener_url: str

    @classmethod
    def of(cls, event: Event, spoken: Sequence[NamedLanguage], listener_url: str) -> SpeakerEvent:
        return cls(
            title=event.title,
            status=event.status,
            source_languages=spoken,
            languages=[
                NamedLanguage(code=language.code, name=language.name)
                for language in event.target_languages.order_by("name")
            ],
            listener_url=listener_url,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSession:
    id: int
    state: str
    rehearsal: bool

    @classmethod
    def of(cls, session: LiveSession) -> RunningSession:
        return cls(id=session.pk, state=session.state, rehearsal=session.rehearsal)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat:
    sample_rate: int = 16_000
    encoding: str = "s16le"
    channels: int = 1
    max_frame_bytes: int = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Message):
    type: ClassVar[str] = "ready"
    event: SpeakerEvent
    session: RunningSession | None
    audio: AudioFormat
    next_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerState(Message):
    type: ClassVar[str] = "state"
    session: int
    state: str
    next_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Message):
    type: ClassVar[str] = "ack"
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerCaption(Message):
    """What was heard, and its translations as far as they have come."""

    type: ClassVar[str] = "caption"
    session: int
    segment: int
    final: bool
    source_language: str
    source: str
    translations: Mapping[str, str | None]
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceSize(Message):
    type: ClassVar[str] = "audience"
    total: int
    languages: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag(Message):
    type: ClassVar[str] = "lag"
    seconds: float


# From both


class Received:
    """One JSON object from a client, read field by field. Every reader raises BadMessage."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_TEXT_BYTES:
            raise BadMessage("The message is too long.")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise BadMessage("A message must be JSON.") from None
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise BadMessage("A message must be a JSON object with a type.")
        if _UNSTORABLE.search(value["type"]):
            raise BadMessage("“type” holds characters that are no text.")
        self._value: dict[str, Any] = value
        self.type: str = value["type"]

    def text(self, name: str, *, default: str | None = None, most: int = 200) -> str:
        value = self._value.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value) > most or (not value and default is None):
            raise BadMessage(f"“{name}” must be a text of at most {most} characters.")
        if _UNSTORABLE.search(value):
            raise BadMessage(f"“{name}” holds characters that are no text.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._value.get(name, default)
        if not isinstance(value, bool):
            raise BadMessage(f"“{name}” must be true or false.")
        return value

    def number(self, name: str, *, default: int | None = None) -> int:
        return self._whole(self._value.get(name, default), name)

    def after(self) -> After | None:
        value = self._value.get("after")
        if value is None:
            return None
        if not isinstance(value, dict):
            raise BadMessage("“after” must be null or name a session and a seq.")
        return After(
            session=self._whole(value.get("session"), "after.session"),
            seq=self._whole(value.get("seq"), "after.seq"),
        )

    @staticmethod
    def _whole(value: object, name: str) -> int:
        # A bool is an int to Python; 2**53 is as far as a browser counts.
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise BadMessage(f"“{name}” must be a whole number from 0.")
        return value


@dataclass(frozen=True, slots=True)
class After:
    """The last caption a returning listener has."""

    session: int
    seq: int


@dataclass(frozen=True, slots=True)
class Join:
    """A listener's first message."""

    language: str
    after: After | None
    speech: bool
    rehearsal: str
    pin: str

    @classmethod
    def read(cls, received: Received) -> Join:
        return cls(
            language=received.text("language", most=35),
            after=received.after(),
            speech=received.flag("speech", default=True),
            rehearsal=received.text("rehearsal", default=""),
            pin=received.text("pin", default="", most=40).strip(),
        )


@dataclass(frozen=True, slots=True)
class Start:
    """A speaker goes live, or resumes."""

    client: str
    take_over: bool
    consent: bool
    source_language: str
    rehearsal: bool

    @classmethod
    def read(cls, received: Received) -> Start:
        return cls(
            client=received.text("client", most=MAX_CLIENT_NAME),
            take_over=received.flag("take_over", default=False),
            consent=received.flag("consent", default=False),
            source_language=received.text("source_language", most=35),
            rehearsal=received.flag("rehearsal", default=False),
        )


@dataclass(frozen=True, slots=True)
class VideoWish:
    """A listener wants the video, has it playing, or wants it no more.

    `behind_ms`: how long the page still speaks by other means once the video plays. `lost`: the
    video is given up because nothing came any more.
    """

    on: bool
    playing: bool
    behind_ms: int
    lost: bool

    @classmethod
    def read(cls, received: Received) -> VideoWish:
        return cls(
            on=received.flag("on", default=True),
            playing=received.flag("playing", default=False),
            behind_ms=received.number("behind_ms", default=0),
            lost=received.flag("lost", default=False),
        )
