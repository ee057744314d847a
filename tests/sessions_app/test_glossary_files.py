"""A glossary into a file and out of one: shown before it is stored, and nothing lost."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from sessions_app.glossary_export import export_glossary, harmless
from sessions_app.glossary_import import (
    FORMULA_STARTS,
    LONGEST_CELL,
    MOST_BYTES,
    MOST_ROWS,
    ImportRefused,
    clean_cell,
    decode,
    plan_import,
    store,
)
from sessions_app.models import Event, GlossaryTerm, GlossaryTranslation, Language

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


@pytest.fixture
def ann(client: Client) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def event(ann: User, make_event: MakeEvent) -> Event:
    """Ann's, in Spanish and French, with two terms."""
    event = make_event("es-ES", "fr-FR")
    event.owner = ann
    event.save()
    churn = GlossaryTerm.objects.create(event=event, term="churn", say_as="tshurn")
    GlossaryTranslation.objects.create(
        term=churn, language=Language.objects.get(code="es-ES"), text="bajas"
    )
    GlossaryTerm.objects.create(event=event, term="Acme", keep=True)
    return event


Row = tuple[bool, str, dict[str, str]]


def stored(event: Event) -> dict[str, Row]:
    """Each term: never translated, said as, translations."""
    return {
        term.term: (
            term.keep,
            term.say_as,
            {row.language.code: row.text for row in term.translations.all()},
        )
        for term in event.glossary.prefetch_related("translations__language")
    }


def upload(client: Client, event: Event, content: bytes | str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("glossary.csv", data)
    return client.post(reverse("glossary-import", args=[event.pk]), {"file": file})


def confirm(client: Client, event: Event, page: Any) -> Any:
    signed = {"confirmed": page.context["signed"]}
    return client.post(reverse("glossary-import", args=[event.pk]), signed)


BEFORE = {"churn": (False, "tshurn", {"es-ES": "bajas"}), "Acme": (True, "", {})}


def test_a_file_is_shown_before_it_is_stored(client: Client, event: Event) -> None:
    page = upload(
        client,
        event,
        "term,never translate,say as,es-ES,French (France)\n"
        "churn,,,abandono,attrition\n"
        "Acme,yes,,,\n"
        "Zoë,x,Zo-ee,,\n",
    )
    plan = page.context["plan"]
    assert [one.row.term for one in plan.new] == ["Zoë"]
    assert [(c.column, c.before, c.after) for c in plan.changed[0].changes] == [
        ("es-ES", "bajas", "abandono"),
        ("fr-FR", "", "attrition"),
    ]
    assert (plan.unchanged, plan.problems) == (1, [])
    assert stored(event) == BEFORE
    response = confirm(client, event, page)
    assert response["Location"] == reverse("event-glossary", args=[event.pk])
    assert stored(event) == {
        "churn": (False, "tshurn", {"es-ES": "abandono", "fr-FR": "attrition"}),
        "Acme": (True, "", {}),
        "Zoë": (True, "Zo-ee", {}),
    }


def test_empty_cells_and_missing_lines_take_nothing_away(client: Client, event: Event) -> None:
    file = "term;say as;never translate;fr-FR\nchurn;;;attrition\nAcme;Ack-me;;\n"
    confirm(client, event, upload(client, event, file))
    assert stored(event) == {
        "churn": (False, "tshurn", {"es-ES": "bajas", "fr-FR": "attrition"}),
        "Acme": (True, "Ack-me", {}),
    }


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_save_is_read(
    client: Client, event: Event, separator: str, encoding: str
) -> None:
    lines = ["Term", "ES-es"], ["Straße 🎉", "calle\u200f"], ["", ""]
    text = "\r\n".join(separator.join(line) for line in lines)
    confirm(client, event, upload(client, event, text.encode(encoding)))
    assert stored(event)["Straße 🎉"] == (False, "", {"es-ES": "calle\u200f"})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("=1+1,a", "“=1+1” under “term” is a formula"),
        ('x,"=HYPERLINK(""http://e"")"', "is a formula"),
        (",a", "It has no term."),
        ("x,a,surplus", "more cells than the first line has columns"),
        ("x" * (LONGEST_CELL + 1) + ",a", "longer than 120 characters"),
        ("x\x07,a", "There is a control character under “term”."),
    ],
)
def test_a_line_with_a_mistake_is_left_out_and_named(
    client: Client, event: Event, line: str, words: str
) -> None:
    page = upload(client, event, f"term,es-ES\ngood,bueno\n{line}\nfine,bien\n")
    problems = page.context["plan"].problems
    assert [problem.line for problem in problems] == [3]
    assert words in problems[0].message
    confirm(client, event, page)
    assert stored(event).keys() == {"churn", "Acme", "good", "fine"}


def test_of_a_term_that_stands_there_twice_the_first_line_counts(
    client: Client, event: Event
) -> None:
    page = upload(client, event, 'term,es-ES\na,uno\na,uno\na,"d\no\ns"\n')
    assert [(one.line, one.message) for one in page.context["plan"].problems] == [
        (3, "It is the same as line 2."),
        (4, "“a” stands in line 2 already, with other words: that line counts."),
    ]
    confirm(client, event, page)
    assert stored(event)["a"] == (False, "", {"es-ES": "uno"})


