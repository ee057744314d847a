"""How many words a recognition got wrong, whatever way numbers are written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jiwer

DATA = Path(__file__).resolve().parents[1] / "data"
_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen""".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905


def sentences(language: str) -> list[str]:
    """The sample talk as its author wrote it (`en`), or its reference translation (`es`)."""
    content = json.loads((DATA / f"quarterly-update.{language}.json").read_text())
    return [sentence["text"] for sentence in content["sentences"]]


def word_error_rate(reference: str, heard: str) -> float:
    """Wrong words of all words: case, punctuation and figures or number words do not count."""
    rate: float = jiwer.wer(normalise(reference), normalise(heard))
    return rate


def normalise(text: str) -> str:
    """Words alone, in small letters, numbers as words."""
    text = text.lower().replace("%", " percent ").replace("per cent", "percent")
    text = re.sub(r"\d+", lambda figure: _in_words(int(figure[0])), text)
    return " ".join(re.findall(r"[a-z']+", text.replace("’", "'")))


def _in_words(number: int) -> str:
    if number < 20:
        return _UNITS[number]
    if number < 100:
        tens, unit = divmod(number, 10)
        return f"{_TENS[tens - 2]} {_UNITS[unit]}" if unit else _TENS[tens - 2]
    return str(number)
