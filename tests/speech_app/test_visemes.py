from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech_app.backends.base import Viseme
from speech_app.visemes import of_phoneme, of_phonemes


@pytest.mark.parametrize(
    ("phoneme", "visemes"),
    [
        ("b", [21]),
        ("ˈe", [4]),
        ("ɔ̃", [3]),
        ("tʃ", [19, 16]),
        ("ts", [19, 15]),
        ("ɜː", [5]),
        ("tʰ", [19]),
        ("ç", [12]),
        ("ð", [17]),
        ("ʃ", [16]),
        ("f", [18]),
        ("", []),
        ("ˈ", []),
        ("5", []),
    ],
)
def test_phonemes(phoneme: str, visemes: list[int]) -> None:
    assert of_phoneme(phoneme, "es-ES") == visemes


@pytest.mark.parametrize(("phoneme", "viseme"), [("aʊ", 9), ("ɔɪ", 10), ("ˈaɪ", 11)])
def test_english_diphthongs_are_one_shape_and_others_are_two(phoneme: str, viseme: int) -> None:
    assert of_phoneme(phoneme, "en-GB") == [viseme]
    assert len(of_phoneme(phoneme, "pt-BR")) == 2


def test_an_utterance_begins_and_ends_at_rest_and_splits_affricates_evenly() -> None:
    phonemes = [(100, "tʃ"), (200, "i"), (300, ""), (400, "a")]
    assert of_phonemes(phonemes, 500, "it-IT") == [
        Viseme(0, 0),
        Viseme(100, 19),
        Viseme(150, 16),
        Viseme(200, 6),
        Viseme(300, 0),
        Viseme(400, 2),
        Viseme(500, 0),
    ]


def test_a_sound_at_once_needs_no_rest_before_it() -> None:
    assert of_phonemes([(0, "m")], 80, "es-ES") == [Viseme(0, 21), Viseme(80, 0)]


def test_marks_of_a_language_switch_move_no_lips() -> None:
    assert of_phonemes([(0, "a"), (50, "ˈ")], 100, "es-ES") == [Viseme(0, 2), Viseme(100, 0)]


def test_silence_is_rest_from_beginning_to_end() -> None:
    assert of_phonemes([], 300, "es-ES") == [Viseme(0, 0), Viseme(300, 0)]


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.text("abdeɪʃ̃ˈː ", max_size=4)), max_size=20),
    st.integers(0, 1000),
)
def test_shapes_are_sorted_by_time_and_end_at_rest(
    phonemes: list[tuple[int, str]], rest_ms: int
) -> None:
    phonemes.sort(key=lambda phoneme: phoneme[0])
    duration = (phonemes[-1][0] if phonemes else 0) + rest_ms
    shapes = of_phonemes(phonemes, duration, "fr-FR")
    offsets = [shape.offset_ms for shape in shapes]
    assert offsets == sorted(set(offsets))
    assert shapes[-1] == Viseme(duration, 0)
    assert all(0 <= shape.viseme <= 21 for shape in shapes)
