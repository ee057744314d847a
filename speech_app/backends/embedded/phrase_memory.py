"""Fixed renderings of what people say in every meeting, which word by word come out wrong. Pure.

They stand in `phrases/<source>-<target>.tsv` (languages without region), UTF-8, columns separated
by tabs; a line that begins with `#` is a comment.

A line of two columns is a phrase: source, target, both as inside a sentence (lower case). How the
source is written says where it matches:

- `thank you very much`: a whole sentence or a clause of one: what stands between commas, "and",
  "but" and the sentence's ends;
- `right.`, `how are you?`: a whole sentence only;
- `welcome to…`: the beginning of a sentence or clause that goes on; the rest is translated as
  usual and follows the target, which ends in `…` too;
- `~meeting`: anywhere in what is translated as usual, where the second column, other words of the
  source language that the translation knows better, takes its place.

A line of three columns mends the translation: where the source holds the first, the second becomes
the third (`quarter`, `segundo cuarto`, `segundo trimestre`).

Case, commas and contractions ("I'm", "I am") make no difference. The longest match wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PHRASES = Path(__file__).parent / "phrases"
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_CONNECTORS = frozenset({"and", "but", "so"})
_CONTRACTIONS = {
    "i'm": "i am",
    "i'd": "i would",
    "i'll": "i will",
    "i've": "i have",
    "we're": "we are",
    "we'd": "we would",
    "we'll": "we will",
    "we've": "we have",
    "you're": "you are",
    "you'll": "you will",
    "you've": "you have",
    "they're": "they are",
    "it's": "it is",
    "that's": "that is",
    "there's": "there is",
    "here's": "here is",
    "what's": "what is",
    "let's": "let us",
    "can't": "cannot",
    "don't": "do not",
    "doesn't": "does not",
    "didn't": "did not",
    "isn't": "is not",
    "won't": "will not",
}
_GOES_ON = "…"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence: already rendered, or still to be translated."""

    text: str
    rendered: bool


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    key: str
    opens: bool
    """A clause begins here."""
    closes: bool
    """A clause ends here."""


@dataclass(frozen=True, slots=True)
class PhraseMemory:
    """The phrases of one pair, by their normalised words."""

    sentences: Mapping[str, str]
    clauses: Mapping[str, str]
    openings: Mapping[str, str]
    rewordings: Sequence[tuple[re.Pattern[str], str]]
    mendings: Sequence[tuple[re.Pattern[str], re.Pattern[str], str]]

    def split(self, sentence: str) -> list[Piece]:
        """The sentence as rendered stretches and stretches to translate, in order.

        The marks at its end stay with the last stretch.
        """
        words = _words(sentence)
        whole = " ".join(word.key for word in words)
        if rendering := self.sentences.get(whole):
            marks = "" if rendering.endswith(("?", "!")) else sentence[words[-1].end :].strip()
            return [Piece(rendering + marks, rendered=True)]
        pieces: list[Piece] = []
        done = at = 0
        while at < len(words):
            found = self._longest(words, at) if words[at].opens else None
            if found and words[at].key in _CONNECTORS and found[0] == at + 1:
                # Between two phrases only: elsewhere it joins what belongs together.
                follows_phrase = bool(pieces) and done == words[at].start
                if not follows_phrase or not self._longest(words, at + 1):
                    found = None
            if found is None:
                at += 1
                continue
            to, rendering = found
            if before := sentence[done : words[at].start].strip():
                pieces.append(Piece(before, rendered=False))
            after = words[to].start if to < len(words) else len(sentence)
            marks = sentence[words[to - 1].end : after].strip()
            pieces.append(Piece(rendering + marks, rendered=True))
            done, at = after, to
        if rest := sentence[done:].strip():
            pieces.append(Piece(rest, rendered=False))
        return pieces

    def reword(self, text: str) -> str:
        """The source text in words that the translation knows."""
        for pattern, words in self.rewordings:
            text = pattern.sub(words, text)
        return text

    def mend(self, translated: str, source: str) -> str:
        """The translation without the mistakes known for words of its source."""
        for word, wrong, right in self.mendings:
            if word.search(source):
                translated = wrong.sub(right, translated)
        return translated

    def _longest(self, words: Sequence[_Word], at: int) -> tuple[int, str] | None:
        for to in range(len(words), at, -1):
            key = " ".join(word.key for word in words[at:to])
            if words[to - 1].closes and (rendering := self.clauses.get(key)):
                return to, rendering
            if to < len(words) and (rendering := self.openings.get(key)):
                return to, rendering
        return None


@cache
def phrase_memory(source: str, target: str) -> PhraseMemory | None:
    """The phrases from one BCP 47 code to another, None where there are none."""
    path = _PHRASES / f"{source.partition('-')[0]}-{target.partition('-')[0]}.tsv"
    return parse(path.read_text(encoding="utf-8")) if path.is_file() else None


def parse(text: str) -> PhraseMemory:
    """Phrases from the text of a file. Raises ValueError that names a line it cannot read."""
    sentences: dict[str, str] = {}
    clauses: dict[str, str] = {}
    openings: dict[str, str] = {}
    rewordings: list[tuple[re.Pattern[str], str]] = []
    mendings: list[tuple[re.Pattern[str], re.Pattern[str], str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("\t")]
        source, target = columns[0], columns[-1]
        key = " ".join(word.key for word in _words(source))
        goes_on = source.endswith(_GOES_ON)
        if (
            not 2 <= len(columns) <= 3
            or not key
            or not target
            or goes_on != target.endswith(_GOES_ON)
        ):
            raise ValueError(f"line {number} is not a phrase: {line}")
        if len(columns) == 3:
            mendings.append((_anywhere(source), _anywhere(columns[1]), target))
        elif source.startswith("~"):
            rewordings.append((_anywhere(source[1:]), target))
        elif goes_on:
            openings[key] = target.removesuffix(_GOES_ON)
        elif source.endswith((".", "?", "!")):
            sentences[key] = target.removesuffix(".")
        else:
            sentences[key] = clauses[key] = target
    return PhraseMemory(sentences, clauses, openings, rewordings, mendings)


def _anywhere(words: str) -> re.Pattern[str]:
    """The words as whole words; an apostrophe at the end joins the next word."""
    end = "" if words.endswith(("'", "’")) else r"(?!\w)"
    return re.compile(rf"(?<!\w){re.escape(words)}{end}", re.IGNORECASE)


def _words(sentence: str) -> list[_Word]:
    found = list(_WORD.finditer(sentence.replace("’", "'")))
    words: list[_Word] = []
    for at, match in enumerate(found):
        before = sentence[found[at - 1].end() if at else 0 : match.start()]
        after = sentence[match.end() : found[at + 1].start() if at + 1 < len(found) else None]
        previous = found[at - 1][0].lower() if at else ""
        following = found[at + 1][0].lower() if at + 1 < len(found) else ""
        key = match[0].lower()
        words.append(
            _Word(
                match.start(),
                match.end(),
                _CONTRACTIONS.get(key, key),
                opens=at == 0
                or bool(before.strip())
                or previous in _CONNECTORS
                or key in _CONNECTORS,
                closes=not following
                or bool(after.strip())
                or following in _CONNECTORS
                or key in _CONNECTORS,
            )
        )
    return words
