from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from speech_app.backends.embedded.endpointing import (
    END_FRAMES,
    LONGEST_FRAMES,
    Began,
    Boundary,
    Ended,
    Endpointer,
    Paused,
    Resumed,
)


def boundaries(*activity: tuple[float, int], finish: bool = False) -> list[Boundary]:
    endpointer = Endpointer()
    found = [b for level, frames in activity for _ in range(frames) for b in endpointer.push(level)]
    return [*found, *endpointer.finish()] if finish else found


def test_a_phrase_between_silences() -> None:
    assert boundaries((0, 20), (0.9, 50), (0, 30)) == [Began(20), Paused(70), Ended(20, 70, False)]


def test_clicks_are_no_speech() -> None:
    assert boundaries((0, 5), (0.9, 2), (0, 5), (0.9, 2), (0, 30)) == []


def test_a_short_pause_does_not_end_a_phrase() -> None:
    assert boundaries((0.9, 10), (0, END_FRAMES - 1), (0.9, 10), (0, END_FRAMES)) == [
        Began(0),
        Paused(10),
        Resumed(),
        Paused(10 + END_FRAMES - 1 + 10),
        Ended(0, 10 + END_FRAMES - 1 + 10, False),
    ]


def test_a_long_phrase_is_cut_at_its_weakest_place() -> None:
    found = boundaries((0.9, 200), (0.4, 5), (0.9, LONGEST_FRAMES))
    assert found[1] == Ended(0, 202, True)


def test_the_end_of_the_stream_ends_the_phrase() -> None:
    assert boundaries((0.9, 10), (0, 3), finish=True) == [Began(0), Ended(0, 10, False)]
    assert boundaries((0, 10), finish=True) == []


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), st.integers(1, 150)), max_size=30
    )
)
def test_phrases_follow_each_other_and_none_is_too_long(activity: list[tuple[float, int]]) -> None:
    phrases = [b for b in boundaries(*activity, finish=True) if isinstance(b, Ended)]
    end = 0
    for phrase in phrases:
        assert end <= phrase.start <= phrase.end
        assert phrase.end - phrase.start <= LONGEST_FRAMES
        end = phrase.end
