"""What is said in the recordings the emulator knows, and where in one of them some audio is.

Audio is recognised by its loudness over time: the level of every 20 ms. This is enough to find a
second or two of a talk anywhere in it, however loud it is played, and costs next to nothing.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_RATE = 16_000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000
FLOOR = 50.0
"""Amplitude (of 32768) below which everything is the same silence: 34 dB."""
SPEECH_DB = 45.0

SURE = 0.9
"""Correlation of levels that can be no accident over a second or more: in the sample talk other
places reach 0.98 over one second and 0.93 over two, the right one stays 0.06 above them."""
MARGIN = 0.05

ALIKE = 0.5
"""Correlation of the loud frames alone."""

Levels = NDArray[np.float32]


def levels(samples: NDArray[np.int16]) -> Levels:
    """Loudness of each whole 20 ms frame, in decibels."""
    count = len(samples) // FRAME_SAMPLES
    frames = samples[: count * FRAME_SAMPLES].astype(np.float32).reshape(count, FRAME_SAMPLES)
    result: Levels = (10 * np.log10((frames**2).mean(axis=1) + FLOOR**2)).astype(np.float32)
    return result


def is_spaced(language: str) -> bool:
    """Whether this language puts spaces between its words."""
    return language.split("-", maxsplit=1)[0].lower() not in {
        "ja",
        "zh",
        "yue",
        "th",
        "lo",
        "my",
        "km",
    }


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the language that is spoken: its number in its sentence, and its time."""

    sentence: int
    number: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Sentence:
    """A sentence of a recording; `texts` has it by language code of the translation service."""

    start_ms: int
    end_ms: int
    language: str
    texts: Mapping[str, str]

    def in_language(self, language: str) -> str:
        """Its text; where nobody has translated it, the spoken one marked with the language."""
        if code := best_match(language, list(self.texts)):
            return self.texts[code]
        return f"[{language}] {self.spoken}"

    @cached_property
    def spoken(self) -> str:
        code = best_match(self.language, list(self.texts))
        assert code is not None
        return self.texts[code]

    def part(self, language: str, first: int, end: int) -> str:
        """What corresponds to its spoken words `[first, end)`, by share of the sentence."""
        total = len(self.spoken.split())
        text = self.in_language(language)
        pieces = text.split() if is_spaced(language) else list(text)
        joint = " " if is_spaced(language) else ""
        return joint.join(
            pieces[round(first * len(pieces) / total) : round(end * len(pieces) / total)]
        )


