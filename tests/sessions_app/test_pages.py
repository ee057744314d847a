"""The public pages."""

from __future__ import annotations

import http.client
import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import segno
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from sessions_app.admission import MOST_FAILED_JOINS
from sessions_app.availability import Availability
from sessions_app.models import Event
from sessions_app.readiness import Readiness
from tests.conftest import Server

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


@pytest.fixture(autouse=True)
def no_failed_joins_yet() -> None:
    cache.clear()


def modules(svg: bytes) -> str:
    """The path of a QR code's dark squares."""
    return ET.fromstring(svg).findall(".//{http://www.w3.org/2000/svg}path")[-1].attrib["d"]  # noqa: S314


def modules_of(link: str) -> str:
    picture = io.BytesIO()
    segno.make(link, error="m", micro=False).save(picture, kind="svg", light="#fff")
    return modules(picture.getvalue())


# Joining


def test_the_join_page_asks_for_a_code(client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.context["error"] == ""


@pytest.mark.parametrize("typed", ["{}", " {} ", "{:.4} {:.4}"])
def test_a_code_leads_to_its_event(client: Client, make_event: MakeEvent, typed: str) -> None:
    event = make_event()
    code = event.join_code.lower()
    text = f"{code[:4]}-{code[4:]}" if typed == "{:.4} {:.4}" else typed.format(code)
    response = client.get("/", {"code": text})
    assert (response.status_code, response["Location"]) == (302, f"/listener/{event.join_code}/")


@pytest.mark.parametrize("typed", ["ABCD2345", "nonsense", "\x00", "<script>", "é" * 150])
def test_an_unknown_code_is_said_in_plain_words(
    client: Client, make_event: MakeEvent, typed: str
) -> None:
    make_event()
    response = client.get("/", {"code": typed})
    assert response.context["error"] != ""
    assert b"<script>" not in response.content
    assert response.templates[0].name == "join.html"


def test_an_empty_code_is_asked_for_again(client: Client) -> None:
    assert client.get("/", {"code": ""}).context["error"] == (
        "Type the code the organiser gave you."
    )


def test_guessing_codes_is_limited_per_address_and_joining_is_not(
    client: Client, make_event: MakeEvent
) -> None:
    event = make_event()
    for _ in range(MOST_FAILED_JOINS):
        assert client.get("/listener/AAAAAAAA/").status_code == 404
    refused = client.get("/", {"code": "AAAAAAAA"})
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert client.get("/listener/AAAAAAAA/qr.svg").status_code == 404
    assert client.get(f"/listener/{event.join_code}/").status_code == 200
    elsewhere = client.get("/listener/AAAAAAAA/", REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 404


# Listening


def test_the_listeners_page_knows_its_event(client: Client, make_event: MakeEvent) -> None:
    event = make_event("es-ES", "ar-SA")
    event.starts_at = datetime(2031, 5, 6, 9, 30, tzinfo=UTC)
    event.save()
    page = client.get(event.get_absolute_url()).context["page"]
    names = {
        "ar-SA": ("Arabic (Saudi Arabia)", "العربية (السعودية)", "rtl"),
        "es-ES": ("Spanish (Spain)", "español (España)", "ltr"),
        "en-US": ("English (United States)", "English (United States)", "ltr"),
    }
    assert page == {
        "join_code": event.join_code,
        "title": "Weekly meeting",
        "asks_pin": False,
        "socket_path": f"/ws/listen/{event.join_code}/",
        "rehearsal": None,
        "preselected": None,
        "languages": [
            {
                "code": code,
                "name": name,
                "native_name": native_name,
                "direction": direction,
                "muted": False,
            }
            for code, (name, native_name, direction) in names.items()
        ],
        "starts_at": "2031-05-06T09:30:00+00:00",
    }


def test_letter_case_and_a_missing_slash_do_not_matter(
    client: Client, make_event: MakeEvent
) -> None:
    event = make_event()
    path = f"/listener/{event.join_code.lower()}"
    response = client.get(path + "?lang=es-ES", follow=True)
    assert response.redirect_chain == [(f"{path}/?lang=es-ES", 301)]
    assert response.context["page"]["join_code"] == event.join_code
    assert response.context["page"]["preselected"] == "es-ES"


@pytest.mark.parametrize(("asked", "chosen"), [("ES-es", "es-ES"), ("ja-JP", None), ("", None)])
def test_only_an_offered_language_is_preselected(
    client: Client, make_event: MakeEvent, asked: str, chosen: str | None
) -> None:
    response = client.get(make_event("es-ES").get_absolute_url(), {"lang": asked})
    assert response.context["page"]["preselected"] == chosen


def test_the_rehearsal_key_opens_rehearsals_and_another_does_not(
    client: Client, make_event: MakeEvent
) -> None:
    event, other = make_event(), make_event()
    keys = [event.rehearsal_key, other.rehearsal_key, "é"]
    pages = [
        client.get(event.get_absolute_url(), {"rehearsal": key}).context["page"] for key in keys
    ]
    assert [page["rehearsal"] for page in pages] == [event.rehearsal_key, None, None]


def test_an_unknown_listener_link_lets_people_type_the_code(client: Client) -> None:
    response = client.get("/listener/AAAAAAAA/")
    assert response.status_code == 404
    assert response.templates[0].name == "join.html"


def test_a_title_cannot_break_out_of_the_page(client: Client, make_event: MakeEvent) -> None:
    event = make_event(title="</script><script>alert(1)</script>")
    assert b"<script>alert" not in client.get(event.get_absolute_url()).content


# QR codes


def test_the_qr_code_is_the_listeners_link(client: Client, make_event: MakeEvent) -> None:
    event = make_event()
    response = client.get(f"/listener/{event.join_code}/qr.svg")
    assert response["Content-Type"] == "image/svg+xml"
    link = f"http://testserver/listener/{event.join_code}/"
    assert modules(response.content) == modules_of(link)


def test_the_rehearsal_qr_code_needs_its_key(client: Client, make_event: MakeEvent) -> None:
    event = make_event()
    path = f"/listener/{event.join_code}/qr.svg"
    assert client.get(path, {"rehearsal": "wrong"}).status_code == 404
    assert client.get(path, {"rehearsal": ""}).status_code == 404
    link = f"http://testserver/listener/{event.join_code}/?rehearsal={event.rehearsal_key}"
    response = client.get(path, {"rehearsal": event.rehearsal_key})
    assert modules(response.content) == modules_of(link)


# Every page


@pytest.mark.parametrize("path", ["/", "/listener/AAAAAAAA/", "/healthz", "/admin/login/"])
def test_nothing_inline_may_run(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/listener/AAAAAAAA/", "/healthz"])
def test_pages_only_answer_questions(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


# Health


READY = {
    "ready": True,
    "database": "ok",
    "channel_layer": "ok",
    "migrations": "ok",
    "backend": "ok",
    "draining": False,
}


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The problems of a backend that needs nothing of this machine; none at first."""
    problems: list[str] = []
    monkeypatch.setattr(Availability, "_here", lambda: Availability(problems=problems))
    return problems


@pytest.mark.usefixtures("backend")
def test_a_server_with_all_its_parts_is_ready(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, READY)


def test_a_backend_with_a_problem_is_named(client: Client, backend: list[str]) -> None:
    backend.append("Recognition needs the package listen: run `pip install listen`.")
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {**READY, "ready": False, "backend": "not available"}


@pytest.mark.usefixtures("backend")
def test_a_process_that_is_about_to_end_is_not_ready_but_alive(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Readiness, "draining", True)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {**READY, "ready": False, "draining": True}
    assert client.get("/healthz/live").json() == {"alive": True}


@pytest.mark.usefixtures("backend")
def test_a_channel_layer_that_fails_is_named(client: Client, settings: Settings) -> None:
    # Nothing listens on this port.
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {**READY, "ready": False, "channel_layer": "not reachable"}


def test_a_foreign_host_header_leaves_nothing_in_the_log(server: Server) -> None:
    before = server.log.stat().st_size
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 400
    connection.close()
    assert b"Traceback" not in server.log.read_bytes()[before:]
