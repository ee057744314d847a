"""Captions that wait for an operator: to be fixed, dropped or shown before anyone sees them.

A held caption is stored and has no seq. It gets one when its time is over, when an operator shows
it, or, where the process that held it has died, from any other one: it is late then, never lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from sessions_app.models import LiveSession, Segment, Translation
from sessions_app.models.event import MOST_HELD_S
from sessions_app.models.transcript import Superseded

MOST_AT_WORK_S = 60
"""An operator who writes has this much longer; a page that was left open holds up for no more."""
LEFT_FOR_S = 8
"""Who leaves a sentence may not be the only one who writes in it: the others say so every 5 s."""
LATE_S = 5.0
_ROUNDED = timedelta(seconds=1)
"""A sentence's own time was counted a little before its row was made."""


class TooLate(Exception):
    """Listeners have seen it already, or the session is over; the text says what to do."""


def hold_for(session: LiveSession, seconds: int) -> None:
    """Hold every sentence from now on for so long; what waits longer now, waits only so long.

    Raises ValueError unless it is 0 (nothing is held) to MOST_HELD_S.
    """
    if not 0 <= seconds <= MOST_HELD_S:
        raise ValueError(f"Captions can be held for 0 to {MOST_HELD_S} seconds.")
    with transaction.atomic():
        current = _lock(session)
        current.hold_s = seconds
        current.save(update_fields=["hold_s"])
        until = timezone.now() + timedelta(seconds=seconds)
        # Not those in which somebody writes: they wait for longer than any time set for all, of
        # which there may have been several since.
        longest = timedelta(seconds=MOST_HELD_S) + _ROUNDED
        current.segments.filter(
            held_until__gt=until, held_until__lte=F("created_at") + longest
        ).update(held_until=until)


def keep_waiting(session: LiveSession, number: int) -> None:
    """An operator writes: the sentence waits for them. Raises TooLate."""
    with transaction.atomic():
        current = _lock(session)
        segment = _waiting(current, number)
        patience = timedelta(seconds=current.hold_s + MOST_AT_WORK_S)
        segment.held_until = segment.created_at + patience
        segment.save(update_fields=["held_until"])


def stop_waiting(session: LiveSession, number: int) -> None:
    """The operator has left it: it waits as long as it would have, and a moment for the others."""
    with transaction.atomic():
        current = _lock(session)
        for segment in current.segments.filter(number=number, held_until__gt=timezone.now()):
            if segment.translations.exclude(seq=None).exists():
                return  # it was shown meanwhile, and is not to be hidden again
            usual = segment.created_at + timedelta(seconds=current.hold_s)
            moment = timezone.now() + timedelta(seconds=LEFT_FOR_S)
            assert segment.held_until
            segment.held_until = min(segment.held_until, max(usual, moment))
            segment.save(update_fields=["held_until"])


def show_now(session: LiveSession, number: int) -> list[Translation]:
    """Show the sentence and those before it; returns the captions that are shown by that."""
    with transaction.atomic():
        current = _lock(session)
        now = timezone.now()
        current.segments.filter(number__lte=number, held_until__gt=now).update(held_until=now)
        return _show(current, upto=number)


def drop(session: LiveSession, number: int, author: User) -> None:
    """Never show the sentence. It stays in the transcript, marked. Raises TooLate."""
    with transaction.atomic():
        segment = _waiting(_lock(session), number)
        segment.dropped_at, segment.dropped_by = timezone.now(), author
        segment.save(update_fields=["dropped_at", "dropped_by"])


def restore(session: LiveSession, number: int) -> list[Translation]:
    """Show a dropped sentence after all, at once; returns its captions.

    Those it has not got yet follow, if nobody interprets the session: see `tidying`.
    """
    with transaction.atomic():
        current = _lock(session)
        dropped = current.segments.filter(number=number, dropped_at__isnull=False)
        if not dropped.update(dropped_at=None, dropped_by=None, held_until=timezone.now()):
            return []
        current.finish_at = timezone.now()
        current.save(update_fields=["finish_at"])
        return current.give_seqs(current.translations.filter(seq=None, segment__number=number))


def release(session: LiveSession, translation: Translation) -> Translation | datetime | None:
    """Show a caption whose turn it is: those before it in its language are shown or dropped.

    Returns it with its seq; until when it is still held; or None where it was dropped. What is
    shown already is left as it is. Raises Superseded where another process interprets the session.
    """
    if held := _held_until(translation):
        return held
    with transaction.atomic():
        current = _lock(session)
        if current.epoch != session.epoch:
            raise Superseded
        if held := _held_until(translation):
            return held
        translation.refresh_from_db()
        if translation.segment.dropped_at:
            return None
        if translation.seq is None:
            current.give_seqs([translation])
        return translation


def release_overdue() -> None:
    """Show what should have been shown some seconds ago by a process that did not.

    To be called every few seconds; the captions are found in the database.
    """
    late = timezone.now() - timedelta(seconds=LATE_S)
    overdue = Translation.objects.filter(
        Q(segment__held_until=None, created_at__lt=late) | Q(segment__held_until__lt=late),
        seq=None,
        segment__dropped_at=None,
    )
    # Looked up by itself first: this finds nothing nearly always, by an index.
    for pk in set(overdue.values_list("session", flat=True)):
        with transaction.atomic():
            session = LiveSession.objects.select_for_update().filter(pk=pk).first()
            if session:
                _show(session)


def _lock(session: LiveSession) -> LiveSession:
    return LiveSession.objects.select_for_update().get(pk=session.pk)


def _held_until(translation: Translation) -> datetime | None:
    """None where it need not wait any more."""
    segment = Segment.objects.get(pk=translation.segment_id)
    return segment.held_until if segment.is_held and not segment.dropped_at else None


def _waiting(session: LiveSession, number: int) -> Segment:
    """Raises TooLate where somebody has seen it or it was dropped.

    Its own time may be over while it waits behind another one.
    """
    segment = session.segments.filter(number=number).first()
    if segment is None:
        raise TooLate("This sentence is no longer in the transcript.")
    if segment.dropped_at:
        raise TooLate("This sentence was dropped meanwhile.")
    seqs = segment.translations.values_list("seq", flat=True)
    # What never waited was seen while it was spoken, though its captions may still be to come.
    waited = segment.held_until is not None or bool(seqs)
    if any(seqs) or not waited:
        raise TooLate("Listeners have seen this sentence already. You can still correct it.")
    return segment


def _show(session: LiveSession, *, upto: int | None = None) -> list[Translation]:
    """Show what waits and is due, in each language up to the first that is not."""
    waiting = session.translations.filter(seq=None, segment__dropped_at=None)
    if upto is not None:
        waiting = waiting.filter(segment__number__lte=upto)
    held: set[str] = set()
    due = []
    for row in waiting.select_related("segment").order_by("segment__number", "pk"):
        if row.segment.is_held:
            held.add(row.language)
        if row.language not in held:
            due.append(row)
    return session.give_seqs(due)
