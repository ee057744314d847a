"""A live session's transcript in one language, as its reviewers read it.

Nothing here reads more rows than it shows, save the search for words, which needs two queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, prefetch_related_objects

from sessions_app.models import Correction, LanguageReview, LiveSession, Segment, Translation
from sessions_app.models.transcript import ReviewState
from sessions_app.review.difference import Piece, difference

WINDOW = 200
"""Lines that a page is sent at once."""
FIRST_WINDOW = 40
"""Lines that a page opens with: two screens, so that the first words are there at once."""
DOUBTFUL_BELOW = 0.75
"""Recognition that is less sure of a segment, of 1, deserves a look.

Of 207 phrases, clean or with noise or voices behind them, the embedded recogniser was less sure of
85 % of those with more than a quarter of their words wrong, of 7 % of the others, and of none that
was clean (`python -m tests.bench.confidence`).
"""
ONLY = ("all", "doubtful", "unreviewed", "corrected")
"""What a reviewer can choose to see."""


def name_of(user: User | None) -> str:
    """A person as other reviewers know them; "" where their account was deleted."""
    return (user.get_full_name() or user.get_username()) if user else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is shown of one text of a line; None where its translation failed.

    `last` is the id of its newest correction, 0 where there is none: who changes the text says
    which one they saw. `changes` leads from the machine's text to the one shown. `by` is the person
    whose text it is, "" the machine; `again` says that the machine translated a second time.
    """

    text: str | None
    last: int
    changes: Sequence[Piece] = ()
    by: str = ""
    again: bool = False

    @classmethod
    def of(cls, machine: str | None, corrections: Sequence[Correction]) -> Text:
        """A text from the machine's and all its corrections, oldest first."""
        if not corrections:
            return cls(text=machine, last=0)
        newest = corrections[-1]
        return cls(
            text=newest.text,
            last=newest.pk,
            changes=difference(machine or "", newest.text) if newest.text != machine else (),
            by="" if newest.machine else name_of(newest.author) or "somebody",
            again=newest.machine and newest.text != machine,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A segment with its translation; None where the language is the spoken one, or none came.

    `accepted` is who has read the translation, or the spoken words where that is what is reviewed,
    and found it good; "" nobody. `dropped` is who dropped it before listeners saw it; "" nobody.
    """

    number: int
    start_ms: int
    source_language: str
    source: Text
    translation: Text | None
    accepted: str
    doubtful: bool
    dropped: str


@dataclass(frozen=True, slots=True)
class Words:
    """A text of the transcript as it is shown, to be searched."""

    number: int
    text: str
    last: int


class Transcript:
    """One session in one language; the language may be a spoken one."""

    def __init__(self, session: LiveSession, language: str) -> None:
        self.session = session
        self.language = language

    # Lines

    def lines(
        self,
        *,
        only: str = "all",
        containing: str = "",
        after: int | None = None,
        before: int | None = None,
        most: int | None = None,
    ) -> list[Line]:
        """The next lines after a number, or the last ones before it, in spoken order."""
        most = most or WINDOW
        segments = self._chosen(only)
        if containing:
            segments = segments.filter(number__in=self._numbers_containing(containing))
        if before is not None:
            rows = list(segments.filter(number__lt=before).order_by("-number")[:most])[::-1]
        else:
            rows = list(segments.filter(number__gt=after or 0).order_by("number")[:most])
        return self._lines(rows)

    def lines_numbered(self, numbers: Sequence[int]) -> list[Line]:
        """These lines as they are now, without those that are gone."""
        segments = self.session.segments.filter(number__in=numbers).order_by("number")
        return self._lines(list(segments))

    def changed_since(self, correction: int) -> tuple[list[Line], int]:
        """Lines with a correction newer than this id, and up to which id they are told."""
        # First this: what is stored in between comes next time once more.
        newest = self.newest_correction()
        newer = Correction.objects.filter(self._seen_here(), pk__gt=correction).order_by("pk")
        found = list(newer.values_list("pk", "segment")[:WINDOW])
        if len(found) == WINDOW:
            newest = found[-1][0]
        segments = self.session.segments.filter(pk__in={segment for _, segment in found})
        return self._lines(list(segments.order_by("number"))), newest

    def number_at(self, ms: int) -> int:
        """The first line that begins at or after this session time; the last one if none does."""
        numbers = self.session.segments.values_list("number", flat=True)
        found = numbers.filter(start_ms__gte=ms).order_by("number").first()
        return found or numbers.order_by("-number").first() or 0

    @staticmethod
    def newest_correction() -> int:
        """Its id, of any transcript's, which is found at once; 0 where there is none."""
        return Correction.objects.aggregate(newest=Max("pk"))["newest"] or 0

    def _lines(self, segments: list[Segment]) -> list[Line]:
        prefetch_related_objects(segments, "dropped_by")
        rows = Translation.objects.filter(segment__in=segments, language=self.language)
        own = {row.segment_id: row for row in rows.select_related("reviewed_by")}
        corrections: dict[tuple[int, int | None], list[Correction]] = defaultdict(list)
        stored = Correction.objects.filter(self._seen_here(), segment__in=segments)
        for correction in stored.select_related("author").order_by("pk"):
            corrections[correction.segment_id, correction.translation_id].append(correction)
        lines = []
        for segment in segments:
            row = own.get(segment.pk)
            translation = None
            if row and self.language != segment.source_language:
                translation = Text.of(row.text, corrections[segment.pk, row.pk])
            lines.append(
                Line(
                    number=segment.number,
                    start_ms=segment.start_ms,
                    source_language=segment.source_language,
                    source=Text.of(segment.text, corrections[segment.pk, None]),
                    translation=translation,
                    accepted=(name_of(row.reviewed_by) or "somebody")
                    if row and row.reviewed_at
                    else "",
                    doubtful=(
                        segment.confidence is not None and segment.confidence < DOUBTFUL_BELOW
                    )
                    or (translation is not None and translation.text is None),
                    dropped=(name_of(segment.dropped_by) or "somebody")
                    if segment.dropped_at
                    else "",
                )
            )
        return lines

    def _seen_here(self) -> Q:
        """Corrections of what is spoken, and of this language."""
        return Q(segment__session=self.session) & (
            Q(translation=None) | Q(translation__language=self.language)
        )

    # Which lines

    def counts(self) -> dict[str, int]:
        """How many lines each choice of `ONLY` has."""
        return {only: self._chosen(only).count() for only in ONLY}

    def _chosen(self, only: str) -> QuerySet[Segment]:
        segments = Segment.objects.filter(session=self.session)
        own = Translation.objects.filter(segment=OuterRef("pk"), language=self.language)
        match only:
            case "doubtful":
                failed = own.filter(text=None, corrections=None)
                return segments.filter(Q(confidence__lt=DOUBTFUL_BELOW) | Exists(failed))
            case "unreviewed":
                return segments.exclude(Exists(own.filter(reviewed_at__isnull=False)))
            case "corrected":
                newest = (
                    Correction.objects.filter(self._seen_here())
                    .order_by()
                    .values("segment", "translation")
                    .annotate(newest=Max("pk"))
                )
                shown = Correction.objects.filter(pk__in=newest.values("newest"), machine=False)
                return segments.filter(pk__in=shown.values("segment"))
        return segments

    # Words

    def words(self, *, spoken: bool) -> Iterator[Words]:
        """Every text as it is shown, of what was spoken or of its translations, in order.

        What was spoken in this very language is not one of its translations.
        """
        texts: Iterator[tuple[int, int, str | None]]
        if spoken:
            segments = self.session.segments.order_by("number")
            texts = iter(segments.values_list("number", "pk", "text"))
            own = Correction.objects.filter(segment__session=self.session, translation=None)
            newest = _newest(own, "segment")
        else:
            rows = (
                self.session.translations.filter(language=self.language)
                .exclude(segment__source_language=F("language"))
                .order_by("segment__number")
            )
            texts = iter(rows.values_list("segment__number", "pk", "text"))
            own = Correction.objects.filter(
                segment__session=self.session, translation__language=self.language
            )
            newest = _newest(own, "translation")
        for number, pk, machine in texts:
            last, text = newest.get(pk, (0, machine or ""))
            yield Words(number, text, last)

    def _numbers_containing(self, containing: str) -> set[int]:
        wanted = containing.casefold()
        return {
            words.number
            for spoken in (True, False)
            for words in self.words(spoken=spoken)
            if wanted in words.text.casefold()
        }

    # How far the review is

    def state(self) -> str:
        found = LanguageReview.objects.filter(session=self.session, language=self.language).first()
        return found.state if found else ReviewState.MACHINE.value


def _newest(corrections: QuerySet[Correction], owner: str) -> Mapping[int, tuple[int, str]]:
    """Id and text of the newest correction by the row it belongs to."""
    rows = corrections.order_by("pk").values_list(f"{owner}_id", "pk", "text")
    return {own: (pk, text) for own, pk, text in rows}
