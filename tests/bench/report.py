"""The table that `make bench` prints."""

from __future__ import annotations

import asyncio
import os
import statistics
import time

from sacrebleu.metrics.chrf import CHRF

from speech_app.backends.embedded.text_translation import Apertium, EmbeddedTextTranslator
from tests.bench.accuracy import sentences, word_error_rate
from tests.bench.embedded import line, percentile
from tests.bench.talk import Figures

REFERENCE = "es-ES"


def report(figures: Figures, loads: list[float]) -> None:
    """Print every figure beside its limit; `loads` are the machine's during each talk."""

    def delay(what: str, values: list[float], median: str = "", worst: str = "") -> None:
        line(f"{what}, median", f"{statistics.median(values):.2f} s", median)
        if worst:
            line(f"{what}, 95th percentile", f"{percentile(values, 0.95):.2f} s", worst)

    def similarity(texts: list[list[str]]) -> str:
        reference = " ".join(sentences("es"))
        scores = [CHRF().corpus_score([" ".join(t)], [[reference]]).score for t in texts]
        return f"{statistics.mean(scores):.1f}"

    spoken = " ".join(sentences("en"))
    wrong = [word_error_rate(spoken, " ".join(heard)) for heard in figures.heard]
    print(f"\n{'':<58} {'measured':>14} {'at most':>12}")
    delay("end of a phrase to its final caption", figures.caption_after_end, "1.0 s", "1.8 s")
    delay("end of a phrase to its speech", figures.speech_after_end, "1.2 s", "2.0 s")
    delay("the same, until it begins to be heard", figures.heard_after_end)
    delay("start of a phrase to its first words", figures.first_words_after_start, "1.8 s")
    share = figures.words_taken_back / figures.final_words
    line("words shown and then taken back, of all final words", f"{share:.3f}", "0.1")
    line("words wrong in what was heard", f"{statistics.mean(wrong):.1%}", "3 %")
    line("chrF of the Spanish captions", similarity(figures.captions[REFERENCE]))
    line("the same without the phrase memory", similarity(asyncio.run(_plain(figures.heard))))
    line("server CPU per live speaker", f"{statistics.mean(figures.cores):.2f} cores", "0.6 cores")
    line("server memory, all processes (PSS)", f"{max(figures.pss_bytes) / 1e6:.0f} MB", "1100 MB")
    line("sentences without a caption", str(figures.missing), "0")
    measured = len(figures.caption_after_end)
    load = statistics.mean(loads)
    print(
        f"\n{len(figures.heard)} talks into {' and '.join(figures.captions)}, {measured} phrases; "
        f"{os.cpu_count()} cores, load {load:.1f}; {time.strftime('%Y-%m-%d %H:%M')}"
    )


async def _plain(heard: list[list[str]]) -> list[list[str]]:
    """What was heard, in Spanish, without the phrases that somebody has written down."""
    apertium = Apertium()
    translator = EmbeddedTextTranslator(lambda: apertium, with_phrase_memory=False)
    try:
        return [
            [await translator.translate(text, "en-US", REFERENCE) for text in segments]
            for segments in heard
        ]
    finally:
        await apertium.close()
