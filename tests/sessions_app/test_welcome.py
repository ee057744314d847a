"""What `make run` shows before it serves."""

import re
from io import StringIO
from pathlib import Path

import pytest
import segno
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django import Settings

from sessions_app.models import Event, Speaker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var_dir(settings: Settings, tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    settings.VAR_DIR = tmp_path
    return tmp_path


def welcome(**options: str) -> str:
    printed = StringIO()
    call_command("welcome", here="http://127.0.0.1:8001/", stdout=printed, **options)
    return printed.getvalue()


def link(printed: str, title: str) -> str:
    found = re.search(rf"^{title} +(\S+)$", printed, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_links_are_those_of_the_demo_event() -> None:
    printed = welcome()
    event, speaker = Event.objects.get(), Speaker.objects.get()
    assert link(printed, "Listener") == f"http://127.0.0.1:8001{event.get_absolute_url()}"
    assert link(printed, "Speaker") == f"http://127.0.0.1:8001{speaker.get_absolute_url()}"
    assert link(printed, "Admin").startswith("http://127.0.0.1:8001/admin/")
    rehearse = re.search(r"manage\.py rehearse (\S+) \S+ --url (\S+)", printed)
    assert rehearse is not None
    assert rehearse.groups() == (event.join_code, "http://127.0.0.1:8001")


def test_the_sample_talk_it_names_exists(settings: Settings) -> None:
    found = re.search(r"manage\.py rehearse \S+ (\S+)", welcome())
    assert found is not None
    assert (settings.BASE_DIR / found[1]).is_file()


def test_the_first_administrator_gets_a_password_that_is_shown_once() -> None:
    first = welcome()
    shown = re.search(r"user admin, password (\S+) \(shown only now\)", first)
    assert shown is not None
    assert User.objects.get(username="admin", is_superuser=True).check_password(shown[1])

    second = welcome()
    assert (User.objects.count(), ", password" in second) == (1, False)
    assert "manage.py changepassword admin" in second


def test_an_administrator_who_is_there_already_stays_the_only_one() -> None:
    User.objects.create_superuser("grace")
    printed = welcome()
    assert [user.username for user in User.objects.all()] == ["grace"]
    assert "manage.py changepassword grace" in printed


def test_in_the_local_network_listeners_get_its_address_and_a_code_for_a_phone() -> None:
    printed = welcome(network="http://192.0.2.7:8001/")
    event = Event.objects.get()
    listener = f"http://192.0.2.7:8001{event.get_absolute_url()}"
    assert link(printed, "Listener") == listener
    code = StringIO()
    segno.make(listener, error="l").terminal(code, border=2, compact=True)
    assert code.getvalue() in printed
    assert link(printed, "Speaker").startswith("http://127.0.0.1:8001/speaker/")
    assert "A microphone works only on this computer, as here, or over HTTPS." in printed


def test_nobody_else_on_the_machine_reads_what_is_stored(var_dir: Path) -> None:
    welcome()
    assert var_dir.stat().st_mode & 0o777 == 0o700
