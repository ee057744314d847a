"""Who may listen: the link alone, a PIN beside it, or an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from sessions_app.admission import MOST_WRONG_PINS
from sessions_app.models import Event
from sessions_app.models.event import Access
from tests.clients import listener
from tests.conftest import Server
from tests.people import person

MakeEvent = Callable[..., Event]
TITLE = "Takeover of Initech"
PIN = "Blue42"
PASSWORD = "a-long-one"  # noqa: S105


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def change(event: Event, access: Access, pin: str = "") -> None:
    event.access, event.pin = access, pin
    event.full_clean()
    event.save()


@pytest.fixture
def with_pin(make_event: MakeEvent) -> Callable[[], Any]:
    @sync_to_async
    def make() -> Event:
        event = make_event("es-ES", title=TITLE)
        change(event, Access.PIN, PIN)
        return event

    return make


async def refused(url: str, event: Event, *, join: dict[str, Any], **headers: str) -> list[Any]:
    """What was said to who joins like this, and the code that closed the socket."""
    async with listener(url, event.join_code, **headers) as client:
        await client.send(**{"type": "join", "language": "es-ES", **join})
        code = await client.closed()
        return [*client.received, code]


def problem(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"type": "problem", "code": code, "message": message, "fatal": True, **more}


ASKED = problem("pin", "This event asks for a PIN. The organiser tells it to those invited.")
WRONG = problem("pin", "This is not the PIN of this event. Check it and try again.")
NEW = problem("pin", "The organiser has set a new PIN. Type it to go on listening.")
TOO_MANY = problem(
    "too_fast", "Too many wrong PINs came from here. Please wait a minute.", retry_after_s=60
)
SIGN_IN = problem("sign_in", "This event is for people with an account. Sign in and come back.")


# The socket, with a PIN


@pytest.mark.usefixtures("clean_log")
async def test_a_pin_is_asked_for_before_anything_is_told(
    server: Server, with_pin: Callable[[], Any]
) -> None:
    event = await with_pin()
    tries: list[dict[str, Any]] = [{}, {"pin": " "}, {"pin": "Blue43"}, {"pin": "é"}]
    tries.append({"language": "xx-XX"})
    answers = [await refused(server.socket_url, event, join=join) for join in tries]
    assert answers == [[told, 4403] for told in (ASKED, ASKED, WRONG, WRONG, ASKED)]


@pytest.mark.usefixtures("clean_log")
@pytest.mark.parametrize("typed", [PIN, "blue42", " BLUE42 "])
async def test_the_pin_lets_in_however_it_is_capitalised(
    server: Server, with_pin: Callable[[], Any], typed: str
) -> None:
    event = await with_pin()
    async with listener(server.socket_url, event.join_code) as client:
        joined = await client.join("es-ES", pin=typed)
        assert joined["event"] == {"title": TITLE}
    log = server.log.read_text()
    assert (typed.strip() in log, TITLE in log) == (False, False)


@pytest.mark.usefixtures("clean_log")
async def test_what_is_no_pin_is_malformed(server: Server, with_pin: Callable[[], Any]) -> None:
    event = await with_pin()
    for pin in (42, ["Blue42"], "B" * 41):
        answer = await refused(server.socket_url, event, join={"pin": pin})
        assert answer == [
            problem("bad_message", "“pin” must be a text of at most 40 characters."),
            4400,
        ]


@pytest.mark.usefixtures("clean_log")
async def test_a_guesser_is_not_let_in_by_the_right_pin_either(
    server: Server, with_pin: Callable[[], Any]
) -> None:
    event, other = await with_pin(), await with_pin()
    for number in range(MOST_WRONG_PINS):
        answer = await refused(server.socket_url, event, join={"pin": f"{number:04}"})
        assert answer == [WRONG, 4403]
    for pin in ("9999", PIN):
        assert await refused(server.socket_url, event, join={"pin": pin}) == [TOO_MANY, 4429]
    async with listener(server.socket_url, other.join_code) as client:
        await client.join("es-ES", pin=PIN)


@pytest.mark.usefixtures("clean_log")
async def test_a_rehearsals_key_does_not_replace_the_pin(
    server: Server, with_pin: Callable[[], Any]
) -> None:
    event = await with_pin()
    key = {"rehearsal": event.rehearsal_key}
    assert await refused(server.socket_url, event, join=key) == [ASKED, 4403]
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES", pin=PIN, **key)


# The socket, with an account


async def signed_in(server: Server, name: str) -> dict[str, str]:
    """The headers of a socket that is opened by a page on which somebody new has signed in."""
    await sync_to_async(person)(name, is_staff=False, password=PASSWORD)
    async with httpx.AsyncClient(base_url=server.url) as browser:
        await browser.get("/sign-in/")
        filled = {"username": name, "password": PASSWORD}
        token = browser.cookies["csrftoken"]
        answer = await browser.post("/sign-in/", data={**filled, "csrfmiddlewaretoken": token})
        assert answer.status_code == 302
        return {"Cookie": f"sessionid={browser.cookies['sessionid']}", "Origin": server.url}


@pytest.mark.usefixtures("clean_log")
async def test_only_who_is_signed_in_on_a_page_of_ours_is_let_in(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    await sync_to_async(change)(event, Access.SIGNED_IN)
    ann = await signed_in(server, "ann")
    ours = {"Origin": server.url}
    tried = [{}, ours, {"Cookie": ann["Cookie"]}, {"Cookie": "sessionid=forged", **ours}]
    for headers in tried:
        assert await refused(server.socket_url, event, join={}, **headers) == [SIGN_IN, 4403]
    async with listener(server.socket_url, event.join_code, **ann) as client:
        await client.join("es-ES")


@pytest.mark.usefixtures("clean_log")
async def test_an_account_that_was_deactivated_is_not_let_in(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    await sync_to_async(change)(event, Access.SIGNED_IN)
    headers = await signed_in(server, "ann")
    await _deactivate("ann")
    assert await refused(server.socket_url, event, join={}, **headers) == [SIGN_IN, 4403]


@sync_to_async
def _deactivate(name: str) -> None:
    from django.contrib.auth.models import User

    User.objects.filter(username=name).update(is_active=False)


# Access that changes while people listen


@pytest.mark.usefixtures("clean_log")
async def test_a_stricter_access_asks_those_inside_and_an_open_one_does_not(
    server: Server, make_event: MakeEvent
) -> None:
    event = await sync_to_async(make_event)("es-ES")
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES")
        await sync_to_async(change)(event, Access.PIN, PIN)
        assert await client.closed() == 4403
        assert client.received[-1] == NEW
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES", pin=PIN)
        await sync_to_async(change)(event, Access.PIN, "Green7")
        assert await client.closed() == 4403
    async with listener(server.socket_url, event.join_code) as client:
        await client.join("es-ES", pin="Green7")
        await sync_to_async(change)(event, Access.OPEN)
        await client.send(type="history", before=1)
        await client.expect(type="history")
        await client.expect(type="beat", within_s=15)
        await sync_to_async(change)(event, Access.SIGNED_IN)
        assert await client.closed() == 4403
        assert client.received[-1] == SIGN_IN


# The page


@pytest.mark.django_db
def test_the_page_of_an_event_with_a_pin_does_not_tell_what_it_is(
    client: Client, make_event: MakeEvent
) -> None:
    event = make_event("es-ES", title=TITLE)
    change(event, Access.PIN, PIN)
    for path in (f"/listener/{event.join_code}/", f"/listener/{event.join_code}/qr.svg", "/"):
        text = client.get(path, follow=True).content.decode()
        assert (TITLE in text, PIN in text) == (False, False)
    assert client.get("/", {"code": event.join_code}, follow=True).context["page"]["asks_pin"]


@pytest.mark.django_db
def test_signing_in_leads_back_to_the_event(client: Client, make_event: MakeEvent) -> None:
    event = make_event("es-ES", title=TITLE)
    change(event, Access.SIGNED_IN)
    person("ann", is_staff=False, password=PASSWORD)
    path = f"/listener/{event.join_code}/?lang=es-ES&rehearsal={event.rehearsal_key}"
    page = client.get(path)
    assert page.templates[0].name == "sign_in.html"
    assert TITLE not in page.content.decode()
    filled = {"username": "ann", "next": page.context["next"]}
    wrong = client.post("/sign-in/", {**filled, "password": "a-long-two"})
    assert (wrong.status_code, wrong.context["next"]) == (200, path)
    right = client.post("/sign-in/", {**filled, "password": PASSWORD})
    assert (right.status_code, right["Location"]) == (302, path)
    assert client.get(path).context["page"]["title"] == TITLE
    assert client.post("/sign-out/")["Location"] == "/"
    assert client.get(path).templates[0].name == "sign_in.html"


@pytest.mark.django_db
@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", "javascript:x"])
def test_signing_in_leads_to_no_other_site(client: Client, elsewhere: str) -> None:
    person("ann", is_staff=False, password=PASSWORD)
    filled = {"username": "ann", "password": PASSWORD, "next": elsewhere}
    assert client.post("/sign-in/", filled)["Location"] == "/"


# The event


@pytest.mark.django_db
@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12 34", "1234\x00", "１２３４"])
def test_an_event_that_asks_for_a_pin_has_a_proper_one(make_event: MakeEvent, pin: str) -> None:
    with pytest.raises(ValidationError) as refused_pin:
        change(make_event("es-ES"), Access.PIN, pin)
    assert list(refused_pin.value.message_dict) == ["pin"]
