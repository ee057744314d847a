"""Real Chromium, with or without a microphone, that reports whatever a page complains about."""

from __future__ import annotations

import re
import shutil
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.conftest import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = (360, 740)
DESKTOP = (1280, 800)
PATIENCE_S = 60.0
ASK_EVERY_MS = 100

expect.set_options(timeout=PATIENCE_S * 1000)


@pytest.fixture
def playwright(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Playwright]:
    """Starts after the database was filled and stops before it is emptied.

    Its event loop stays open between calls: Django takes the test for asynchronous then, refuses
    to work at first, and has connections of its own there.
    """
    if not CHROMIUM:
        pytest.skip("Chromium is missing: `apt-get install chromium`, or `make test` as root.")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as running:
        yield running
        connections.close_all()


class Chromium:
    """One browser. Each `page` is a person of their own: nothing is shared between two of them.

    What the console calls an error, a script that fails and a broken content security policy are
    collected; the test fails for any that it did not `expect`.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._complaints: list[str] = []
        self._expected: list[str] = []

    def page(
        self, *, size: tuple[int, int] = DESKTOP, init_script: str = "", **options: Any
    ) -> Page:
        """An empty page; `options` go to Playwright's `new_context`."""
        width, height = size
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=width < 600,
            **{"locale": "en-GB", **options},
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        if init_script:
            context.add_init_script(init_script)
        return self.watch(context.new_page())

    def watch(self, page: Page) -> Page:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._complaints.append(f"{page.url}: {error}"))
        return page

    def expect(self, pattern: str) -> None:
        """Complaints that match this regular expression are part of the test."""
        self._expected.append(pattern)

    def unexpected(self) -> list[str]:
        return [
            complaint
            for complaint in self._complaints
            if not any(re.search(pattern, complaint) for pattern in self._expected)
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.location.get('url')}: {message.text}")


class OpenBrowser(Protocol):
    def __call__(
        self, microphone: Path | None = None, *, arguments: list[str] | None = None
    ) -> Chromium:
        """`microphone` is a WAV played once, from the moment a page opens the microphone."""


@pytest.fixture
def open_browser(playwright: Playwright) -> Iterator[OpenBrowser]:
    """Opens browsers that end with the test."""
    opened: list[Chromium] = []

    def open_one(microphone: Path | None = None, *, arguments: list[str] | None = None) -> Chromium:
        given = [*ARGUMENTS, *(arguments or [])]
        if microphone:
            given += [
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}%noloop",
            ]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=given)
        opened.append(Chromium(browser))
        return opened[-1]

    yield open_one
    for chromium in opened:
        chromium.browser.close()
    assert [complaint for chromium in opened for complaint in chromium.unexpected()] == []


def until(page: Page, holds: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    """Ask again and again, while the page goes on, until this is true of the world outside it."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "It did not come true in time."
        page.wait_for_timeout(ASK_EVERY_MS)


def write_recording(path: Path, *parts: bytes) -> Path:
    """PCM of 16 kHz mono, one part after the other, as a WAV."""
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(b"".join(parts))
    return path
