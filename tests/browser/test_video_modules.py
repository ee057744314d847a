"""What the listener's page does about its video avatar, in real Chromium without a video."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.test_listener_modules import empty_page, page, site

__all__ = ["empty_page", "page", "site"]
pytestmark = pytest.mark.browser

WISHER = """async (steps) => {
  const { Video } = await import("/js/listener/video.js");
  const sent = [], states = [];
  const video = new Video({
    send: (message) => { sent.push(message); return true; },
    onPlaying: () => 0,
    onEnded: () => {},
    onState: (state, detail) => states.push(state),
  });
  for (const [name, argument] of steps) video[name](argument);
  return { sent, states };
}"""
WANTED = ("wish", {"offered": True, "chosen": True, "live": True})


def run(page: Page, *steps: tuple[str, Any]) -> dict[str, list[Any]]:
    result: dict[str, list[Any]] = page.evaluate(WISHER, [list(step) for step in steps])
    return result


def ended(reason: str) -> tuple[str, dict[str, str]]:
    return "received", {"type": "video", "state": "ended", "reason": reason}


@pytest.mark.parametrize(
    ("reason", "failures", "again"),
    [
        ("session_ended", 1, None),
        ("language", 1, None),
        ("unavailable", 1, None),
        ("idle", 1, "speech"),
        ("time_limit", 1, 0),
        ("lost", 1, 2_000),
        ("lost", 4, 60_000),
        ("lost", 5, None),
        ("full", 1, 90_000),
        ("busy", 4, 90_000),
        ("busy", 5, None),
    ],
)
def test_a_lost_video_is_asked_for_again_but_not_for_ever(
    page: Page, reason: str, failures: int, again: object
) -> None:
    found = page.evaluate(
        """async ([reason, failures]) => {
          const { askAgainAfter } = await import("/js/listener/video.js");
          return askAgainAfter(reason, failures, 0.5);
        }""",
        [reason, failures],
    )
    assert found == again


@pytest.mark.parametrize("missing", ["offered", "chosen", "live"])
def test_nothing_is_asked_for_that_is_not_offered_chosen_and_live(page: Page, missing: str) -> None:
    wish = {"offered": True, "chosen": True, "live": True, missing: False}
    assert run(page, ("wish", wish))["sent"] == []


def test_a_video_is_asked_for_once(page: Page) -> None:
    result = run(page, WANTED, WANTED, ("noticeSpeech", None))
    assert result["sent"] == [{"type": "video", "on": True}]


def test_a_video_that_idled_out_is_wanted_again_once_somebody_speaks(page: Page) -> None:
    asked = {"type": "video", "on": True}
    assert run(page, WANTED, ended("idle"), WANTED)["sent"] == [asked]
    assert run(page, WANTED, ended("idle"), ("noticeSpeech", None))["sent"] == [asked, asked]


def test_a_change_of_mind_is_told_and_its_confirmation_ends_nothing(page: Page) -> None:
    off = ("wish", {"chosen": False})
    on = ("wish", {"chosen": True})
    result = run(page, WANTED, off, on, ended("off"))
    assert result["sent"] == [
        {"type": "video", "on": True},
        {"type": "video", "on": False},
        {"type": "video", "on": True},
    ]
    assert result["states"][-1] == "asked"


def test_a_new_connection_asks_anew(page: Page) -> None:
    result = run(page, WANTED, ("drop", None), WANTED)
    assert result["sent"] == [{"type": "video", "on": True}] * 2


@pytest.mark.parametrize(
    ("pixel", "keyed"),
    [
        ([0, 255, 0, 255], [0, 0, 0, 0]),
        ([20, 200, 30, 255], [20, 30, 30, 0]),
        ([200, 150, 120, 255], [200, 150, 120, 255]),
        ([100, 120, 90, 255], [100, 100, 90, 255]),
        ([60, 135, 50, 255], [60, 60, 50, 128]),
    ],
)
def test_green_becomes_transparent_and_leaves_no_tint(
    page: Page, pixel: list[int], keyed: list[int]
) -> None:
    found = page.evaluate(
        """async (pixel) => {
          const { keyOutGreen } = await import("/js/listener/video-key.js");
          const pixels = new Uint8ClampedArray(pixel);
          keyOutGreen(pixels);
          return [...pixels];
        }""",
        pixel,
    )
    assert found == keyed
