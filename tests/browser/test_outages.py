"""What speaker and listener read while a part of the server is away, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, OpenBrowser, until, write_recording
from tests.browser.pages import (
    captions,
    end_session,
    expect_listener_state,
    go_live,
    join,
    open_speaker,
    said,
    scrolls_sideways,
    speak_recording,
)
from tests.clients import recorded, silence
from tests.cluster import Cluster, missing
from tests.transcripts import Stored, judge, read_transcripts, sentences_until
from tests.whole_talk import NewEvent, make_events

pytestmark = [
    pytest.mark.browser,
    pytest.mark.embedded,
    pytest.mark.services,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

TALK_MS = 25_000
NOT_STORED = "The transcript cannot be stored at the moment."
OUT_OF_REACH = "A part of the server is out of reach"


@pytest.fixture(scope="module")
def _cluster() -> Iterator[Cluster]:
    with Cluster(processes=2) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: Cluster) -> Cluster:
    """The set-up, all of it running."""
    _cluster.start()
    return _cluster


def picture(page: Page, folder: Path, name: str) -> None:
    """Nothing sticks out; the picture is for whoever looks into a failure, or at the page."""
    assert not scrolls_sideways(page)
    page.screenshot(path=folder / f"{name}.png")


def read(cluster: Cluster, event: NewEvent) -> Stored:
    [stored] = read_transcripts(cluster.postgres.url, event.join_code)
    return stored


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_what_is_away_is_said_on_both_pages_until_it_is_back(
    cluster: Cluster, open_browser: OpenBrowser, tmp_path: Path, size: tuple[int, int]
) -> None:
    [event] = make_events(cluster, 1, ["es-ES"])
    browser = open_browser()
    speaker, listener = browser.page(size=size), browser.page(size=size)
    join(listener, f"{cluster.url}/listener/{event.join_code}/", "es-ES", sound=False)
    open_speaker(speaker, f"{cluster.url}/speaker/{event.token}/")
    talk = recorded(0, TALK_MS) + silence(60_000)
    speak_recording(speaker, write_recording(tmp_path / "talk.wav", talk))
    go_live(speaker)
    expect(said(speaker)).not_to_have_count(0)

    cluster.postgres.kill()
    expect(speaker.locator("[data-code=storage_down]")).to_contain_text(NOT_STORED)
    expect(listener.locator("#trouble")).to_contain_text("cannot reach its transcript")
    picture(speaker, tmp_path, "speaker-database")
    picture(listener, tmp_path, "listener-database")
    cluster.postgres.start()
    expect(speaker.locator("[data-code=storage_down]")).to_have_count(0)
    expect(listener.locator("#trouble")).to_be_hidden()

    cluster.redis.kill()
    expect(listener.locator("#trouble")).to_contain_text("without voice")
    picture(listener, tmp_path, "listener-redis")
    cluster.redis.start()
    expect(listener.locator("#trouble")).to_be_hidden()

    until(speaker, lambda: len(read(cluster, event).segments) >= 6)
    end_session(speaker)
    expect_listener_state(listener, "Ended")
    stored = read(cluster, event)
    assert judge(sentences_until(TALK_MS), stored).faults == []
    expect(captions(listener)).to_have_text(
        [row.text or "" for row in stored.translations["es-ES"]]
    )


def test_the_speaker_reads_that_listeners_get_captions_late(
    cluster: Cluster, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    [event] = make_events(cluster, 1, ["es-ES"])
    speaker = open_browser().page(size=PHONE)
    open_speaker(speaker, f"{cluster.url}/speaker/{event.token}/")
    speak_recording(speaker, write_recording(tmp_path / "talk.wav", recorded(0, 50_000)))
    go_live(speaker)
    expect(said(speaker)).not_to_have_count(0)
    cluster.redis.kill()
    expect(speaker.locator("[data-code=overloaded]")).to_contain_text(OUT_OF_REACH)
    picture(speaker, tmp_path, "speaker-redis")
    cluster.redis.start()
    expect(speaker.locator("[data-code=overloaded]")).to_have_count(0)


def test_an_end_during_an_outage_is_not_lost(
    cluster: Cluster, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    """The page says meanwhile what it waits for, and that nobody needs to speak on."""
    [event] = make_events(cluster, 1, ["es-ES"])
    speaker = open_browser().page(size=PHONE)
    open_speaker(speaker, f"{cluster.url}/speaker/{event.token}/")
    speak_recording(speaker, write_recording(tmp_path / "talk.wav", recorded(0, 7_500)))
    go_live(speaker)
    expect(said(speaker)).to_have_count(1)
    cluster.postgres.kill()
    expect(speaker.locator("[data-code=recording-over]")).to_be_visible()
    speaker.locator("#end-button").click()
    speaker.locator("#end-yes").click()
    expect(speaker.locator("body")).to_have_attribute("data-state", "ending")
    expect(speaker.locator("[data-code=storage_down]")).to_contain_text("What you said is kept")
    picture(speaker, tmp_path, "speaker-ending")
    cluster.postgres.start()
    expect(speaker.locator("body")).to_have_attribute("data-state", "ended")
    sessions = read_transcripts(cluster.postgres.url, event.join_code)
    assert [(one.state, len(one.segments)) for one in sessions] == [("ended", 2)]
    assert judge(sentences_until(7_500), sessions[0]).faults == []
