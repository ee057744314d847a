"""One event from its plan to its summary, by an organiser without superuser rights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from sessions_app.exports import FORMATS
from sessions_app.models import Event, LiveSession
from sessions_app.permissions import ORGANISER
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import (
    PASSWORD,
    captions,
    expect_speaker_state,
    go_live,
    join,
    listener_link,
    open_speaker,
    scrolls_sideways,
    speak_recording,
    speaker_link,
)
from tests.browser.test_exports import saved
from tests.conftest import Server
from tests.people import person
from tests.speech_app.embedded import needs_apertium

pytestmark = pytest.mark.browser

CORRECTED = "¡Buenos días a todos!"


def shoot(page: Page, name: str) -> None:
    """A picture for whoever sets SHOTS to a folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def plan(page: Page, server: Server) -> Event:
    page.goto(f"{server.url}/admin/")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.locator("#first-steps").get_by_role("link", name="Create an event", exact=True).click()
    page.get_by_label("Title").fill("Annual meeting")
    page.locator("#id_starts_at_0").fill("2031-06-03")
    page.locator("#id_starts_at_1").fill("14:00")
    page.locator("#id_speakers-0-name").fill("Ana")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".join-code")).to_be_visible()
    return Event.objects.get()


@pytest.mark.embedded
@needs_apertium
def test_an_organiser_plans_runs_corrects_reviews_and_hands_out(
    server: Server, open_browser: OpenBrowser, clean_log: None, tmp_path: Path
) -> None:
    ann = person("ann", ORGANISER)
    ann.set_password(PASSWORD)
    ann.save()
    assert not User.objects.filter(is_superuser=True).exists()
    browser = open_browser()
    office = browser.page()
    event = plan(office, server)
    assert event.owner == ann

    office.get_by_role("link", name="Poster").click()
    expect(office.get_by_role("heading", name="Annual meeting")).to_be_visible()
    assert office.pdf(format="A4").startswith(b"%PDF")

    listener, speaker = browser.page(size=PHONE), browser.page()
    join(listener, listener_link(server, event), "es-ES")
    open_speaker(speaker, speaker_link(server, event))
    speak_recording(speaker)
    go_live(speaker)
    office.goto(server.url + reverse("admin:sessions_app_event_change", args=[event.pk]))
    office.get_by_role("link", name="Control room").click()
    expect(office.locator("#state")).to_have_text("Live")
    expect(captions(listener)).not_to_have_count(0)

    first = office.locator(".sentence[data-segment='1']")
    expect(first.locator(".text > p")).to_have_count(2)
    first.focus()
    office.keyboard.press("f")
    office.get_by_label("Spanish (Spain) text", exact=True).fill(CORRECTED)
    office.keyboard.press("Enter")
    expect(captions(listener).first).to_have_text(CORRECTED)
    expect(office.locator(".sentence[data-segment='4']")).to_be_visible()
    expect(office.locator("#audience-plot canvas")).to_be_visible()
    shoot(office, "whole-control")
    office.get_by_role("button", name="End…").click()
    office.get_by_role("button", name="End the session").click()
    expect_speaker_state(speaker, "ended")
    expect(office.locator("#state")).to_have_text("Ended")

    session = LiveSession.objects.get()
    sum_up(office, server, session)
    review(office)
    hand_out(office, server, session, tmp_path)


def sum_up(office: Page, server: Server, session: LiveSession) -> None:
    office.goto(server.url + reverse("summary", args=[session.pk]))
    expect(office.locator("#audience-plot canvas")).to_be_visible()
    expect(office.locator("#delays-plot canvas")).to_be_visible()
    sentences = office.locator(".tiles > div", has_text="Sentences").locator("dd")
    expect(sentences).to_have_text(str(session.segments.count()))
    assert not scrolls_sideways(office)
    shoot(office, "whole-summary")


def review(office: Page) -> None:
    """By keyboard, from the summary."""
    office.get_by_role("link", name="Review the transcript").click()
    expect(office.locator("#lines [role=row]").first).to_be_focused()
    office.locator("#review-language").select_option("es-ES")
    office.get_by_role("button", name="Show", exact=True).click()
    expect(office.locator("[data-number='1'] .translation .shown")).to_have_text(CORRECTED)
    office.keyboard.press("ArrowDown")
    office.keyboard.press("a")
    expect(office.locator("[data-number='2'] .marks")).to_contain_text("accepted by ann")
    shoot(office, "whole-review")


def hand_out(office: Page, server: Server, session: LiveSession, folder: Path) -> None:
    """Every format."""
    office.goto(server.url + reverse("admin:sessions_app_livesession_change", args=[session.pk]))
    office.get_by_role("link", name="Export", exact=True).click()
    for chosen in FORMATS.values():
        for other in FORMATS.values():
            office.get_by_label(other.label).set_checked(other is chosen)
        office.get_by_label("Spanish (Spain)").set_checked(True)
        office.get_by_label("English (United States)").set_checked(False)
        file = saved(office, "Download", folder)
        assert file.name.endswith(f" es-ES.{chosen.key}")
        if chosen.key != "docx":
            assert CORRECTED in file.read_text("utf-8-sig")
