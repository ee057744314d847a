"""The control room's socket: who gets in, what they see, and what each command does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from websockets.asyncio.client import connect

from sessions_app import holding
from sessions_app.models import (
    AudienceSample,
    Event,
    EventMember,
    Language,
    ListenerReport,
    LiveSession,
    OperatorPresence,
    SessionLogEntry,
)
from sessions_app.models.event import Role
from sessions_app.permissions import ADMINISTRATOR, OPERATOR, ORGANISER, REVIEWER
from speech_app.control.messages import Sentence
from speech_app.control.picture import picture_of
from tests.clients import JSON, Client, listener, recorded, speaker, until_stored
from tests.conftest import LaunchServer, Server
from tests.people import person
from tests.speech_app.test_review import say

pytestmark = pytest.mark.usefixtures("clean_log")

MakeEvent = Callable[..., Event]

PASSWORD = "a-long-one"  # noqa: S105


class OperatorClient(Client):
    """An operator's page: gives commands, and keeps the newest of everything it is shown."""

    _ref = 0

    async def give(self, type: str, **fields: Any) -> tuple[bool, str]:
        """Give a command; returns the first answer to it."""
        self._ref += 1
        ref = self._ref
        await self.send(type=type, ref=ref, **fields)
        answer = await self.expect(type="answer", ref=ref)
        return answer["ok"], answer["message"]

    @property
    def overview(self) -> JSON:
        return self.all(type="overview")[-1]

    def sentence(self, number: int) -> JSON | None:
        found = self.all(type="sentence", segment=number)
        return found[-1] if found else None

    async def sees(self, look: Callable[[OperatorClient], Any], expected: Any) -> None:
        async def found() -> Any:
            return look(self)

        await self.until(lambda _: bool(self.all(type="overview")))
        await until_stored(found, expected)


async def cookies_of(server: Server, name: str) -> str:
    """Of somebody who has signed in there."""
    user = await User.objects.aget(username=name)
    user.set_password(PASSWORD)
    await user.asave()
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as browser:
        await browser.get("/sign-in/")
        filled = {"username": name, "password": PASSWORD}
        token = browser.cookies["csrftoken"]
        answer = await browser.post("/sign-in/", data={**filled, "csrfmiddlewaretoken": token})
        assert answer.status_code == 302
        return f"sessionid={browser.cookies['sessionid']}"


@asynccontextmanager
async def control_room(server: Server, event: int, **headers: str) -> AsyncIterator[OperatorClient]:
    url = f"{server.socket_url}/ws/control/{event}/"
    async with connect(url, additional_headers=headers, max_size=None) as socket:
        client = OperatorClient(socket)
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def operator(
    server: Server, event: Event, name: str = "operator"
) -> AsyncIterator[OperatorClient]:
    headers = {"Cookie": await cookies_of(server, name), "Origin": server.url}
    async with control_room(server, event.pk, **headers) as client:
        yield client


@pytest.fixture
def event(server: Server, make_event: MakeEvent) -> Event:
    """An event that two operators may run."""
    event = make_event("es-ES", "fr-FR", title="Town hall")
    for name in ("operator", "other"):
        EventMember.objects.create(event=event, user=person(name, OPERATOR), role=Role.OPERATOR)
    return event


