"""Subtitles keep to the rules of the trade, and players understand them."""

from __future__ import annotations

import html
from itertools import pairwise

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from sessions_app.exports.subtitles import cells, split
from tests.sessions_app.exports.conftest import Say, exported

pytestmark = pytest.mark.django_db

ENGLISH = (
    "Good morning everybody, and welcome to the quarterly update of our company. "
    "I am very happy to tell you that we have grown by twelve percent, more than ever before."
)
JAPANESE = (
    "今日は皆さん、四半期の報告会へようこそ。「売上は十二パーセント」増加しました。"
    "ありがとうございます。"
)
CHINESE = "大家好，欢迎来到 Microsoft 季度更新。我们今年第一季度增长了百分之十二，非常感谢大家。"
KOREAN = "안녕하세요 여러분, 분기별 업데이트에 오신 것을 환영합니다. 매출이 12퍼센트 증가했습니다."
ARABIC = "مرحبا بكم جميعا في التحديث الفصلي لشركتنا، يسعدني أن أكون هنا معكم في Microsoft."


def read_srt(content: bytes) -> list[srt.Subtitle]:
    return list(srt.parse(content.decode(), ignore_errors=False))


# Cutting


def test_a_short_text_is_one_line() -> None:
    assert split("Hello everybody.", "en") == [("Hello everybody.",)]


def test_a_text_of_two_lines_is_one_subtitle_broken_before_a_phrase() -> None:
    text = "We have grown by twelve percent in the first quarter of the year."
    assert split(text, "en") == [
        ("We have grown by twelve percent", "in the first quarter of the year.")
    ]


def test_a_long_text_is_cut_where_sentences_and_clauses_end() -> None:
    assert split(ENGLISH, "en") == [
        ("Good morning everybody, and welcome", "to the quarterly update of our company."),
        ("I am very happy to tell you that", "we have grown by twelve percent,"),
        ("more than ever before.",),
    ]


@pytest.mark.parametrize(
    ("text", "language", "wide"),
    [(JAPANESE, "ja", 16), (CHINESE, "zh", 16), (KOREAN, "ko", 16)],
)
def test_lines_of_wide_characters_are_shorter(text: str, language: str, wide: int) -> None:
    lines = [line for part in split(text, language) for line in part]
    assert max(map(cells, lines)) <= wide * 2
    assert len(lines) > 2


def test_japanese_is_broken_between_phrases_not_within_words() -> None:
    assert split(JAPANESE, "ja")[0] == ("今日は皆さん、", "四半期の報告会へようこそ。")


def test_no_line_begins_with_what_closes_nor_ends_with_what_opens() -> None:
    text = "あ" * 15 + "。" + "い" * 14 + "「う" + "え" * 12 + "」、" + "お" * 20
    lines = [line for part in split(text, "ja") for line in part]
    assert [line for line in lines if line[0] in "。、」" or line[-1] == "「"] == []
    assert "".join(lines) == text


def test_a_foreign_name_in_chinese_stays_whole() -> None:
    assert "Microsoft" in " ".join(line for part in split(CHINESE, "zh") for line in part)


def test_a_no_break_space_keeps_words_together() -> None:
    text = (
        "Nous avons atteint un résultat de douze\u00a0millions\u00a0d'euros\u00a0! Merci beaucoup."
    )
    lines = [line for part in split(text, "fr") for line in part]
    assert [line for line in lines if "douze\u00a0millions\u00a0d'euros\u00a0!" in line]


def test_marks_upon_letters_take_no_room() -> None:
    assert cells("re\u0301sume\u0301") == 6
    assert cells("日本 go") == 7


@given(
    st.text(
        st.one_of(
            st.sampled_from("abc de. ,"),
            st.sampled_from("日本語、。「」ー 中한국"),
            st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]),
        ),
        max_size=300,
    ),
    st.sampled_from(["en", "ja", "zh", "ko", "ar", "th"]),
)
def test_whatever_is_said_nothing_is_lost_and_nothing_is_too_long(text: str, language: str) -> None:
    parts = split(text, language)
    limit = 32 if language in {"ja", "zh", "ko"} else 42
    assert all(1 <= len(part) <= 2 for part in parts)
    assert max((cells(line) for part in parts for line in part), default=0) <= limit
    said = "".join(line for part in parts for line in part)
    spaces = str.maketrans("", "", " \t\u3000")
    assert said.translate(spaces) == text.translate(spaces)


