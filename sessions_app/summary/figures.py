"""What the summary of a session says, from the database: the same few queries at any length."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from sessions_app.costs import Costs
from sessions_app.models import (
    Correction,
    Language,
    LanguageReview,
    LiveSession,
    SessionLogEntry,
)
from sessions_app.models.catalogue import BackendName
from sessions_app.models.course import EntryKind
from sessions_app.models.transcript import ReviewState, State

WITHOUT_SPACES = ("zh", "ja", "th", "lo", "km", "my", "yue", "wuu")
"""Languages written without spaces between words: what is counted there are characters."""
REPORTED_UNTIL = timedelta(minutes=15)
"""Listeners report what went wrong also when it is over."""
MILLISECONDS = 1000
DELAYS_EVERY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds after the end of a phrase, over `count` sentences."""

    count: int
    median_ms: int
    p95_ms: int
    worst_ms: int

    @classmethod
    def of(cls, taken: Sequence[int]) -> Delays | None:
        """None where nothing was measured."""
        if not taken:
            return None
        ordered = sorted(taken)
        # The nearest rank: a figure that was really measured.
        p95 = ordered[-(-95 * len(ordered) // 100) - 1]
        return cls(len(ordered), round(statistics.median(ordered)), p95, ordered[-1])


@dataclass(frozen=True, slots=True)
class Audience:
    """`peak` at once; `mean` over the session's whole time. None where nothing was sampled."""

    peak: int
    mean: float


@dataclass(frozen=True, slots=True)
class LanguageFigures:
    """One language of a session. `captions` were shown; `failed` are those without a text."""

    code: str
    name: str
    spoken: bool
    audience: Audience | None
    captions: int
    failed: int
    corrections: int
    review: str
    characters_spoken: int
    caption_delays: Delays | None
    speech_delays: Delays | None


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the session took, and how much of that somebody was listened to."""

    total: timedelta
    paused: timedelta

    @property
    def live(self) -> timedelta:
        return max(self.total - self.paused, timedelta())


@dataclass(frozen=True, slots=True)
class Spoken:
    """How much was said: words, or characters in languages without spaces between words."""

    segments: int
    dropped: int
    words: int
    characters: int


@dataclass(frozen=True, slots=True)
class Sample:
    """So many listened in a language from this moment on, until its next sample."""

    at: datetime
    language: str
    listeners: int
    with_sound: int


@dataclass(frozen=True, slots=True)
class Reported:
    """What a listener reported; `language` is the name of what they listened in."""

    at: datetime
    language: str
    message: str


@dataclass(frozen=True, slots=True)
class MinuteDelays:
    """Medians over all languages of one minute; None where nothing was measured."""

    at: datetime
    caption_ms: int | None
    speech_ms: int | None


class Summary:
    """A session that comes with its event and speaker; every figure is read once, at the start."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self.running = session.state != State.ENDED
        self.ends_at = session.ended_at or timezone.now()
        self.lengths = Lengths(
            self.ends_at - session.started_at, timedelta(milliseconds=_paused_ms(session))
        )
        rows = session.audience_samples.order_by("at", "pk")
        self.samples = [
            Sample(*row) for row in rows.values_list("at", "language", "listeners", "with_sound")
        ]
        self._read_delays()
        self.spoken = self._read_words()
        self.languages = self._read_languages()
        self.audience = self._audience_in(total_of(self.samples))
        self.problems = self._log(EntryKind.PROBLEM)
        self.actions = self._log(EntryKind.ACTION)
        self.reports = self._reports()
        self.corrections = sum(one.corrections for one in self.languages)

    @property
    def audience_recorded(self) -> bool:
        """Whether who listened was recorded, as far as can be told.

        Listeners are recorded since delays are measured: sentences without any come from before. A
        session in which nobody spoke or listened does not tell.
        """
        return self.running or bool(self.samples) or self.recognition is not None

    @property
    def cost(self) -> str:
        """In words."""
        if self.session.backend != BackendName.AZURE:
            return "Nothing: everything ran on this server."
        return f"{Costs.of(self.session).in_words()}."

    def _read_delays(self) -> None:
        """One pass over all captions, which may be tens of thousands."""
        captions: dict[str, list[int]] = defaultdict(list)
        speeches: dict[str, list[int]] = defaultdict(list)
        by_minute: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        rows = self.session.translations.order_by().values_list(
            "language", "segment__end_ms", "caption_ms", "speech_ms"
        )
        for language, end_ms, caption_ms, speech_ms in rows.iterator(chunk_size=2000):
            minute = by_minute[end_ms // DELAYS_EVERY_MS]
            if caption_ms is not None:
                captions[language].append(caption_ms)
                minute[0].append(caption_ms)
            if speech_ms is not None:
                speeches[language].append(speech_ms)
                minute[1].append(speech_ms)
        self._caption_ms, self._speech_ms = captions, speeches
        known = self.session.segments.order_by().values_list("final_ms", flat=True)
        self.recognition = Delays.of([taken for taken in known if taken is not None])
        self.delays_by_minute = [
            MinuteDelays(
                self.session.started_at + timedelta(milliseconds=minute * DELAYS_EVERY_MS),
                *(round(statistics.median(taken)) if taken else None for taken in measured),
            )
            for minute, measured in sorted(by_minute.items())
            if any(measured)
        ]

    def _read_words(self) -> Spoken:
        words = characters = segments = dropped = 0
        rows = self.session.segments.order_by().values_list("source_language", "text", "dropped_at")
        for language, text, dropped_at in rows.iterator(chunk_size=2000):
            segments += 1
            dropped += dropped_at is not None
            if language.partition("-")[0] in WITHOUT_SPACES:
                characters += sum(character.isalnum() for character in text)
            else:
                # French sets its question marks apart: a sign alone is no word.
                words += sum(any(map(str.isalnum, word)) for word in text.split())
        return Spoken(segments, dropped, words, characters)

    def _read_languages(self) -> list[LanguageFigures]:
        session = self.session
        offered = {language.code: language for language in session.event.offered_languages()}
        streams = {row.language: row for row in session.streams.all()}
        counted = {
            row["language"]: row
            for row in session.translations.exclude(seq=None)
            .order_by()
            .values("language")
            .annotate(all=Count("pk"), failed=Count("pk", filter=Q(text=None)))
        }
        corrections = _corrections(session)
        reviews = dict(
            LanguageReview.objects.filter(session=session).values_list("language", "state")
        )
        sampled = {sample.language for sample in self.samples}
        left = {*streams, *counted, *sampled, *corrections} - set(offered)
        names = {code: language.name for code, language in offered.items()}
        names |= dict(Language.objects.filter(code__in=left).values_list("code", "name"))
        spoken = set(session.event.source_languages.values_list("code", flat=True))
        return [
            LanguageFigures(
                code=code,
                name=names.get(code, code),
                spoken=code in spoken,
                audience=self._audience_in(one for one in self.samples if one.language == code),
                captions=counted[code]["all"] if code in counted else 0,
                failed=counted[code]["failed"] if code in counted else 0,
                corrections=corrections[code],
                review=ReviewState(reviews.get(code, ReviewState.MACHINE)).label,
                characters_spoken=streams[code].spoken_characters if code in streams else 0,
                caption_delays=Delays.of(self._caption_ms[code]),
                speech_delays=Delays.of(self._speech_ms[code]),
            )
            for code in [*offered, *sorted(left)]
        ]

    def _audience_in(self, samples: Iterable[Sample]) -> Audience | None:
        """Of one language, or of all together."""
        known = list(samples)
        if not known:
            return None
        peak = max(sample.listeners for sample in known)
        if not self.lengths.total:
            return Audience(peak, float(peak))
        ends = [*(sample.at for sample in known[1:]), self.ends_at]
        listened = sum(
            sample.listeners * max((until - sample.at).total_seconds(), 0.0)
            for sample, until in zip(known, ends, strict=True)
        )
        return Audience(peak, listened / self.lengths.total.total_seconds())

    def _log(self, kind: EntryKind) -> list[SessionLogEntry]:
        return list(self.session.log.filter(kind=kind).select_related("author"))

    def _reports(self) -> list[Reported]:
        within = (self.session.started_at, self.ends_at + REPORTED_UNTIL)
        rows = self.session.event.reports.filter(created_at__range=within).order_by("pk")
        names = {one.code: one.name for one in self.languages}
        return [
            Reported(row.created_at, names.get(row.language, row.language), row.message)
            for row in rows
        ]


def total_of(samples: Iterable[Sample]) -> list[Sample]:
    """How many listened in all languages together, at every moment at which that changed."""
    now: dict[str, Sample] = {}
    total: list[Sample] = []
    for sample in samples:
        now[sample.language] = sample
        together = Sample(
            sample.at,
            "",
            sum(one.listeners for one in now.values()),
            sum(one.with_sound for one in now.values()),
        )
        if total and total[-1].at == sample.at:
            total[-1] = together
        else:
            total.append(together)
    return total


def _paused_ms(session: LiveSession) -> int:
    going_on = timezone.now() - session.paused_at if session.paused_at else timedelta()
    return session.paused_ms + round(going_on.total_seconds() * MILLISECONDS)


def _corrections(session: LiveSession) -> Mapping[str, int]:
    """How often people changed texts, by the language of the text."""
    people: QuerySet[Correction] = Correction.objects.filter(
        segment__session=session, machine=False
    ).order_by()
    counts: Counter[str] = Counter()
    for name in ("translation__language", "segment__source_language"):
        spoken = name.startswith("segment")
        rows = people.filter(translation__isnull=spoken).values_list(name)
        counts.update(dict(rows.annotate(Count("pk"))))
    return counts
