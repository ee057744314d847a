"""Live sessions: who may speak, how captions are numbered, and what is never lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from sessions_app.messages import FinalCaption
from sessions_app.models import Event, LiveSession, Segment, Speaker, Translation, transcript
from sessions_app.models.transcript import (
    EventClosed,
    RehearsalFixed,
    SpeakerBusy,
    SpeakerWatch,
    Superseded,
)

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


def go_live(
    speaker: Speaker, client: str = "tab-1", *, rehearsal: bool = False, take_over: bool = False
) -> LiveSession:
    return LiveSession.go_live(
        speaker,
        client=client,
        source_language="en-US",
        rehearsal=rehearsal,
        take_over=take_over,
    )


def say(session: LiveSession, text: str = "Hello.", frame: int = 0) -> Segment:
    return session.finish_segment(
        source_language="en-US",
        text=text,
        start_ms=frame * 100,
        end_ms=frame * 100 + 100,
        acked_frame=frame,
        acked_samples=(frame + 1) * 1600,
    )


def refuses(session: LiveSession, **values: object) -> bool:
    """Whether the database itself turns these values away."""
    try:
        with transaction.atomic():
            LiveSession.objects.filter(pk=session.pk).update(**values)
    except IntegrityError:
        return True
    return False


@pytest.fixture
def speaker(make_event: MakeEvent) -> Speaker:
    return make_event("es-ES", "fr-FR").speakers.get()


# Going live


def test_a_first_start_begins_a_session(speaker: Speaker) -> None:
    session = go_live(speaker)
    assert (session.state, session.epoch, session.acked_frame, session.paused_ms) == (
        "live",
        1,
        -1,
        0,
    )
    assert speaker.event.running_session() == session


def test_the_same_client_takes_its_own_session_on(speaker: Speaker) -> None:
    first = go_live(speaker)
    again = go_live(speaker)
    assert (again.pk, again.epoch) == (first.pk, 2)


def test_another_client_is_told_that_somebody_speaks(speaker: Speaker) -> None:
    session = go_live(speaker)
    guest = Speaker.objects.create(event=speaker.event, name="Guest")
    with pytest.raises(SpeakerBusy):
        go_live(guest, "tab-2")
    session.refresh_from_db()
    assert (session.epoch, session.client, session.speaker) == (1, "tab-1", speaker)


def test_taking_over_is_possible_when_asked_for(speaker: Speaker) -> None:
    old = go_live(speaker)
    guest = Speaker.objects.create(event=speaker.event, name="Guest")
    new = go_live(guest, "tab-2", take_over=True)
    assert (new.pk, new.epoch, new.client, new.speaker) == (old.pk, 2, "tab-2", guest)


def test_a_pause_whose_speaker_is_still_there_is_not_free(speaker: Speaker) -> None:
    session = go_live(speaker)
    session.pause()
    with pytest.raises(SpeakerBusy):
        go_live(speaker, "tab-2")
    LiveSession.objects.update(seen_at=timezone.now() - timedelta(seconds=60))
    assert go_live(speaker, "tab-2").pk == session.pk


def test_what_a_dead_process_has_left_live_is_free_and_after_hours_over(speaker: Speaker) -> None:
    session = go_live(speaker)
    LiveSession.objects.update(seen_at=timezone.now() - timedelta(seconds=40))
    with pytest.raises(SpeakerBusy):
        go_live(speaker, "tab-2")
    LiveSession.objects.update(seen_at=timezone.now() - timedelta(seconds=60))
    taken = go_live(speaker, "tab-2")
    assert (taken.pk, taken.epoch) == (session.pk, 2)
    LiveSession.objects.update(seen_at=timezone.now() - timedelta(hours=3))
    new = go_live(speaker, "tab-2")
    session.refresh_from_db()
    assert (session.state, new.state, new.pk == session.pk) == ("ended", "live", False)


def test_a_closed_event_stays_silent(speaker: Speaker) -> None:
    speaker.event.closed_at = timezone.now()
    speaker.event.save()
    with pytest.raises(EventClosed):
        go_live(speaker)
    assert LiveSession.objects.count() == 0


@pytest.mark.parametrize("rehearsal", [False, True])
def test_a_rehearsal_and_the_real_thing_are_kept_apart(speaker: Speaker, rehearsal: bool) -> None:
    session = go_live(speaker, rehearsal=rehearsal)
    with pytest.raises(RehearsalFixed):
        go_live(speaker, rehearsal=not rehearsal)
    session.end()
    assert go_live(speaker, rehearsal=not rehearsal).pk != session.pk


def test_after_an_end_a_new_session_counts_from_the_beginning(speaker: Speaker) -> None:
    first = go_live(speaker)
    say(first, frame=7)
    first.end()
    second = go_live(speaker)
    assert (second.epoch, second.acked_frame, say(second).number) == (1, -1, 1)


def test_two_events_run_side_by_side(make_event: MakeEvent) -> None:
    here, there = (go_live(make_event().speakers.get()) for _ in range(2))
    assert (say(here).number, say(there).number) == (1, 1)
    assert list(here.segments.all()) != list(there.segments.all())


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_who_start_at_once_one_is_told_to_wait(make_event: MakeEvent) -> None:
    speaker = make_event().speakers.get()
    outcomes: list[str] = []
    together = Barrier(2)

    def start(client: str) -> None:
        together.wait()
        try:
            go_live(Speaker.objects.get(pk=speaker.pk), client)
            outcomes.append("live")
        except SpeakerBusy:
            outcomes.append("busy")
        finally:
            connection.close()

    threads = [Thread(target=start, args=(name,)) for name in ("tab-1", "tab-2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["busy", "live"]
    assert LiveSession.objects.get().epoch == 1


# Pausing and ending


def test_session_time_includes_the_pauses(speaker: Speaker) -> None:
    session = go_live(speaker)
    session.pause()
    LiveSession.objects.update(paused_at=timezone.now() - timedelta(seconds=90))
    resumed = go_live(speaker)
    assert resumed.state == "live"
    assert 90_000 <= resumed.paused_ms < 150_000
    assert resumed.paused_at is None


def test_ending_ends_once(speaker: Speaker) -> None:
    session = go_live(speaker)
    session.end()
    ended_at = session.ended_at
    assert speaker.event.running_session() is None
    with pytest.raises(Superseded):
        session.end()
    session.refresh_from_db()
    assert session.ended_at == ended_at


def test_a_claim_that_came_to_nothing_leaves_no_trace(speaker: Speaker) -> None:
    go_live(speaker).withdraw()
    assert LiveSession.objects.count() == 0


def test_withdrawing_keeps_what_was_said(speaker: Speaker) -> None:
    session = go_live(speaker)
    say(session)
    session.withdraw()
    session.refresh_from_db()
    assert (session.state, session.segments.count()) == ("paused", 1)


# Writing


def test_segments_count_from_one_and_acknowledge_their_audio(speaker: Speaker) -> None:
    session = go_live(speaker)
    assert [say(session, frame=frame).number for frame in (3, 8, 12)] == [1, 2, 3]
    session.refresh_from_db()
    assert (session.acked_frame, session.acked_samples) == (12, 13 * 1600)


def test_an_acknowledgement_never_goes_back(speaker: Speaker) -> None:
    session = go_live(speaker)
    session.acknowledge(9, 16_000)
    session.acknowledge(4, 8_000)
    say(session, frame=5)
    session.refresh_from_db()
    assert (session.acked_frame, session.acked_samples) == (9, 16_000)


def test_each_language_counts_for_itself(speaker: Speaker) -> None:
    session = go_live(speaker)
    segments = [say(session) for _ in range(3)]
    spanish = [session.finish_translation(one, "es-ES", "Hola.").seq for one in segments]
    french = session.finish_translation(segments[2], "fr-FR", "Bonjour.").seq
    assert (spanish, french) == ([1, 2, 3], 1)


def test_storing_a_translation_again_changes_nothing(speaker: Speaker) -> None:
    session = go_live(speaker)
    segment = say(session)
    session.finish_translation(segment, "es-ES", "Hola.")
    again = session.finish_translation(segment, "es-ES", "Buenas.")
    assert (again.text, again.seq) == ("Hola.", 1)
    assert session.finish_translation(segment, "es-ES", None).text == "Hola."
    assert session.finish_translation(say(session), "es-ES", "Adiós.").seq == 2


def test_a_failed_translation_is_mended_by_a_later_text(speaker: Speaker) -> None:
    session = go_live(speaker)
    segment = say(session)
    assert session.finish_translation(segment, "es-ES", None).seq == 1
    mended = session.finish_translation(segment, "es-ES", "Hola.")
    assert (mended.text, mended.seq) == ("Hola.", 2)
    assert Translation.objects.get() == mended


@pytest.mark.parametrize("how", ["taken over", "ended"])
def test_who_was_superseded_writes_nothing(speaker: Speaker, how: str) -> None:
    mine = go_live(speaker)
    segment = say(mine)
    held = LiveSession.objects.get(pk=mine.pk)
    if how == "ended":
        mine.end()
    else:
        go_live(speaker, "tab-2", take_over=True)
    attempts: list[Callable[[], object]] = [
        lambda: say(held),
        lambda: held.finish_translation(segment, "es-ES", "Hola."),
        lambda: held.acknowledge(99, 99),
        lambda: held.set_source_language("fr-FR"),
        held.pause,
        held.end,
        held.withdraw,
    ]
    for attempt in attempts:
        with pytest.raises(Superseded):
            attempt()
    assert not held.touch()
    now = LiveSession.objects.get()
    assert (now.segments.count(), now.acked_frame, now.source_language) == (1, 0, "en-US")
    assert Translation.objects.count() == 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_numbers_have_no_gap_when_many_write_at_once(make_event: MakeEvent) -> None:
    session = go_live(make_event().speakers.get())
    segments = [say(session) for _ in range(12)]
    together = Barrier(3)

    def translate(share: list[Segment]) -> None:
        held = LiveSession.objects.get(pk=session.pk)
        together.wait()
        for segment in share:
            held.finish_translation(segment, "es-ES", "Hola.")
        connection.close()

    threads = [Thread(target=translate, args=(segments[start::3],)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seqs = Translation.objects.order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == list(range(1, 13))


# Correcting


def newest(segment: Segment, language: str) -> FinalCaption:
    shown = Translation.objects.shown()
    return FinalCaption.of(shown.get(segment=segment, language=language))


def test_a_correction_stands_beside_the_machines_text(speaker: Speaker) -> None:
    author = User.objects.create_user("editor")
    session = go_live(speaker)
    segment = say(session, "Hello.")
    translation = session.finish_translation(segment, "es-ES", "Hola.")
    session.finish_translation(say(session), "es-ES", "Adiós.")
    correction = translation.correct("¡Hola!", author)
    translation.refresh_from_db()
    assert (translation.text, translation.seq) == ("Hola.", 3)
    assert (correction.author, correction.translation) == (author, translation)
    caption = newest(segment, "es-ES")
    assert (caption.text, caption.source, caption.seq, caption.corrected) == (
        "¡Hola!",
        "Hello.",
        3,
        True,
    )
    translation.correct("Buenas.", author)
    assert newest(segment, "es-ES").text == "Buenas."


def test_correcting_what_was_recognised_shows_in_every_language(speaker: Speaker) -> None:
    session = go_live(speaker)
    segment = say(session, "Hallo.")
    for language, text in (("en-US", "Hallo."), ("es-ES", "Hola."), ("fr-FR", "Allô.")):
        session.finish_translation(segment, language, text)
    segment.correct("Hello.", None)
    captions = [newest(segment, language) for language in ("en-US", "es-ES", "fr-FR")]
    assert [(one.text, one.source, one.seq, one.corrected) for one in captions] == [
        ("Hello.", "Hello.", 2, True),
        ("Hola.", "Hello.", 2, True),
        ("Allô.", "Hello.", 2, True),
    ]
    segment.refresh_from_db()
    assert segment.text == "Hallo."


def test_what_was_said_can_be_corrected_after_the_end(speaker: Speaker) -> None:
    session = go_live(speaker)
    translation = session.finish_translation(say(session), "es-ES", "Hola.")
    session.end()
    translation.correct("¡Hola!", None)
    assert newest(translation.segment, "es-ES").text == "¡Hola!"


# What a vanished speaker leaves behind


@dataclass
class Clock:
    """The process's own clock, in seconds, which stands still until `watch` moves it."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def watch(self, seconds: int) -> list[LiveSession]:
        """Sweep every 2 s for so long; returns all sessions that changed."""
        changed = []
        for _ in range(0, seconds, 2):
            self.now += 2
            changed += LiveSession.sweep()
        return changed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(transcript, "monotonic", clock)
    monkeypatch.setattr(transcript, "_watch", transcript.SpeakerWatch())
    return clock


