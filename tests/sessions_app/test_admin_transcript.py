"""How the back office reads to who corrects during a talk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from sessions_app.models import Event, EventMember, LiveSession

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


@pytest.fixture
def session(client: Client, make_event: MakeEvent) -> LiveSession:
    """One whose speaker has said “Hello.”."""
    client.force_login(User.objects.create_superuser("organiser"))
    session = LiveSession.go_live(
        make_event("es-ES").speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    session.finish_segment(
        source_language="en-US",
        text="Hello.",
        start_ms=0,
        end_ms=900,
        acked_frame=0,
        acked_samples=0,
    )
    return session


def transcript_of(session: LiveSession) -> str:
    return reverse("admin:sessions_app_livesession_change", args=[session.pk])


def test_saving_a_correction_leads_back_to_the_transcript(
    client: Client, session: LiveSession
) -> None:
    segment = session.segments.get()
    no_translations = {"translations-TOTAL_FORMS": 0, "translations-INITIAL_FORMS": 0}
    response = client.post(
        reverse("admin:sessions_app_segment_change", args=[segment.pk]),
        {"shown": "Hello!", **no_translations},
    )
    assertRedirects(response, transcript_of(session))


def test_times_are_written_as_on_the_other_pages(client: Client, session: LiveSession) -> None:
    LiveSession.objects.filter(pk=session.pk).update(
        started_at=datetime(2026, 3, 4, 17, 5, tzinfo=UTC)
    )
    assertContains(client.get(transcript_of(session)), "4 March 2026, 17:05")


def test_a_title_from_right_to_left_leaves_the_date_beside_it_in_order(
    client: Client, session: LiveSession
) -> None:
    Event.objects.update(title="اجتماع <2026>")
    LiveSession.objects.update(started_at=datetime(2026, 3, 4, 17, 5, tzinfo=UTC))
    title = "<bdi>اجتماع &lt;2026&gt;</bdi>, 4 March 2026, 17:05"
    page = client.get(transcript_of(session))
    assertContains(page, f"<h2>{title}</h2>")
    assertContains(page, f"&rsaquo; {title}")


def test_the_list_names_speakers_without_their_event(client: Client, session: LiveSession) -> None:
    Event.objects.update(title="Town hall")
    page = client.get(reverse("admin:sessions_app_livesession_changelist"))
    assertContains(page, '<td class="field-spoken_by">Speaker</td>', html=True)


def test_who_may_review_a_transcript_is_led_there(client: Client, session: LiveSession) -> None:
    link = reverse("review", args=[session.pk])
    assertContains(client.get(transcript_of(session)), f'href="{link}"')
    visitor = User.objects.create_user("visitor", is_staff=True)
    visitor.user_permissions.add(Permission.objects.get(codename="view_livesession"))
    EventMember.objects.create(event=session.event, user=visitor, role="operator")
    client.force_login(visitor)
    assertNotContains(client.get(transcript_of(session)), link)
