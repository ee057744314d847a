"""`manage.py welcome`: what `make run` shows before it serves."""

import json
import secrets
from io import StringIO
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import segno
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

SAMPLE_TALK = "static/audio/quarterly-update.en.wav"


class Command(BaseCommand):
    help = "Creates the demo event and the first administrator, and prints the links to open."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--here", required=True, help="the server's URL on this computer")
        parser.add_argument("--network", help="its URL in the local network, if it is open to it")

    def handle(self, *, here: str, network: str | None, **options: object) -> None:
        Path(settings.VAR_DIR).chmod(0o700)
        account = _ensure_administrator()
        printed = StringIO()
        call_command("demo_event", json=True, stdout=printed)
        demo = json.loads(printed.getvalue())
        listener = urljoin(network or here, urlsplit(demo["listener_url"]).path)
        # A browser gives out the microphone only on this computer, or over HTTPS.
        speaker = urljoin(here, urlsplit(demo["speaker_url"]).path)

        self.stdout.write(f"\nListener  {listener}")
        if network:
            picture = StringIO()
            segno.make(listener, error="l").terminal(picture, border=2, compact=True)
            self.stdout.write(picture.getvalue())
        self.stdout.write(f"Speaker   {speaker}")
        if network:
            self.stdout.write(
                "          A microphone works only on this computer, as here, or over HTTPS."
            )
        self.stdout.write(f"Admin     {urljoin(here, urlsplit(demo['admin_url']).path)}\n{account}")
        rehearse = f"rehearse {demo['join_code']} {SAMPLE_TALK} --url {here.rstrip('/')}"
        self.stdout.write(
            "\nWithout a microphone, play a recording as the speaker, from a second terminal:\n"
            f"  .venv/bin/python manage.py {rehearse}\n"
        )


def _ensure_administrator() -> str:
    """Creates the account `admin` if nobody administers yet; says how to sign in."""
    administrator = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    password = ""
    if administrator is None:
        password = secrets.token_urlsafe(12)
        administrator = User.objects.create_superuser("admin", password=password)
    name = administrator.get_username()
    first_line = (
        f"          user {name}, password {password} (shown only now)\n"
        if password
        else f"          user {name}\n"
    )
    return f"{first_line}          Forgotten? .venv/bin/python manage.py changepassword {name}"
