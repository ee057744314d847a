"""What a reviewer does to a line: correct, accept, undo, put a new machine translation in.

Each function checks, under the lock of the session's row, that every text is still the one the
reviewer saw; otherwise it changes nothing at all and raises `Changed`. What was there stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sessions_app.broadcast import publish_correction
from sessions_app.models import Correction, LanguageReview, LiveSession, Segment, Translation
from sessions_app.models.transcript import ReviewState
from sessions_app.review.transcript import Transcript, name_of


class Refused(Exception):
    """It cannot be done; the text says why and what to do."""


class Gone(Refused):
    """A line was deleted meanwhile."""


class Changed(Refused):
    """Somebody else has changed a text meanwhile; `numbers` are the lines."""

    def __init__(self, message: str, numbers: Sequence[int]) -> None:
        super().__init__(message)
        self.numbers = numbers


@dataclass(frozen=True, slots=True)
class Place:
    """A text of a line: what was spoken or its translation, and the correction last seen there."""

    number: int
    spoken: bool
    last: int


@dataclass(slots=True)
class Held:
    """A text while it is locked. `translation` is None for what was spoken.

    `row` is where its acceptance stands. `corrections` are all of it, oldest first.
    """

    place: Place
    segment: Segment
    translation: Translation | None
    row: Translation | None
    corrections: list[Correction] = field(default_factory=list)

    @property
    def machine(self) -> str | None:
        return self.translation.text if self.translation else self.segment.text

    @property
    def shown(self) -> str | None:
        return self.corrections[-1].text if self.corrections else self.machine

    @property
    def language(self) -> str:
        return self.translation.language if self.translation else self.segment.source_language

    def in_effect(self) -> list[Correction]:
        """Corrections that nobody took back, oldest first."""
        effective: list[Correction] = []
        for correction in self.corrections:
            if correction.undoes_id is None:
                effective.append(correction)
            elif effective:
                effective.pop()
        return effective

    def untouched(self) -> bool:
        """Whether no person has written or accepted it."""
        effective = self.in_effect()
        accepted = self.row is not None and self.row.reviewed_at is not None
        return not accepted and (not effective or effective[-1].machine)

    def correction(self, text: str, author: User, *, machine: bool = False) -> Correction:
        return Correction(
            segment=self.segment,
            translation=self.translation,
            text=text,
            author=author,
            machine=machine,
        )


def correct(transcript: Transcript, place: Place, text: str, author: User) -> None:
    """Put a person's text there, and accept it. Raises Gone, Changed or Refused."""
    with _holding(transcript, [place]) as (held,):
        if text != held.shown:
            _store(transcript, [held.correction(text, author)])
        _accept(transcript, held, author)


def accept(transcript: Transcript, place: Place, author: User, *, good: bool) -> None:
    """Say that the text was read and found good, or take that back. Raises as `correct`."""
    with _holding(transcript, [place]) as (held,):
        if held.shown is None or held.row is None:
            raise Refused("There is no text to accept yet. Write one, or have it translated again.")
        if good:
            _accept(transcript, held, author)
        else:
            Translation.objects.filter(pk=held.row.pk).update(reviewed_at=None, reviewed_by=None)


def undo(transcript: Transcript, places: Sequence[Place], author: User) -> None:
    """Bring back what each text was before its last change; the change stays in the history.

    A text that was only accepted is no longer. All at once or none. Raises as `correct`.
    """
    with _holding(transcript, places) as held:
        corrections = []
        for one in held:
            effective = one.in_effect()
            accepted = one.row and one.row.reviewed_at
            if not effective and not accepted:
                raise Refused(f"Line {one.place.number} has no change that could be undone.")
            if not effective:
                continue
            before = effective[-2] if len(effective) > 1 else None
            text = before.text if before else one.machine
            if text is None:
                raise Refused(
                    "The machine has no text for this line, so there is nothing to go back to. "
                    "Write another text instead."
                )
            correction = one.correction(text, author, machine=before.machine if before else True)
            correction.undoes = effective[-1]
            corrections.append(correction)
        _store(transcript, corrections)
        rows = [one.row.pk for one in held if one.row]
        Translation.objects.filter(pk__in=rows).update(reviewed_at=None, reviewed_by=None)


def correct_many(transcript: Transcript, texts: Mapping[Place, str], author: User) -> None:
    """Put a person's texts in many places, all at once or none. Raises as `correct`."""
    with _holding(transcript, list(texts)) as held:
        _store(transcript, [one.correction(texts[one.place], author) for one in held])
        _begin_review(transcript.session, {one.language for one in held}, author)


