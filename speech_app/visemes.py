"""From phonemes to mouth shapes: one id space, Azure's 0–21, for every backend. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from speech_app.backends.base import Viseme

REST = 0

_SHAPES = {
    1: "æ ə ʌ ø ɘ ɵ ɚ ɞ",
    2: "a ɑ ɒ",
    3: "ɔ",
    4: "e ɛ ʊ œ y ɐ ɤ",
    5: "ɝ ɜ",
    6: "i ɪ j ɨ ᵻ",
    7: "u w ʏ ɥ ʉ ɯ ʍ ɰ",
    8: "o",
    12: "h ħ x ç χ ɦ ʕ ɧ",
    13: "ɹ r ʁ ʀ ɻ ɽ",
    14: "l ʎ ɫ ɭ ʟ ɬ ɮ ɺ",
    15: "s z ʂ ʐ",
    16: "ʃ ʒ ɕ ʑ",
    17: "ð",
    18: "f v ʋ ɱ",
    19: "t d n θ ɾ ɲ ʔ ʈ ɖ ɳ",
    20: "k g ɡ ŋ ɣ q c ɟ ɢ ɴ ʝ",
    21: "p b m β ɸ ʙ",
}
_IDS = {symbol: viseme for viseme, symbols in _SHAPES.items() for symbol in symbols.split()}
_ENGLISH_DIPHTHONGS = {"aʊ": 9, "ɔɪ": 10, "aɪ": 11}


def of_phoneme(phoneme: str, language: str) -> list[int]:
    """Mouth shapes of one IPA phoneme, `[]` where it has none (stress, tone, unknown marks).

    Length, stress and nasal marks are ignored; an affricate has two shapes, and so have
    diphthongs, except the three that English has shapes of their own for.
    """
    symbols = "".join(
        symbol
        for symbol in unicodedata.normalize("NFD", phoneme.replace("ç", "χ"))
        if symbol in _IDS
    )
    if language.lower().startswith("en") and symbols in _ENGLISH_DIPHTHONGS:
        return [_ENGLISH_DIPHTHONGS[symbols]]
    return [_IDS[symbol] for symbol in symbols]


def of_phonemes(
    phonemes: Sequence[tuple[int, str]], duration_ms: int, language: str
) -> list[Viseme]:
    """Mouth shapes of a whole utterance, sorted by time, from rest and back to rest at its end.

    `phonemes` are `(offset_ms, IPA)` sorted by time; a blank phoneme is a pause. The time of a
    phoneme with several shapes is split evenly among them.
    """
    shapes: list[Viseme] = [Viseme(0, REST)]
    ends = [*(offset for offset, _ in phonemes), duration_ms][1:]
    for (offset, phoneme), end in zip(phonemes, ends, strict=True):
        ids = of_phoneme(phoneme, language) if phoneme.strip(" _:\0") else [REST]
        for number, viseme in enumerate(ids):
            shapes.append(Viseme(offset + (end - offset) * number // len(ids), viseme))
    shapes.append(Viseme(duration_ms, REST))
    return _without_repeats(shapes)


def _without_repeats(shapes: Iterable[Viseme]) -> list[Viseme]:
    """One shape per moment, the last one given for it, and none that only repeats the one before.

    The rest at the end is kept even if the mouth rests already: it tells where the end is.
    """
    by_time: dict[int, Viseme] = {}
    for shape in shapes:
        by_time[shape.offset_ms] = shape
    ordered = [by_time[offset] for offset in sorted(by_time)]
    kept = ordered[:1] + [b for a, b in pairwise(ordered) if a.viseme != b.viseme]
    if kept[-1] != ordered[-1]:
        kept.append(ordered[-1])
    return kept
