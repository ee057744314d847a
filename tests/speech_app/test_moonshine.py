"""The English model without its own library."""

from __future__ import annotations

import numpy as np
import pytest

from speech_app.backends.embedded.moonshine import Moonshine, _tokens

from .embedded import sample_sentences, sample_talk, words

pytestmark = pytest.mark.embedded


def test_tokens_are_read_with_short_and_long_lengths_and_without_marks() -> None:
    long = b"x" * 300
    content = b"\x00" + b"\x03<s>" + b"\x01<" + b"\x04\xe2\x96\x81a" + bytes([128 + 44, 2]) + long
    assert list(_tokens(content)) == [b"", b"", b"<", b"\xe2\x96\x81a", long]


@pytest.fixture(scope="module")
def model() -> Moonshine:
    from moonshine_voice.utils import get_model_path

    return Moonshine(get_model_path("tiny-en"))


def test_it_hears_what_the_wheels_own_library_hears(model: Moonshine) -> None:
    from moonshine_voice import ModelArch, Transcriber
    from moonshine_voice.utils import get_model_path

    library = Transcriber(
        get_model_path("tiny-en"),
        ModelArch.TINY,
        options={"return_audio_data": "false", "vad_threshold": "0.0"},
    )
    talk = np.frombuffer(sample_talk(), dtype="<i2").astype(np.float32) / np.float32(32_768)
    for start_ms, end_ms, _ in sample_sentences()[:4]:
        samples = talk[16 * start_ms - 5_600 : 16 * end_ms + 8_000]
        transcript = library.transcribe_without_streaming(samples.tolist(), 16_000)
        assert model.recognise(samples).text == " ".join(line.text for line in transcript.lines)


def test_it_is_less_sure_of_less(model: Moonshine) -> None:
    talk = np.frombuffer(sample_talk(), dtype="<i2").astype(np.float32) / np.float32(32_768)
    rng = np.random.default_rng(1)
    start_ms, end_ms, said = sample_sentences()[4]
    speech = talk[16 * start_ms - 5_600 : 16 * end_ms + 8_000]
    noise = rng.standard_normal(len(speech)).astype(np.float32)
    heard = [model.recognise(speech + level * noise) for level in (0.0, 0.06, 0.2)]
    confidences = [one.confidence for one in heard]
    assert words(heard[0].text) == words(said)
    assert 1 > confidences[0] > confidences[1] > confidences[2] > 0


def test_what_it_makes_of_noise_is_no_longer_than_speech(model: Moonshine) -> None:
    rng = np.random.default_rng(1)
    seconds = 6
    noise = 0.1 * rng.standard_normal(seconds * 16_000).astype(np.float32)
    assert 0 < len(model.recognise(noise).text.split()) <= 6.5 * seconds
