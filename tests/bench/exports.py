"""How long exports of a long talk take, and how much memory.

Run as `python -m tests.bench.exports`: eight hours, 10 000 segments, six translations beside what
was spoken, on SQLite. Each export is written by `manage.py export_transcript`'s own code in a
process of its own, so that its peak memory is its own; the first line is a process that exports
nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import django

SEGMENTS = 10_000
HOURS = 8
SPOKEN = "en-US"
TRANSLATED = ("es-ES", "fr-FR", "de-DE", "ar-SA", "ja-JP", "zh-CN")
TEXTS = {
    "en-US": "Good morning everybody, and welcome to the update of this quarter; we have grown.",
    "es-ES": "Buenos días a todos y bienvenidos al informe de este trimestre; hemos crecido mucho.",
    "fr-FR": "Bonjour à tous et bienvenue au point sur ce trimestre : nous avons beaucoup grandi.",
    "de-DE": "Guten Morgen zusammen, und willkommen zum Quartalsbericht; wir sind gewachsen.",
    "ar-SA": "صباح الخير جميعا ومرحبا بكم في تقرير هذا الربع، لقد نمونا كثيرا هذا العام.",
    "ja-JP": "皆さん、おはようございます。今四半期の報告へようこそ。私たちは成長しました。",
    "zh-CN": "大家早上好，欢迎来到本季度的报告。我们今年增长了很多，非常感谢大家的支持。",
}
CORRECTED_EVERY = 10


def main() -> None:
    """Measure and print one table."""
    with tempfile.TemporaryDirectory() as name:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="avatartranslate.settings",
            DATABASE_URL=f"sqlite:///{Path(name) / 'bench.sqlite3'}",
            VAR_DIR=name,
            LOG_LEVEL="WARNING",
        )
        django.setup()
        measure()


def measure() -> None:
    """Fill the empty database and print seconds, size and peak memory of each export."""
    from django.core.management import call_command

    from sessions_app.exports import FORMATS

    call_command("migrate", verbosity=0)
    print(f"Storing {SEGMENTS} segments …", file=sys.stderr)
    session = long_session()
    print(f"{'export':<28} {'seconds':>9} {'CPU s':>8} {'MB':>8} {'peak memory':>14}")
    _print("nothing", *_alone(session, (), ()))
    for key in FORMATS:
        for language in ("es-ES", "ja-JP"):
            _print(f"{key} {language}", *_alone(session, (key,), (language,)))
    for key in ("txt", "docx", "csv", "json"):
        pair = ("en-US", "es-ES")
        _print(f"{key} en-US es-ES", *_alone(session, (key,), pair, side_by_side=True))
    every = (SPOKEN, *TRANSLATED)
    figures = _alone(session, tuple(FORMATS), every)
    _print(f"ZIP of {len(FORMATS) * len(every)} files", *figures)
    load = os.getloadavg()[0]
    print(f"\n{os.cpu_count()} cores, load {load:.1f}; {time.strftime('%Y-%m-%d %H:%M')}")


def long_session() -> int:
    """The primary key of an ended session as long as this bench says."""
    from django.utils import timezone

    from sessions_app.models import (
        Avatar,
        CaptionStream,
        Correction,
        Event,
        LiveSession,
        Segment,
        Speaker,
        Translation,
    )

    event = Event.objects.create(title="Eight hours", avatar=Avatar.objects.all()[0])
    session = LiveSession.objects.create(
        event=event,
        speaker=Speaker.objects.create(event=event, name="Speaker"),
        client="bench",
        source_language=SPOKEN,
        state="ended",
        ended_at=timezone.now(),
    )
    step = HOURS * 3_600_000 // SEGMENTS
    segments = Segment.objects.bulk_create(
        Segment(
            session=session,
            number=number,
            source_language=SPOKEN,
            text=TEXTS[SPOKEN],
            start_ms=number * step,
            end_ms=number * step + step - 500,
        )
        for number in range(1, SEGMENTS + 1)
    )
    for language, text in TEXTS.items():
        rows = Translation.objects.bulk_create(
            Translation(
                segment=segment,
                session=session,
                language=language,
                text=f"{segment.number}. {text}",
                seq=segment.number,
            )
            for segment in segments
        )
        CaptionStream.objects.create(session=session, language=language, last_seq=SEGMENTS)
        if language != SPOKEN:
            Correction.objects.bulk_create(
                Correction(segment_id=row.segment_id, translation=row, text=f"{row.text} *")
                for row in rows[::CORRECTED_EVERY]
            )
    return session.pk


Figures = tuple[float, float, int, int]
"""Seconds, seconds of CPU, bytes, and peak memory in bytes."""


def _alone(
    session: int, formats: tuple[str, ...], languages: tuple[str, ...], side_by_side: bool = False
) -> Figures:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_export, (session, formats, languages, side_by_side))


def _export(
    session: int, formats: tuple[str, ...], languages: tuple[str, ...], side_by_side: bool
) -> Figures:
    django.setup()
    from sessions_app.exports.order import Order, zip_chunks
    from sessions_app.exports.transcript import Wanted

    started, cpu, size = time.monotonic(), time.process_time(), 0
    if formats:
        files = Order((session,), formats, languages, side_by_side, Wanted.ALL).files()
        chunks: Iterator[bytes] = files[0].chunks() if len(files) == 1 else zip_chunks(files)
        for chunk in chunks:
            size += len(chunk)
    took = time.monotonic() - started
    return took, time.process_time() - cpu, size, _peak_memory()


def _peak_memory() -> int:
    """Bytes; `ru_maxrss` would also count the process that started this one."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def _print(what: str, took: float, cpu: float, size: int, peak: int) -> None:
    print(f"{what:<28} {took:>9.2f} {cpu:>8.2f} {size / 1e6:>8.2f} {peak / 1e6:>11.0f} MB")


if __name__ == "__main__":
    main()
