"""Which files an order makes, what they are called, and the ZIP of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions_app.exports import FORMATS
from sessions_app.exports.names import safe
from sessions_app.exports.order import NothingToExport, Order, zip_chunks, zip_name
from sessions_app.exports.transcript import Wanted
from sessions_app.models import Event, LiveSession
from tests.sessions_app.exports.conftest import Say

pytestmark = pytest.mark.django_db

HELLO = [(0, 900, {"en-US": "Hello.", "es-ES": "Hola."})]


def order(
    *sessions: LiveSession,
    formats: tuple[str, ...] = ("srt",),
    languages: tuple[str, ...] = ("es-ES",),
    side_by_side: bool = False,
) -> Order:
    return Order(tuple(one.pk for one in sessions), formats, languages, side_by_side, Wanted.ALL)


def names(made: Order) -> list[str]:
    return [file.name for file in made.files()]


# Names


def test_a_file_says_event_date_and_language(say: Say) -> None:
    assert names(order(say(HELLO))) == ["Weekly meeting 2026-03-04 17-05 es-ES.srt"]


def test_two_languages_side_by_side_are_one_file(say: Say) -> None:
    made = order(say(HELLO), formats=("txt",), languages=("en-US", "es-ES"), side_by_side=True)
    assert names(made) == ["Weekly meeting 2026-03-04 17-05 en-US es-ES.txt"]


def test_every_format_and_language_is_a_file(say: Say) -> None:
    made = order(say(HELLO), formats=("txt", "vtt"), languages=("en-US", "es-ES"))
    assert names(made) == [
        "Weekly meeting 2026-03-04 17-05 en-US.txt",
        "Weekly meeting 2026-03-04 17-05 en-US.vtt",
        "Weekly meeting 2026-03-04 17-05 es-ES.txt",
        "Weekly meeting 2026-03-04 17-05 es-ES.vtt",
    ]
    assert zip_name(made.files()) == "Weekly meeting 2026-03-04 17-05 transcripts.zip"


def test_sessions_have_a_folder_each_and_none_hides_another(
    say: Say, make_event: Callable[..., Event]
) -> None:
    first, second = say(HELLO), say(HELLO, title="weekly MEETING")
    assert names(order(first, second)) == [
        "Weekly meeting 2026-03-04 17-05/Weekly meeting 2026-03-04 17-05 es-ES.srt",
        "weekly MEETING 2026-03-04 17-05 (2)/weekly MEETING 2026-03-04 17-05 es-ES.srt",
    ]


def test_the_zip_of_one_event_has_its_name(say: Say) -> None:
    first = say(HELLO)
    second = say(HELLO, event=first.event)
    assert zip_name(order(first, second).files()).startswith("Weekly meeting 20")
    other = say(HELLO, title="Another")
    assert zip_name(order(first, other).files()).startswith("Events 20")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Q1/Q2: <plans>?", "Q1 Q2 plans"),
        ("..", "Transcript"),
        ("a\x00b\tc\u2028d", "a b c d"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("हिन्दी 年会 العربية", "हिन्दी 年会 العربية"),
        ("Cafe\u0301", "Café"),
        ("é" * 100, "é" * 60),
        ("plan. ", "plan"),
        ("50% 😀", "50% 😀"),
    ],
)
def test_names_suit_every_file_system(title: str, expected: str) -> None:
    assert safe(title) == expected


# What is left out, and what is refused


def test_a_session_without_the_language_has_no_file(say: Say) -> None:
    spanish, french = say(HELLO), say([(0, 900, {"fr-FR": "Salut."})], "fr-FR", title="French")
    assert names(order(spanish, french, languages=("fr-FR",))) == [
        "French 2026-03-04 17-05/French 2026-03-04 17-05 fr-FR.srt"
    ]


def test_an_order_without_any_text_says_so(say: Say) -> None:
    with pytest.raises(NothingToExport, match="any text in the chosen languages"):
        order(say(HELLO), languages=("ja-JP",)).files()


@pytest.mark.parametrize(
    ("formats", "languages", "side_by_side", "message"),
    [
        ((), ("es-ES",), False, "at least one format"),
        (("exe",), ("es-ES",), False, "at least one format"),
        (("txt",), (), False, "at least one language"),
        (("txt",), ("es-ES",), True, "exactly two languages"),
        (("txt", "srt"), ("en-US", "es-ES"), True, r"do not fit into: Subtitles \(SRT\)"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_remedy(
    say: Say,
    formats: tuple[str, ...],
    languages: tuple[str, ...],
    side_by_side: bool,
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        order(say(HELLO), formats=formats, languages=languages, side_by_side=side_by_side)


def test_too_many_sessions_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 100 sessions"):
        Order(tuple(range(101)), ("txt",), ("es-ES",), False, Wanted.ALL)


# The ZIP


def test_the_zip_has_every_file_whole(say: Say) -> None:
    session = say(HELLO, title="年会")
    made = order(session, formats=tuple(FORMATS), languages=("en-US", "es-ES"))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(zip_chunks(made.files()))))
    assert archive.testzip() is None
    assert archive.namelist() == names(made)
    for file in made.files():
        if file.format.key == "docx":
            continue  # has the time at which it was written in it
        written = io.BytesIO()
        file.write(written)
        assert archive.read(file.name) == written.getvalue()


def test_the_zip_is_given_away_while_it_is_made(say: Say) -> None:
    files = order(say(HELLO), formats=("txt", "csv"), languages=("en-US", "es-ES")).files()
    chunks = zip_chunks(files)
    with CaptureQueriesContext(connection) as before:
        next(chunks)
    with CaptureQueriesContext(connection) as all_others:
        list(chunks)
    assert len(all_others) == 3 * len(before)


def test_more_sessions_ask_the_database_no_more_often_for_what_there_is(say: Say) -> None:
    def queries(count: int) -> int:
        made = order(*(say(HELLO, title=f"{count} {number}") for number in range(count)))
        with CaptureQueriesContext(connection) as captured:
            assert len(made.files()) == count
        return len(captured)

    assert queries(3) == queries(30)


def test_sessions_come_in_the_order_of_their_time(say: Say) -> None:
    later, earlier = say(HELLO, title="Later"), say(HELLO, title="Earlier")
    LiveSession.objects.filter(pk=earlier.pk).update(started_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert [name.split()[0] for name in names(order(later, earlier))] == ["Earlier", "Later"]