def seen(session: LiveSession, **ago: int) -> None:
    LiveSession.objects.filter(pk=session.pk).update(seen_at=timezone.now() - timedelta(**ago))


def test_a_speaker_who_is_there_is_left_alone(speaker: Speaker, clock: Clock) -> None:
    session = go_live(speaker)
    for _ in range(5):
        assert clock.watch(38) == []
        assert session.touch()
    session.refresh_from_db()
    assert (session.state, session.epoch) == ("live", 1)


def test_a_vanished_speaker_is_paused_from_when_they_were_last_seen(
    speaker: Speaker, clock: Clock
) -> None:
    session = go_live(speaker)
    held = LiveSession.objects.get(pk=session.pk)
    seen(session, minutes=2)
    assert clock.watch(42) == []
    assert clock.watch(2) == [session]
    session.refresh_from_db()
    assert (session.state, session.paused_at) == ("paused", session.seen_at)
    with pytest.raises(Superseded):
        say(held)
    assert clock.watch(60) == []


def test_nobody_vanishes_while_nobody_could_be_seen(speaker: Speaker, clock: Clock) -> None:
    """The database was away, or this process stood still: `seen_at` is old, and means nothing."""
    session = go_live(speaker)
    assert clock.watch(30) == []
    clock.now += 35
    seen(session, seconds=65)
    assert clock.watch(40) == []
    assert session.touch()
    session.refresh_from_db()
    assert (session.state, session.epoch) == ("live", 1)


