"""The recognition worker's own logic, with a voice detector and a recogniser that are told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import pytest

from speech_app.backends.embedded.recognition_messages import (
    Audio,
    Close,
    Finish,
    Finished,
    Heard,
    Hearing,
    Open,
    Quiet,
    Recognised,
    Result,
)
from speech_app.backends.embedded.recognition_worker import FRAME_BYTES, Recognition, sane


@pytest.mark.parametrize(
    ("text", "seconds", "result"),
    [
        ("Hello  there.", 1.0, "Hello there."),
        ("...", 1.0, ""),
        ("", 1.0, ""),
        ("one two three four five six seven eight", 0.3, ""),
        ("no no no no no no", 3.0, "no"),
        ("thank you, thank you, thank you, thank you. Bye.", 5.0, "thank you. Bye."),
        ("very very good", 1.0, "very very good"),
        ("To-day or to-morrow, to-do.", 2.0, "Today or tomorrow, to-do."),
    ],
)
def test_what_the_model_makes_of_noise_is_no_text(text: str, seconds: float, result: str) -> None:
    assert sane(text, seconds) == result


class Told:
    """A worker whose frames are loud or quiet by their bytes and whose words are what is asked.

    It is quite sure of them all.
    """

    def __init__(self, recognise: Callable[[bytes], str]) -> None:
        self.results: queue.Queue[Result] = queue.Queue()
        self.recognition = Recognition(
            lambda: lambda frame: float(frame[0] > 0),
            lambda pcm: Recognised(recognise(pcm), 0.9),
            self.results.put,
        )
        for work in (self.recognition.find_phrases, self.recognition.find_words):
            threading.Thread(target=work, daemon=True).start()

    def feed(self, stream: int, *parts: tuple[bool, int]) -> None:
        for loud, frames in parts:
            pcm = bytes([int(loud) * stream]) * (FRAME_BYTES * frames)
            self.recognition.take(Audio(stream, pcm))

    def until_finished(self, *streams: int) -> list[Result]:
        found: list[Result] = []
        while sum(isinstance(result, Finished) for result in found) < len(streams):
            found.append(self.results.get(timeout=30))
        return found


def test_positions_count_from_the_first_sample_of_the_stream() -> None:
    told = Told(lambda pcm: "words")
    told.recognition.take(Open(1, 1_000_000))
    told.feed(1, (False, 100), (True, 40), (False, 100))
    told.recognition.take(Finish(1))
    found = [result for result in told.until_finished(1) if not isinstance(result, Hearing)]
    heard = [result for result in found if isinstance(result, Heard)]
    assert heard == [Heard(1, 1_000_000 + 100 * 512, 1_000_000 + 140 * 512, "words", 0.9)]
    for result in found:
        if isinstance(result, Quiet):
            assert not 100 * 512 < result.until - 1_000_000 < 140 * 512


def test_what_was_said_last_is_heard_when_the_stream_ends() -> None:
    told = Told(lambda pcm: "end")
    told.recognition.take(Open(1, 0))
    told.feed(1, (True, 40))
    told.recognition.take(Audio(1, b"\x01" * 100))
    told.recognition.take(Finish(1))
    assert told.until_finished(1)[-2:] == [Heard(1, 0, 40 * 512, "end", 0.9), Finished(1)]


def test_speech_without_words_is_told_as_such() -> None:
    told = Told(lambda pcm: "...")
    told.recognition.take(Open(1, 0))
    told.feed(1, (True, 40), (False, 30))
    told.recognition.take(Finish(1))
    assert told.until_finished(1) == [Heard(1, 0, 40 * 512, "", 0.0), Finished(1)]


def test_words_that_go_round_in_circles_are_doubted() -> None:
    told = Told(lambda pcm: "and " + " ".join(["I hope"] * 4))
    told.recognition.take(Open(1, 0))
    told.feed(1, (True, 40), (False, 30))
    told.recognition.take(Finish(1))
    (heard, _) = (result for result in told.until_finished(1) if not isinstance(result, Hearing))
    assert isinstance(heard, Heard)
    assert heard.text == "and I hope"
    assert heard.confidence == pytest.approx(0.9 * 3 / 9)


def test_a_finished_phrase_goes_before_the_partials_of_another_speaker() -> None:
    going_on = threading.Event()
    order: list[int] = []

    def recognise(pcm: bytes) -> str:
        order.append(max(pcm))
        going_on.wait(30)
        return f"speaker {max(pcm)}"

    told = Told(recognise)
    for stream in (1, 2, 3):
        told.recognition.take(Open(stream, 0))
    told.feed(1, (True, 40))
    while not order:
        going_on.wait(0.01)
    told.feed(2, (True, 40))
    told.feed(3, (True, 40), (False, 30))
    told.recognition.take(Finish(3))
    while not told.recognition._streams[3].phrases:
        going_on.wait(0.01)
    going_on.set()
    found = told.until_finished(3)
    assert order[:2] == [1, 3]
    assert Heard(3, 0, 40 * 512, "speaker 3", 0.9) in found


def test_a_closed_stream_says_nothing_more() -> None:
    told = Told(lambda pcm: "words")
    told.recognition.take(Open(1, 0))
    told.recognition.take(Open(2, 0))
    told.feed(1, (True, 40))
    told.recognition.take(Close(1))
    told.feed(1, (False, 30))
    told.feed(2, (True, 40), (False, 30))
    told.recognition.take(Finish(2))
    assert not any(isinstance(r, Heard) and r.stream == 1 for r in told.until_finished(2))


def test_a_phrase_without_end_is_cut_and_nothing_of_it_is_left_out() -> None:
    told = Told(lambda pcm: "words")
    told.recognition.take(Open(1, 0))
    told.feed(1, (True, 1000), (False, 30))
    told.recognition.take(Finish(1))
    heard = [result for result in told.until_finished(1) if isinstance(result, Heard)]
    assert len(heard) >= 3
    assert heard[0].start == 0
    assert heard[-1].end == 1000 * 512
    assert [h.end for h in heard[:-1]] == [h.start for h in heard[1:]]