# Time


def test_a_subtitle_stays_to_be_read_where_silence_follows(say: Say) -> None:
    text = "Sixty characters said within a second, and then nothing else."
    session = say([(1000, 2000, {"en-US": text}), (30_000, 31_000, {"en-US": "Yes."})])
    first, second = read_srt(exported(session, "srt", "en-US"))
    per_s = len(text) / (first.end - first.start).total_seconds()
    assert first.start.total_seconds() == 1.0
    assert 15 < per_s <= 17
    assert second.start.total_seconds() == 30.0


def test_where_people_speak_too_fast_subtitles_stay_with_the_speech(say: Say) -> None:
    lines = [(i * 2000, i * 2000 + 1900, {"en-US": "x" * 80}) for i in range(20)]
    subtitles = read_srt(exported(say(lines), "srt", "en-US"))
    assert [one.start.total_seconds() for one in subtitles] == [i * 2.0 for i in range(20)]


def test_no_subtitle_is_too_short_too_long_or_over_another(say: Say) -> None:
    lines = [
        (0, 100, {"en-US": "Yes."}),
        (150, 200, {"en-US": "No."}),
        (100, 60_000, {"en-US": "A very slow sentence."}),
        (50_000, 50_000, {"en-US": ENGLISH}),
        (80_000, 99_000, {"en-US": ENGLISH}),
    ]
    subtitles = read_srt(exported(say(lines), "srt", "en-US"))
    lengths = [(one.end - one.start).total_seconds() for one in subtitles]
    assert min(lengths) >= 0.83
    assert max(lengths) <= 7.0
    gaps = [(b.start - a.end).total_seconds() for a, b in pairwise(subtitles)]
    assert min(gaps) >= 0.082


# Files


@pytest.mark.parametrize("language", ["es-ES", "ja-JP", "ar-SA"])
def test_independent_parsers_read_back_every_subtitle(say: Say, language: str) -> None:
    text = {"es-ES": ENGLISH, "ja-JP": JAPANESE, "ar-SA": ARABIC}[language]
    texts = [text, "a <b>bold</b> & 1 --> 2 \u200b😀", text]
    session = say(
        [(i * 20_000, i * 20_000 + 9000, {language: said}) for i, said in enumerate(texts)],
        language,
    )
    subtitles = read_srt(exported(session, "srt", language))
    captions = webvtt.from_string(exported(session, "vtt", language).decode()).captions
    assert [one.index for one in subtitles] == list(range(1, len(subtitles) + 1))

    def plain(content: str) -> list[str]:
        return [line.strip("\u202b\u202c\u200f") for line in html.unescape(content).split("\n")]

    shown = [plain(one.content) for one in subtitles]
    assert [plain(caption.raw_text) for caption in captions] == shown
    assert [
        (round(caption.start_in_seconds, 3), round(caption.end_in_seconds, 3))
        for caption in captions
    ] == [(int(one.start.total_seconds()), int(one.end.total_seconds())) for one in subtitles]
    expected = [list(part) for said in texts for part in split(said, language.partition("-")[0])]
    assert shown == expected


def test_right_to_left_lines_say_so(say: Say) -> None:
    session = say([(0, 9000, {"ar-SA": ARABIC})], "ar-SA")
    lines = [
        line
        for one in read_srt(exported(session, "srt", "ar-SA"))
        for line in one.content.split("\n")
    ]
    assert [line for line in lines if line[0] != "\u202b" or line[-1] != "\u202c"] == []
    captions = webvtt.from_string(exported(session, "vtt", "ar-SA").decode()).captions
    assert [line for one in captions for line in one.lines if not line.startswith("&rlm;")] == []


def test_what_has_no_text_has_no_subtitle(say: Say) -> None:
    session = say(
        [(0, 900, {"es-ES": None}), (1000, 1900, {"es-ES": ""}), (2000, 2900, {"es-ES": "Hola."})]
    )
    (only,) = read_srt(exported(session, "srt", "es-ES"))
    assert (only.content, only.start.total_seconds()) == ("Hola.", 2.0)
