"""An organiser's way from a title to a poster, in real Chromium."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Page, expect

from sessions_app.models import Event
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import PASSWORD, scrolls_sideways
from tests.conftest import Server
from tests.speech_app.embedded import needs_apertium

pytestmark = pytest.mark.browser


def sign_in_to_office(page: Page, server: Server) -> None:
    """As an organiser without superuser rights."""
    user = User.objects.create_user("ann", password=PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="sessions_app"))
    page.goto(f"{server.url}/admin/")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.embedded
@needs_apertium
def test_from_a_title_to_a_poster(
    server: Server, open_browser: OpenBrowser, clean_log: None
) -> None:
    page = open_browser().page(size=PHONE, timezone_id="Asia/Tokyo")
    sign_in_to_office(page, server)
    page.get_by_role("button", name="Show times in Asia/Tokyo").click()
    expect(page.get_by_role("link", name="Times in Asia/Tokyo")).to_be_visible()
    assert not scrolls_sideways(page)

    page.locator("#first-steps").get_by_role("link", name="Create an event", exact=True).click()
    page.get_by_label("Title").fill("Annual meeting")
    page.locator("#id_starts_at_0").fill("2031-06-03")
    page.locator("#id_starts_at_1").fill("14:00")
    page.get_by_label("Italian").check()
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".join-code")).to_be_visible()
    event = Event.objects.get()
    assert str(event.starts_at) == "2031-06-03 05:00:00+00:00"
    expect(page.locator("#languages-group tr.has_original")).to_have_count(2)
    mail = page.get_by_role("link", name="Send by mail").get_attribute("href") or ""
    assert mail.startswith("mailto:?subject=Your%20link%20to%20speak%20at%20")
    assert not scrolls_sideways(page)

    page.get_by_role("link", name="Preflight check").click()
    page.get_by_role("button", name="Run the checks").click()
    # Real recognition, translation and voices, beside whatever else the machine does.
    expect(page.locator("#tries-status")).to_have_text("All 5 work.", timeout=90_000)
    expect(page.locator("#tries li[data-state=ok]")).to_have_count(5)
    expect(page.locator("#tries audio")).to_have_count(2)
    page.get_by_role("button", name="Run them again").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#tries-status")).to_have_text("Cancelled.")
    assert not scrolls_sideways(page)

    page.goto(f"{server.url}/office/events/{event.pk}/poster/")
    expect(page.get_by_role("heading", name="Annual meeting")).to_be_visible()
    expect(page.get_by_text("3 June 2031, 14:00 (Asia/Tokyo)")).to_be_visible()
    assert page.locator(".entrance img").evaluate("picture => picture.naturalWidth") > 0
    assert not scrolls_sideways(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


@pytest.mark.embedded
@needs_apertium
def test_a_glossary_is_imported_and_tried(
    server: Server, open_browser: OpenBrowser, make_event: object, clean_log: None
) -> None:
    event = make_event("es-ES")  # type: ignore[operator]
    page = open_browser().page(size=PHONE)
    sign_in_to_office(page, server)
    event.owner = User.objects.get(username="ann")
    event.save()
    page.goto(f"{server.url}/office/events/{event.pk}/glossary/")
    page.get_by_role("link", name="Import a CSV file").click()
    content = "term,es-ES\nchurn,bajas\n=1+1,x\n<b>Zoë</b>,\u200fx\n"
    file = {"name": "terms.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page.get_by_label("CSV file").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Show what it changes").click()
    expect(page.locator("#import-summary")).to_contain_text("2 new, 0 changed")
    expect(page.locator("#import-problems")).to_contain_text("is a formula")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Store 2 terms").click()
    expect(page.get_by_role("link", name="<b>Zoë</b>")).to_be_visible()
    assert not scrolls_sideways(page)

    page.get_by_role("link", name="Try it on a sentence").click()
    page.get_by_label("Sentence").fill("We talk about the churn.")
    page.get_by_role("button", name="Translate").click()
    expect(page.locator("#trial-with")).to_contain_text("bajas")
    expect(page.locator("#trial-without")).not_to_contain_text("bajas")
    page.get_by_role("button", name="Say it").first.click()
    expect(page.locator("#trial-audio")).to_be_visible()
    assert not scrolls_sideways(page)
