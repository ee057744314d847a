"""A summary's figures as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from sessions_app.exports.csv import safe_row
from sessions_app.summary.figures import Audience, Delays, Summary

MARK = "\ufeff"
"""By which spreadsheets know UTF-8."""

LANGUAGE_HEADS = (
    "language",
    "name",
    "listeners at most",
    "listeners on average",
    "captions",
    "failed translations",
    "corrections",
    "review",
    "characters spoken",
    "caption delay median ms",
    "caption delay 95th percentile ms",
    "caption delay worst ms",
    "voice delay median ms",
    "voice delay 95th percentile ms",
    "voice delay worst ms",
)


def languages_csv(summary: Summary) -> str:
    """A row for each language."""
    return _table(
        LANGUAGE_HEADS,
        (
            [
                one.code,
                one.name,
                *_audience(one.audience),
                one.captions,
                one.failed,
                one.corrections,
                one.review,
                one.characters_spoken,
                *_delays(one.caption_delays),
                *_delays(one.speech_delays),
            ]
            for one in summary.languages
        ),
    )


def audience_csv(summary: Summary) -> str:
    """A row whenever the number of listeners of a language has changed; times are in UTC."""
    return _table(
        ("at", "language", "listeners", "with sound"),
        (
            [f"{one.at:%Y-%m-%dT%H:%M:%SZ}", one.language, one.listeners, one.with_sound]
            for one in summary.samples
        ),
    )


def _audience(audience: Audience | None) -> list[object]:
    return [audience.peak, f"{audience.mean:.1f}"] if audience else ["", ""]


def _delays(delays: Delays | None) -> list[object]:
    return [delays.median_ms, delays.p95_ms, delays.worst_ms] if delays else ["", "", ""]


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows(map(safe_row, [heads, *rows]))
    return MARK + file.getvalue()
