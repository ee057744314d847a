"""Whether recognition knows when it has misheard: its confidence against the words it got wrong.

Run as `python -m tests.bench.confidence`; takes half a minute. Phrases of the sample talk and of a
person reading Dickens (a recording in the moonshine-voice wheel), clean and with white noise or six
voices behind them. What is wrong of a phrase is its word error rate.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from moonshine_voice.utils import get_assets_path
from numpy.typing import NDArray

from speech_app.audio import read_recording
from speech_app.backends.embedded.recognition_worker import load_recogniser
from tests.bench.accuracy import word_error_rate
from tests.speech_app.embedded import sample_sentences, sample_talk

SAMPLES_PER_MS = 16
BEFORE_MS = 350
AFTER_MS = 200
"""What the recognition worker takes along of what surrounds a phrase."""
NOISES_DB = (20, 10, 5, 0)
"""How much louder the phrase is than what is behind it."""
VOICES = 6
BAD = 0.25
"""A phrase with more of its words wrong is one that a reviewer should see."""
THRESHOLDS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8)
READ = (
    (
        1_216,
        8_256,
        "It was the best of times, it was the worst of times, "
        "it was the age of wisdom, it was the age of foolishness,",
    ),
    (8_832, 12_864, "it was the epoch of belief, it was the epoch of incredulity,"),
    (13_472, 16_736, "it was the season of light, it was the season of darkness,"),
    (17_568, 20_544, "it was the spring of hope, it was the winter of despair,"),
    (21_248, 24_064, "we had everything before us, we had nothing before us,"),
    (24_640, 26_112, "we were all going direct to heaven,"),
    (26_560, 28_352, "we were all going direct the other way."),
    (29_120, 32_320, "In short, the period was so far like the present period,"),
    (
        32_768,
        41_728,
        "that some of its noisiest authorities insisted on its being received, "
        "for good or for evil, in the superlative degree of comparison only.",
    ),
)
"""Start and end in ms and text of the phrases of two_cities.wav."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Phrase:
    """What was said, and its sound between -1 and 1 at 16 000 Hz."""

    said: str
    samples: Samples


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a phrase was heard: behind it what, how much of it wrong, and how sure it was."""

    behind: str
    wrong: float
    confidence: float


def main() -> None:
    """Print two tables: by what is behind the phrases, and by threshold."""
    outcomes = list(hear_everything())
    print("| behind the phrase | phrases | words wrong | confidence, mean |\n|---|---|---|---|")
    in_order = sorted(outcomes, key=lambda outcome: outcome.behind)
    for behind, group in groupby(in_order, key=lambda outcome: outcome.behind):
        rows = list(group)
        wrong = statistics.mean(row.wrong for row in rows)
        confidence = statistics.mean(row.confidence for row in rows)
        print(f"| {behind} | {len(rows)} | {wrong:.0%} | {confidence:.2f} |")
    bad = [row for row in outcomes if row.wrong > BAD]
    others = [row for row in outcomes if row.wrong <= BAD]
    clean = [row for row in others if row.behind == "nothing"]
    pairs = [(one.confidence, other.confidence) for one in bad for other in others]
    ordered = statistics.mean((one < other) + 0.5 * (one == other) for one, other in pairs)
    print(
        f"\nOf {len(outcomes)} phrases {len(bad)} have more than {BAD:.0%} of their words wrong. "
        f"One of them has less confidence than one of the others in {ordered:.1%} of all pairs.\n"
    )
    print("| doubtful below | caught | others marked | clean ones marked |\n|---|---|---|---|")
    for threshold in THRESHOLDS:
        shares = " | ".join(f"{below(rows, threshold):.0%}" for rows in (bad, others, clean))
        print(f"| {threshold} | {shares} |")


def below(outcomes: list[Outcome], threshold: float) -> float:
    """The share of them that is less sure."""
    return sum(row.confidence < threshold for row in outcomes) / len(outcomes)


def hear_everything() -> Iterator[Outcome]:
    """Every phrase with everything behind it, the same at every run."""
    recognise = load_recogniser()

    def hear(phrase: Phrase, behind: str, samples: Samples) -> Outcome:
        loudest = max(1.0, float(np.abs(samples).max()))
        found = recognise((samples / loudest * 32_767).astype("<i2").tobytes())
        return Outcome(behind, word_error_rate(phrase.said, found.text), found.confidence)

    talk = as_samples(sample_talk())
    for number, phrase in enumerate(phrases(talk)):
        rng = np.random.default_rng(number)
        length = len(phrase.samples)
        yield hear(phrase, "nothing", phrase.samples)
        for louder_db in NOISES_DB:
            starts = rng.integers(0, len(talk) - length, VOICES)
            voices = np.sum([talk[start : start + length] for start in starts], axis=0)
            noise = rng.standard_normal(length)
            for name, sound in (("noise", noise), ("voices", voices)):
                level = rms(phrase.samples) / rms(sound) / 10 ** (louder_db / 20)
                mixed = (phrase.samples + level * sound).astype(np.float32)
                yield hear(phrase, f"{name}, {louder_db:2} dB below", mixed)


def phrases(talk: Samples) -> Iterator[Phrase]:
    """The phrases of both recordings."""
    recording = get_assets_path() / "two_cities.wav"
    read = as_samples(b"".join(read_recording(str(recording))))
    for samples, parts in ((talk, sample_sentences()), (read, READ)):
        for start_ms, end_ms, said in parts:
            first = SAMPLES_PER_MS * max(0, start_ms - BEFORE_MS)
            yield Phrase(said, samples[first : SAMPLES_PER_MS * (end_ms + AFTER_MS)])


def as_samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32_768)


def rms(sound: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))


if __name__ == "__main__":
    main()
