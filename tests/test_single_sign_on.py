"""Signing in through an OpenID Connect provider, which is off unless it is set up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.conftest import ROOT, Server, launch


class Provider(BaseHTTPRequestHandler):
    """Knows one person, and gives whoever asks a token for her."""

    def do_GET(self) -> None:
        own = f"http://{self.headers['Host']}"
        answers = {
            "/.well-known/openid-configuration": {
                "issuer": own,
                "authorization_endpoint": f"{own}/authorize",
                "token_endpoint": f"{own}/token",
                "userinfo_endpoint": f"{own}/person",
                "jwks_uri": f"{own}/keys",
            },
            "/person": {"sub": "42", "preferred_username": "ann", "name": "Ann Example"},
        }
        self._answer(answers[self.path])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"access_token": "t", "token_type": "Bearer"})

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def server(provider: str, tmp_path: Path) -> Iterator[Server]:
    """The product with single sign-on, and a database that knows of it."""
    switched_on = {
        "SSO_SERVER_URL": provider,
        "SSO_CLIENT_ID": "us",
        "SSO_CLIENT_SECRET": "secret",
    }
    database = f"sqlite:///{tmp_path}/db.sqlite3"
    python(tmp_path, "manage.py", "migrate", "--verbosity=0", DATABASE_URL=database, **switched_on)
    running = launch(database, tmp_path, **switched_on)
    yield running
    running.stop()


def python(folder: Path, *arguments: str, **environment: str) -> str:
    """What a process of its own says."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "VAR_DIR": str(folder), **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


@pytest.mark.django_db
def test_it_is_off_unless_it_is_set_up(client: Client) -> None:
    assert not [name for name in settings.INSTALLED_APPS if "allauth" in name]
    with pytest.raises(NoReverseMatch):
        reverse("openid_connect_login", args=["sso"])
    assert client.get("/accounts/login/").status_code == 404
    for path in ("/sign-in/", "/admin/login/"):
        assert "Single sign-on" not in client.get(path).content.decode()
    for needed in ("base.txt", "embedded.txt", "azure.txt", "production.txt"):
        assert "allauth" not in (ROOT / "requirements" / needed).read_text()


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    hidden = (
        "import sys; sys.modules['allauth'] = None; sys.argv = ['manage.py', 'check'];"
        "import runpy; runpy.run_path('manage.py', run_name='__main__')"
    )
    said = python(tmp_path, "-c", hidden, SSO_SERVER_URL="https://id.example.org/")
    assert "Run .venv/bin/pip install -r requirements/sso.txt" in said


def test_who_signs_in_for_the_first_time_gets_an_account_without_rights(
    server: Server, provider: str
) -> None:
    with httpx.Client(base_url=server.url) as browser:
        page = browser.get("/sign-in/?next=/sign-in/")
        assert f"form-action 'self' {provider}" in page.headers["Content-Security-Policy"]
        assert "Single sign-on" in browser.get("/admin/login/").text
        action = re.search(r'action="(/accounts/[^"]+)"', page.text)
        assert action
        token = browser.cookies["csrftoken"]
        filled = {"csrfmiddlewaretoken": token, "next": "/sign-in/"}
        away = browser.post(action[1], data=filled).headers["Location"]
        asked = {name: values[0] for name, values in parse_qs(urlsplit(away).query).items()}
        assert away.startswith(f"{provider}/authorize?")
        assert (asked["client_id"], asked["code_challenge_method"]) == ("us", "S256")
        returned = {"code": "c", "state": asked["state"]}
        back = browser.get(urlsplit(asked["redirect_uri"]).path, params=returned)
        assert (back.status_code, back.headers["Location"]) == (302, "/sign-in/")
        text = browser.get("/sign-in/").text
        assert "You are signed in as <strong" in text
        assert ">ann</strong>" in text
        assert browser.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
        assert browser.get("/speaker/").status_code == 403