@sync_to_async
def begin(event: Event, *, hold_s: int = 0) -> LiveSession:
    """A session that some other process interprets."""
    session = LiveSession.go_live(
        event.speakers.get(),
        client="elsewhere",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    holding.hold_for(session, hold_s)
    return session


@sync_to_async
def logged(session: LiveSession) -> list[tuple[str, str, str]]:
    rows = SessionLogEntry.objects.filter(session=session).select_related("author")
    return [(row.kind, row.text, row.author.username if row.author else "") for row in rows]


async def test_only_who_may_run_the_event_gets_in(server: Server, event: Event) -> None:
    def prepare() -> Event:
        for group in (ORGANISER, REVIEWER, OPERATOR, ADMINISTRATOR):
            person(f"foreign {group}", group)
        reviewer = person("reviewer", REVIEWER)
        EventMember.objects.create(event=event, user=reviewer, role=Role.REVIEWER)
        EventMember.objects.create(
            event=event, user=person("guest", is_staff=False), role="operator"
        )
        event.owner = person("owner", ORGANISER)
        event.save()
        return event

    await sync_to_async(prepare)()
    ours = {"Origin": server.url}
    mine = {"Cookie": await cookies_of(server, "operator")}
    refused: list[tuple[str, dict[str, str], int]] = [
        ("nobody", ours, 4404),
        ("no origin", mine, 4403),
        ("a foreign page", {**mine, "Origin": "https://evil.example"}, 4403),
        ("a forged cookie", {**ours, "Cookie": "sessionid=forged"}, 4404),
    ]
    for name in ("foreign Organiser", "foreign Reviewer", "foreign Operator", "reviewer", "guest"):
        refused.append((name, {**ours, "Cookie": await cookies_of(server, name)}, 4404))
    for who, headers, code in refused:
        async with control_room(server, event.pk, **headers) as client:
            assert (who, await client.closed()) == (who, code)
            assert [message["type"] for message in client.received] == ["problem"]
    async with control_room(server, event.pk + 1, **ours, **mine) as nowhere:
        assert await nowhere.closed() == 4404
        words = nowhere.received[0]["message"]
    assert words == "There is no such event, or you may not run it."
    for name in ("operator", "owner", "foreign Administrator"):
        async with operator(server, event, name) as client:
            await client.expect(type="overview", title="Town hall")


async def test_whose_right_is_taken_away_is_shut_out(server: Server, event: Event) -> None:
    async with operator(server, event) as client, operator(server, event, "other") as other:
        await client.expect(type="overview")
        await event.members.filter(user__username="operator").adelete()
        assert await client.closed() == 4403
        assert client.received[-1]["code"] == "sign_in"
        # Who stays is not disturbed.
        assert await other.give("notice", text="Hello.") == (True, "Told listeners: Hello.")


@pytest.mark.parametrize("gone", ["event", "account"])
async def test_whose_event_or_account_is_deleted_is_shut_out(
    server: Server, event: Event, gone: str
) -> None:
    async with operator(server, event) as client:
        await client.expect(type="overview")
        rows = Event.objects if gone == "event" else User.objects.filter(username="operator")
        await rows.all().adelete()
        assert await client.closed() == 4403


async def test_a_new_operator_sees_all_there_is(server: Server, event: Event) -> None:
    session = await begin(event)

    def prepare() -> None:
        say(session, "Good morning.", es="Buenos días.", fr=None)
        session.translations.get(language="es-ES").correct("¡Buenos días!", person("author"))
        AudienceSample.objects.create(
            session=session, language="es-ES", listeners=3, with_sound=1, at=session.started_at
        )
        ListenerReport.objects.create(event=event, language="es-ES", message="<b>No sound</b>")
        SessionLogEntry.objects.create(session=session, kind="problem", code="x", text="It broke.")

    await sync_to_async(prepare)()
    async with listener(server.socket_url, event.join_code) as page:
        await page.join("es-ES", speech=True)
        async with operator(server, event) as client:
            await client.expect(type="samples")
            await client.sees(
                lambda one: [
                    (row["code"], row["target"], row["muted"], row["listeners"], row["with_sound"])
                    for row in one.overview["languages"]
                ],
                [
                    ("fr-FR", True, False, 0, 0),
                    ("es-ES", True, False, 1, 1),
                    ("en-US", False, False, 0, 0),
                ],
            )
            shown = client.overview["session"]
            assert {**shown, "started_at": ""} == {
                "id": session.pk,
                "state": "live",
                "wanted": "",
                "rehearsal": False,
                "speaker": "Speaker",
                "started_at": "",
                "ended_at": None,
                "hold_s": 0,
            }
            correction = await session.segments.values_list("corrections", flat=True).aget()
            assert client.sentence(1) == {
                "type": "sentence",
                "session": session.pk,
                "segment": 1,
                "source_language": "en-US",
                "source": {"text": "Good morning.", "last": 0, "seen": True},
                "translations": {
                    "es-ES": {"text": "¡Buenos días!", "last": correction, "seen": True},
                    "fr-FR": {"text": None, "last": 0, "seen": True},
                },
                "start_ms": 1000,
                "held_until": None,
                "dropped_by": "",
            }
            (samples,) = client.all(type="samples")
            at = round(session.started_at.timestamp() * 1000)
            assert samples["rows"] == [[at, "es-ES", 3]]
            (report,) = client.all(type="report")
            assert (report["language"], report["message"]) == ("es-ES", "<b>No sound</b>")
            (entry,) = client.all(type="entry")
            assert (entry["kind"], entry["text"], entry["author"]) == ("problem", "It broke.", "")


async def test_operators_of_two_processes_see_each_others_changes(
    server: Server, event: Event, launch_server: LaunchServer
) -> None:
    session = await begin(event, hold_s=30)
    await sync_to_async(say)(session, "Secret.", es="Secreto.", fr="Secret.")
    second = await sync_to_async(launch_server)()
    async with operator(server, event) as here, operator(second, event, "other") as there:
        await there.expect(type="sentence", segment=1, dropped_by="")
        assert await here.give("drop", session=session.pk, segment=1) == (
            True,
            "Dropped sentence 1.",
        )
        await there.expect(type="sentence", segment=1, dropped_by="operator")
        await there.expect(type="entry", text="Dropped sentence 1.", author="operator")
        assert await there.give("mute", language="es-ES", on=True) == (
            True,
            "Muted Spanish (Spain).",
        )
        await here.sees(lambda one: [row["muted"] for row in one.overview["languages"]][1], True)
    assert await logged(session) == [
        ("action", "Dropped sentence 1.", "operator"),
        ("action", "Muted Spanish (Spain).", "other"),
    ]


def here(client: OperatorClient) -> list[str]:
    """Whom an operator's page is told of as present, themselves among them."""
    return [one["name"] for one in client.overview["operators"]]


async def test_operators_see_who_else_has_the_room_open(
    server: Server, event: Event, make_event: MakeEvent, launch_server: LaunchServer
) -> None:
    """In any process, once each, until they leave or their process dies."""
    second = await sync_to_async(launch_server)()
    async with operator(server, event) as client:
        await client.sees(here, ["operator"])
        async with operator(server, event, "other"):
            await client.sees(here, ["operator", "other"])
            async with operator(second, event, "other"):
                await client.sees(here, ["operator", "other"])
            await client.sees(here, ["operator", "other"])
        await client.sees(here, ["operator"])
        async with operator(second, event, "other") as other:
            await other.sees(here, ["operator", "other"])
            await client.sees(here, ["operator", "other"])
            await sync_to_async(second.kill)()
            assert here(client) == ["operator", "other"]
            await client.sees(here, ["operator"])
    await until_stored(OperatorPresence.objects.acount, 0)


async def test_who_is_in_another_events_room_is_not_here(
    server: Server, event: Event, make_event: MakeEvent
) -> None:
    elsewhere = await sync_to_async(make_event)("es-ES", title="Elsewhere")
    await EventMember.objects.acreate(
        event=elsewhere, user=await User.objects.aget(username="other"), role=Role.OPERATOR
    )
    async with operator(server, elsewhere, "other") as other:
        await other.sees(here, ["other"])
        async with operator(server, event) as client:
            await client.sees(here, ["operator"])
        assert here(other) == ["other"]


async def test_held_sentences_are_fixed_shown_dropped_and_restored(
    server: Server, event: Event
) -> None:
    session = await begin(event, hold_s=30)
    for number in range(1, 4):
        await sync_to_async(say)(session, f"en {number}", es=f"es {number}", fr=f"fr {number}")
    async with (
        operator(server, event) as client,
        listener(server.socket_url, event.join_code) as page,
    ):
        await page.join("es-ES")
        await client.expect(type="sentence", segment=3)
        one = {"session": session.pk, "segment": 1}
        assert await client.give("wait", **one) == (True, "")
        fixed = await client.give("correct", **one, language="es-ES", last=0, text=" mejor\n 1 ")
        assert fixed == (True, "Corrected sentence 1.")
        assert page.captions() == {}
        assert (await client.give("drop", session=session.pk, segment=2))[0]
        assert await client.give("show", session=session.pk, segment=3) == (
            True,
            "Showed sentence 3 early.",
        )
        await page.expect(type="caption", final=True, segment=3)
        assert page.captions() == {1: "mejor 1", 3: "es 3"}
        late = await client.give("drop", session=session.pk, segment=1)
        words = "Listeners have seen this sentence already. You can still correct it."
        assert late == (False, words)
        assert (await client.give("restore", session=session.pk, segment=2))[0]
        await page.expect(type="caption", final=True, segment=2)
        assert page.captions() == {1: "mejor 1", 2: "es 2", 3: "es 3"}


async def test_a_text_that_somebody_changed_meanwhile_is_not_overwritten(
    server: Server, event: Event
) -> None:
    session = await begin(event)
    await sync_to_async(say)(session, "Good morning.", es="Buenos dias.", fr="Bonjour.")
    where = {"session": session.pk, "segment": 1, "language": "es-ES", "last": 0}
    async with operator(server, event) as client, operator(server, event, "other") as other:
        assert (await client.give("correct", **where, text="¡Buenos días!"))[0]
        assert await other.give("correct", **where, text="Hola.") == (
            False,
            "operator has changed line 1 meanwhile. What they wrote stands there now; yours is "
            "still in the box.",
        )
        assert await other.give("correct", **where, text="  ") == (
            False,
            "Write a text, or drop the sentence.",
        )
        await other.sees(
            lambda one: (one.sentence(1) or {})["translations"]["es-ES"]["text"], "¡Buenos días!"
        )


@pytest.mark.embedded
@pytest.mark.parametrize("show", [False, True])
async def test_corrected_words_are_translated_again_before_anyone_sees_them(
    server: Server, event: Event, show: bool
) -> None:
    session = await begin(event, hold_s=30)
    await sync_to_async(say)(session, "Thank you for the coughing.", es="Toses.", fr="y")
    async with (
        operator(server, event) as client,
        listener(server.socket_url, event.join_code) as page,
    ):
        await page.join("es-ES")
        where = {"session": session.pk, "segment": 1, "language": "", "last": 0}
        assert (await client.give("correct", **where, text="Thank you.", show=show))[0]
        again = await client.expect(
            type="answer", ok=True, message="Translated again: Spanish (Spain), French (France)."
        )
        assert again["ref"] == 1
        await client.sees(
            lambda one: [text["text"] for text in (one.sentence(1) or {})["translations"].values()],
            ["Gracias.", "Merci."],
        )
        if not show:
            assert page.all(type="caption") == []
            assert (await client.give("show", session=session.pk, segment=1))[0]
        await page.expect(type="caption", final=True)
        assert [caption["text"] for caption in page.all(type="caption")] == ["Gracias."]


async def test_orders_notices_and_holding_are_carried_out_and_logged(
    server: Server, event: Event
) -> None:
    async with operator(server, event) as client:
        await client.expect(type="overview", session=None)
        session = await begin(event)
        await client.sees(lambda one: (one.overview["session"] or {}).get("state"), "live")
        mine = {"session": session.pk}
        assert (await client.give("hold", **mine, seconds=15))[0]
        assert await client.give("hold", **mine, seconds=31) == (
            False,
            "Captions can be held for 0 to 30 seconds.",
        )
        assert (await client.give("notice", text="We go on at ten."))[0]
        assert (await client.give("notice", text=""))[0]
        assert (await client.give("pause", **mine))[0]
        await client.sees(lambda one: one.overview["session"]["wanted"], "paused")
        await sync_to_async(session.pause)()
        assert (await client.give("end", **mine))[0]
        await client.sees(lambda one: one.overview["session"]["state"], "ended")
        gone = (False, "This session is over. The page shows the new one in a moment.")
        assert await client.give("pause", **mine) == gone
        assert await client.give("hold", session=session.pk + 1, seconds=1) == gone
    assert await logged(session) == [
        ("action", text, "operator")
        for text in (
            "Captions are held for 15 seconds.",
            "Told listeners: We go on at ten.",
            "Took the notice back.",
            "Paused the session.",
            "Ended the session.",
        )
    ]


async def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(
    server: Server, event: Event, make_event: MakeEvent
) -> None:
    foreign = await begin(await sync_to_async(make_event)("es-ES", title="Other"), hold_s=30)
    await sync_to_async(say)(foreign, "Theirs.", es="Suyo.")
    session = await begin(event)
    async with operator(server, event) as client:
        for fields in (
            {"type": "dance"},
            {"type": "pause"},
            {"type": "pause", "session": "x"},
            {"type": "mute", "language": 7},
            {"type": "mute", "language": "de-DE"},
            {"type": "notice", "text": "x" * 301},
            {"type": "notice", "text": "\ud800"},
            {"type": "drop", "session": foreign.pk, "segment": 1},
            {"type": "show", "session": foreign.pk, "segment": 1},
            {"type": "correct", "session": session.pk, "segment": 9, "last": 0, "text": "x"},
            {"type": "restore", "session": session.pk, "segment": 9, "ref": -1},
        ):
            before = len(client.all(type="answer"))
            await client.send(**fields)
            await client.expect_count(before + 1, type="answer")
            assert client.all(type="answer")[-1]["ok"] is False, fields
        await client.socket.send("{" * 100)
        await client.socket.send(b"\0\0")
        await client.expect_count(before + 3, type="answer")
        # It is still there.
        assert (await client.give("mute", language="es-ES", on=True))[0]
    assert await logged(session) == [("action", "Muted Spanish (Spain).", "operator")]
    assert await foreign.segments.filter(dropped_at=None, translations__seq=None).acount() > 0


async def test_a_page_that_floods_is_sent_away(server: Server, event: Event) -> None:
    async with operator(server, event) as client, operator(server, event, "other") as other:
        await client.expect(type="overview")
        for _ in range(60):
            await client.send(type="dance")
        assert await client.closed() == 4429
        assert (await other.give("notice", text="Still here."))[0]


@pytest.mark.embedded
async def test_words_are_seen_while_they_are_spoken(server: Server, event: Event) -> None:
    async with (
        operator(server, event) as client,
        speaker(server.socket_url, (await event.speakers.aget()).token) as talk,
    ):
        await client.expect(type="overview")
        await talk.start()
        await talk.play(recorded(0, 4_300), speed=2)
        spoken = await client.expect(type="caption", final=False, segment=1)
        assert spoken["session"] == client.overview["session"]["id"]
        await client.expect(type="sentence", segment=1)
        words = [message["source"] for message in client.all(type="caption")]
        assert words[-1].lower().startswith("good morning")
        await client.sees(
            lambda one: [delay["count"] > 0 for delay in one.overview["delays"]][:2], [True, True]
        )
        await talk.send(type="end")
        await talk.expect(type="state", state="ended")


@pytest.mark.django_db
def test_a_sentence_is_held_for_as_long_as_the_one_before_it(make_event: MakeEvent) -> None:
    session = LiveSession.go_live(
        make_event("es-ES").speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    holding.hold_for(session, 20)
    for number in range(1, 5):
        say(session, f"en {number}", es=f"es {number}")
    holding.keep_waiting(session, 1)
    holding.drop(session, 2, person("somebody", OPERATOR))
    over, later = timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(minutes=9)
    session.segments.filter(number__in=(2, 3)).update(held_until=over)
    session.segments.filter(number=4).update(held_until=later)
    held_until = session.segments.get(number=1).held_until
    assert held_until

    def shown() -> dict[str, str | None]:
        messages = picture_of(session.event).messages
        return {
            key.removeprefix("sentence "): one.held_until
            for key, one in messages.items()
            if isinstance(one, Sentence)
        }

    first = held_until.isoformat()
    assert shown() == {"1": first, "2": None, "3": first, "4": later.isoformat()}
    holding.show_now(session, 3)
    assert shown() == {"1": None, "2": None, "3": None, "4": later.isoformat()}


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow(make_event: MakeEvent) -> None:
    event = make_event("es-ES", title="Small")
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    say(session, "One.", es="Uno.")
    with CaptureQueriesContext(connection) as few:
        picture_of(Event.objects.get(pk=event.pk))
    for number in range(80):
        say(session, f"Sentence {number}.", es="Frase.", fr="Phrase.")
        session.segments.get(number=number + 2).correct("Better.", None)
        SessionLogEntry.objects.create(session=session, kind="action", code="x", text="y")
        ListenerReport.objects.create(event=event, language="es-ES", message="z")
    there = [person(f"operator {number}").pk for number in range(20)]
    OperatorPresence.report("process", event.pk, there)
    for code in ("pt-BR", "it-IT", "ca-ES", "fr-FR"):
        event.languages.create(language=Language.objects.get(code=code))
    with CaptureQueriesContext(connection) as many:
        picture = picture_of(Event.objects.get(pk=event.pk))
    assert len(many) == len(few)
    assert len([key for key in picture.messages if key.startswith("sentence")]) == 50
