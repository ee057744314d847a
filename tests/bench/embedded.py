"""The embedded backend alone, fed with the sample talk at its own pace.

Run as `python -m tests.bench.embedded`; takes a minute. What a listener notices, with sockets and
a server in between, is measured elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from django.conf import settings
from sacrebleu.metrics.chrf import CHRF

from speech_app.audio import read_recording
from speech_app.backends.base import Final, Partial, SpeechTranslator, Translated
from speech_app.backends.embedded.backend import EmbeddedBackend
from speech_app.backends.embedded.text_translation import Apertium, EmbeddedTextTranslator
from speech_app.partials import ShownPartial
from tests.bench.accuracy import DATA, sentences, word_error_rate

RECORDING = Path(__file__).resolve().parents[2] / "static/audio/quarterly-update.en.wav"
CHUNK_MS = 40
TARGETS = ("es-ES", "pt-BR")
LANGUAGE = "es-ES"
BACKGROUND_SECONDS = 3.0
"""Time for the workers to start before the talk does."""


def words(text: str) -> list[str]:
    """Words as a reader sees them change: without case and marks."""
    return re.findall(r"\w+", text.lower())


def taken_back(before: str, after: str) -> int:
    """Words on the screen that the next text no longer has in their place."""
    old, new = words(before), words(after)
    pairs = enumerate(zip(old, new, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))
    return len(old) - same


@dataclass
class Listener:
    """What somebody who reads one language sees, and when, in seconds after the talk began."""

    began: float
    captions: dict[int, str] = field(default_factory=dict)
    caption_at: dict[int, float] = field(default_factory=dict)
    finals: dict[int, Final] = field(default_factory=dict)
    first_words_at: dict[int, float] = field(default_factory=dict)
    taken_back: int = 0
    _partials: dict[int, ShownPartial] = field(default_factory=lambda: defaultdict(ShownPartial))
    _shown: dict[int, str] = field(default_factory=dict)

    async def follow(self, translator: SpeechTranslator) -> None:
        """Watch until the translator ends."""
        async for event in translator.events():
            now = time.monotonic() - self.began
            match event:
                case Partial(start, _, _, translations) if LANGUAGE in translations:
                    self._show(start, "".join(self._partials[start].update(translations[LANGUAGE])))
                    if self._shown[start]:
                        self.first_words_at.setdefault(start, now)
                case Final():
                    self.finals[event.key] = event
                case Translated(key, language, text) if language == LANGUAGE:
                    self._show(self.finals[key].start_sample, text or "")
                    self.first_words_at.setdefault(self.finals[key].start_sample, now)
                    self.captions[key] = text or ""
                    self.caption_at[key] = now

    def _show(self, start: int, text: str) -> None:
        self.taken_back += taken_back(self._shown.get(start, ""), text)
        self._shown[start] = text


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def line(what: str, value: str, limit: str = "") -> None:
    print(f"{what:<58} {value:>14} {limit:>12}")


async def measure_talk(backend: EmbeddedBackend) -> None:
    """Everything that depends on time."""
    translator = await backend.open_translator("en-US", TARGETS)
    await asyncio.sleep(BACKGROUND_SECONDS)
    processes = {
        name: [psutil.Process(pid) for pid in pids] for name, pids in backend.pids().items()
    }
    processes["server"] = [psutil.Process()]
    used = {name: cpu_seconds(group) for name, group in processes.items()}
    listener = Listener(time.monotonic())
    following = asyncio.create_task(listener.follow(translator))
    fed = 0.0
    for chunk in read_recording(str(RECORDING), CHUNK_MS):
        translator.feed(chunk)
        fed += CHUNK_MS / 1000
        await asyncio.sleep(max(0.0, listener.began + fed - time.monotonic()))
    await translator.finish()
    await following
    report_delays(listener)
    total = 0.0
    for name, group in processes.items():
        share = (cpu_seconds(group) - used[name]) / fed
        total += share
        line(f"cores used by {name}", f"{share:.2f}")
    line("cores used by all", f"{total:.2f}", "0.6")
    memory = sum(p.memory_full_info().pss for group in processes.values() for p in group)
    line("memory of all, without the web server (PSS)", f"{memory / 2**20:.0f} MB", "1100 MB")
    await translator.close()


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def report_delays(listener: Listener) -> None:
    """Delays against the times at which the sentences of the talk really begin and end."""
    said = json.loads((DATA / "quarterly-update.en.json").read_text())["sentences"]

    def nearest(key: str, sample: int) -> float:
        return float(min((s[key] for s in said), key=lambda ms: abs(ms - sample / 16))) / 1000

    ends = [
        at - nearest("end_ms", listener.finals[key].end_sample)
        for key, at in listener.caption_at.items()
    ]
    starts = [at - nearest("start_ms", start) for start, at in listener.first_words_at.items()]
    spoken = sum(len(words(text)) for text in listener.captions.values())
    heard = " ".join(final.text for final in listener.finals.values())
    line(
        "end of a phrase to its final caption, median", f"{statistics.median(ends):.2f} s", "1.0 s"
    )
    line("the same, 95th percentile", f"{percentile(ends, 0.95):.2f} s", "1.8 s")
    line(
        "start of a phrase to its first words, median",
        f"{statistics.median(starts):.2f} s",
        "1.8 s",
    )
    line("words taken back, of all", f"{listener.taken_back / spoken:.3f}", "0.1")
    line("words wrong", f"{word_error_rate(' '.join(sentences('en')), heard):.1%}", "3 %")
    captions, reference = " ".join(listener.captions.values()), " ".join(sentences("es"))
    score = CHRF().corpus_score([captions], [[reference]]).score
    line("chrF of the Spanish captions as heard", f"{score:.1f}")


async def measure_translation() -> None:
    """How near the Spanish of the written talk is to the reference, and what the phrases add."""
    apertium = Apertium()
    for what, with_memory in (("with", True), ("without", False)):
        translator = EmbeddedTextTranslator(lambda: apertium, with_phrase_memory=with_memory)
        found = [await translator.translate(text, "en-US", LANGUAGE) for text in sentences("en")]
        score = CHRF().corpus_score(found, [sentences("es")]).score
        line(f"chrF of the Spanish of the written talk, {what} phrases", f"{score:.1f}")
    await apertium.close()


async def main() -> None:
    """Measure and print."""
    print(f"{'':<58} {'measured':>14} {'at most':>12}")
    await measure_translation()
    backend = EmbeddedBackend()
    await measure_talk(backend)
    started = time.monotonic()
    await backend.synthesizer().synthesize("Hola.", LANGUAGE, "es")
    line("voice, first sentence with the worker's start", f"{time.monotonic() - started:.2f} s")
    started = time.monotonic()
    speech = await backend.synthesizer().synthesize(sentences("es")[5], LANGUAGE, "es")
    spent = time.monotonic() - started
    line(f"voice, a sentence of {speech.duration_ms / 1000:.1f} s", f"{spent:.2f} s")
    line("load of the machine while measuring", f"{os.getloadavg()[0]:.1f}")
    await backend.close()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    settings.configure(EMBEDDED_MAX_SPEAKERS=64)
    asyncio.run(main())