def test_a_column_that_means_nothing_is_left_out_and_named(client: Client, event: Event) -> None:
    page = upload(client, event, "term,Klingon,never translate\na,Qapla,maybe\nb,x,no\n")
    assert [(one.line, one.message.split(":")[0]) for one in page.context["plan"].problems] == [
        (1, "The column “Klingon” is left out"),
        (2, "“maybe” under “never translate” is neither yes nor no."),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf\r\n", "The file is empty."),
        ("term,es-ES\nñ,ñ\n".encode("latin-1"), "not UTF-8 text"),
        (b"PK\x03\x04\x14\x00\x06\x00", "The file is no text."),
        (b"\xff\xfeA", "not UTF-8 text"),
        (b"\xff\xfe", "The first line must name the columns"),
        (b"a" * (MOST_BYTES + 1), "larger than 1.5 MB"),
        (b"name,es-ES\na,b\n", "one of them must be “term”"),
        (b"term,es-ES\n", "nothing below its first line"),
        (b"term,es-ES,ES-ES\na,b,c\n", "two columns for “es-ES”"),
        (b'term,es-ES\na,"b\nc,d\n', "broken at line 2"),
        (b'term,es-ES\na,"b"c\n', "broken at line 2"),
        (b"term\n" + b"x\n" * (MOST_ROWS + 1), "more than 5000 lines"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    client: Client, event: Event, content: bytes, words: str
) -> None:
    page = upload(client, event, content)
    assert page.status_code == 200
    assert words in page.context["refusal"]
    assert stored(event) == BEFORE


def test_no_file_is_asked_for_again(client: Client, event: Event) -> None:
    page = client.post(reverse("glossary-import", args=[event.pk]))
    assert page.context["refusal"] == "Choose a file first."


@pytest.mark.parametrize("signed", ["", "nonsense", "a:b:c"])
def test_what_was_not_shown_is_not_stored(client: Client, event: Event, signed: str) -> None:
    path = reverse("glossary-import", args=[event.pk])
    page = client.post(path, {"confirmed": signed})
    assert "choose the file once more" in page.context["refusal"]
    assert stored(event) == BEFORE


def test_a_file_shown_for_one_event_is_not_stored_in_another(
    client: Client, ann: User, event: Event, make_event: MakeEvent
) -> None:
    other = make_event()
    other.owner = ann
    other.save()
    page = upload(client, event, "term\na\n")
    assert "choose the file once more" in confirm(client, other, page).context["refusal"]
    assert stored(other) == {}


def test_who_was_overtaken_is_shown_the_file_once_more(client: Client, event: Event) -> None:
    page = upload(client, event, "term,es-ES\nchurn,abandono\n")
    event.glossary.get(term="churn").translations.update(text="fuga")
    again = confirm(client, event, page)
    assert "Somebody changed the glossary meanwhile" in again.context["note"]
    assert stored(event)["churn"][2] == {"es-ES": "fuga"}
    confirm(client, event, again)
    assert stored(event)["churn"][2] == {"es-ES": "abandono"}


def test_five_thousand_terms_come_in_and_go_out(client: Client, event: Event) -> None:
    count = MOST_ROWS - 2
    rows = [f"Term {number},no,say {number},uno {number},un {number}" for number in range(count)]
    text = "\n".join(["term,never translate,say as,es-ES,fr-FR", *rows])
    page = upload(client, event, text)
    assert len(page.context["plan"].new) == count
    assert len(page.content) < 2_500_000
    confirm(client, event, page)
    assert event.glossary.count() == MOST_ROWS
    assert GlossaryTranslation.objects.count() == 2 * count + 1
    exported = client.get(reverse("glossary-export", args=[event.pk])).content
    plan = plan_import(event, decode(exported))
    assert (plan.touched, plan.unchanged, plan.problems) == (0, MOST_ROWS, [])


# Out of it


@settings(deadline=None, max_examples=50)
@given(words=st.text(min_size=1, max_size=20), lead=st.sampled_from(["", "=", "+", "-", "@", "'="]))
def test_whatever_is_written_is_read_back(words: str, lead: str) -> None:
    text = " ".join(f"{lead}{words}".split())
    assume(text and not any(unicodedata.category(one) in ("Cc", "Cs") for one in text))
    cell = harmless(text)
    assert cell[0] not in FORMULA_STARTS
    assert clean_cell("term", cell) == text


def test_formulas_do_not_come_out_of_it(client: Client, event: Event) -> None:
    GlossaryTerm.objects.create(event=event, term="=cmd", say_as="+1")
    GlossaryTerm.objects.create(event=event, term="'=quoted", say_as="'plain")
    response = client.get(reverse("glossary-export", args=[event.pk]))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="glossary-weekly-meeting.csv"'
    lines = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert lines == [
        ["term", "never translate", "say as", "es-ES", "fr-FR"],
        ["''=quoted", "no", "'plain", "", ""],
        ["'=cmd", "no", "'+1", "", ""],
        ["Acme", "yes", "", "", ""],
        ["churn", "no", "tshurn", "bajas", ""],
    ]
    plan = plan_import(event, export_glossary(event))
    assert (plan.touched, plan.unchanged) == (0, 4)
    Language.objects.filter(code="es-ES").update(code="=es()")
    assert export_glossary(event).splitlines()[0] == "term,never translate,say as,'=es(),fr-FR"


def test_pages_and_files_ask_no_more_often_for_more_terms(
    client: Client, event: Event, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    paths = [reverse(name, args=[event.pk]) for name in ("event-glossary", "glossary-export")]

    def fill(first: int, count: int) -> None:
        rows = [f"Term {number},uno" for number in range(first, first + count)]
        store(event, plan_import(event, "\n".join(["term,es-ES", *rows])))

    fill(0, 3)
    for path in paths:
        client.get(path)
    counts = []
    for path in paths:
        with CaptureQueriesContext(connection) as few:
            client.get(path)
        counts.append(len(few))
    fill(3, 27)
    for path, count in zip(paths, counts, strict=True):
        with django_assert_num_queries(count):
            client.get(path)


def test_a_file_too_large_is_refused_without_being_read_whole() -> None:
    with pytest.raises(ImportRefused):
        decode(b"term\n" + b"x" * MOST_BYTES)
