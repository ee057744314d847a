"""The same event at other times: on the clock of its organiser, with secrets of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sessions_app.copying import MOST_COPIES, Repeat, TooMany, copy_event, starts
from sessions_app.models import (
    Event,
    EventMember,
    GlossaryTerm,
    GlossaryTranslation,
    Language,
    LiveSession,
    Preferences,
    Speaker,
    Voice,
)
from sessions_app.models.event import Role

MakeEvent = Callable[..., Event]
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def clock(repeat: Repeat, first: datetime, until: date | None, zone: ZoneInfo) -> list[str]:
    """The starts in UTC."""
    found = starts(repeat, first, until, [], zone)
    return [start.at.astimezone(UTC).isoformat(timespec="minutes")[:16] for start in found]


# Dates


def test_a_weekly_event_keeps_its_hour_when_the_clocks_change() -> None:
    first = datetime(2031, 3, 24, 10, 0)
    assert clock(Repeat.WEEKLY, first, date(2031, 4, 7), BERLIN) == [
        "2031-03-24T09:00",
        "2031-03-31T08:00",
        "2031-04-07T08:00",
    ]
    assert clock(Repeat.DAILY, datetime(2031, 11, 1, 20), date(2031, 11, 3), NEW_YORK) == [
        "2031-11-02T00:00",
        "2031-11-03T01:00",
        "2031-11-04T01:00",
    ]


def test_a_time_that_the_clock_skips_is_made_up_for_and_said() -> None:
    found = starts(Repeat.DAILY, datetime(2031, 3, 29, 2, 30), date(2031, 3, 31), [], BERLIN)
    assert [
        (start.at.astimezone(BERLIN).strftime("%d %H:%M"), start.shifted) for start in found
    ] == [
        ("29 02:30", False),
        ("30 03:30", True),
        ("31 02:30", False),
    ]


def test_a_time_that_comes_twice_is_taken_the_first_time() -> None:
    found = starts(Repeat.ONCE, datetime(2031, 10, 26, 2, 30), None, [], BERLIN)
    assert [(start.at.astimezone(UTC).hour, start.shifted) for start in found] == [(0, False)]


def test_a_month_without_such_a_day_has_none() -> None:
    found = clock(Repeat.MONTHLY, datetime(2031, 12, 31, 10), date(2032, 4, 1), ZoneInfo("UTC"))
    assert found == ["2031-12-31T10:00", "2032-01-31T10:00", "2032-03-31T10:00"]


def test_listed_dates_are_put_in_order_and_taken_once() -> None:
    days = [date(2031, 5, 2), date(2031, 1, 1), date(2031, 5, 2)]
    found = starts(Repeat.DATES, datetime(2031, 1, 1, 9), None, days, BERLIN)
    assert [start.at.isoformat() for start in found] == [
        "2031-01-01T09:00:00+01:00",
        "2031-05-02T09:00:00+02:00",
    ]


def test_there_is_a_most_and_no_endless_repeating() -> None:
    first = datetime(2031, 1, 1, 9)
    assert len(starts(Repeat.DAILY, first, date(2031, 3, 1), [], BERLIN)) == MOST_COPIES
    with pytest.raises(TooMany):
        starts(Repeat.DAILY, first, date(9999, 12, 31), [], BERLIN)


# Copies


@pytest.fixture
def ann(client: Client, db: None) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def event(ann: User, make_event: MakeEvent) -> Event:
    """Ann's, with everything an organiser can settle, and a session that took place."""
    event = make_event("es-ES", "fr-FR", title="Board <i>meeting</i>")
    event.owner, event.starts_at = ann, datetime(2031, 3, 24, 9, tzinfo=UTC)
    event.access, event.pin, event.duration_min, event.video_seats = "pin", "4711", 90, 2
    event.hold_s = 5
    event.closed_at = timezone.now()
    event.save()
    spanish = event.languages.get(language__code="es-ES")
    spanish.voice = Voice.objects.filter(language__code="es-ES", gender="male")[0]
    spanish.muted = True
    spanish.save()
    Speaker.objects.create(event=event, name="Gone").revoke()
    EventMember.objects.create(
        event=event, user=User.objects.create_user("helper"), role=Role.OPERATOR
    )
    term = GlossaryTerm.objects.create(event=event, term="churn", say_as="tshurn")
    GlossaryTranslation.objects.create(
        term=term, language=Language.objects.get(code="es-ES"), text="bajas"
    )
    Preferences.choose_time_zone(ann.pk, "Europe/Berlin")
    return event


