"""The control room's lists of what happened, in real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.static_site import static_site

pytestmark = pytest.mark.browser

PAGE = b"<!doctype html><link rel='icon' href='data:,'><title>log</title><ol></ol><p>Nothing.</p>"
ADD = """async (entries) => {
  const { Log } = await import("/js/control/log.js");
  const [list, empty] = document.querySelectorAll("ol, p");
  window.log ??= new Log(list, empty, { timeZone: "Asia/Kathmandu", now: () => Date.now() });
  const what = { text: "Paused.", by: "", kind: "action" };
  for (const at of entries) window.log.add({ id: Date.parse(at), at, ...what });
}"""
BEFORE_MIDNIGHT = datetime(2031, 3, 3, 18, 14, tzinfo=UTC)
"""23:59 in Kathmandu."""


@pytest.fixture
def page(open_browser: OpenBrowser) -> Iterator[Page]:
    with static_site(PAGE) as url:
        page = open_browser().page(timezone_id="America/New_York")
        page.clock.install(time=BEFORE_MIDNIGHT)
        page.goto(url)
        yield page


def test_a_time_gets_its_date_when_the_day_is_over(page: Page) -> None:
    page.evaluate(ADD, ["2031-03-02T18:00:00Z", "2031-03-03T18:13:58Z"])
    times = page.locator("time")
    yesterday = "2 Mar 2031, 23:45:00"
    expect(times).to_have_text(["23:58:58", yesterday])
    page.clock.fast_forward("02:00")
    expect(times).to_have_text(["3 Mar 2031, 23:58:58", yesterday])
    page.evaluate(ADD, ["2031-03-03T18:16:00Z"])
    expect(times).to_have_text(["00:01:00", "3 Mar 2031, 23:58:58", yesterday])