def test_a_clock_set_anew_makes_nobody_vanish(speaker: Speaker, clock: Clock) -> None:
    session = go_live(speaker)
    assert clock.watch(10) == []
    seen(session, hours=1)
    assert clock.watch(20) == []
    session.refresh_from_db()
    assert session.state == "live"


def test_a_sign_of_life_at_the_last_moment_counts(
    speaker: Speaker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = go_live(speaker)
    vanished = transcript.SpeakerWatch.vanished

    def touch_meanwhile(watch: SpeakerWatch, signs: Mapping[int, datetime]) -> set[int]:
        found = vanished(watch, signs)
        if found:
            assert session.touch()
        return found

    monkeypatch.setattr(transcript.SpeakerWatch, "vanished", touch_meanwhile)
    assert clock.watch(60) == []
    session.refresh_from_db()
    assert session.state == "live"


def test_a_long_pause_is_an_end(speaker: Speaker) -> None:
    session = go_live(speaker)
    session.pause()
    seen(session, minutes=119)
    assert LiveSession.sweep() == []
    seen(session, minutes=121)
    assert LiveSession.sweep() == [session]
    session.refresh_from_db()
    assert session.state == "ended"
    assert session.ended_at is not None


# What the database refuses


def test_the_database_refuses_what_cannot_be(speaker: Speaker) -> None:
    now = timezone.now()
    session = go_live(speaker)
    assert refuses(session, state="resting")
    assert refuses(session, state="ended")
    assert refuses(session, ended_at=now)
    assert refuses(session, state="paused")
    assert refuses(session, paused_at=now)
    assert refuses(session, acked_frame=-2)
    assert refuses(session, paused_ms=-1)


def test_an_event_runs_once_at_a_time(speaker: Speaker) -> None:
    ended = go_live(speaker)
    ended.end()
    go_live(speaker)
    assert refuses(ended, state="live", ended_at=None)


def test_segments_and_translations_keep_their_order(speaker: Speaker) -> None:
    session = go_live(speaker)
    segment = say(session)
    session.finish_translation(segment, "es-ES", "Hola.")

    def segment_row(**values: object) -> Segment:
        start = {"number": 9, "source_language": "en-US", "text": "", "start_ms": 0, "end_ms": 0}
        return Segment(session=session, **{**start, **values})

    def translation_row(**values: object) -> Translation:
        start = {"segment": segment, "language": "fr-FR", "text": "", "seq": 9}
        return Translation(session=session, **{**start, **values})

    impossible = [
        segment_row(number=1),
        segment_row(number=0),
        segment_row(start_ms=5, end_ms=4),
        translation_row(language="es-ES"),
        translation_row(seq=0),
        translation_row(segment=say(session), language="es-ES", seq=1),
    ]
    for row in impossible:
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()


def test_a_segment_whose_storing_is_tried_again_is_stored_once(speaker: Speaker) -> None:
    session = go_live(speaker)

    def store() -> Segment:
        return session.finish_segment(
            source_language="en-US",
            text="Once.",
            start_ms=0,
            end_ms=900,
            acked_frame=8,
            acked_samples=14_400,
            number=1,
        )

    assert store() == store()
    assert [segment.text for segment in session.segments.all()] == ["Once."]
