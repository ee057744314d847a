"""`manage.py export_transcript`."""

from __future__ import annotations

import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sessions_app.exports import FORMATS
from sessions_app.models import LiveSession
from tests.sessions_app.exports.conftest import Say

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(say: Say) -> LiveSession:
    return say([(0, 900, {"en-US": "Hello.", "es-ES": "Hola."})])


def run(*arguments: object) -> list[str]:
    printed = StringIO()
    call_command("export_transcript", *map(str, arguments), stdout=printed)
    return printed.getvalue().splitlines()


def test_it_writes_a_file_and_prints_its_name(session: LiveSession, tmp_path: Path) -> None:
    printed = run(
        session.event.join_code, "--format=txt", "--language=es-ES", f"--output={tmp_path}"
    )
    path = tmp_path / "Weekly meeting 2026-03-04 17-05 es-ES.txt"
    assert printed == [str(path)]
    assert path.read_text().splitlines()[-1] == "[0:00] Hola."


def test_without_a_choice_it_writes_all(session: LiveSession, tmp_path: Path) -> None:
    run(f"--session={session.pk}", f"--output={tmp_path}")
    assert len(list(tmp_path.iterdir())) == 2 * len(FORMATS)


def test_it_writes_a_zip(session: LiveSession, say: Say, tmp_path: Path) -> None:
    say([(0, 900, {"es-ES": "Adiós."})], event=session.event)
    say([(0, 900, {"es-ES": "Prueba."})], event=session.event, rehearsal=True)
    path = tmp_path / "all.zip"
    run(session.event.join_code, "--language=es-ES", "--format=srt", f"--output={path}")
    assert len(zipfile.ZipFile(path).namelist()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["NOSUCHCO"], "There is no event with the join code NOSUCHCO."),
        (["--session=987654"], "There is no session 987654."),
        (["{code}", "--output=/no/such/folder"], "There is no folder /no/such/folder."),
        (["{code}", "--language=ja-JP"], "None of these sessions has any text"),
        (["{code}", "--side-by-side", "--format=srt"], "do not fit into"),
    ],
)
def test_mistakes_are_told(
    session: LiveSession, tmp_path: Path, arguments: list[str], message: str
) -> None:
    filled = [argument.format(code=session.event.join_code) for argument in arguments]
    if not any(argument.startswith("--output") for argument in filled):
        filled.append(f"--output={tmp_path}")
    with pytest.raises(CommandError, match=message):
        run(*filled)
    assert list(tmp_path.iterdir()) == []
