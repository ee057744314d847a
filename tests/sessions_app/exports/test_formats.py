"""What stands in each file."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import docx
import jsonschema
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions_app.exports import FORMATS
from sessions_app.exports.csv import safe_cell
from sessions_app.exports.transcript import Wanted
from sessions_app.messages import FinalCaption
from sessions_app.models import Correction, LanguageReview, LiveSession
from sessions_app.models.transcript import ReviewState
from tests.conftest import ROOT
from tests.sessions_app.exports.conftest import Say, accept, correct, exported

pytestmark = pytest.mark.django_db

SCHEMA = json.loads((ROOT / "docs" / "transcript-schema.json").read_text())
NASTY = '<b>50%</b> & "quotes" 😀 \u202eabc\u202c \x07bell'


@pytest.fixture
def talk(say: Say) -> LiveSession:
    """Accepted, corrected, untouched, failed twice, not translated, and nothing to say."""
    session = say(
        [
            (0, 900, {"en-US": "Hello.", "es-ES": "Hola."}),
            (65_000, 66_000, {"en-US": "We grow.", "es-ES": "Crecimos."}),
            (70_000, 71_000, {"en-US": "Thanks.", "es-ES": "Gracias."}),
            (75_000, 76_000, {"en-US": "One.", "es-ES": None}),
            (80_000, 81_000, {"en-US": "Two.", "es-ES": None}),
            (85_000, 86_000, {"en-US": "Three."}),
            (3_665_000, 3_666_000, {"en-US": "Bye.", "es-ES": ""}),
        ]
    )
    accept(session, 1, "es-ES")
    correct(session, 2, "es-ES", "Crecemos.")
    return session


def lines_of(content: bytes) -> list[str]:
    return content.decode().split("\n")


def as_json(session: LiveSession, *languages: str, wanted: Wanted = Wanted.ALL) -> Any:
    """The JSON file, which keeps to its schema."""
    data = json.loads(exported(session, "json", *languages, wanted=wanted))
    jsonschema.validate(data, SCHEMA)
    return data


def paragraphs(content: bytes) -> list[str]:
    return [one.text for one in docx.Document(io.BytesIO(content)).paragraphs]


# Which text


def test_everything_is_as_listeners_read_it(talk: LiveSession) -> None:
    assert lines_of(exported(talk, "txt", "es-ES")) == [
        "Weekly meeting",
        "4 March 2026, 17:05 (UTC)",
        "Speaker: Speaker",
        "español (España): machine text",
        "",
        "[0:00] Hola.",
        "[1:05] Crecemos.",
        "[1:10] Gracias.",
        "[…]",
        "",
    ]


def test_machine_text_can_be_marked(talk: LiveSession) -> None:
    lines = lines_of(exported(talk, "txt", "es-ES", wanted=Wanted.MARKED))
    assert lines[4:9] == [
        "* before a text: no person has reviewed it.",
        "",
        "[0:00] Hola.",
        "[1:05] Crecemos.",
        "[1:10] * Gracias.",
    ]


def test_only_reviewed_text_can_be_had_and_gaps_show(talk: LiveSession) -> None:
    lines = lines_of(exported(talk, "txt", "es-ES", wanted=Wanted.REVIEWED))
    assert lines[4:] == [
        "Only text that a person has reviewed; […] stands for the rest.",
        "",
        "[0:00] Hola.",
        "[1:05] Crecemos.",
        "[…]",
        "",
    ]


def test_a_language_that_is_reviewed_is_so_line_by_line(talk: LiveSession) -> None:
    LanguageReview.objects.create(session=talk, language="es-ES", state=ReviewState.REVIEWED)
    lines = lines_of(exported(talk, "txt", "es-ES", wanted=Wanted.REVIEWED))
    assert lines[3] == "español (España): reviewed"
    assert lines[6:9] == ["[0:00] Hola.", "[1:05] Crecemos.", "[1:10] Gracias."]


def test_a_correction_of_what_was_said_shows_in_the_spoken_language_only(talk: LiveSession) -> None:
    talk.segments.get(number=1).correct("Hello everybody.", User.objects.create_user("reviewer"))
    assert lines_of(exported(talk, "txt", "en-US"))[5] == "[0:00] Hello everybody."
    assert lines_of(exported(talk, "txt", "es-ES"))[5] == "[0:00] Hola."


def test_an_export_says_what_listeners_read(talk: LiveSession) -> None:
    talk.segments.get(number=2).correct("We are growing.", None)
    correct(talk, 2, "es-ES", "Estamos creciendo.")
    correct(talk, 4, "es-ES", "Una.")
    correct(talk, 1, "en-US", "Hello!")
    for language in ("en-US", "es-ES"):
        read = {
            caption.segment: caption.text
            for caption in map(FinalCaption.of, talk.translations.shown())
            if caption.language == language
        }
        texts = {
            segment["number"]: segment["texts"][language]["text"]
            for segment in as_json(talk, language)["segments"]
        }
        assert {number: texts[number] for number in read} == read


def test_what_the_machine_translated_again_is_machine_text(talk: LiveSession) -> None:
    translation = talk.translations.get(segment__number=2, language="es-ES")
    again = Correction(
        segment_id=translation.segment_id,
        translation=translation,
        text="Crecemos mucho.",
        machine=True,
    )
    talk.put_beside([again])
    lines = lines_of(exported(talk, "txt", "es-ES", wanted=Wanted.MARKED))
    assert lines[7] == "[1:05] * Crecemos mucho."
    assert as_json(talk, "es-ES")["segments"][1]["texts"]["es-ES"]["state"] == "machine"


def test_marked_subtitles_have_the_mark_on_the_screen(talk: LiveSession) -> None:
    marked = exported(talk, "srt", "es-ES", wanted=Wanted.MARKED).decode()
    assert [line for line in marked.split("\n") if "." in line] == [
        "Hola.",
        "Crecemos.",
        "* Gracias.",
    ]


def test_what_was_said_is_there_before_it_is_stored_as_a_translation(say: Say) -> None:
    session = say([(0, 900, {"en-US": "Hello."}), (1000, 1900, {"es-ES": "Hola."})])
    assert lines_of(exported(session, "txt", "en-US"))[5:7] == ["[0:00] Hello.", "[0:01] Hello."]


def test_a_running_session_gives_what_has_been_said_so_far(say: Say) -> None:
    session = say([(0, 900, {"es-ES": "Hola."})], ended=False)
    lines = lines_of(exported(session, "txt", "es-ES"))
    assert lines[2] == "The session was still running when this was exported."
    assert lines[-2] == "[0:00] Hola."


# Side by side


def test_two_languages_stand_beneath_each_other_in_text(talk: LiveSession) -> None:
    assert lines_of(exported(talk, "txt", "en-US", "es-ES"))[6:14] == [
        "[0:00]",
        "en-US: Hello.",
        "es-ES: Hola.",
        "",
        "[1:05]",
        "en-US: We grow.",
        "es-ES: Crecemos.",
        "",
    ]


def test_two_languages_are_a_table_in_a_document(talk: LiveSession) -> None:
    document = docx.Document(io.BytesIO(exported(talk, "docx", "en-US", "es-ES")))
    (table,) = document.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows == [
        ["", "English (United States)", "español (España)"],
        ["0:00", "Hello.", "Hola."],
        ["1:05", "We grow.", "Crecemos."],
        ["1:10", "Thanks.", "Gracias."],
        ["1:15", "One.", "[…]"],
        ["1:20", "Two.", "[…]"],
        ["1:25", "Three.", "[…]"],
        ["1:01:05", "Bye.", ""],
    ]


# Formats


def test_a_document_has_title_facts_times_and_text(talk: LiveSession) -> None:
    content = exported(talk, "docx", "es-ES")
    assert paragraphs(content) == [
        "Weekly meeting",
        "4 March 2026, 17:05 (UTC)",
        "Speaker: Speaker",
        "español (España): machine text",
        "0:00\tHola.",
        "1:05\tCrecemos.",
        "1:10\tGracias.",
        "\t[…]",
    ]
    properties = docx.Document(io.BytesIO(content)).core_properties
    assert (properties.title, properties.author, properties.language) == (
        "Weekly meeting",
        "Speaker",
        "es-ES",
    )


def test_a_document_in_arabic_runs_to_the_left(say: Say) -> None:
    session = say([(0, 900, {"ar-SA": "مرحبا"})], "ar-SA")
    document = docx.Document(io.BytesIO(exported(session, "docx", "ar-SA")))
    style = document.paragraphs[-1].style
    assert style is not None
    assert style.element.xpath("count(w:pPr/w:bidi)") == 1
    assert style.element.xpath("count(w:rPr/w:rtl)") == 1
    assert style.element.xpath("string(w:rPr/w:lang/@w:bidi)") == "ar-SA"


def test_a_table_says_where_each_text_comes_from(talk: LiveSession) -> None:
    content = exported(talk, "csv", "es-ES").decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(content, newline="")))[:5] == [
        ["number", "start", "end", "spoken in", "es-ES", "es-ES is"],
        ["1", "00:00:00.000", "00:00:00.900", "en-US", "Hola.", "reviewed"],
        ["2", "00:01:05.000", "00:01:06.000", "en-US", "Crecemos.", "corrected"],
        ["3", "00:01:10.000", "00:01:11.000", "en-US", "Gracias.", "machine"],
        ["4", "00:01:15.000", "00:01:16.000", "en-US", "", "failed"],
    ]


def test_spreadsheets_see_a_table_in_unicode(talk: LiveSession) -> None:
    assert exported(talk, "csv", "es-ES").startswith(b"\xef\xbb\xbfnumber,")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_becomes_a_formula(start: str) -> None:
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"


def test_a_sentence_that_looks_like_a_formula_is_escaped(say: Say) -> None:
    session = say([(0, 900, {"es-ES": "=1+1"})])
    content = exported(session, "csv", "es-ES").decode("utf-8-sig")
    assert content.split("\r\n")[1].split(",")[4] == "'=1+1"


def test_a_language_that_looks_like_a_formula_is_escaped(say: Say) -> None:
    """Its code is checked only where somebody types it into the back office."""
    session = say([(0, 900, {"=es()": "Hola."})])
    session.segments.update(source_language="@en")
    head, row, *_ = exported(session, "csv", "=es()").decode("utf-8-sig").split("\r\n")
    assert head == "number,start,end,spoken in,'=es(),'=es() is"
    assert row == "1,00:00:00.000,00:00:00.900,'@en,Hola.,machine"


def test_data_has_machine_and_shown_text(talk: LiveSession) -> None:
    data = as_json(talk, "es-ES")
    assert {key: data[key] for key in ("version", "event", "speaker", "state", "text")} == {
        "version": 1,
        "event": "Weekly meeting",
        "speaker": "Speaker",
        "state": "ended",
        "text": "all",
    }
    assert data["languages"] == [
        {"code": "es-ES", "name": "Spanish (Spain)", "direction": "ltr", "review": "machine"}
    ]
    assert data["segments"][1] == {
        "number": 2,
        "start_ms": 65_000,
        "end_ms": 66_000,
        "source_language": "en-US",
        "texts": {
            "es-ES": {"text": "Crecemos.", "state": "corrected", "machine_text": "Crecimos."}
        },
    }
    states = [segment["texts"]["es-ES"]["state"] for segment in data["segments"]]
    assert states == ["reviewed", "corrected", "machine", "failed", "failed", "missing", "machine"]


def test_data_of_reviewed_text_has_no_machine_text(talk: LiveSession) -> None:
    data = as_json(talk, "es-ES", wanted=Wanted.REVIEWED)
    texts = [segment["texts"]["es-ES"] for segment in data["segments"]]
    assert [text["text"] for text in texts] == ["Hola.", "Crecemos.", *[None] * 5]
    assert {text["machine_text"] for text in texts} == {None}


def test_data_of_an_empty_session_is_whole(say: Say) -> None:
    session = say([(0, 900, {"en-US": "Hello.", "es-ES": "Hola."})])
    session.segments.all().delete()
    assert as_json(session, "en-US", "es-ES")["segments"] == []


@pytest.mark.parametrize("key", FORMATS)
def test_whatever_people_write_survives(say: Say, key: str) -> None:
    session = say([(0, 9000, {"es-ES": NASTY})], title=f"Title {NASTY}")
    content = exported(session, key, "es-ES", wanted=Wanted.ALL)
    if key == "docx":
        text = "\n".join(paragraphs(content)).replace("\x07", "")
        assert text.count(NASTY.replace("\x07", "")) == 2
        return
    text = content.decode()
    if key == "vtt":
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    if key == "csv":
        text = text.replace('""', '"')
    if key == "json":
        text = "".join(json.loads(text)["segments"][0]["texts"]["es-ES"]["text"])
    assert NASTY in text.replace("\n", " ")


def test_line_breaks_in_a_text_break_no_file(say: Say) -> None:
    session = say([(0, 9000, {"es-ES": "Uno.\n\n2\n00:00:01,000 --> 00:00:02,000\r\nDos."})])
    assert lines_of(exported(session, "txt", "es-ES"))[5:-1] == [
        "[0:00] Uno. 2 00:00:01,000 --> 00:00:02,000 Dos."
    ]


# Cost


@pytest.mark.parametrize("key", FORMATS)
def test_a_longer_transcript_asks_the_database_no_more_often(say: Say, key: str) -> None:
    def queries(lines: int) -> int:
        session = say(
            [(i * 1000, i * 1000 + 900, {"en-US": "Hi.", "es-ES": "Hola."}) for i in range(lines)]
        )
        correct(session, 1, "es-ES", "Buenas.")
        with CaptureQueriesContext(connection) as captured:
            exported(session, key, "es-ES")
        return len(captured)

    assert queries(3) == queries(30)


def test_times_are_those_of_this_installation(talk: LiveSession, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    LiveSession.objects.filter(pk=talk.pk).update(started_at=datetime(2026, 3, 4, 23, tzinfo=UTC))
    assert lines_of(exported(talk, "txt", "es-ES"))[1] == "5 March 2026, 08:00 (JST)"
