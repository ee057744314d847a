"""What is told of audio by itself: how much is kept, what is loud, how late the service is."""

from __future__ import annotations

from array import array

import pytest

from speech_app.backends.azure.kept_audio import KeptAudio
from tests.clients import recorded

SECOND = 16_000


def tone(seconds: float, level: int) -> bytes:
    return array("h", [level, -level] * round(seconds * SECOND / 2)).tobytes()


def test_what_is_dealt_with_is_forgotten_and_the_rest_stays() -> None:
    audio = KeptAudio()
    pcm = recorded(0, 3_000)
    for position in range(0, len(pcm), 3200):
        audio.add(pcm[position : position + 3200], now=0.0)
    assert audio.between(0, audio.end) == pcm
    audio.forget_before(SECOND)
    assert (audio.start, audio.end) == (SECOND, 3 * SECOND)
    assert audio.between(0, 2 * SECOND) == pcm[2 * SECOND : 4 * SECOND]
    audio.forget_before(SECOND // 2)
    assert audio.start == SECOND
    audio.forget_before(9 * SECOND)
    assert (audio.start, audio.between(0, audio.end)) == (3 * SECOND, b"")


@pytest.mark.parametrize("chunk_ms", [1, 33, 100, 1000])
def test_speech_is_loud_wherever_frames_are_cut(chunk_ms: int) -> None:
    audio = KeptAudio()
    pcm = recorded(0, 2_000)
    for position in range(0, len(pcm), 32 * chunk_ms):
        audio.add(pcm[position : position + 32 * chunk_ms], now=0.0)
    first = audio.first_loud()
    assert first is not None
    assert first / 16 == pytest.approx(500, abs=60)


def test_the_steady_noise_of_a_room_is_no_speech_once_it_is_known() -> None:
    audio = KeptAudio()
    audio.add(tone(1, 400), now=0.0)
    assert audio.first_loud() == 0
    for _ in range(12):
        audio.add(tone(1, 400), now=0.0)
    known = 11 * SECOND
    audio.forget_before(known)
    assert audio.first_loud() is None
    audio.add(tone(0.5, 2000), now=0.0)
    assert audio.first_loud() == 13 * SECOND
    assert audio.loud_samples(audio.end) == SECOND // 2


def test_the_echo_of_a_final_is_not_taken_for_the_next_word() -> None:
    audio = KeptAudio()
    audio.add(tone(1.2, 2000) + tone(1, 0), now=0.0)
    audio.forget_before(SECOND, echo=SECOND // 5)
    assert audio.first_loud() is None
    audio.add(tone(0.3, 2000), now=0.0)
    assert audio.first_loud() == round(2.2 * SECOND)


def test_lag_is_counted_from_when_the_audio_came() -> None:
    audio = KeptAudio()
    for tenth in range(1, 31):
        audio.add(tone(0.1, 0), now=tenth / 10)
    assert audio.behind(SECOND, now=2.5) == pytest.approx(1.5, abs=0.11)
    assert audio.behind(3 * SECOND, now=3.5) == pytest.approx(0.5, abs=0.11)


def test_audio_that_came_all_at_once_is_not_late_before_it_could_be_heard() -> None:
    audio = KeptAudio()
    audio.add(tone(20, 0), now=100.0)
    assert audio.behind(20 * SECOND, now=105.0) == 0.0
    assert audio.behind(20 * SECOND, now=112.0) == pytest.approx(2.0, abs=0.1)
