"""A transcript cut into subtitles by the rules that are common in the trade.

The figures are those of Netflix's Timed Text Style Guides (General Requirements, and the guides of
each language, for adults): at most 2 lines; 42 characters in a line, in Chinese and Korean 16;
from 5/6 s to 7 s on screen; 2 frames of a film, 83 ms, between two subtitles; and no more than 17
characters a second to read (Chinese 9, Korean 12, Japanese 4) where the time allows. A line ends
where a phrase ends, and before rather than after a short word such as an article.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import budoux

from sessions_app.exports.transcript import Line, Transcript

LINE_CELLS = 42
WIDE_LINE_CELLS = 32
"""16 wide characters; a letter beside them takes half of one."""
LINES_AT_MOST = 2
SHORTEST_MS, LONGEST_MS = 833, 7000
GAP_MS = 83
CHARACTERS_PER_S = 17
_CHARACTERS_PER_S = {"zh": 9, "ko": 12, "ja": 4}
_WIDE_LANGUAGES = {"zh", "yue", "ja", "ko"}

_CLOSING = "、。，．・：；？！‥…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ）］｝〉》」』】〕”’"
_OPENING = "（［｛〈《「『【〔“‘"
_WIDE = (
    "\u1100-\u11ff\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u31f0-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
)
_WORD = re.compile(r"[^ \t\u3000]+")  # a no-break space keeps its words together
_CHARACTER = re.compile(
    f"[{_OPENING}]*(?:[{_WIDE}]|[^ \\t\\u3000{_WIDE}{_OPENING}]+)[{_CLOSING}]*|[{_OPENING}]+"
)
"""Where words are written together: a wide character or a foreign word, with what must not begin
or end a line beside it."""
_SENTENCE_ENDS = tuple(".?!…。？！؟।")
_CLAUSE_ENDS = tuple(",;:–—，、；：،؛・")
_QUOTES = "\"'”’»)]）」』"

_EACH_CUE, _ORPHAN = 4.0, 3.0
_AFTER_CLAUSE, _AFTER_WORD, _AFTER_SHORT_WORD = 1.5, 5.0, 8.0
_WITHIN_CUE = 0.5
"""What it costs to break a text: the cheapest way is taken. After a sentence it costs nothing, and
between the lines of one subtitle it costs less."""
_SHORT_WORD = 3


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: milliseconds of session time, and its lines."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(transcript: Transcript) -> Iterator[Cue]:
    """The subtitles of a transcript's only language, none beginning before another has ended.

    Each takes the silence after it as far as its reading needs. Where people speak faster than
    anybody reads, subtitles stay with the speech.
    """
    language = transcript.columns[0].language.partition("-")[0]
    free_from = 0
    said = (line for line in transcript.lines() if line.texts[0].shown)
    line = next(said, None)
    while line is not None:
        following = next(said, None)
        for cue in _timed(line, following, language, free_from):
            yield cue
            free_from = cue.end_ms + GAP_MS
        line = following


def _timed(line: Line, following: Line | None, language: str, free_from: int) -> list[Cue]:
    parts = split(str(line.texts[0]), language)
    lengths = [len(" ".join(part)) for part in parts]
    per_s = _CHARACTERS_PER_S.get(language, CHARACTERS_PER_S)
    needed = sum(max(SHORTEST_MS, -(-length * 1000 // per_s)) + GAP_MS for length in lengths)
    start = max(line.start_ms, free_from)
    span = max(line.end_ms - start, needed)
    if following is not None:
        span = min(span, following.start_ms - start)
    span = max(span, len(parts) * (SHORTEST_MS + GAP_MS))
    timed, before, whole = [], 0, sum(lengths)
    for part, length in zip(parts, lengths, strict=True):
        begin = start + span * before // whole
        before += length
        end = start + span * before // whole - GAP_MS
        timed.append(Cue(begin, min(max(end, begin + 1), begin + LONGEST_MS), part))
    return timed


def split(text: str, language: str) -> list[tuple[str, ...]]:
    """The text as subtitles of one or two lines each; `language` is its code without a region."""
    limit = WIDE_LINE_CELLS if language in _WIDE_LANGUAGES else LINE_CELLS
    words = _Words(text, limit, language)
    cheapest: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        choices = []
        for begin in range(end - 1, -1, -1):
            if not words.fit(begin, end):
                break
            orphan = _ORPHAN if words.width(begin, end) * 2 < limit else 0.0
            cost = _EACH_CUE + orphan + words.cost(begin, end)
            choices.append((cheapest[begin][0] + cost, begin))
        cheapest.append(min(choices))
    parts = []
    end = len(words)
    while end:
        begin = cheapest[end][1]
        parts.append(words.lines(begin, end))
        end = begin
    return parts[::-1]


def cells(text: str) -> int:
    """How wide a text is: a wide character counts two, a mark upon another none."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf", "Cc"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


