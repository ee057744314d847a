"""Reviewing a transcript: what people see, change and undo, and that nothing gets lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.utils import timezone

from sessions_app.models import (
    Correction,
    Event,
    EventMember,
    Language,
    LanguageReview,
    LiveSession,
    Translation,
)
from sessions_app.models.event import Role
from sessions_app.review import replacing

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]
LANGUAGE = "es-ES"


class Reviewer:
    """A person with a browser, at one transcript in one language."""

    def __init__(self, user: User | None, session: LiveSession, language: str = LANGUAGE) -> None:
        self.client = Client()
        if user:
            self.client.force_login(user)
        self.path = f"/admin/review/{session.pk}/"
        self.language = language

    def page(self, language: str | None = None) -> Any:
        query = {} if language == "" else {"lang": language or self.language}
        return self.client.get(self.path, query)

    def data(self) -> Any:
        return self.page().context["data"]

    def ask(self, name: str, **query: Any) -> Any:
        return self.client.get(f"{self.path}{name}/", {"lang": self.language, **query})

    def tell(self, name: str, **fields: Any) -> Any:
        return self.client.post(f"{self.path}{name}/?lang={self.language}", fields)

    def lines(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("lines", **query).json()["lines"]
        return found

    def line(self, number: int) -> dict[str, Any]:
        (found,) = self.lines(after=number - 1)[:1]
        assert found["number"] == number
        return found

    def numbers(self, **query: Any) -> list[int]:
        return [line["number"] for line in self.lines(**query)]

    def last(self, number: int, *, spoken: bool = False) -> int:
        """The correction seen there."""
        last: int = self.line(number)["source" if spoken else "translation"]["last"]
        return last

    def correct(
        self, number: int, text: str, *, spoken: bool = False, last: int | None = None
    ) -> Any:
        seen = self.last(number, spoken=spoken) if last is None else last
        return self.tell("correct", number=number, spoken=spoken, last=seen, text=text)

    def undo(self, number: int, *, spoken: bool = False) -> Any:
        places = f"{number}:{self.last(number, spoken=spoken)}"
        return self.tell("undo", places=places, spoken=spoken)

    def history(self, number: int, *, spoken: bool = False) -> list[tuple[str, str]]:
        """What happened, newest first, and the text it led to."""
        versions = self.ask("versions", number=number, spoken=spoken).json()["versions"]
        return [
            (one["what"], "".join(text for kind, text in one["changes"] if kind != "gone"))
            for one in versions
        ]


def say(session: LiveSession, text: str, **translations: str | None) -> int:
    """Store a segment; returns its number. Languages are named by their first two letters."""
    number = session.segments.count() + 1
    segment = session.finish_segment(
        source_language="en-US",
        text=text,
        start_ms=number * 1000,
        end_ms=number * 1000 + 900,
        acked_frame=number,
        acked_samples=number * 16_000,
    )
    codes = {"es": "es-ES", "fr": "fr-FR", "en": "en-US", "ar": "ar-SA"}
    for short, translation in {"en": text, **translations}.items():
        session.finish_translation(segment, codes[short], translation)
    return segment.number


def person(name: str, event: Event | None = None, role: Role = Role.REVIEWER) -> User:
    user = User.objects.create_user(name, is_staff=True)
    if event:
        EventMember.objects.create(event=event, user=user, role=role)
    return user


@pytest.fixture
def session(make_event: MakeEvent) -> LiveSession:
    """Three lines, of which the translation of the last one failed."""
    session = LiveSession.go_live(
        make_event("es-ES", "fr-FR").speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    say(session, "Good morning.", es="Buenos días.", fr="Bonjour.")
    say(session, "We sold cars.", es="Vendimos coches.", fr="Nous avons vendu.")
    say(session, "Thank you.", es=None, fr="Merci.")
    return session


@pytest.fixture
def maria(session: LiveSession) -> Reviewer:
    return Reviewer(person("maria", session.event), session)


@pytest.fixture
def paul(session: LiveSession) -> Reviewer:
    return Reviewer(person("paul", session.event), session)


# Who may


@pytest.mark.parametrize("role", [Role.ORGANISER, Role.REVIEWER])
def test_owners_members_and_administrators_open_it(session: LiveSession, role: Role) -> None:
    session.event.owner = person("owner")
    session.event.save()
    member = person("member", session.event, role)
    administrator = User.objects.create_superuser("administrator")
    for user in (session.event.owner, member, administrator):
        assert Reviewer(user, session).page().status_code == 200


def test_nobody_else_sees_or_changes_anything(session: LiveSession, make_event: MakeEvent) -> None:
    other = make_event(title="Somebody else's")
    strangers = [
        person("stranger"),
        person("reviewer-elsewhere", other),
        person("operator", session.event, Role.OPERATOR),
    ]
    for stranger in strangers:
        reviewer = Reviewer(stranger, session)
        answers = [
            reviewer.page(),
            reviewer.ask("lines"),
            reviewer.ask("news", since=0),
            reviewer.ask("versions", number=1),
            reviewer.ask("matches", find="Buenos"),
            reviewer.tell("correct", number=1, last=0, text="Mine"),
            reviewer.tell("accept", number=1, last=0, good=True),
            reviewer.tell("undo", places="1:0"),
            reviewer.tell("replace", find="Buenos", replacement="Malos", places="1:0"),
            reviewer.tell("state", state="reviewed"),
            reviewer.tell("again", number=1, last=0),
            reviewer.tell("voice", number=1),
        ]
        assert [answer.status_code for answer in answers] == [404] * len(answers)
        assert not any("Buenos" in answer.content.decode() for answer in answers)
    assert (Correction.objects.count(), LanguageReview.objects.count()) == (0, 0)
    assert not Translation.objects.filter(reviewed_at__isnull=False).exists()


def test_another_sessions_lines_are_out_of_reach(session: LiveSession, maria: Reviewer) -> None:
    other = session.event.live_sessions.create(
        state="ended", ended_at=session.started_at, source_language="en-US", client=""
    )
    elsewhere = Reviewer(User.objects.get(username="maria"), other)
    response = elsewhere.tell("correct", number=1, last=0, text="Mine")
    assert (response.status_code, response.json()["message"]) == (
        404,
        "Line 1 was deleted meanwhile.",
    )
    assert maria.line(1)["translation"]["text"] == "Buenos días."


def test_who_is_signed_out_is_asked_to_sign_in(session: LiveSession) -> None:
    nobody = Reviewer(None, session)
    assert nobody.page().url.startswith("/admin/login/?next=/admin/review/")
    response = nobody.tell("correct", number=1, last=0, text="Mine")
    assert response.status_code == 403
    assert "Sign in again" in response.json()["message"]


def test_a_foreign_page_changes_nothing(session: LiveSession, maria: Reviewer) -> None:
    maria.client = Client(enforce_csrf_checks=True)
    maria.client.force_login(User.objects.get(username="maria"))
    for name, fields in (
        ("correct", {"number": 1, "last": 0, "text": "Mine"}),
        ("accept", {"number": 1, "last": 0, "good": True}),
        ("again", {"number": 1, "last": 0}),
        ("voice", {"number": 1}),
    ):
        assert maria.tell(name, **fields).status_code == 403
    assert Correction.objects.count() == 0


def test_changes_are_not_made_by_links(maria: Reviewer) -> None:
    for name in ("correct", "accept", "undo", "replace", "state", "again", "voice"):
        assert maria.ask(name, number=1, last=0, text="Mine").status_code == 405


# Reading


def test_source_and_translation_stand_side_by_side(maria: Reviewer) -> None:
    data = maria.data()
    shown = [(line["source"]["text"], line["translation"]["text"]) for line in data["lines"]]
    assert shown == [
        ("Good morning.", "Buenos días."),
        ("We sold cars.", "Vendimos coches."),
        ("Thank you.", None),
    ]
    assert (data["state"], data["running"]) == ("machine", True)
    counts = maria.ask("news", since=data["newest"]).json()["counts"]
    assert counts == {"all": 3, "doubtful": 1, "unreviewed": 3, "corrected": 0}


def test_the_first_language_is_shown_unless_one_is_asked_for(
    session: LiveSession, maria: Reviewer
) -> None:
    offered = [language.code for language in session.event.offered_languages()]
    assert maria.page("").context["language"] == offered[0]
    assert maria.page("fr-FR").context["language"] == "fr-FR"
    assert maria.page("ja-JP").status_code == 404


def test_a_language_that_the_event_no_longer_has_can_still_be_reviewed(
    session: LiveSession, maria: Reviewer
) -> None:
    session.event.languages.filter(language__code="es-ES").delete()
    assert maria.line(1)["translation"]["text"] == "Buenos días."


def test_a_spoken_language_is_reviewed_alone(session: LiveSession) -> None:
    reviewer = Reviewer(person("john", session.event), session, "en-US")
    assert reviewer.line(1)["translation"] is None
    reviewer.tell("correct", number=1, last=0, text="Good evening.")
    line = reviewer.line(1)
    assert (line["source"]["text"], line["accepted"]) == ("Good evening.", "john")


def test_lines_come_in_windows(
    session: LiveSession, maria: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions_app.review.transcript.WINDOW", 2)
    assert maria.numbers() == [1, 2]
    assert maria.numbers(after=2) == [3]
    assert maria.numbers(before=3) == [1, 2]
    assert maria.numbers(at=1500) == [2, 3]
    assert maria.numbers(at=99_000) == [3]


def test_the_page_opens_with_its_first_lines(
    maria: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech_app.review.views.FIRST_WINDOW", 2)
    assert [line["number"] for line in maria.data()["lines"]] == [1, 2]


def test_many_changes_of_others_come_in_windows(
    maria: Reviewer, paul: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions_app.review.transcript.WINDOW", 2)
    known = maria.data()["newest"]
    for number in (3, 2, 1):
        paul.correct(number, "Otro.")
    told = []
    for _ in range(3):
        news = maria.ask("news", since=known).json()
        told.append([line["number"] for line in news["lines"]])
        known = news["newest"]
    assert told == [[2, 3], [1], []]


@pytest.mark.parametrize("more", [0, 27])
def test_queries_do_not_grow_with_lines(
    session: LiveSession, maria: Reviewer, django_assert_num_queries: Any, more: int
) -> None:
    maria.correct(1, "Muy buenos días.")
    for number in range(more):
        say(session, "More.", es="Más.", fr="Plus.")
        maria.correct(number + 4, "Aún más.")
    with django_assert_num_queries(17):
        assert len(maria.data()["lines"]) == more + 3
    with django_assert_num_queries(13):
        maria.lines()
    with django_assert_num_queries(17):
        maria.lines(containing="a")
    with django_assert_num_queries(20):
        maria.ask("news", since=0)


def test_a_line_that_an_operator_dropped_says_who_did(
    maria: Reviewer, session: LiveSession
) -> None:
    session.segments.filter(number=2).update(
        dropped_at=timezone.now(), dropped_by=User.objects.get(username="maria")
    )
    session.segments.filter(number=3).update(dropped_at=timezone.now())
    assert [line["dropped"] for line in maria.lines()] == ["", "maria", "somebody"]


def test_doubtful_lines_are_those_that_were_hardly_understood_or_failed(
    session: LiveSession, maria: Reviewer
) -> None:
    session.segments.filter(number=1).update(confidence=0.9)
    session.segments.filter(number=2).update(confidence=0.3)
    assert maria.numbers(only="doubtful") == [2, 3]
    maria.correct(3, "Gracias.")
    assert maria.numbers(only="doubtful") == [2]


def test_unreviewed_and_corrected_lines_can_be_picked(maria: Reviewer) -> None:
    maria.tell("accept", number=1, last=0, good=True)
    maria.correct(2, "Hemos vendido coches.")
    assert (maria.numbers(only="unreviewed"), maria.numbers(only="corrected")) == ([3], [2])
    maria.undo(2)
    assert (maria.numbers(only="unreviewed"), maria.numbers(only="corrected")) == ([2, 3], [])


def test_words_are_found_in_what_is_shown_whatever_their_capitals(maria: Reviewer) -> None:
    maria.correct(2, "ÉXITO.")
    assert maria.numbers(containing="éxito") == [2]
    assert maria.numbers(containing="coches") == []
    assert maria.numbers(containing="good MORNING") == [1]


def test_a_transcript_without_words_opens(make_event: MakeEvent) -> None:
    session = LiveSession.go_live(
        make_event("es-ES").speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=True,
        take_over=False,
    )
    reviewer = Reviewer(person("maria", session.event), session)
    assert reviewer.data()["lines"] == []
    assert reviewer.ask("news", since=0).json()["counts"]["all"] == 0


def test_whatever_people_write_survives_and_is_no_markup(
    session: LiveSession, maria: Reviewer
) -> None:
    odd = "</script><b>1 & 2</b> 😀 \u202bשלום\u202c \x01 =SUM(A1)"
    session.event.title = f"Title {odd}"
    session.event.save()
    maria.correct(1, odd)
    assert maria.line(1)["translation"]["text"] == odd
    page = maria.page().content.decode()
    assert "<b>" not in page
    start = page.index('<script id="review-data"')
    written = page[page.index(">", start) + 1 : page.index("</script>", start)]
    assert json.loads(written)["lines"][0]["translation"]["text"] == odd


# Correcting


def test_a_correction_stands_beside_the_machines_text(
    session: LiveSession, maria: Reviewer
) -> None:
    answer = maria.correct(2, "  Hemos vendido\n coches. ").json()
    (line,) = answer["lines"]
    assert line["translation"]["text"] == "Hemos vendido coches."
    assert line["translation"]["changes"] == [
        ["gone", "Vendimos"],
        ["new", "Hemos vendido"],
        ["same", " coches."],
    ]
    assert (line["translation"]["by"], line["accepted"]) == ("maria", "maria")
    assert answer["counts"] == {"all": 3, "doubtful": 1, "unreviewed": 2, "corrected": 1}
    row = session.translations.get(segment__number=2, language=LANGUAGE)
    assert (row.text, row.seq) == ("Vendimos coches.", 4)
    assert maria.history(2) == [
        ("Corrected by maria", "Hemos vendido coches."),
        ("Translated", "Vendimos coches."),
    ]


def test_saving_the_same_text_accepts_it_and_changes_no_caption(
    session: LiveSession, maria: Reviewer
) -> None:
    (line,) = maria.correct(1, "Buenos días.").json()["lines"]
    assert (line["accepted"], Correction.objects.count()) == ("maria", 0)
    assert session.translations.get(segment__number=1, language=LANGUAGE).seq == 1


def test_a_line_can_be_emptied(maria: Reviewer) -> None:
    (line,) = maria.correct(1, "").json()["lines"]
    assert line["translation"]["text"] == ""


def test_correcting_what_was_spoken_changes_every_caption(
    session: LiveSession, maria: Reviewer
) -> None:
    maria.correct(2, "We sold cards.", spoken=True)
    assert maria.line(2)["source"]["by"] == "maria"
    assert maria.line(2)["translation"]["text"] == "Vendimos coches."
    newest = session.translations.filter(segment__number=2)
    assert set(newest.values_list("language", "seq")) == {
        ("en-US", 4),
        ("es-ES", 4),
        ("fr-FR", 4),
    }


def test_a_text_that_is_too_long_or_no_text_is_explained(maria: Reviewer) -> None:
    response = maria.correct(1, "a" * 5001)
    assert (response.status_code, response.json()["message"]) == (
        400,
        "Write at most 5000 characters.",
    )
    for fields in ({"number": "one"}, {}, {"number": 1, "last": 2**70}, {"number": -1}):
        assert maria.tell("correct", text="Hola", **fields).status_code == 400
    assert maria.correct(1, "a\x00b").status_code == 400
    assert Correction.objects.count() == 0


# Two people in the same line


def test_the_second_of_two_is_shown_both_texts_and_loses_nothing(
    session: LiveSession, maria: Reviewer, paul: Reviewer
) -> None:
    seen = paul.last(1)
    maria.correct(1, "Muy buenos días.")
    response = paul.correct(1, "Buenas.", last=seen)
    assert response.status_code == 409
    body = response.json()
    assert body["message"] == "maria has changed line 1 meanwhile."
    (line,) = body["lines"]
    assert line["translation"]["text"] == "Muy buenos días."
    assert maria.line(1)["translation"]["text"] == "Muy buenos días."
    # Having seen it, Paul may put his text over hers; both stay in the history.
    assert paul.correct(1, "Buenas.", last=line["translation"]["last"]).status_code == 200
    assert maria.history(1) == [
        ("Corrected by paul", "Buenas."),
        ("Corrected by maria", "Muy buenos días."),
        ("Translated", "Buenos días."),
    ]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_who_save_at_the_same_moment_one_is_told(
    session: LiveSession, maria: Reviewer, paul: Reviewer
) -> None:
    statuses: list[int] = []
    together = Barrier(2)

    def save(reviewer: Reviewer) -> None:
        together.wait()
        statuses.append(reviewer.correct(1, reviewer.path, last=0).status_code)
        connection.close()

    threads = [Thread(target=save, args=[reviewer]) for reviewer in (maria, paul)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(statuses), Correction.objects.count()) == ([200, 409], 1)


def test_a_text_that_has_changed_is_not_accepted_or_undone_unseen(
    session: LiveSession, maria: Reviewer, paul: Reviewer
) -> None:
    maria.correct(1, "Muy buenos días.")
    Translation.objects.update(reviewed_at=None, reviewed_by=None)
    for response in (
        paul.tell("accept", number=1, last=0, good=True),
        paul.tell("undo", places="1:0"),
        paul.tell("again", number=1, last=99),
    ):
        assert response.status_code == 409
        assert response.json()["lines"][0]["translation"]["text"] == "Muy buenos días."
    assert maria.line(1)["accepted"] == ""


def test_the_spoken_words_and_their_translation_are_no_conflict(
    maria: Reviewer, paul: Reviewer
) -> None:
    last = paul.last(1)
    maria.correct(1, "Good evening.", spoken=True)
    assert paul.correct(1, "Buenas noches.", last=last).status_code == 200


def test_a_line_that_was_deleted_is_said_to_be_gone(session: LiveSession, maria: Reviewer) -> None:
    session.segments.get(number=2).delete()
    for response in (
        maria.tell("correct", number=2, last=0, text="Mine"),
        maria.tell("accept", number=2, last=0, good=True),
        maria.tell("undo", places="1:0,2:0"),
        maria.tell("voice", number=2),
        maria.tell("again", number=2, last=0),
        maria.ask("versions", number=2),
    ):
        assert (response.status_code, response.json()["message"]) == (
            404,
            "Line 2 was deleted meanwhile.",
        )


def test_a_line_that_is_not_translated_yet_says_so(session: LiveSession, maria: Reviewer) -> None:
    session.translations.filter(segment__number=2, language=LANGUAGE).delete()
    assert maria.line(2)["translation"] is None
    response = maria.tell("correct", number=2, last=0, text="Mine")
    assert (response.status_code, response.json()["message"]) == (
        422,
        "Line 2 is not translated yet. Try again in a moment.",
    )


# Accepting


def test_accepting_is_signed_and_can_be_taken_back(maria: Reviewer) -> None:
    (line,) = maria.tell("accept", number=1, last=0, good=True).json()["lines"]
    assert line["accepted"] == "maria"
    (line,) = maria.tell("accept", number=1, last=0, good=False).json()["lines"]
    assert line["accepted"] == ""


def test_a_failed_translation_cannot_be_accepted(maria: Reviewer) -> None:
    response = maria.tell("accept", number=3, last=0, good=True)
    assert (response.status_code, response.json()["message"]) == (
        422,
        "There is no text to accept yet. Write one, or have it translated again.",
    )


def test_the_review_of_a_language_begins_by_itself_and_ends_when_somebody_says_so(
    session: LiveSession, maria: Reviewer, paul: Reviewer
) -> None:
    assert maria.tell("accept", number=1, last=0, good=True).json()["state"] == "in_review"
    assert maria.tell("state", state="reviewed").json()["state"] == "reviewed"
    # Correcting what is reviewed does not throw it back.
    assert paul.correct(1, "Buenas.").json()["state"] == "reviewed"
    assert maria.tell("state", state="perfect").status_code == 400
    review = session.reviews.get()
    assert (review.language, review.author) == (LANGUAGE, User.objects.get(username="maria"))


# Undo


def test_undo_goes_back_step_by_step_and_stays_in_the_history(maria: Reviewer) -> None:
    for text in ("One.", "Two.", "Three."):
        maria.correct(1, text)
    steps = []
    for _ in range(3):
        (line,) = maria.undo(1).json()["lines"]
        steps.append((line["translation"]["text"], line["translation"]["by"], line["accepted"]))
    assert steps == [("Two.", "maria", ""), ("One.", "maria", ""), ("Buenos días.", "", "")]
    assert maria.line(1)["translation"]["changes"] == []
    assert maria.history(1) == [
        ("Undone by maria", "Buenos días."),
        ("Undone by maria", "One."),
        ("Undone by maria", "Two."),
        ("Corrected by maria", "Three."),
        ("Corrected by maria", "Two."),
        ("Corrected by maria", "One."),
        ("Translated", "Buenos días."),
    ]
    response = maria.undo(1)
    assert (response.status_code, response.json()["message"]) == (
        422,
        "Line 1 has no change that could be undone.",
    )


def test_undo_takes_back_a_mere_acceptance(maria: Reviewer) -> None:
    maria.tell("accept", number=1, last=0, good=True)
    (line,) = maria.undo(1).json()["lines"]
    assert line["accepted"] == ""


def test_undo_of_what_was_spoken_leaves_the_translation_alone(maria: Reviewer) -> None:
    maria.correct(1, "Buenas.")
    maria.correct(1, "Good evening.", spoken=True)
    (line,) = maria.undo(1, spoken=True).json()["lines"]
    assert (line["source"]["text"], line["translation"]["text"]) == ("Good morning.", "Buenas.")


def test_there_is_no_way_back_to_a_translation_that_failed(maria: Reviewer) -> None:
    maria.correct(3, "Gracias.")
    response = maria.undo(3)
    assert response.status_code == 422
    assert "nothing to go back to" in response.json()["message"]
    assert maria.line(3)["translation"]["text"] == "Gracias."


# Search and replace


def test_a_replacement_is_seen_chosen_and_then_done_at_once(
    session: LiveSession, maria: Reviewer
) -> None:
    say(session, "Cars?", es="¿Coches?")
    say(session, "Cars!", es="¡coches!")
    search = {"find": "coches", "replacement": "autos"}
    preview = maria.ask("matches", **search).json()
    assert [(one["number"], one["text"]) for one in preview["matches"]] == [
        (2, "Vendimos autos."),
        (4, "¿autos?"),
        (5, "¡autos!"),
    ]
    assert preview["matches"][0]["changes"] == [
        ["same", "Vendimos "],
        ["gone", "coches."],
        ["new", "autos."],
    ]
    assert (preview["more"], Correction.objects.count()) == (False, 0)
    answer = maria.tell("replace", **search, places="2:0,5:0").json()
    assert [line["translation"]["text"] for line in answer["lines"]] == [
        "Vendimos autos.",
        "¡autos!",
    ]
    assert maria.line(4)["translation"]["text"] == "¿Coches?"
    seqs = session.translations.filter(language=LANGUAGE).order_by("segment__number")
    assert list(seqs.values_list("seq", flat=True)) == [1, 6, 3, 4, 7]
    # All of it goes back at once, too.
    places = ",".join(f"{line['number']}:{line['translation']['last']}" for line in answer["lines"])
    maria.tell("undo", places=places)
    assert maria.numbers(containing="autos") == []


def test_nothing_is_replaced_where_one_line_has_changed(maria: Reviewer, paul: Reviewer) -> None:
    search = {"find": "o", "replacement": "0"}
    places = ",".join(
        f"{one['number']}:{one['last']}" for one in maria.ask("matches", **search).json()["matches"]
    )
    paul.correct(2, "Hemos vendido coches.")
    response = maria.tell("replace", **search, places=places)
    assert response.status_code == 409
    assert response.json()["message"] == "paul has changed line 2 meanwhile."
    assert Correction.objects.count() == 1


def test_words_and_capitals_matter_where_that_is_asked_for(
    session: LiveSession, maria: Reviewer
) -> None:
    say(session, "x", es="Día a día, mediodía. (día)")

    def becomes(**search: Any) -> str:
        matches = maria.ask("matches", find="día", replacement="$0 \\1", **search).json()["matches"]
        text: str = matches[-1]["text"]
        return text

    assert becomes() == "$0 \\1 a $0 \\1, medio$0 \\1. ($0 \\1)"
    assert becomes(whole_words=True) == "$0 \\1 a $0 \\1, mediodía. ($0 \\1)"
    assert becomes(whole_words=True, match_case=True) == "Día a $0 \\1, mediodía. ($0 \\1)"


def test_a_replacement_in_what_was_spoken(session: LiveSession, maria: Reviewer) -> None:
    search = {"find": "cars", "replacement": "cards", "spoken": True}
    assert maria.tell("replace", **search, places="2:0").status_code == 200
    assert maria.line(2)["source"]["text"] == "We sold cards."


def test_a_preview_is_as_long_as_a_person_looks_through(
    maria: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "MOST_LINES", 1)
    preview = maria.ask("matches", find="o", replacement="0").json()
    assert ([one["number"] for one in preview["matches"]], preview["more"]) == ([1], True)


def test_a_search_that_cannot_be_is_explained(maria: Reviewer) -> None:
    for fields, message in (
        ({}, "Write what to look for first."),
        ({"find": "a" * 201}, "Look for at most 200 characters."),
    ):
        response = maria.ask("matches", **fields)
        assert (response.status_code, response.json()["message"]) == (400, message)
    for places in ("", "1", "a:b", "1:2:3", ",".join(f"{n}:0" for n in range(400))):
        response = maria.tell("replace", find="o", replacement="0", places=places)
        assert response.status_code == 400


# What others do meanwhile


def test_changes_of_others_and_late_translations_come_as_news(
    session: LiveSession, maria: Reviewer, paul: Reviewer
) -> None:
    known = maria.data()["newest"]
    assert maria.ask("news", since=known).json()["lines"] == []
    paul.correct(1, "Buenas.")
    segment = session.segments.get(number=3)
    session.finish_translation(segment, LANGUAGE, "Gracias.")
    news = maria.ask("news", since=known, waiting="3").json()
    assert {line["number"]: line["translation"]["text"] for line in news["lines"]} == {
        1: "Buenas.",
        3: "Gracias.",
    }
    assert maria.ask("news", since=news["newest"]).json()["lines"] == []
    assert maria.ask("news", since=0, waiting="x").status_code == 400


# The backend


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def test_a_server_without_a_backend_says_so(
    maria: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImproperlyConfigured("SPEECH_BACKEND is “none”.")

    monkeypatch.setattr("speech_app.review.machine.get_backend", fail)
    for response in (
        maria.tell("voice", number=1),
        maria.tell("again", number=1, last=0),
    ):
        assert (response.status_code, response.json()["message"]) == (
            503,
            "SPEECH_BACKEND is “none”.",
        )


def test_there_is_nothing_to_hear_of_an_empty_line(maria: Reviewer) -> None:
    response = maria.tell("voice", number=3)
    assert (response.status_code, response.json()["message"]) == (
        422,
        "Line 3 has no text to be said.",
    )


def test_too_many_lines_at_the_backend_have_to_wait(
    maria: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech_app.review.machine.MOST_AT_THE_BACKEND", 0)
    response = maria.tell("voice", number=1)
    assert (response.status_code, response["Retry-After"]) == (429, "60")


def test_a_language_without_a_voice_says_so(session: LiveSession, maria: Reviewer) -> None:
    japanese = Language.objects.get(code="ja-JP")
    session.event.languages.create(language=japanese)
    session.finish_translation(session.segments.get(number=1), "ja-JP", "おはよう")
    maria.language = "ja-JP"
    response = maria.tell("voice", number=1)
    assert (response.status_code, response.json()["message"]) == (
        422,
        f"There is no voice for {japanese.name} here.",
    )
