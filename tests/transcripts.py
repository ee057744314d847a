"""What a talk left behind, read past the product from PostgreSQL, and whether it is the whole talk.

Recognition may hear a word differently where the audio was cut, so sentences are judged, not
words: the words of the talk and of the transcript are aligned as a whole. A sentence is lost where
less than half of its words were heard in its place; something is doubled where `MOST_ADDED` or more
words in a row stand in the transcript that nobody said there, or where two segments cover the same
`MOST_OVERLAP_MS` of audio.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import jiwer
import psycopg

from tests.bench.accuracy import DATA, normalise

MOST_ADDED = 4
MOST_OVERLAP_MS = 300
"""What is sent again after a lost connection begins with a whole frame, up to 200 ms in tests."""


@dataclass(frozen=True, slots=True)
class StoredSegment:
    number: int
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class StoredTranslation:
    segment: int
    seq: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A live session's transcript; translations by language, in the order of their `seq`."""

    session: int
    state: str
    segments: list[StoredSegment]
    translations: dict[str, list[StoredTranslation]]


def read_transcripts(database: str, join_code: str) -> list[Stored]:
    """Every live session of an event, the oldest first. Raises psycopg.Error."""
    with psycopg.connect(database, connect_timeout=5) as connection:
        sessions = connection.execute(
            "SELECT s.id, s.state FROM sessions_app_livesession s"
            " JOIN sessions_app_event e ON e.id = s.event_id WHERE e.join_code = %s ORDER BY s.id",
            [join_code],
        ).fetchall()
        return [_read(connection, pk, state) for pk, state in sessions]


def _read(connection: psycopg.Connection[tuple[object, ...]], pk: int, state: str) -> Stored:
    segments = connection.execute(
        "SELECT number, text, start_ms, end_ms FROM sessions_app_segment"
        " WHERE session_id = %s ORDER BY number",
        [pk],
    ).fetchall()
    rows = connection.execute(
        "SELECT t.language, s.number, t.seq, t.text FROM sessions_app_translation t"
        " JOIN sessions_app_segment s ON s.id = t.segment_id WHERE t.session_id = %s"
        " ORDER BY t.language, t.seq",
        [pk],
    ).fetchall()
    translations: dict[str, list[StoredTranslation]] = {}
    for language, *row in rows:
        translations.setdefault(str(language), []).append(StoredTranslation(*row))  # type: ignore[arg-type]
    return Stored(pk, state, [StoredSegment(*row) for row in segments], translations)  # type: ignore[arg-type]


@dataclass
class Verdict:
    """What is wrong with a transcript, each in words; `word_error_rate` is no fault."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    word_error_rate: float = 0.0

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.disordered]


def sentences_until(end_ms: int) -> list[str]:
    """The sentences of the sample talk that are over by then."""
    talk = json.loads((DATA / "quarterly-update.en.json").read_text())
    return [one["text"] for one in talk["sentences"] if one["end_ms"] <= end_ms]


def judge(said: Sequence[str], stored: Stored) -> Verdict:
    """Compare the sentences that were said, in order, with what is stored."""
    verdict = Verdict()
    _judge_words(said, stored, verdict)
    _judge_segments(stored, verdict)
    for language, rows in stored.translations.items():
        _judge_translations(language, rows, stored, verdict)
    return verdict


def _judge_words(said: Sequence[str], stored: Stored, verdict: Verdict) -> None:
    spoken = [normalise(sentence).split() for sentence in said]
    heard = [word for segment in stored.segments for word in normalise(segment.text).split()]
    everything = [word for sentence in spoken for word in sentence]
    if not heard:
        verdict.lost += said
        return
    compared = jiwer.process_words(" ".join(everything), " ".join(heard))
    verdict.word_error_rate = compared.wer
    right = [False] * len(everything)
    for chunk in compared.alignments[0]:
        if chunk.type == "equal":
            for position in range(chunk.ref_start_idx, chunk.ref_end_idx):
                right[position] = True
        elif chunk.type == "insert" and chunk.hyp_end_idx - chunk.hyp_start_idx >= MOST_ADDED:
            added = " ".join(heard[chunk.hyp_start_idx : chunk.hyp_end_idx])
            verdict.doubled.append(f"said once too often: {added}")
    position = 0
    for sentence, words in zip(said, spoken, strict=True):
        if sum(right[position : position + len(words)]) * 2 < len(words):
            verdict.lost.append(f"not in its place: {sentence}")
        position += len(words)


def _judge_segments(stored: Stored, verdict: Verdict) -> None:
    numbers = [segment.number for segment in stored.segments]
    if numbers != list(range(1, len(numbers) + 1)):
        verdict.disordered.append(f"segments are numbered {numbers}")
    for one, other in zip(stored.segments, stored.segments[1:], strict=False):
        if one.end_ms - other.start_ms >= MOST_OVERLAP_MS:
            verdict.doubled.append(f"the same audio twice: {one} and {other}")


def _judge_translations(
    language: str, rows: list[StoredTranslation], stored: Stored, verdict: Verdict
) -> None:
    numbers = {segment.number for segment in stored.segments}
    there = {row.segment for row in rows if row.text is not None}
    verdict.lost += [f"segment {number} in {language}" for number in sorted(numbers - there)]
    if [row.seq for row in rows] != list(range(1, len(rows) + 1)):
        verdict.disordered.append(f"{language}: seq {[row.seq for row in rows]}")
    if [row.segment for row in rows] != sorted(there):
        verdict.disordered.append(f"{language}: segments {[row.segment for row in rows]}")
