"""The control room in real Chromium: an operator at work, while somebody listens."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from sessions_app import holding
from sessions_app.models import (
    Event,
    EventMember,
    ListenerReport,
    LiveSession,
    SessionLogEntry,
)
from sessions_app.models.event import Role
from sessions_app.models.preferences import Preferences
from tests.browser.conftest import DESKTOP, PHONE, OpenBrowser
from tests.browser.pages import PASSWORD, captions, join, listener_link, scrolls_sideways
from tests.browser.test_summary import KEEP_WORDS
from tests.conftest import Server
from tests.speech_app.test_review import say

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("clean_log")]

MakeEvent = Callable[..., Event]


@pytest.fixture
def event(server: Server, make_event: MakeEvent) -> Event:
    """Two operators may run it; nothing has been said."""
    event = make_event("es-ES", "fr-FR", title="Spring meeting")
    for name in ("maria", "paul"):
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        EventMember.objects.create(event=event, user=user, role=Role.OPERATOR)
    return event


def go_live(event: Event) -> LiveSession:
    """A session that some other process interprets."""
    return LiveSession.go_live(
        event.speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )


def open_room(page: Page, server: Server, event: Event, name: str = "maria") -> None:
    page.goto(f"{server.url}/admin/control/{event.pk}/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#state")).not_to_have_text("Connecting…")


def sentence(page: Page, number: int) -> Locator:
    return page.locator(f".sentence[data-segment='{number}']")


def texts(page: Page, number: int) -> Locator:
    return sentence(page, number).locator(".text > p")


def seen(session: LiveSession) -> list[tuple[int, str | None]]:
    rows = session.translations.filter(language="es-ES").exclude(seq=None).order_by("seq")
    return [(row.segment.number, row.text) for row in rows.select_related("segment")]


def test_a_held_sentence_is_fixed_another_dropped_and_a_third_shown(
    server: Server, event: Event, open_browser: OpenBrowser
) -> None:
    session = go_live(event)
    holding.hold_for(session, 30)
    browser = open_browser()
    listener = browser.page(size=PHONE)
    join(listener, listener_link(server, event), "es-ES", sound=False)
    operator, other = browser.page(size=DESKTOP), browser.page(size=DESKTOP)
    open_room(operator, server, event)
    open_room(other, server, event, "paul")
    say(session, "Good morning.", es="Buenos dias.", fr="Bonjour.")
    say(session, "This is secret.", es="Esto es secreto.", fr="C'est secret.")
    say(session, "Thank you.", es="Gracias.", fr="Merci.")

    for page in (operator, other):
        expect(texts(page, 3)).to_have_text(["Thank you.", "Merci.", "Gracias."])
        expect(sentence(page, 1).locator(".left")).to_have_text("Shown in 29 s")
    operator.get_by_label("Fix the Spanish (Spain) text").first.click()
    expect(sentence(operator, 1).locator(".left")).to_contain_text("Waits for you")
    operator.get_by_label("Spanish (Spain) text", exact=True).fill("¡Buenos días!")
    sentence(operator, 2).get_by_role("button", name="Drop").click()
    expect(sentence(other, 2)).to_contain_text("Dropped by maria")
    sentence(operator, 1).get_by_role("button", name="Save and show now").click()
    expect(texts(other, 1)).to_have_text(["Good morning.", "Bonjour.", "¡Buenos días!"])
    # By keyboard: what is marked is shown.
    sentence(other, 3).focus()
    other.keyboard.press("s")
    expect(captions(listener)).to_have_text(["¡Buenos días!", "Gracias."])
    assert [number for number, _ in seen(session)] == [1, 3]
    for page in (operator, other):
        expect(page.locator("#log li")).to_contain_text(
            ["Dropped sentence 2.", "Corrected sentence 1."][::-1]
        )
    sentence(other, 2).focus()
    other.keyboard.press("r")
    expect(captions(listener)).to_have_text(["¡Buenos días!", "Esto es secreto.", "Gracias."])


def test_two_operators_in_one_sentence_lose_nothing(
    server: Server, event: Event, open_browser: OpenBrowser
) -> None:
    session = go_live(event)
    say(session, "Good morning.", es="Buenos dias.", fr="Bonjour.")
    browser = open_browser()
    maria, paul = browser.page(size=DESKTOP), browser.page(size=DESKTOP)
    for page, name in ((maria, "maria"), (paul, "paul")):
        open_room(page, server, event, name)
        sentence(page, 1).focus()
        page.keyboard.press("f")
        page.get_by_label("French (France) text", exact=True).fill(f"Salut ! {name}")
    maria.keyboard.press("Enter")
    expect(texts(paul, 1)).to_have_text(["Good morning.", "Salut ! maria", "Buenos dias."])
    paul.keyboard.press("Enter")
    expect(sentence(paul, 1).locator(".refused")).to_contain_text("maria has changed line 1")
    expect(paul.get_by_label("French (France) text", exact=True)).to_have_value("Salut ! paul")
    paul.keyboard.press("Enter")
    expect(texts(maria, 1)).to_have_text(["Good morning.", "Salut ! paul", "Buenos dias."])


def test_operators_see_who_else_is_here(
    server: Server, event: Event, open_browser: OpenBrowser
) -> None:
    """Not themselves, and nobody who has closed the page."""
    User.objects.filter(username="paul").update(first_name="<b>Paul</b>", last_name="W" * 60)
    browser = open_browser()
    maria, paul = browser.page(size=PHONE), browser.page(size=DESKTOP)
    open_room(maria, server, event)
    expect(maria.locator("#others")).to_be_hidden()
    open_room(paul, server, event, "paul")
    expect(maria.locator("#others")).to_have_text(f"Also here: <b>Paul</b> {'W' * 60}")
    expect(paul.locator("#others")).to_have_text("Also here: maria")
    assert not scrolls_sideways(maria)
    if folder := os.environ.get("SHOTS"):
        maria.screenshot(path=f"{folder}/control-others.png")
        paul.screenshot(path=f"{folder}/control-others-desktop.png")
    paul.close()
    expect(maria.locator("#others")).to_be_hidden()


def test_notice_mute_hold_and_end(server: Server, event: Event, open_browser: OpenBrowser) -> None:
    browser = open_browser()
    listener, operator = browser.page(size=PHONE), browser.page(size=PHONE)
    join(listener, listener_link(server, event), "es-ES", sound=False)
    open_room(operator, server, event)
    expect(operator.locator("#state")).to_have_text("Waiting")
    expect(operator.locator("#hold-later")).to_contain_text("as soon as somebody is live")
    expect(operator.locator("#afterwards")).to_be_hidden()
    expect(operator.locator("#nothing")).to_contain_text("Nothing has been said yet.")
    operator.get_by_label("Tell them").fill("We begin <b>soon</b>.")
    operator.get_by_role("button", name="Show it").click()
    expect(listener.locator("#notice-text")).to_have_text("We begin <b>soon</b>.")
    operator.get_by_role("button", name="Mute Spanish (Spain)", exact=True).click()
    expect(listener.locator("#muted")).to_be_visible()
    operator.get_by_role("button", name="Unmute Spanish (Spain)").click()
    expect(listener.locator("#muted")).to_be_hidden()
    operator.get_by_role("button", name="Take it back").click()
    expect(listener.locator("#notice")).to_be_hidden()

    session = go_live(event)
    expect(operator.locator("#state")).to_have_text("Live")
    expect(operator.locator("#hold-later")).to_be_hidden()
    operator.get_by_label("Hold captions").select_option("10")
    expect(operator.locator("#log li")).to_contain_text(["Captions are held for 10 seconds."])
    session.refresh_from_db()
    assert session.hold_s == 10
    operator.get_by_role("button", name="End…").click()
    operator.get_by_role("button", name="Go on").click()
    session.refresh_from_db()
    assert (session.state, session.wanted) == ("live", "")
    operator.get_by_role("button", name="End…").click()
    operator.get_by_role("button", name="End the session").click()
    expect(operator.locator("#state-words")).to_contain_text("Ending")
    session.refresh_from_db()
    assert session.wanted == "ended"
    # Whoever listens to the speaker does so.
    session.end()
    expect(operator.locator("#state")).to_have_text("Ended")
    if folder := os.environ.get("SHOTS"):
        operator.screenshot(path=f"{folder}/control-ended.png", full_page=True)
    # An operator may not review.
    expect(operator.locator("#afterwards a")).to_have_text(["Summary"])
    operator.locator("#afterwards a").click()
    expect(operator).to_have_url(f"{server.url}/office/sessions/{session.pk}/summary/")


def test_a_text_that_is_missing_is_told_in_the_pages_direction(
    server: Server, make_event: MakeEvent, open_browser: OpenBrowser
) -> None:
    event = make_event("ar-SA")
    user = User.objects.create_user("maria", password=PASSWORD, is_staff=True)
    EventMember.objects.create(event=event, user=user, role=Role.OPERATOR)
    session = go_live(event)
    for arabic in ("صباح الخير.", None):
        say(session, "Good morning.", ar=arabic)
    page = open_browser().page(size=PHONE)
    open_room(page, server, event)
    expect(texts(page, 2)).to_have_text(["Good morning.", "Not translated."])
    shown = [texts(page, number).last for number in (1, 2)]
    assert [one.get_attribute("dir") for one in shown] == ["rtl", "ltr"]
    sentence(page, 2).get_by_label("Fix the Arabic (Saudi Arabia) text").click()
    assert sentence(page, 2).get_by_role("textbox").get_attribute("dir") == "rtl"


def test_times_are_those_of_the_rest_of_the_office(
    server: Server, event: Event, open_browser: OpenBrowser
) -> None:
    """The operator's own zone, not the computer's; what is not of today has a date."""
    zone = ZoneInfo("Asia/Kathmandu")
    maria = User.objects.get(username="maria")
    Preferences.choose_time_zone(maria.pk, zone.key)
    session = go_live(event)
    session.started_at = start = timezone.now() - timedelta(minutes=20)
    session.save()
    moments = [start + timedelta(minutes=minute) for minute in (-30 * 60, 1)]
    for at in moments:
        SessionLogEntry.objects.create(session=session, kind="action", code="x", text="y", at=at)
    ListenerReport.objects.create(event=event, language="es-ES", message="No sound")
    ListenerReport.objects.update(created_at=moments[1])
    session.audience_samples.create(language="es-ES", listeners=3, with_sound=1, at=start)
    page = open_browser().page(timezone_id="America/New_York", init_script=KEEP_WORDS)
    open_room(page, server, event)
    # Midnight may come while this test runs.
    today = datetime.now(zone).date()

    def shown(at: datetime) -> re.Pattern[str]:
        local = at.astimezone(zone)
        day = "" if local.date() == today else rf"{local.day} \w+ {local.year}, "
        return re.compile(f"^{day}{local:%H:%M:%S}$")

    expect(page.locator("#log time")).to_have_text([shown(at) for at in reversed(moments)])
    expect(page.locator("#reports time")).to_have_text([shown(moments[1])])
    expect(page.locator("#audience-plot canvas")).to_be_visible()
    ticks = {text for text in page.evaluate("drawn") if ":" in text}
    minutes = {start.astimezone(zone) + timedelta(minutes=minute) for minute in range(30)}
    assert ticks
    assert ticks <= {f"{at:%H:%M}" for at in minutes}


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_room_full_of_everything_fits(
    server: Server, event: Event, open_browser: OpenBrowser, size: tuple[int, int]
) -> None:
    session = go_live(event)
    for number in range(12):
        say(session, f"Sentence {number} of the meeting, which is not a short one.", es="x", fr="y")
    holding.hold_for(session, 30)
    say(session, "Thank you. " * 12, es="Gracias. " * 12, fr="W" * 90)
    SessionLogEntry.objects.create(
        session=session, kind="problem", code="backend_down", text="Speech " + "x" * 120
    )
    ListenerReport.objects.create(event=event, language="es-ES", message="<i>No sound</i> " * 9)
    for seconds, count in enumerate((3, 40, 41, 38)):
        session.audience_samples.create(
            language="es-ES",
            listeners=count,
            with_sound=1,
            at=session.started_at.replace(microsecond=1000 * seconds),
        )
    page = open_browser().page(size=size)
    open_room(page, server, event)
    expect(sentence(page, 13).locator(".left")).to_contain_text("Shown in")
    expect(page.locator("#audience-plot canvas")).to_be_visible()
    expect(page.locator("#reports li")).to_contain_text(["<i>No sound</i>"])
    assert not scrolls_sideways(page)
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/control-{size[0]}.png", full_page=True)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    # The plot is told of its new width a moment later.
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
