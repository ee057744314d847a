"""A voice that can be heard and measured: a buzz per word, as long as its letters. Pure."""

from __future__ import annotations

import io
import re
import wave
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from tests.azure_emulator.recordings import is_spaced
from tests.azure_emulator.ssml import Unspeakable, Utterance

LETTER_MS = 65
"""About 15 letters a second, as a newsreader speaks."""
SIGN_MS = 150
"""Of a language without spaces: one sign is about a syllable."""
GAP_MS = 40
LEAD_MS = 50
TAIL_MS = 150
REST = 0
_MOUTHS = {
    **dict.fromkeys("a", 2),
    **dict.fromkeys("eé", 4),
    **dict.fromkeys("iíy", 6),
    **dict.fromkeys("oó", 8),
    **dict.fromkeys("uúw", 7),
    **dict.fromkeys("h", 12),
    **dict.fromkeys("r", 13),
    **dict.fromkeys("l", 14),
    **dict.fromkeys("szc", 15),
    **dict.fromkeys("j", 16),
    **dict.fromkeys("fv", 18),
    **dict.fromkeys("dtn", 19),
    **dict.fromkeys("kgqx", 20),
    **dict.fromkeys("pbm", 21),
}


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Sound:
    """16-bit mono samples at `rate` Hz, its words and its mouth shapes (ms, id)."""

    samples: NDArray[np.int16]
    rate: int
    words: Sequence[SpokenWord]
    visemes: Sequence[tuple[float, int]]

    @property
    def duration_ms(self) -> float:
        return 1000 * len(self.samples) / self.rate


def speak(utterance: Utterance, rate: int) -> Sound:
    """The sound of an utterance; without words it is empty."""
    spaced = is_spaced(utterance.language) and not re.search(r"[぀-ヿ一-鿿]", utterance.sounds)
    letter_ms = (LETTER_MS if spaced else SIGN_MS) / utterance.rate
    pieces = re.findall(r"[\w'’-]+" if spaced else r"\w{1,2}", utterance.sounds)
    words: list[SpokenWord] = []
    visemes: list[tuple[float, int]] = [(0.0, REST)]
    at = float(LEAD_MS)
    for piece in pieces:
        words.append(SpokenWord(piece, at, at + letter_ms * len(piece)))
        visemes += [
            (at + letter_ms * index, _MOUTHS.get(letter, 1 + ord(letter) % 21))
            for index, letter in enumerate(piece.lower())
        ]
        at += letter_ms * len(piece) + GAP_MS / utterance.rate
    if not words:
        return Sound(np.zeros(0, np.int16), rate, [], [])
    visemes.append((at, REST))
    length_ms = at + TAIL_MS + utterance.pause_ms
    samples = np.zeros(round(length_ms * rate / 1000), np.float64)
    pitch = 110 + zlib.crc32(utterance.voice.encode()) % 110
    for word in words:
        first, end = (round(each * rate / 1000) for each in (word.start_ms, word.end_ms))
        time = np.arange(end - first) / rate
        buzz = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 6))
        letters = 0.6 + 0.4 * np.sin(np.pi * 1000 * time / letter_ms) ** 2
        samples[first:end] = buzz * letters * np.minimum(1, 40 * np.minimum(time, time[::-1]))
    return Sound((samples * 6000).astype(np.int16), rate, words, visemes)


@dataclass(frozen=True, slots=True)
class Format:
    """An output format of the service, such as `audio-24khz-48kbitrate-mono-mp3`."""

    container: str
    rate: int
    bits_per_second: int

    @property
    def content_type(self) -> str:
        return "audio/mpeg" if self.container == "mp3" else "audio/x-wav"


def read_format(name: str) -> Format:
    """Raises Unspeakable for formats the emulator cannot make."""
    if match := re.fullmatch(r"audio-(\d+)khz-(\d+)kbitrate-mono-mp3", name):
        return Format("mp3", 1000 * int(match[1]), 1000 * int(match[2]))
    if match := re.fullmatch(r"(raw|riff)-(8|16|24|48)khz-16bit-mono-pcm", name):
        return Format(match[1], 1000 * int(match[2]), 16_000 * int(match[2]))
    raise Unspeakable(f"The emulator cannot make {name}.")


def encode(sound: Sound, output: Format) -> bytes:
    """The sound in the format asked for."""
    if output.container == "raw":
        return sound.samples.tobytes()
    file = io.BytesIO()
    if output.container == "riff":
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(sound.rate)
            writer.writeframes(sound.samples.tobytes())
        return file.getvalue()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=sound.rate)
        stream.bit_rate = output.bits_per_second
        stream.layout = "mono"
        for start in range(0, len(sound.samples), 1152):
            part = sound.samples[start : start + 1152].reshape(1, -1)
            frame = AudioFrame.from_ndarray(part, format="s16p", layout="mono")
            frame.sample_rate = sound.rate
            frame.time_base = Fraction(1, sound.rate)
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
