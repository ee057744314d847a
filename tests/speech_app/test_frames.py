"""Which audio frames are taken, and what they tell of the session's samples."""

from __future__ import annotations

import time

import pytest

from speech_app.frames import FrameGap, FrameLedger, FrameSize, Mark, TooFast

START = Mark(frame=-1, samples=0)


def frame(number: int, milliseconds: int = 100) -> bytes:
    return number.to_bytes(4, "big") + bytes(32 * milliseconds)


def test_frames_rise_by_one_from_zero() -> None:
    ledger = FrameLedger(START)
    assert ledger.next_frame == 0
    assert ledger.accept(frame(0)) == bytes(3200)
    assert ledger.accept(frame(1, 1000)) == bytes(32_000)
    assert (ledger.next_frame, ledger.last) == (2, Mark(1, 1600 + 16_000))


def test_a_frame_that_came_before_is_ignored() -> None:
    ledger = FrameLedger(START)
    ledger.accept(frame(0))
    assert ledger.accept(frame(0)) is None
    assert ledger.last == Mark(0, 1600)


def test_a_gap_is_refused_and_the_missing_frame_goes_on() -> None:
    ledger = FrameLedger(START)
    ledger.accept(frame(0))
    with pytest.raises(FrameGap):
        ledger.accept(frame(2))
    assert ledger.next_frame == 1
    assert ledger.accept(frame(1)) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\0\0",
        frame(0, 0),
        frame(0)[:-1],
        (0).to_bytes(4, "big") + bytes(30),
        frame(0, 1000) + bytes(2),
        (0).to_bytes(4, "big") + bytes(40_000),
    ],
    ids=["empty", "half a number", "no audio", "odd", "under 1 ms", "over 1 s", "40 kB"],
)
def test_a_frame_holds_1_to_1000_ms_of_whole_samples(wrong: bytes) -> None:
    ledger = FrameLedger(START)
    with pytest.raises(FrameSize):
        ledger.accept(wrong)
    assert ledger.next_frame == 0
    assert ledger.accept(frame(0, 1)) == bytes(32)


def test_who_is_90_s_ahead_of_the_acks_must_wait_for_them() -> None:
    ledger = FrameLedger(START)
    for number in range(90):
        ledger.accept(frame(number, 1000))
    with pytest.raises(TooFast):
        ledger.accept(frame(90, 1))
    assert ledger.next_frame == 90
    ledger.dealt_with(16_000)
    assert ledger.accept(frame(90, 1000)) is not None


def test_dealt_with_is_the_last_frame_wholly_before_a_sample() -> None:
    ledger = FrameLedger(START)
    for number in range(4):
        ledger.accept(frame(number))
    marks = [ledger.dealt_with(sample) for sample in (0, 1599, 1600, 4801, 4000, 100_000)]
    assert marks == [START, START, Mark(0, 1600), Mark(2, 4800), Mark(2, 4800), Mark(3, 6400)]


def test_a_resumed_session_goes_on_counting() -> None:
    ledger = FrameLedger(Mark(frame=41, samples=70_000))
    assert ledger.next_frame == 42
    assert ledger.accept(frame(41)) is None
    ledger.accept(frame(42))
    assert ledger.dealt_with(71_599) == Mark(41, 70_000)
    assert ledger.dealt_with(71_600) == Mark(42, 71_600)


def test_audio_is_there_when_the_frame_with_its_last_sample_has_come() -> None:
    ledger = FrameLedger(Mark(frame=41, samples=70_000))
    times = [time.monotonic()]
    for number in (42, 43, 44):
        ledger.accept(frame(number))
        times.append(time.monotonic())
    for sample, number in ((70_001, 1), (71_600, 1), (71_601, 2), (74_800, 3), (90_000, 3)):
        assert times[number - 1] <= ledger.came_at(sample) <= times[number]
    ledger.dealt_with(71_600)
    assert times[1] <= ledger.came_at(71_601) <= times[2]