class _Words:
    """What a text may be broken between, and what each break costs."""

    def __init__(self, text: str, limit: int, language: str) -> None:
        self._limit = limit
        self._words: list[str] = []
        self._spaces: list[int] = []
        self._costs = [0.0]
        after = 0
        for start, word in _words(text, language):
            for piece in _fit(word, limit):
                self._words.append(piece)
                self._spaces.append(int(start > after))
                self._costs.append(_cost(piece))
                after = start + len(word)
        self._costs[-1] = 0.0
        self._at = [0]
        for word, space in zip(self._words, self._spaces, strict=True):
            self._at.append(self._at[-1] + space + cells(word))
        self._measure()

    def _measure(self) -> None:
        """Where the longest line from each word ends, and where the longest to each end begins."""
        count = len(self._words)
        self._reach, end = [], 0
        for begin in range(count):
            end = max(end, begin + 1)
            while end < count and self.width(begin, end + 1) <= self._limit:
                end += 1
            self._reach.append(end)
        self._reach.append(count)
        self._last_line, begin = [0], 0
        for end in range(1, count + 1):
            while self._reach[begin] < end:
                begin += 1
            self._last_line.append(begin)

    def __len__(self) -> int:
        return len(self._words)

    def width(self, begin: int, end: int) -> int:
        """Cells of the words from `begin` to `end`, without the space before them."""
        return self._at[end] - self._at[begin] - self._spaces[begin]

    def fit(self, begin: int, end: int) -> bool:
        """Whether these words are at most two lines."""
        return end <= self._reach[self._reach[begin]]

    def cost(self, begin: int, end: int) -> float:
        """Of ending a subtitle there, and of the break between its lines."""
        if end <= self._reach[begin]:
            return self._costs[end]
        breaks = self._costs[self._last_line[end] : self._reach[begin] + 1]
        return self._costs[end] + _WITHIN_CUE * min(breaks)

    def lines(self, begin: int, end: int) -> tuple[str, ...]:
        if end <= self._reach[begin]:
            return (self._text(begin, end),)
        whole = self.width(begin, end)

        def cost(middle: int) -> float:
            uneven = abs(self.width(begin, middle) * 2 - whole) / self._limit
            return self._costs[middle] + _AFTER_WORD * uneven

        middle = min(range(self._last_line[end], self._reach[begin] + 1), key=cost)
        return self._text(begin, middle), self._text(middle, end)

    def _text(self, begin: int, end: int) -> str:
        spaced = zip(self._spaces[begin:end], self._words[begin:end], strict=True)
        return "".join(" " * space + word for space, word in spaced).strip(" ")


def _cost(word: str) -> float:
    bare = word.rstrip(_QUOTES)
    if bare.endswith(_SENTENCE_ENDS):
        return 0.0
    if bare.endswith(_CLAUSE_ENDS):
        return _AFTER_CLAUSE
    short = len(word) <= _SHORT_WORD and word.isalpha() and cells(word) == len(word)
    return _AFTER_SHORT_WORD if short else _AFTER_WORD


def _words(text: str, language: str) -> Iterator[tuple[int, str]]:
    """What belongs together, and where it begins: words, or phrases of characters."""
    load = _PHRASES.get(language)
    if load is None:
        for found in _WORD.finditer(text):
            yield found.start(), found.group()
        return
    ends = set(accumulate(map(len, load().parse(text))))
    start, after = 0, 0
    for found in _CHARACTER.finditer(text):
        if after > start and (found.start() > after or after in ends):
            yield start, text[start:after]
            start = after
        if start == after:
            start = found.start()
        after = found.end()
    yield start, text[start:after]


_PHRASES: dict[str, Callable[[], budoux.Parser]] = {
    "ja": cache(budoux.load_default_japanese_parser),
    "zh": cache(budoux.load_default_simplified_chinese_parser),
    "yue": cache(budoux.load_default_traditional_chinese_parser),
}


def _fit(word: str, limit: int) -> Iterator[str]:
    """The word, in pieces where it is longer than a line."""
    piece, width = "", 0
    for character in word if cells(word) > limit else ():
        if width + _cells(character) > limit:
            yield piece
            piece, width = "", 0
        piece += character
        width += _cells(character)
    yield piece or word