def untouched_translations(transcript: Transcript, place: Place) -> Mapping[str, str | None]:
    """Text by language of a line's translations that no person has touched.

    `place` is what was spoken. Raises Gone or Changed.
    """
    with _holding(transcript, [place]) as (held,):
        return {one.language: one.shown for one in _translations(held.segment) if one.untouched()}


def translate_again(
    transcript: Transcript, place: Place, texts: Mapping[str, str], author: User
) -> Sequence[str]:
    """Put new machine translations of the words at `place`, by language, beside the old ones.

    Returns the languages that were still untouched and got another text. Raises Gone or Changed.
    """
    with _holding(transcript, [place]) as (held,):
        fresh = [
            one
            for one in _translations(held.segment)
            if one.language in texts and one.untouched() and one.shown != texts[one.language]
        ]
        _store(
            transcript,
            [one.correction(texts[one.language], author, machine=True) for one in fresh],
        )
        return [one.language for one in fresh]


def set_state(transcript: Transcript, state: ReviewState, author: User) -> None:
    """Say how far this language's review is."""
    LanguageReview.objects.update_or_create(
        session=transcript.session,
        language=transcript.language,
        defaults={"state": state, "author": author},
    )


@contextmanager
def _holding(transcript: Transcript, places: Sequence[Place]) -> Iterator[list[Held]]:
    """The texts at these places, which nobody else can change until this ends."""
    with transaction.atomic():
        if not LiveSession.objects.select_for_update().filter(pk=transcript.session.pk).exists():
            raise Gone("This transcript was deleted meanwhile.")
        held = _find(transcript, places)
        stale = [
            one
            for one in held
            if one.place.last != (one.corrections[-1].pk if one.corrections else 0)
        ]
        if stale:
            raise Changed(_changed_by(stale), [one.place.number for one in stale])
        yield held


def _changed_by(stale: Sequence[Held]) -> str:
    newest = stale[0].corrections[-1:]
    author = (name_of(newest[0].author) if newest else "") or "Somebody"
    if len(stale) > 1:
        return f"{author} and others have changed {len(stale)} of these lines meanwhile."
    return f"{author} has changed line {stale[0].place.number} meanwhile."


def _find(transcript: Transcript, places: Sequence[Place]) -> list[Held]:
    numbers = {place.number for place in places}
    segments = {one.number: one for one in transcript.session.segments.filter(number__in=numbers)}
    rows = {
        (row.segment_id, row.language): row
        for row in Translation.objects.filter(segment__in=segments.values())
    }
    held = []
    for place in places:
        segment = segments.get(place.number)
        if segment is None:
            raise Gone(f"Line {place.number} was deleted meanwhile.")
        if place.spoken or transcript.language == segment.source_language:
            row = rows.get((segment.pk, segment.source_language))
            held.append(Held(place, segment, None, row))
            continue
        row = rows.get((segment.pk, transcript.language))
        if row is None:
            raise Refused(f"Line {place.number} is not translated yet. Try again in a moment.")
        held.append(Held(place, segment, row, row))
    _add_corrections(held)
    return held


def _translations(segment: Segment) -> list[Held]:
    rows = segment.translations.exclude(language=segment.source_language).order_by("language")
    held = [Held(Place(segment.number, spoken=False, last=0), segment, row, row) for row in rows]
    _add_corrections(held)
    return held


def _add_corrections(held: Sequence[Held]) -> None:
    found: dict[tuple[int, int | None], list[Correction]] = defaultdict(list)
    stored = Correction.objects.filter(segment__in={one.segment.pk for one in held})
    for correction in stored.select_related("author").order_by("pk"):
        found[correction.segment_id, correction.translation_id].append(correction)
    for one in held:
        key = (one.segment.pk, one.translation.pk if one.translation else None)
        one.corrections = found[key]


def _store(transcript: Transcript, corrections: Sequence[Correction]) -> None:
    if corrections:
        stored = transcript.session.put_beside(corrections)
        transaction.on_commit(partial(publish_correction, *stored))


def _accept(transcript: Transcript, held: Held, author: User) -> None:
    if held.row:
        Translation.objects.filter(pk=held.row.pk).update(
            reviewed_at=timezone.now(), reviewed_by=author
        )
    _begin_review(transcript.session, {held.language}, author)


def _begin_review(session: LiveSession, languages: set[str], author: User) -> None:
    for language in languages:
        LanguageReview.objects.get_or_create(
            session=session,
            language=language,
            defaults={"state": ReviewState.IN_REVIEW, "author": author},
        )
    begun = LanguageReview.objects.filter(session=session, language__in=languages)
    begun.filter(state=ReviewState.MACHINE).update(
        state=ReviewState.IN_REVIEW, author=author, changed_at=timezone.now()
    )
