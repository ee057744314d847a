"""What a new installation proposes, and when it stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sessions_app.availability import Availability
from sessions_app.first_steps import first_steps
from sessions_app.models import Event, LiveSession, Preferences

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


@pytest.fixture
def admin(client: Client) -> User:
    user = User.objects.create_superuser("admin")
    client.force_login(user)
    return user


def states(user: User) -> list[bool]:
    return [step.done for step in first_steps(User.objects.get(pk=user.pk))]


def rehearse(event: Event, *, rehearsal: bool = True) -> None:
    LiveSession.objects.create(
        event=event, client="tab", source_language="en-US", rehearsal=rehearsal
    ).end()


def test_each_step_is_done_by_doing_it(
    admin: User, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The demo event, which nobody made, is not the first step of anybody.
    event = make_event()
    assert states(admin) == [False, False, False, False]
    event.owner = admin
    event.save()
    rehearse(event, rehearsal=False)
    assert states(admin) == [True, False, False, False]
    rehearse(event)
    assert states(admin) == [True, True, False, False]
    User.objects.create_user("listener")
    assert states(admin) == [True, True, False, False]
    User.objects.create_user("colleague", is_staff=True)
    assert states(admin) == [True, True, False, True]
    Availability.provide(lambda: Availability(backend="azure", problems=["No key."]))
    try:
        assert states(admin) == [True, True, False, True]
        Availability.provide(lambda: Availability(backend="azure"))
        assert states(admin) == []
    finally:
        from speech_app.availability import available_here

        Availability.provide(available_here)


def test_who_administers_nothing_is_not_asked_to(make_event: MakeEvent) -> None:
    someone_else = make_event()
    someone_else.owner = User.objects.create_user("ann", is_staff=True)
    someone_else.save()
    rehearse(someone_else)
    bob = User.objects.create_user("bob", is_staff=True)
    assert [(step.title, step.done) for step in first_steps(bob)] == [
        ("Create an event", False),
        ("Try a rehearsal", False),
    ]


def test_every_link_leads_somewhere(client: Client, admin: User, make_event: MakeEvent) -> None:
    links = {step.link for step in first_steps(admin)}
    make_event()
    links |= {step.link for step in first_steps(admin)}
    assert [link for link in links if client.get(link).status_code != 200] == []


def test_they_stand_on_the_first_page_until_they_are_dismissed(client: Client, admin: User) -> None:
    index = reverse("admin:index")
    Preferences.choose_time_zone(admin.pk, "UTC")
    assert 'id="first-steps"' in client.get(index).text
    path = reverse("dismiss-first-steps")
    assert client.get(path).status_code == 405
    assert 'id="first-steps"' in client.get(index).text
    assert client.post(path)["Location"] == index
    assert 'id="first-steps"' not in client.get(index).text
    # For whoever has seen enough of them, not for everybody.
    client.force_login(User.objects.create_superuser("other"))
    assert 'id="first-steps"' in client.get(index).text
