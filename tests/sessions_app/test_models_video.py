"""Seats at video avatars: who gets one, when, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from sessions_app.costs import Costs
from sessions_app.models import CaptionStream, Event, LiveSession, VideoSeat
from sessions_app.models.video import LOST_AFTER, MOST_QUEUED, TICKET_LIVES_FOR, QueueFull

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]

REGION = "westeurope"


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.AZURE_AVATAR_PACE = (2, 60)
    settings.AZURE_AVATAR_MAX_OPEN = 100


@pytest.fixture
def go_live(make_event: MakeEvent) -> Callable[..., LiveSession]:
    def begin(*, seats: int = 100, backend: str = "azure") -> LiveSession:
        event = make_event("es-ES")
        event.video_seats = seats
        event.save()
        return LiveSession.go_live(
            event.speakers.get(),
            client="tab",
            source_language="en-US",
            rehearsal=False,
            take_over=False,
            backend=backend,
        )

    return begin


GoLive = Callable[..., LiveSession]


def queue(session: LiveSession, count: int, resource: str = REGION) -> list[VideoSeat]:
    return [VideoSeat.queue(session, "es-ES", resource)[0] for _ in range(count)]


def look(seats: list[VideoSeat], resource: str = REGION) -> list[str]:
    """The states, as the process that holds these seats learns them."""
    views = VideoSeat.look(resource, [seat.pk for seat in seats])
    return [views[seat.pk].state for seat in seats]


def test_ten_listeners_are_let_in_two_a_minute_in_the_order_they_came(
    go_live: GoLive, clock: Clock
) -> None:
    seats = queue(go_live(), 10)
    begun: list[tuple[int, datetime]] = []
    for _ in range(300):
        for number, state in enumerate(look(seats)):
            if state == "ready":
                assert seats[number].connect()
                begun.append((number, clock.now))
        clock.advance(1)
    assert [number for number, _ in begun] == list(range(10))
    times = [time for _, time in begun]
    assert times[-1] - times[0] < timedelta(minutes=5)
    for third, first in zip(times[2:], times, strict=False):
        assert third - first >= timedelta(seconds=60)


def test_positions_count_from_one_and_move_up(go_live: GoLive, clock: Clock) -> None:
    session = go_live()
    assert [VideoSeat.queue(session, "es-ES", REGION)[1] for _ in range(4)] == [1, 2, 3, 4]
    seats = list(VideoSeat.objects.all())
    look(seats)
    seats[2].end("off")
    views = VideoSeat.look(REGION, [seat.pk for seat in seats])
    assert [(views[seat.pk].state, views[seat.pk].position) for seat in seats] == [
        ("ready", 0),
        ("ready", 0),
        ("ended", 0),
        ("queued", 1),
    ]


def test_an_unused_ticket_lets_the_next_one_in(go_live: GoLive, clock: Clock) -> None:
    seats = queue(go_live(), 3)
    assert look(seats) == ["ready", "ready", "queued"]
    assert seats[0].connect()
    clock.advance(TICKET_LIVES_FOR.total_seconds() + 1)
    assert not seats[1].connect()
    assert look(seats) == ["connecting", "ended", "ready"]


def test_a_ticket_lets_in_once(go_live: GoLive) -> None:
    (seat,) = queue(go_live(), 1)
    assert not seat.connect()
    look([seat])
    assert seat.connect()
    assert not seat.connect()


def test_no_more_are_open_than_the_account_may_have(
    go_live: GoLive, clock: Clock, settings: Settings
) -> None:
    settings.AZURE_AVATAR_PACE, settings.AZURE_AVATAR_MAX_OPEN = (100, 60), 2
    seats = queue(go_live(), 3)
    assert look(seats) == ["ready", "ready", "queued"]
    seats[0].connect()
    seats[0].play()
    assert look(seats) == ["playing", "ready", "queued"]
    seats[0].end("off")
    assert look(seats) == ["ended", "ready", "ready"]


def test_an_event_without_a_free_seat_does_not_hold_up_another(go_live: GoLive) -> None:
    one, other = go_live(seats=1), go_live(seats=1)
    seats = [*queue(one, 2), *queue(other, 1)]
    assert look(seats) == ["ready", "queued", "ready"]


def test_accounts_have_a_pace_each(go_live: GoLive) -> None:
    session = go_live()
    here, there = queue(session, 3, "westeurope"), queue(session, 3, "eastus2")
    assert look(here, "westeurope") == ["ready", "ready", "queued"]
    assert look(there, "eastus2") == ["ready", "ready", "queued"]


def test_seats_that_the_organiser_takes_back_are_given_to_nobody(go_live: GoLive) -> None:
    session = go_live(seats=2)
    seats = queue(session, 2)
    Event.objects.update(video_seats=0)
    assert look(seats) == ["queued", "queued"]


def test_the_queue_of_an_event_is_bounded(go_live: GoLive) -> None:
    session = go_live()
    queue(session, MOST_QUEUED)
    with pytest.raises(QueueFull):
        queue(session, 1)
    queue(go_live(), 1)


def test_seats_of_a_dead_process_come_free_and_cost_no_more(go_live: GoLive, clock: Clock) -> None:
    session = go_live(seats=1)
    dead, waiting = queue(session, 2)
    assert look([dead]) == ["ready"]
    dead.connect()
    clock.advance(10)
    assert look([dead]) == ["connecting"]
    for _ in range(2):
        clock.advance(LOST_AFTER.total_seconds() / 2 + 1)
        state = look([waiting])
    assert state == ["ready"]
    dead.refresh_from_db()
    assert (dead.state, dead.reason, dead.connected_s) == ("ended", "lost", 10.0)


def test_the_end_of_a_session_ends_its_seats(go_live: GoLive) -> None:
    session = go_live()
    seats = queue(session, 3)
    look(seats)
    session.end()
    assert look(seats) == ["ended", "ended", "ended"]
    assert {seat.reason for seat in VideoSeat.objects.all()} == {"session_ended"}


def test_an_end_is_final(go_live: GoLive) -> None:
    (seat,) = queue(go_live(), 1)
    look([seat])
    seat.end("off")
    seat.end("lost")
    assert not seat.connect()
    assert not seat.play()
    seat.refresh_from_db()
    assert (seat.state, seat.reason) == ("ended", "off")


def test_the_database_keeps_no_end_without_a_time(go_live: GoLive) -> None:
    (seat,) = queue(go_live(), 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        VideoSeat.objects.filter(pk=seat.pk).update(state="ended")
    with pytest.raises(IntegrityError), transaction.atomic():
        VideoSeat.objects.filter(pk=seat.pk).update(state="dancing")


def test_a_session_costs_its_video_its_voices_and_its_audio(
    go_live: GoLive, clock: Clock, settings: Settings
) -> None:
    settings.PRICE_AVATAR_MINUTE = 0.5
    settings.PRICE_MILLION_CHARACTERS = 20.0
    settings.PRICE_AUDIO_HOUR = 3.0
    session = go_live()
    session.started_at = clock.now
    session.acked_samples = 16_000 * 1800
    session.save()
    CaptionStream.objects.create(session=session, language="es-ES")
    CaptionStream.count_spoken(session.pk, "es-ES", 60_000)
    for _ in range(2):  # a lost connection may have hidden that the first try succeeded
        CaptionStream.count_spoken(session.pk, "es-ES", 90_000)
    (seat,) = queue(session, 1)
    look([seat])
    seat.connect()
    seat.count_spoken(10_000)
    clock.advance(600)
    seat.end("off")
    clock.advance(1200)
    costs = Costs.of(session)
    assert costs == Costs(avatar_minutes=10.0, characters=100_000, audio_hours=0.5, hours=0.5)
    assert costs.so_far == pytest.approx(5.0 + 2.0 + 1.5)
    assert costs.per_hour == pytest.approx(17.0)


def test_a_session_of_the_embedded_backend_costs_nothing(go_live: GoLive) -> None:
    session = go_live(backend="embedded")
    session.acked_samples = 16_000 * 3600
    session.save()
    assert Costs.of(session).so_far == 0.0


def test_connections_of_two_processes_share_one_pace(go_live: GoLive, clock: Clock) -> None:
    session = go_live()
    first, second = queue(session, 1), queue(session, 3)
    begun: list[datetime] = []
    for _ in range(130):
        for seats in (second, first):
            for seat, state in zip(seats, look(seats), strict=True):
                if state == "ready" and seat.connect():
                    begun.append(clock.now)
        clock.advance(1)
    assert len(begun) == 4
    assert all(later - earlier >= timedelta(0) for earlier, later in pairwise(begun))
    assert begun[2] - begun[0] >= timedelta(seconds=60)