class Script:
    """A recording and its sentences."""

    def __init__(self, samples: NDArray[np.int16], sentences: Sequence[Sentence]) -> None:
        self.levels = levels(samples)
        self.sentences = sentences
        self.words = [
            word
            for index, sentence in enumerate(sentences)
            for word in _words(
                index,
                sentence,
                self.levels[sentence.start_ms // FRAME_MS : -(-sentence.end_ms // FRAME_MS)],
            )
        ]

    def correlations(self, heard: Levels) -> NDArray[np.float32]:
        """How well `heard` fits at each frame of the recording, -1 to 1."""
        if len(heard) > len(self.levels):
            return np.zeros(1, np.float32)
        there = np.lib.stride_tricks.sliding_window_view(self.levels, len(heard))
        here = heard - heard.mean()
        sums = there.sum(axis=1)
        spread = np.einsum("ij,ij->i", there, there) - sums**2 / len(heard)
        scale = np.sqrt(np.maximum(spread, 1.0) * max(float((here**2).sum()), 1.0))
        result: NDArray[np.float32] = (there @ here) / scale
        return result


def _words(index: int, sentence: Sentence, spoken: Levels) -> list[Word]:
    """Its words, each as long as its share of the letters, pauses left out.

    `spoken` are the levels from the sentence's first frame to its last.
    """
    words = sentence.spoken.split()
    ends = np.cumsum([len(word) + 1 for word in words])
    loud = np.flatnonzero(spoken > SPEECH_DB)
    if len(loud) < len(words):
        loud = np.arange(len(spoken))
    edges = [0, *(round(len(loud) * end / ends[-1]) for end in ends)]
    times = [
        (
            sentence.start_ms + int(loud[first]) * FRAME_MS,
            sentence.start_ms + (int(loud[end - 1]) + 1) * FRAME_MS,
        )
        for first, end in pairwise(edges)
    ]
    times[0] = sentence.start_ms, times[0][1]
    times[-1] = times[-1][0], sentence.end_ms
    return [Word(index, number, start, end) for number, (start, end) in enumerate(times)]


def locate(scripts: Sequence[Script], heard: Levels) -> tuple[Script, int] | None:
    """The script in which `heard` is, and its first frame there; None where it is not certain."""
    best: tuple[float, Script, int] | None = None
    second = 0.0
    for script in scripts:
        found = script.correlations(heard)
        frame = int(found.argmax())
        value = float(found[frame])
        found[max(0, frame - 5) : frame + 6] = 0
        second = max(second, float(found.max()))
        if best is None or value > best[0]:
            second = max(second, best[0] if best else 0.0)
            best = value, script, frame
        else:
            second = max(second, value)
    if best is None or best[0] < SURE or best[0] - second < MARGIN:
        return None
    _, script, frame = best
    if not fits(heard, script.levels[frame : frame + len(heard)], SURE):
        return None
    return script, frame


def fits(heard: Levels, there: Levels, least: float) -> bool:
    """Whether two stretches correlate so well, and their speech by itself rises and falls alike.

    Without the second any onset after a silence would resemble any other.
    """
    loud = (heard > SPEECH_DB) & (there > SPEECH_DB)
    if len(heard) != len(there) or loud.sum() < 10 or heard[loud].std() < 1:
        return False
    return bool(
        np.corrcoef(heard, there)[0, 1] >= least
        and np.corrcoef(heard[loud], there[loud])[0, 1] >= ALIKE
    )


def best_match(language: str, offered: Sequence[str]) -> str | None:
    """The one of `offered` that is this language, or another form of it."""
    for code in offered:
        if code.lower() == language.lower():
            return code
    base = language.split("-", maxsplit=1)[0].lower()
    return next((code for code in offered if code.split("-")[0].lower() == base), None)


def read_script(description: Mapping[str, Any]) -> Script:
    """A script from its JSON form; paths are relative to the project.

    `recording`: a 16 kHz mono WAV file. `spoken`: a talk, `{"language", "sentences": [{"start_ms",
    "end_ms", "text", "language"?}]}`, or the path of one. `translations`: by language code, a list
    of texts, or the path of a talk that has them.
    """
    talk = _talk(description["spoken"])
    translations = {
        code: _texts(texts) for code, texts in description.get("translations", {}).items()
    }
    sentences = []
    for index, sentence in enumerate(talk["sentences"]):
        language = sentence.get("language", talk["language"])
        texts = {code: listed[index] for code, listed in translations.items()}
        texts[language.split("-")[0]] = sentence["text"]
        sentences.append(Sentence(sentence["start_ms"], sentence["end_ms"], language, texts))
    with wave.open(str(ROOT / description["recording"])) as recording:
        if (recording.getframerate(), recording.getnchannels()) != (SAMPLE_RATE, 1):
            raise ValueError("A recording has to be 16 kHz and mono.")
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    return Script(samples, sentences)


def _talk(value: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(value, str):
        return value
    talk: Mapping[str, Any] = json.loads((ROOT / value).read_text())
    return talk


def _texts(value: str | Sequence[str]) -> Sequence[str]:
    if not isinstance(value, str):
        return value
    return [sentence["text"] for sentence in _talk(value)["sentences"]]


def known_scripts() -> list[Script]:
    """Every script in the folder `scripts`."""
    files = sorted((Path(__file__).parent / "scripts").glob("*.json"))
    return [read_script(json.loads(file.read_text())) for file in files]
