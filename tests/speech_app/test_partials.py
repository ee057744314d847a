from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speech_app.partials import ShownPartial


def shown(*translations: str) -> list[tuple[str, str]]:
    partial = ShownPartial()
    return [partial.update(text) for text in translations]


def test_nothing_is_shown_before_a_second_translation_agrees() -> None:
    assert shown("Hoy") == [("", "")]


def test_shows_what_two_agree_on_and_settles_what_three_agree_on() -> None:
    assert shown(
        "Hoy quiero", "Hoy quiero dar", "Hoy quiero dar tres", "Hoy quiero dar tres más"
    ) == [
        ("", ""),
        ("", "Hoy quiero"),
        ("Hoy quiero", " dar"),
        ("Hoy quiero dar", " tres"),
    ]


def test_a_rewritten_end_is_not_shown() -> None:
    assert shown("vendimos quintos", "vendimos quince por ciento")[-1] == ("", "vendimos")


def test_a_tail_can_be_taken_back_but_what_is_stable_stays() -> None:
    steps = shown("una casa", "una casa grande", "una casa grande azul", "el barco", "el barco va")
    assert steps[2] == ("una casa", " grande")
    assert steps[3:] == [("una casa", ""), ("una casa", "")]


def test_goes_on_after_a_translation_that_changed_its_beginning_for_once() -> None:
    steps = shown("a b", "a b", "a b c", "x b c", "a b c d", "a b c d")
    assert steps[-1] == ("a b", " c d")


def test_punctuation_and_case_at_the_end_do_not_count_as_a_change() -> None:
    assert shown("Primero.", "primero, vendimos")[-1] == ("", "primero,")


@pytest.mark.parametrize(
    ("first", "second", "agreed"),
    [
        ("今日は三つの", "今日は三つのこと", "今日は三つの"),
        ("今天我想", "今天我要", "今天我"),
        ("วันนี้ฉัน", "วันนี้เรา", "วันนี้"),
    ],
)
def test_scripts_without_spaces_agree_by_the_letter(first: str, second: str, agreed: str) -> None:
    assert shown(first, second)[-1] == ("", agreed)


def test_latin_words_among_letters_without_spaces_stay_whole() -> None:
    assert shown("私はMunichに", "私はMunicipalに")[-1] == ("", "私は")


def test_an_empty_translation_shows_no_more_than_what_is_stable() -> None:
    assert shown("a b", "a b", "a b", "")[-1] == ("a b", "")


@given(st.lists(st.text("ab ,今é", max_size=12), max_size=8))
def test_stable_only_grows(translations: list[str]) -> None:
    before = ""
    for stable, _ in shown(*translations):
        assert stable.startswith(before)
        before = stable


@example(["a今", "a 今"])
@given(st.lists(st.text("ab 今", min_size=1, max_size=12), min_size=2, max_size=6))
def test_what_is_not_stable_yet_is_in_both_of_the_last_translations(
    translations: list[str],
) -> None:
    stable, tail = shown(*translations)[-1]
    if tail:
        assert translations[-1].strip().startswith(stable + tail)
        # What is agreed on are the words, not the spaces between them.
        assert "".join(translations[-2].split()).startswith("".join((stable + tail).split()))
