"""The difference between two texts, as reviewers see it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sessions_app.review.difference import difference

texts = st.text(alphabet=st.sampled_from("ab .,\n\u200f漢字かな\u0e01\u0627é😀<&\x01"), max_size=40)


@given(texts, texts)
def test_both_texts_can_be_read_out_of_it(old: str, new: str) -> None:
    pieces = difference(old, new)
    assert "".join(text for kind, text in pieces if kind != "new") == old
    assert "".join(text for kind, text in pieces if kind != "gone") == new


def test_whole_words_are_replaced() -> None:
    assert difference("We sold fifteen cars.", "We sold fifty cars.") == [
        ("same", "We sold "),
        ("gone", "fifteen"),
        ("new", "fifty"),
        ("same", " cars."),
    ]


def test_words_changed_in_a_row_are_one_change() -> None:
    assert difference("We sold two cars.", "We bought three cars.") == [
        ("same", "We "),
        ("gone", "sold two"),
        ("new", "bought three"),
        ("same", " cars."),
    ]


def test_scripts_without_blanks_are_compared_by_character() -> None:
    assert difference("会議は月曜です", "会議は火曜です") == [
        ("same", "会議は"),
        ("gone", "月"),
        ("new", "火"),
        ("same", "曜です"),
    ]


def test_what_is_the_same_is_one_piece() -> None:
    assert difference("Hola a todos.", "Hola a todos.") == [("same", "Hola a todos.")]
