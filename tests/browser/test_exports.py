"""Transcripts handed out by an organiser in real Chromium."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from sessions_app.exports import FORMATS
from sessions_app.models import Event, LiveSession
from tests.browser.conftest import PHONE, OpenBrowser
from tests.browser.pages import scrolls_sideways, sign_in
from tests.conftest import Server
from tests.sessions_app.exports.conftest import add

pytestmark = pytest.mark.browser


@pytest.fixture
def session(server: Server, make_event: Callable[..., Event]) -> LiveSession:
    """Of an event with a name beyond ASCII, and still running."""
    event = make_event("es-ES", "ar-SA", title="年会 «2026»")
    session = LiveSession.go_live(
        event.speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    texts = {"en-US": "Hello.", "es-ES": "Hola.", "ar-SA": "مرحبا"}
    add(session, [(number * 1000, number * 1000 + 900, texts) for number in range(50)])
    return session


def open_export(page: Page, server: Server, session: LiveSession) -> None:
    """From the session's own page."""
    sign_in(page, server)
    page.goto(server.url + reverse("admin:sessions_app_livesession_change", args=[session.pk]))
    page.get_by_role("link", name="Export", exact=True).click()
    expect(page.get_by_role("heading", name="Export the transcript")).to_be_visible()
    expect(page.get_by_text("still running")).to_be_visible()


def saved(page: Page, button: str, folder: Path) -> Path:
    """The file that pressing this button downloads, under the name the browser gave it."""
    with page.expect_download() as started:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def test_an_organiser_downloads_one_file_then_everything(
    open_browser: OpenBrowser, server: Server, session: LiveSession, tmp_path: Path
) -> None:
    page = open_browser().page()
    open_export(page, server, session)
    expect(page.get_by_label("Document (DOCX)")).to_be_checked()
    page.get_by_label("Document (DOCX)").uncheck()
    page.get_by_label("Subtitles (SRT)").check()
    page.get_by_label("Arabic (Saudi Arabia)").uncheck()
    page.get_by_label("Spanish (Spain)").check()
    file = saved(page, "Download", tmp_path)
    assert file.name.startswith("年会 «2026» 20")
    assert file.name.endswith(" es-ES.srt")
    assert file.read_text().count("Hola.") == 50
    expect(page.get_by_role("status")).to_have_text(
        "Done. Your browser has saved it among its downloads."
    )
    archive = zipfile.ZipFile(saved(page, "Download everything (ZIP)", tmp_path))
    assert archive.testzip() is None
    assert len(archive.namelist()) == 3 * len(FORMATS)


def test_the_page_counts_the_files_of_a_zip_as_they_come(
    open_browser: OpenBrowser, server: Server, session: LiveSession, tmp_path: Path
) -> None:
    page = open_browser().page()
    open_export(page, server, session)
    page.evaluate(
        """() => {
          window.shown = [];
          const count = document.getElementById("export-count");
          new MutationObserver(() => shown.push(count.textContent))
            .observe(count, { childList: true });
        }"""
    )
    saved(page, "Download everything (ZIP)", tmp_path)
    expect(page.get_by_role("status")).to_contain_text("Done.")
    shown = page.evaluate("shown")
    counted = [text.split(",")[0] for text in shown if text.startswith("File ")]
    assert counted[-1] == f"File {3 * len(FORMATS)} of {3 * len(FORMATS)}"
    assert sorted(counted, key=lambda text: int(text.split()[1])) == counted


def test_what_cannot_be_made_is_told_and_a_link_is_given_away(
    open_browser: OpenBrowser, server: Server, session: LiveSession, tmp_path: Path
) -> None:
    browser = open_browser()
    page = browser.page(size=PHONE)
    open_export(page, server, session)
    page.get_by_label("Two languages side by side").check()
    page.get_by_role("button", name="Download", exact=True).click()
    expect(
        page.get_by_text("Choose exactly two languages to have them side by side.")
    ).to_be_visible()
    page.get_by_label("Two languages side by side").uncheck()
    page.get_by_label("For whom").fill("The press office of «年会», by mail")
    page.get_by_role("button", name="Make a link for the choice above").click()
    link = page.get_by_role("link", name="/export/")
    expect(link).to_be_visible()
    assert not scrolls_sideways(page)
    stranger = browser.page(size=PHONE)
    stranger.goto(link.get_attribute("href") or "")
    expect(stranger.get_by_text("年会 «2026»")).to_be_visible()
    assert not scrolls_sideways(stranger)
    with stranger.expect_download() as started:
        stranger.get_by_role("link", name="Download").click()
    assert started.value.suggested_filename.endswith(" ar-SA.docx")
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/export-links.png", full_page=True)
    # Taken back, it opens nothing any more, and the page still says to whom it was given.
    browser.expect("status of 410")
    page.get_by_role("button", name="Revoke the link for The press office").click()
    expect(page.get_by_text("The link is revoked")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="The press office")).to_contain_text(
        "revoked by"
    )
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    stranger.reload()
    expect(stranger.get_by_role("heading")).to_have_text("This link has been taken back")
