"""PCM, WAV, MP3 and recordings. PCM is signed 16-bit little-endian, mono."""

from __future__ import annotations

import io
import wave
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import IO

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from speech_app.backends.base import SAMPLE_RATE

BYTES_PER_SAMPLE = 2
MP3_RATE = 24_000
MP3_BITS_PER_SECOND = 48_000


class NotAudio(ValueError):
    """What should be a recording holds no audio that can be read."""


def duration_ms(pcm: bytes, rate: int = SAMPLE_RATE) -> int:
    """Length of PCM in milliseconds."""
    return round(1000 * (len(pcm) // BYTES_PER_SAMPLE) / rate)


def wav(pcm: bytes, rate: int = SAMPLE_RATE) -> bytes:
    """PCM as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(BYTES_PER_SAMPLE)
        writer.setframerate(rate)
        writer.writeframes(pcm)
    return file.getvalue()


def mp3(pcm: bytes, rate: int) -> bytes:
    """PCM of any rate as MP3: 24 kHz, mono, 48 kbit/s, which every browser decodes."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=MP3_RATE)
        stream.bit_rate = MP3_BITS_PER_SECOND
        stream.layout = "mono"
        resampler = AudioResampler(format="s16p", layout="mono", rate=MP3_RATE)
        for frame in [*resampler.resample(_frame(pcm, rate)), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def read_recording(file: str | IO[bytes], chunk_ms: int = 100) -> Generator[bytes, None, None]:
    """The audio of a recording of any format, as 16 kHz PCM in chunks of `chunk_ms`.

    It is read as it is needed, so its length does not matter. The last chunk may be shorter.
    Raises NotAudio, also in the middle where a file is damaged before any audio.
    """
    size = BYTES_PER_SAMPLE * SAMPLE_RATE * chunk_ms // 1000
    waiting = bytearray()
    heard = False
    try:
        with av.open(file, "r") as container:
            if not container.streams.audio:
                raise NotAudio("This file has no sound in it.")
            for pcm in _decode(container):
                heard = True
                waiting += pcm
                while len(waiting) >= size:
                    yield bytes(waiting[:size])
                    del waiting[:size]
    except FFmpegError as error:
        if not heard:
            raise NotAudio("This file is not a recording that can be played.") from error
    if not heard:
        raise NotAudio("This file has no sound in it.")
    if waiting:
        yield bytes(waiting)


def _decode(container: av.container.InputContainer) -> Iterator[bytes]:
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    for frame in container.decode(audio=0):
        # Recordings of phones carry gaps in their time stamps, which the resampler would refuse.
        frame.pts = None
        for resampled in resampler.resample(frame):
            yield _pcm(resampled)
    for resampled in resampler.resample(None):
        yield _pcm(resampled)


def _pcm(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: BYTES_PER_SAMPLE * frame.samples]


def _frame(pcm: bytes, rate: int) -> AudioFrame:
    frame = AudioFrame(format="s16", layout="mono", samples=len(pcm) // BYTES_PER_SAMPLE)
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    frame.pts = 0
    frame.planes[0].update(pcm.ljust(frame.planes[0].buffer_size, b"\0"))
    return frame
