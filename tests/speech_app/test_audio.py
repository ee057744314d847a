from __future__ import annotations

import array
import io
import math
import wave
from itertools import pairwise
from pathlib import Path

import av
import pytest

from speech_app.audio import NotAudio, duration_ms, mp3, read_recording, wav

SAMPLE_TALK = Path(__file__).parents[2] / "static/audio/quarterly-update.en.wav"


def tone(seconds: float, rate: int, hertz: float = 440.0) -> bytes:
    return array.array(
        "h",
        [
            round(12000 * math.sin(2 * math.pi * hertz * i / rate))
            for i in range(round(seconds * rate))
        ],
    ).tobytes()


def frequency(pcm: bytes, rate: int) -> float:
    samples = memoryview(pcm).cast("h")
    rises = sum(1 for a, b in pairwise(samples) if a < 0 <= b)
    return rises * rate / len(samples)


def test_wav_holds_the_pcm_it_was_given() -> None:
    pcm = tone(0.1, 16_000)
    with wave.open(io.BytesIO(wav(pcm, 16_000))) as reader:
        assert (reader.getframerate(), reader.getnchannels()) == (16_000, 1)
        assert reader.readframes(reader.getnframes()) == pcm


def test_duration() -> None:
    assert duration_ms(bytes(2 * 24_000), 24_000) == 1000
    assert duration_ms(b"") == 0


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000])
def test_mp3_is_24_khz_mono_48_kbit_and_sounds_like_what_went_in(rate: int) -> None:
    encoded = mp3(tone(1.0, rate), rate)
    with av.open(io.BytesIO(encoded)) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.channels, stream.codec.name) == (24_000, 1, "mp3float")
        assert stream.bit_rate == 48_000
    decoded = b"".join(read_recording(io.BytesIO(encoded)))
    assert abs(duration_ms(decoded) - 1000) <= 2
    assert abs(frequency(decoded, 16_000) - 440) < 5


def test_a_recording_is_read_in_even_chunks_of_16_khz_pcm() -> None:
    chunks = list(read_recording(str(SAMPLE_TALK), chunk_ms=100))
    assert {len(chunk) for chunk in chunks[:-1]} == {3200}
    assert 0 < len(chunks[-1]) <= 3200
    with wave.open(str(SAMPLE_TALK)) as reader:
        assert b"".join(chunks) == reader.readframes(reader.getnframes())


def test_a_stereo_recording_of_another_rate_becomes_16_khz_mono() -> None:
    mono = tone(0.5, 44_100)
    stereo = b"".join(mono[i : i + 2] * 2 for i in range(0, len(mono), 2))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(44_100)
        writer.writeframes(stereo)
    file.seek(0)
    pcm = b"".join(read_recording(file))
    assert abs(duration_ms(pcm) - 500) <= 2
    assert abs(frequency(pcm, 16_000) - 440) < 5


def test_a_long_recording_is_not_read_before_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    with wave.open(str(file), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        for _ in range(600):
            writer.writeframes(bytes(32_000))
    with file.open("rb") as opened:
        chunks = read_recording(opened)
        assert next(chunks) == bytes(3200)
        assert opened.tell() < 1_000_000
        chunks.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"This is a letter, not a recording. " * 50,
        bytes(i * i * 7919 % 251 for i in range(20_000)),
    ],
    ids=["nothing", "text", "noise"],
)
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(NotAudio):
        list(read_recording(io.BytesIO(content)))


def test_a_picture_without_sound_is_refused() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    file.seek(0)
    with pytest.raises(NotAudio):
        list(read_recording(file))


def test_a_recording_that_breaks_off_gives_what_there_is() -> None:
    whole = wav(tone(1.0, 16_000))
    pcm = b"".join(read_recording(io.BytesIO(whole[:16_044])))
    assert duration_ms(pcm) == 500
