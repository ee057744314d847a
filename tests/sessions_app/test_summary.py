"""The summary of a session: its figures, its tables, and who may see them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sessions_app import holding
from sessions_app.models import (
    AudienceSample,
    CaptionStream,
    Correction,
    Event,
    EventMember,
    Language,
    ListenerReport,
    LiveSession,
    SessionLogEntry,
    Translation,
)
from sessions_app.models.event import Role
from sessions_app.permissions import OPERATOR, ORGANISER, REVIEWER
from sessions_app.summary.figures import Audience, Delays, Sample, Summary, total_of
from tests.people import person
from tests.speech_app.test_review import say

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]
START = datetime(2026, 3, 2, 10, 0, tzinfo=timezone.get_fixed_timezone(0))


@pytest.fixture
def session(make_event: MakeEvent) -> LiveSession:
    """Ten minutes of talk, two of them a pause, in two languages; it has ended."""
    event = make_event("es-ES", "fr-FR", title="=Spring meeting")
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    say(session, "Good morning to you.", es="Buenos días.", fr="Bonjour.")
    say(session, "Thank you.", es=None, fr="Merci.")
    session.end()
    LiveSession.objects.update(
        started_at=START, ended_at=START + timedelta(minutes=10), paused_ms=120_000
    )
    return LiveSession.objects.select_related("event", "speaker").get()


def sample(session: LiveSession, language: str, minute: float, listeners: int) -> None:
    AudienceSample.objects.create(
        session=session,
        language=language,
        at=START + timedelta(minutes=minute),
        listeners=listeners,
        with_sound=1 if listeners else 0,
    )


def test_lengths_words_and_captions_are_counted(session: LiveSession) -> None:
    summary = Summary(session)
    assert (summary.lengths.total, summary.lengths.paused, summary.lengths.live) == (
        timedelta(minutes=10),
        timedelta(minutes=2),
        timedelta(minutes=8),
    )
    assert (summary.spoken.segments, summary.spoken.words, summary.spoken.characters) == (2, 6, 0)
    counted = {one.code: (one.captions, one.failed, one.spoken) for one in summary.languages}
    assert counted == {"fr-FR": (2, 0, False), "es-ES": (2, 1, False), "en-US": (2, 0, True)}
    assert (summary.audience, summary.recognition, summary.samples) == (None, None, [])


def test_in_languages_without_spaces_characters_are_counted(session: LiveSession) -> None:
    session.segments.filter(number=1).update(source_language="ja-JP", text="皆さん、おはよう。")
    spoken = Summary(session).spoken
    assert (spoken.words, spoken.characters) == (2, 7)


def test_signs_that_stand_apart_are_no_words(session: LiveSession) -> None:
    session.segments.filter(number=1).update(
        source_language="fr-FR", text="Ça va ? – Oui : l’an 2 !"
    )
    assert Summary(session).spoken.words == 5 + 2


def test_listeners_count_as_long_as_they_stay(session: LiveSession) -> None:
    sample(session, "es-ES", 0, 4)
    sample(session, "es-ES", 5, 0)
    sample(session, "fr-FR", 4, 10)
    summary = Summary(session)
    figures = {one.code: one.audience for one in summary.languages}
    assert figures == {
        "es-ES": Audience(peak=4, mean=2.0),
        "fr-FR": Audience(peak=10, mean=6.0),
        "en-US": None,
    }
    assert summary.audience == Audience(peak=14, mean=8.0)


def test_all_together_change_once_at_a_time() -> None:
    at = [START + timedelta(seconds=second) for second in range(2)]
    samples = [
        Sample(at[0], "es-ES", 2, 1),
        Sample(at[0], "fr-FR", 3, 2),
        Sample(at[1], "es-ES", 0, 0),
    ]
    assert total_of(samples) == [Sample(at[0], "", 5, 3), Sample(at[1], "", 3, 2)]


def test_delays_are_measured_ones(session: LiveSession) -> None:
    assert Delays.of([]) is None
    assert Delays.of([900]) == Delays(count=1, median_ms=900, p95_ms=900, worst_ms=900)
    hundred = list(range(1, 101))
    assert Delays.of(hundred[::-1]) == Delays(count=100, median_ms=50, p95_ms=95, worst_ms=100)
    Translation.objects.filter(language="es-ES").update(caption_ms=400, speech_ms=900)
    Translation.objects.filter(language="fr-FR").update(caption_ms=600)
    session.segments.update(final_ms=300)
    summary = Summary(session)
    delays = {one.code: (one.caption_delays, one.speech_delays) for one in summary.languages}
    assert delays == {
        "es-ES": (Delays(2, 400, 400, 400), Delays(2, 900, 900, 900)),
        "fr-FR": (Delays(2, 600, 600, 600), None),
        "en-US": (None, None),
    }
    assert summary.recognition == Delays(2, 300, 300, 300)
    minutes = [(one.at, one.caption_ms, one.speech_ms) for one in summary.delays_by_minute]
    assert minutes == [(START, 500, 900)]


def test_what_people_did_is_counted_and_what_the_machine_did_is_not(session: LiveSession) -> None:
    author = person("author")
    session.segments.get(number=1).correct("Good morning!", author)
    spanish = session.translations.get(segment__number=1, language="es-ES")
    spanish.correct("¡Buenos días!", author)
    Correction.objects.create(
        segment=spanish.segment, translation=spanish, text="x", machine=True, author=author
    )
    CaptionStream.objects.filter(session=session, language="es-ES").update(spoken_characters=42)
    summary = Summary(session)
    counted = {one.code: (one.corrections, one.characters_spoken) for one in summary.languages}
    assert counted == {"es-ES": (1, 42), "fr-FR": (0, 0), "en-US": (1, 0)}
    assert summary.corrections == 2


def test_dropped_sentences_problems_actions_and_reports_are_told(
    client: Client, session: LiveSession
) -> None:
    LiveSession.objects.update(hold_s=20)
    session.refresh_from_db()
    held = session.segments.get(number=2)
    Translation.objects.filter(segment=held).update(seq=None)
    session.segments.filter(pk=held.pk).update(held_until=timezone.now() + timedelta(minutes=1))
    holding.drop(session, 2, person("dropper"))
    for kind, text in (("problem", "<b>It broke.</b>"), ("action", "Muted French.")):
        SessionLogEntry.objects.create(session=session, kind=kind, code="x", text=text, at=START)
    for minute, message in ((5, "No sound"), (24, "Late"), (40, "Another day")):
        report = ListenerReport.objects.create(
            event=session.event, language="es-ES", message=message
        )
        ListenerReport.objects.filter(pk=report.pk).update(
            created_at=START + timedelta(minutes=minute)
        )
    summary = Summary(session)
    assert summary.spoken.dropped == 1
    assert [entry.text for entry in summary.problems] == ["<b>It broke.</b>"]
    assert [entry.text for entry in summary.actions] == ["Muted French."]
    assert [report.message for report in summary.reports] == ["No sound", "Late"]
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse("summary", args=[session.pk])).content.decode()
    assert "&lt;b&gt;It broke.&lt;/b&gt;" in page
    assert "<b>It broke.</b>" not in page


def test_a_running_session_says_so(client: Client, session: LiveSession) -> None:
    LiveSession.objects.update(state="live", ended_at=None, started_at=timezone.now())
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse("summary", args=[session.pk])).content.decode()
    assert "Still running" in page


NOT_RECORDED = "Who listened was not recorded: this session ran before that was done."


@pytest.mark.parametrize(
    ("measured", "words", "listeners"),
    [(310, "Nobody listened.", "0"), (None, NOT_RECORDED, "–")],
)
def test_an_audience_that_was_not_recorded_is_not_called_empty(
    client: Client, session: LiveSession, measured: int | None, words: str, listeners: str
) -> None:
    """Delays are measured since listeners are recorded."""
    session.segments.update(final_ms=measured)
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse("summary", args=[session.pk])).content.decode()
    for text in ("Nobody listened.", NOT_RECORDED):
        assert (text in page) == (text == words)
    assert page.count(f"<td>{listeners}</td><td>{listeners}</td>\n        <td>2</td>") == 3


def test_an_audience_that_may_still_come_is_awaited(client: Client, session: LiveSession) -> None:
    LiveSession.objects.update(state="live", ended_at=None)
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse("summary", args=[session.pk])).content.decode()
    assert "Nobody has listened so far." in page


@pytest.mark.parametrize(
    ("name", "words", "by_event"),
    [("summary", "Summary", False), ("control", "Control room", True), ("review", "Review", False)],
)
def test_a_title_keeps_its_direction(
    client: Client, session: LiveSession, name: str, words: str, by_event: bool
) -> None:
    """Beside English words, and so do its signs at either end."""
    Event.objects.update(title="اجتماع <2026>!")
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse(name, args=[session.event_id if by_event else session.pk]))
    heading = f"<h1>{words}: <bdi>اجتماع &lt;2026&gt;!</bdi></h1>"
    assert heading in page.content.decode()


def rows(client: Client, name: str, session: LiveSession) -> list[list[str]]:
    response = client.get(reverse(name, args=[session.pk]))
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_tables_have_what_the_page_has_and_no_formulas(
    client: Client, session: LiveSession
) -> None:
    Language.objects.filter(code="es-ES").update(name="=HYPERLINK(1)")
    sample(session, "es-ES", 0, 4)
    Translation.objects.filter(language="es-ES").update(caption_ms=400, speech_ms=900)
    client.force_login(User.objects.create_superuser("root"))
    figures = {row[0]: row[1:] for row in rows(client, "summary-csv", session)[1:]}
    spanish = "'=HYPERLINK(1)|4|4.0|2|1|0|machine text|0|400|400|400|900|900|900"
    assert figures["es-ES"] == spanish.split("|")
    assert rows(client, "audience-csv", session) == [
        ["at", "language", "listeners", "with sound"],
        ["2026-03-02T10:00:00Z", "es-ES", "4", "1"],
    ]
    AudienceSample.objects.update(language="=es()")
    Language.objects.filter(code="es-ES").update(code="=es()")
    assert "'=es()" in {row[0] for row in rows(client, "summary-csv", session)}
    assert rows(client, "audience-csv", session)[1][1] == "'=es()"
    disposition = client.get(reverse("summary-csv", args=[session.pk]))["Content-Disposition"]
    assert disposition == 'attachment; filename="=Spring meeting 2026-03-02 1000 summary.csv"'


@pytest.mark.parametrize("name", ["summary", "summary-csv", "audience-csv"])
@pytest.mark.parametrize(
    ("group", "role"),
    [(ORGANISER, Role.ORGANISER), (REVIEWER, Role.REVIEWER), (OPERATOR, Role.OPERATOR)],
)
def test_who_has_nothing_to_do_with_the_event_sees_nothing(
    client: Client, session: LiveSession, name: str, group: str, role: Role
) -> None:
    user = person("somebody", group)
    client.force_login(user)
    address = reverse(name, args=[session.pk])
    assert client.get(address).status_code == 404
    assert client.get(reverse(name, args=[session.pk + 1])).status_code == 404
    EventMember.objects.create(event=session.event, user=user, role=role)
    assert client.get(address).status_code == 200
    shown = b"cost-heading" in client.get(reverse("summary", args=[session.pk])).content
    assert shown == (role != Role.REVIEWER)
    client.logout()
    assert client.get(address).status_code == 302


def test_the_number_of_queries_does_not_grow(client: Client, session: LiveSession) -> None:
    client.force_login(User.objects.create_superuser("root"))
    address = reverse("summary", args=[session.pk])
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    LiveSession.objects.update(state="live", ended_at=None)
    session.refresh_from_db()
    for number in range(40):
        say(session, f"Sentence {number}.", es="Frase.", fr="Phrase.")
        sample(session, "es-ES", number, number)
        SessionLogEntry.objects.create(session=session, kind="action", code="x", text="y")
    for code in ("pt-BR", "it-IT", "ca-ES"):
        session.event.languages.create(language=Language.objects.get(code=code))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)