def settled(event: Event) -> dict[str, Any]:
    """Everything a copy takes over."""
    return {
        "event": [
            getattr(event, name)
            for name in (
                "duration_min",
                "access",
                "pin",
                "avatar_id",
                "video_seats",
                "hold_s",
                "owner_id",
            )
        ],
        "spoken": sorted(event.source_languages.values_list("code", flat=True)),
        "languages": list(
            event.languages.order_by("language__code").values_list(
                "language__code", "voice", "avatar", "muted"
            )
        ),
        "people": list(event.members.values_list("user__username", "role")),
        "glossary": list(
            event.glossary.values_list(
                "term", "keep", "say_as", "translations__language__code", "translations__text"
            )
        ),
    }


def test_a_copy_has_all_that_was_settled_and_secrets_of_its_own(event: Event) -> None:
    moment = datetime(2031, 4, 1, 9, tzinfo=UTC)
    (copy,) = copy_event(event, [moment])
    assert (copy.title, copy.starts_at, copy.closed_at) == (event.title, moment, None)
    assert settled(copy) == settled(event)
    assert copy.join_code != event.join_code
    assert copy.rehearsal_key != event.rehearsal_key
    assert [speaker.name for speaker in copy.speakers.all()] == ["Speaker"]
    tokens = Speaker.objects.values_list("token", flat=True)
    assert len(set(tokens)) == len(tokens) == 3
    assert not LiveSession.objects.exists()


def form(**answers: str) -> dict[str, str]:
    first = {"title": "Again", "repeat": "weekly", "day": "2031-03-24", "at": "10:00"}
    return first | {"until": "2031-04-07", "dates": ""} | answers


def test_the_dates_are_shown_before_anything_is_created(
    client: Client, ann: User, event: Event
) -> None:
    path = reverse("event-copy", args=[event.pk])
    first = client.get(path).context["form"].initial
    assert (first["day"], str(first["at"])) == (date(2031, 3, 31), "10:00:00")
    shown = client.post(path, form())
    assert [line.when for line in shown.context["lines"]] == [
        "24 March 2031, 10:00 (Europe/Berlin)",
        "31 March 2031, 10:00 (Europe/Berlin)",
        "7 April 2031, 10:00 (Europe/Berlin)",
    ]
    assert Event.objects.count() == 1
    response = client.post(path, form(create=""))
    assert response["Location"] == reverse("admin:sessions_app_event_changelist")
    made = Event.objects.exclude(pk=event.pk).order_by("starts_at")
    assert [(one.title, one.starts_at.hour) for one in made if one.starts_at] == [
        ("Again", 9),
        ("Again", 8),
        ("Again", 8),
    ]
    logged = LogEntry.objects.values_list("user__username", "change_message")
    assert list(logged) == [("ann", "Copied from “Board <i>meeting</i>”.")] * 3


def test_one_copy_is_opened(client: Client, event: Event) -> None:
    path = reverse("event-copy", args=[event.pk])
    response = client.post(path, form(repeat="once", create=""))
    copy = Event.objects.exclude(pk=event.pk).get()
    assert response["Location"] == reverse("admin:sessions_app_event_change", args=[copy.pk])


def test_what_should_be_known_of_a_date_is_said_beside_it(
    client: Client, event: Event, make_event: MakeEvent
) -> None:
    busy = make_event()
    busy.owner, busy.starts_at = event.owner, datetime(2031, 5, 2, 8, 30, tzinfo=UTC)
    busy.save()
    dates = form(repeat="dates", dates="2020-01-01, 2031-05-02\n2031-03-30", at="02:30")
    shown = client.post(reverse("event-copy", args=[event.pk]), dates)
    assert [line.notes for line in shown.context["lines"]] == [
        ["This is in the past."],
        ["The clock skips this time on that day: it begins later."],
        [],
    ]
    shown = client.post(reverse("event-copy", args=[event.pk]), dates | {"at": "10:00"})
    assert [line.notes for line in shown.context["lines"]][2] == [
        "At the same time there is another event of the same owner."
    ]


@pytest.mark.parametrize(
    ("answers", "field", "words"),
    [
        ({"until": ""}, "until", "Say until when it repeats."),
        ({"until": "2031-03-01"}, "until", "This is before the first day."),
        ({"day": ""}, "day", "Say on which day the copy takes place."),
        ({"repeat": "dates"}, "dates", "List at least one date."),
        ({"repeat": "dates", "dates": "2031-02-30"}, "dates", "“2031-02-30” is no date"),
        ({"repeat": "dates", "dates": "=1+1"}, "dates", "“=1+1” is no date"),
        ({"repeat": "daily", "until": "9999-12-31"}, "__all__", "more than 60 dates"),
        ({"repeat": "hourly"}, "repeat", "Select a valid choice"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_created(
    client: Client, event: Event, answers: dict[str, str], field: str, words: str
) -> None:
    page = client.post(reverse("event-copy", args=[event.pk]), form(**answers, create=""))
    errors = page.context["form"].errors
    assert list(errors) == [field]
    assert words in errors[field][0]
    assert Event.objects.count() == 1
