"""libespeak-ng through ctypes. Its state is global and it is GPL-3: worker process only."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import espeakng_loader

_SYNCHRONOUS = 2
_PHONEME_EVENTS_IPA_NO_EXIT = 1 | 2 | 0x8000
_BUFFER_MS = 100
_UTF8 = 1
_RATE = 1
_WORD_GAP = 7
_CHARACTER_POSITION = 1
_EVENT_END_OF_LIST = 0
_EVENT_PHONEME = 7
_OK = 0


class _EventId(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """PCM (signed 16-bit, mono, the library's rate) and its IPA phonemes by millisecond."""

    pcm: bytes
    phonemes: list[tuple[int, str]]


class Espeak:
    """The library, opened once per process."""

    def __init__(self) -> None:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, data, _PHONEME_EVENTS_IPA_NO_EXIT
        )
        if self.rate <= 0:
            raise OSError("espeak-ng does not find its data")
        self._library = library

    def speak(
        self, text: str, voice: str, words_per_minute: int, cancelled: Callable[[], bool]
    ) -> Utterance:
        """Say plain text; stops early where `cancelled`. Raises ValueError: no such voice."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != _OK:
            raise ValueError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        pcm = bytearray()
        phonemes: list[tuple[int, str]] = []

        def take(samples: ctypes._Pointer[ctypes.c_short], count: int, events: object) -> int:
            if samples and count > 0:
                pcm.extend(ctypes.string_at(samples, 2 * count))
            at = 0
            while events[at].type != _EVENT_END_OF_LIST:  # type: ignore[index]
                event = events[at]  # type: ignore[index]
                if event.type == _EVENT_PHONEME:
                    # Not `.string`: ctypes would stop reading at a NUL inside the eight bytes.
                    name = bytes(event.id)[:8].split(b"\0")[0].decode(errors="ignore")
                    phonemes.append((event.audio_position, name))
                at += 1
            return 1 if cancelled() else 0

        callback = _Callback(take)
        self._library.espeak_SetSynthCallback(callback)
        spoken = text.encode()
        self._library.espeak_Synth(
            spoken,
            ctypes.c_size_t(len(spoken) + 1),
            ctypes.c_uint(0),
            _CHARACTER_POSITION,
            ctypes.c_uint(0),
            ctypes.c_uint(_UTF8),
            None,
            None,
        )
        return Utterance(bytes(pcm), phonemes)
