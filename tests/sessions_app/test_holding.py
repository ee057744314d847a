"""Sentences that an operator fixes, drops or shows before anyone sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from sessions_app import holding
from sessions_app.exports.transcript import Transcript, Wanted, columns_of
from sessions_app.holding import TooLate
from sessions_app.messages import FinalCaption
from sessions_app.models import Event, LiveSession, Segment, Translation
from sessions_app.models.transcript import State, Superseded

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


@pytest.fixture
def session(make_event: MakeEvent) -> LiveSession:
    """A live session whose sentences are held for 20 s."""
    session = LiveSession.go_live(
        make_event("es-ES", "fr-FR").speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    holding.hold_for(session, 20)
    return session


@pytest.fixture
def operator() -> User:
    return User.objects.create_user("operator")


def say(session: LiveSession, *languages: str) -> Segment:
    number = session.segments.count() + 1
    segment = session.finish_segment(
        source_language="en-US",
        text=f"en {number}",
        start_ms=number * 1000,
        end_ms=number * 1000 + 900,
        acked_frame=number,
        acked_samples=number * 16_000,
    )
    for language in languages or ("es-ES",):
        session.finish_translation(segment, language, f"{language[:2]} {number}")
    return segment


def seen(session: LiveSession, language: str = "es-ES") -> list[tuple[int, str | None]]:
    """Seq and text of what listeners may see, in the order it was shown."""
    rows = Translation.objects.shown().filter(session=session, language=language).order_by("seq")
    return [(caption.seq, caption.text) for caption in map(FinalCaption.of, rows)]


def pass_time(session: LiveSession, seconds: float) -> None:
    """As if the clock had gone on for so long."""
    for segment in session.segments.filter(held_until__isnull=False):
        assert segment.held_until
        segment.held_until -= timedelta(seconds=seconds)
        segment.save()
    for row in session.translations.all():
        Translation.objects.filter(pk=row.pk).update(
            created_at=row.created_at - timedelta(seconds=seconds)
        )


def release(session: LiveSession, segment: Segment) -> Translation | datetime | None:
    return holding.release(session, segment.translations.get(language="es-ES"))


def test_a_held_sentence_is_stored_and_seen_by_nobody(session: LiveSession) -> None:
    before = timezone.now()
    segment = say(session)
    assert segment.held_until
    assert (
        timedelta(0) <= segment.held_until - before - timedelta(seconds=20) < timedelta(seconds=5)
    )
    assert segment.translations.get().text == "es 1"
    assert release(session, segment) == segment.held_until
    assert (seen(session), session.streams.count()) == ([], 0)


def test_when_its_time_is_over_it_is_shown_once(session: LiveSession) -> None:
    segment = say(session)
    pass_time(session, 20)
    for _ in range(2):
        shown = release(session, segment)
        assert isinstance(shown, Translation)
        assert shown.seq == 1
    assert seen(session) == [(1, "es 1")]


def test_what_comes_after_a_held_sentence_waits_behind_it(session: LiveSession) -> None:
    first = say(session)
    LiveSession.objects.update(hold_s=0)
    second = say(session)
    assert second.held_until is None
    assert seen(session) == []
    pass_time(session, 20)
    for segment in (first, second):
        release(session, segment)
    assert seen(session) == [(1, "es 1"), (2, "es 2")]
    say(session)
    assert seen(session)[2:] == [(3, "es 3")]


def test_a_dropped_sentence_stays_in_the_transcript_and_is_never_seen(
    session: LiveSession, operator: User
) -> None:
    first, second = say(session), say(session)
    holding.drop(session, 1, operator)
    assert release(session, first) is None
    pass_time(session, 20)
    release(session, second)
    late = session.finish_translation(first, "fr-FR", "fr 1")
    holding.release_overdue()
    first.refresh_from_db()
    assert (first.text, first.dropped_by, first.dropped_at is not None) == ("en 1", operator, True)
    assert (late.text, late.seq) == ("fr 1", None)
    assert seen(session) == [(1, "es 2")]
    assert exported(session) == [["en 2", "es 2"]]


def exported(session: LiveSession) -> list[list[str]]:
    columns = columns_of(session, ["en-US", "es-ES"], {})
    lines = Transcript(session, columns, Wanted.ALL).lines()
    return [[str(text) for text in line.texts] for line in lines]


def test_no_export_shows_what_an_operator_still_has_in_hand(session: LiveSession) -> None:
    say(session)
    assert exported(session) == []
    pass_time(session, 20)
    assert exported(session) == [["en 1", "es 1"]]


def test_a_dropped_sentence_can_be_shown_after_all(session: LiveSession, operator: User) -> None:
    say(session, "es-ES", "fr-FR")
    holding.drop(session, 1, operator)
    LiveSession.objects.update(hold_s=0)
    say(session, "es-ES", "fr-FR")
    shown = holding.restore(session, 1)
    assert sorted(row.language for row in shown) == ["es-ES", "fr-FR"]
    assert seen(session) == [(1, "es 2"), (2, "es 1")]
    assert holding.restore(session, 1) == []


def test_showing_one_now_shows_those_before_it(session: LiveSession) -> None:
    for _ in range(3):
        say(session, "es-ES", "fr-FR")
    shown = holding.show_now(session, 2)
    assert len(shown) == 4
    for language in ("es-ES", "fr-FR"):
        expected = [(1, f"{language[:2]} 1"), (2, f"{language[:2]} 2")]
        assert seen(session, language) == expected
    # A translation that comes only now is shown as soon as it is there.
    first = session.segments.get(number=1)
    assert session.finish_translation(first, "de-DE", "de 1").seq == 1


def test_who_writes_has_a_minute_more_and_the_rest_waits(session: LiveSession) -> None:
    first, second = say(session), say(session)
    for _ in range(2):  # said again and again, and no longer for that
        holding.keep_waiting(session, 1)
    first.refresh_from_db()
    assert first.held_until == first.created_at + timedelta(seconds=80)
    pass_time(session, 25)
    holding.release_overdue()
    assert seen(session) == []
    pass_time(session, 56)
    for segment in (first, second):
        release(session, segment)
    assert seen(session) == [(1, "es 1"), (2, "es 2")]


def test_who_leaves_a_sentence_leaves_the_others_a_moment(session: LiveSession) -> None:
    first = say(session)
    holding.keep_waiting(session, 1)
    Segment.objects.update(created_at=first.created_at - timedelta(seconds=15))
    before = timezone.now()
    holding.stop_waiting(session, 1)
    first.refresh_from_db()
    assert first.held_until
    assert before <= first.held_until - timedelta(seconds=holding.LEFT_FOR_S) <= timezone.now()
    holding.stop_waiting(session, 1)
    again = session.segments.get()
    assert again.held_until == first.held_until


def test_what_somebody_writes_in_is_not_shown_by_another_time_for_all(session: LiveSession) -> None:
    first, second = say(session), say(session)
    holding.keep_waiting(session, 1)
    holding.hold_for(session, 0)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_held, second.is_held) == (True, False)


def test_leaving_what_was_shown_does_not_hide_it_again(session: LiveSession) -> None:
    say(session)
    holding.show_now(session, 1)
    Segment.objects.update(held_until=timezone.now() + timedelta(seconds=20))
    before = session.segments.get().held_until
    holding.stop_waiting(session, 1)
    assert session.segments.get().held_until == before
    Segment.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    holding.stop_waiting(session, 1)
    assert not session.segments.get().is_held


def test_a_correction_of_a_held_sentence_is_what_listeners_see(
    session: LiveSession, operator: User
) -> None:
    segment = say(session)
    segment.translations.get().correct("es 1, mejor", operator)
    assert (seen(session), session.streams.count()) == ([], 0)
    pass_time(session, 20)
    release(session, segment)
    assert seen(session) == [(1, "es 1, mejor")]


def test_what_was_seen_can_no_longer_be_dropped(session: LiveSession, operator: User) -> None:
    say(session)
    holding.show_now(session, 1)
    for number in (1, 7):
        with pytest.raises(TooLate):
            holding.drop(session, number, operator)
        with pytest.raises(TooLate):
            holding.keep_waiting(session, number)
    assert seen(session) == [(1, "es 1")]


def test_what_waits_behind_a_sentence_that_is_written_in_can_be_dropped_and_written_in(
    session: LiveSession, operator: User
) -> None:
    for _ in range(4):
        say(session)
    holding.keep_waiting(session, 1)
    pass_time(session, 25)
    assert [segment.is_held for segment in session.segments.all()] == [True, False, False, False]
    holding.drop(session, 2, operator)
    Segment.objects.filter(number=3).update(created_at=timezone.now())
    holding.keep_waiting(session, 3)
    assert session.segments.get(number=3).is_held
    holding.show_now(session, 1)
    assert seen(session) == [(1, "es 1")]
    holding.show_now(session, 3)
    holding.release_overdue()
    assert seen(session) == [(1, "es 1"), (2, "es 3"), (3, "es 4")]
    for number in (1, 3, 4):
        with pytest.raises(TooLate, match="have seen"):
            holding.drop(session, number, operator)


def test_what_was_never_held_cannot_be_dropped_before_it_is_translated(
    session: LiveSession, operator: User
) -> None:
    """Listeners have seen its words while they were spoken."""
    LiveSession.objects.update(hold_s=0)
    session.finish_segment(
        source_language="en-US",
        text="en 1",
        start_ms=0,
        end_ms=900,
        acked_frame=1,
        acked_samples=16_000,
    )
    with pytest.raises(TooLate):
        holding.drop(session, 1, operator)


def test_a_shorter_time_counts_for_what_waits_already(session: LiveSession) -> None:
    segment = say(session)
    holding.hold_for(session, 5)
    segment.refresh_from_db()
    assert segment.held_until
    assert segment.held_until <= timezone.now() + timedelta(seconds=5)
    holding.hold_for(session, 0)
    assert isinstance(release(session, segment), Translation)
    assert say(session).held_until is None


def test_a_time_that_is_made_shorter_again_counts_for_what_waits_already(
    session: LiveSession,
) -> None:
    holding.hold_for(session, 30)
    segment = say(session)
    Segment.objects.update(created_at=segment.created_at - timedelta(seconds=15))
    pass_time(session, 15)
    holding.hold_for(session, 10)
    holding.hold_for(session, 0)
    assert isinstance(release(session, segment), Translation)


@pytest.mark.parametrize("seconds", [-1, 31])
def test_nothing_is_held_for_ever(session: LiveSession, seconds: int) -> None:
    with pytest.raises(ValueError, match="0 to 30"):
        holding.hold_for(session, seconds)
    session.refresh_from_db()
    assert session.hold_s == 20


@pytest.mark.parametrize("end", [False, True])
def test_what_a_dead_process_held_is_shown_by_any_other(session: LiveSession, end: bool) -> None:
    say(session, "es-ES", "fr-FR")
    say(session, "es-ES", "fr-FR")
    if end:
        session.end()
    holding.release_overdue()
    assert seen(session) == []
    pass_time(session, 26)
    holding.release_overdue()
    holding.release_overdue()
    for language in ("es-ES", "fr-FR"):
        expected = [(1, f"{language[:2]} 1"), (2, f"{language[:2]} 2")]
        assert seen(session, language) == expected


def test_who_was_superseded_shows_nothing(session: LiveSession) -> None:
    segment = say(session)
    pass_time(session, 20)
    LiveSession.objects.update(epoch=9)
    with pytest.raises(Superseded):
        release(session, segment)
    assert seen(session) == []


def test_an_order_waits_for_who_listens_and_ends_what_nobody_listens_to(
    session: LiveSession,
) -> None:
    session.order(State.PAUSED)
    session.refresh_from_db()
    assert (session.state, session.wanted) == ("live", "paused")
    session.pause()
    assert (session.state, session.wanted) == ("paused", "")
    session.order(State.PAUSED)
    session.order(State.ENDED)
    session.refresh_from_db()
    assert (session.state, session.wanted) == ("ended", "")
    session.order(State.PAUSED)
    session.refresh_from_db()
    assert session.state == "ended"


def test_an_end_ordered_while_it_was_being_paused_is_carried_out(session: LiveSession) -> None:
    session.order(State.ENDED)
    session.pause()
    assert session.wanted == "ended"
    assert [changed.pk for changed in LiveSession.sweep()] == [session.pk]
    session.refresh_from_db()
    assert session.state == "ended"


def test_an_order_to_pause_does_not_outlive_the_next_start(session: LiveSession) -> None:
    session.order(State.PAUSED)
    assert session.speaker
    again = LiveSession.go_live(
        session.speaker, client="tab", source_language="en-US", rehearsal=False, take_over=False
    )
    assert (again.pk, again.wanted) == (session.pk, "")


def test_an_event_can_be_held_from_its_first_sentence_on(
    session: LiveSession, make_event: MakeEvent
) -> None:
    event = make_event("es-ES", title="Delicate")
    event.hold_s = 7
    event.save()
    begun = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    assert (begun.hold_s, say(begun).is_held) == (7, True)
