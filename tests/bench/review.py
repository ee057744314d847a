"""How long a transcript of eight hours takes to open for review, and how long its reviewer waits.

Run as `python -m tests.bench.review`: 10,000 segments in six languages, on SQLite and, where it is
installed, on a PostgreSQL of its own. The browser is Chromium.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from django.test import Client
    from playwright.sync_api import Page

    from tests.conftest import Server

SEGMENTS = 10_000
SEGMENT_MS = 2_880
LANGUAGES = ("es-ES", "fr-FR", "it-IT", "pt-BR", "ca-ES", "ar-SA")
REPEATS = 7
OPENS_WITHIN_S = 1.0


def main() -> None:
    """Measure on each database in a process of its own, which knows that one only."""
    if len(sys.argv) > 1:
        with tempfile.TemporaryDirectory() as name:
            measure(sys.argv[1], Path(name))
        return
    from tests.services import MissingBinary, PostgreSQL

    with tempfile.TemporaryDirectory() as name:
        _run(f"sqlite:///{name}/bench.sqlite3")
    try:
        PostgreSQL.binaries()
    except MissingBinary as missing:
        print(missing)
    else:
        with PostgreSQL() as postgres:
            _run(postgres.url)


def _run(database: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.bench.review", database], check=True)


def measure(database: str, folder: Path) -> None:
    """Fill the database, serve it, and print one table."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="avatartranslate.settings",
        DATABASE_URL=database,
        VAR_DIR=str(folder),
        LOG_LEVEL="WARNING",
    )
    # Playwright's loop stays open between calls; Django then takes everything for asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from tests.conftest import launch

    call_command("migrate", verbosity=0)
    reviewer = User.objects.create_superuser("reviewer")
    session = fill(reviewer)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as a database does by itself within a minute
    client = Client()
    client.force_login(reviewer)
    print(f"\n{connection.vendor}: {SEGMENTS} segments, {len(LANGUAGES)} languages")
    server = launch(database, folder)
    try:
        _table(server, client, session)
    finally:
        server.stop()


def fill(reviewer: object) -> int:
    """Store a talk of eight hours, some of it corrected and accepted; returns the session's id."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from sessions_app.models import (
        Avatar,
        CaptionStream,
        Correction,
        Event,
        EventLanguage,
        Language,
        LiveSession,
        Segment,
        Speaker,
        Translation,
    )
    from tests.bench.accuracy import sentences

    assert isinstance(reviewer, User)
    event = Event.objects.create(title="Eight hours", avatar=Avatar.objects.filter(kind="drawn")[0])
    event.source_languages.add(Language.objects.get(code="en-US"))
    for code in LANGUAGES:
        EventLanguage.objects.create(event=event, language=Language.objects.get(code=code))
    session = LiveSession.go_live(
        Speaker.objects.create(event=event, name="Bench"),
        client="bench",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    said, meant = sentences("en"), sentences("es")
    segments = Segment.objects.bulk_create(
        [
            Segment(
                session=session,
                number=number,
                source_language="en-US",
                text=said[number % len(said)],
                start_ms=number * SEGMENT_MS,
                end_ms=number * SEGMENT_MS + SEGMENT_MS - 400,
            )
            for number in range(1, SEGMENTS + 1)
        ],
        batch_size=1000,
    )
    for code in ("en-US", *LANGUAGES):
        texts = said if code == "en-US" else meant
        rows = Translation.objects.bulk_create(
            [
                Translation(
                    segment=segment,
                    session=session,
                    language=code,
                    text=None if segment.number % 500 == 0 else texts[segment.number % len(texts)],
                    seq=segment.number,
                    reviewed_at=timezone.now() if segment.number % 3 == 0 else None,
                    reviewed_by=reviewer if segment.number % 3 == 0 else None,
                )
                for segment in segments
            ],
            batch_size=1000,
        )
        CaptionStream.objects.create(session=session, language=code, last_seq=SEGMENTS)
        Correction.objects.bulk_create(
            [
                Correction(
                    segment_id=row.segment_id,
                    translation=row if code != "en-US" else None,
                    text=f"{row.text} Corrected.",
                    author=reviewer,
                )
                for row in rows[::10]
            ],
            batch_size=1000,
        )
    session.end()
    return session.pk


def _table(server: Server, client: Client, session: int) -> None:
    path = f"/admin/review/{session}/"
    cookie = client.cookies["sessionid"].value
    lang = {"lang": LANGUAGES[0]}

    def get(name: str, **query: str) -> Callable[[], int]:
        return lambda: _get(server, cookie, path + name, {**lang, **query})

    print(f"{'':<52} {'median':>9} {'CPU':>9} {'bytes':>9}")
    for what, ask in (
        ("the page", get("")),
        ("the next 200 lines", get("lines/", after="200")),
        ("200 lines in the middle", get("lines/", after="5000")),
        ("lines not accepted", get("lines/", only="unreviewed")),
        ("doubtful lines", get("lines/", only="doubtful")),
        ("corrected lines", get("lines/", only="corrected")),
        ("lines that contain words", get("lines/", containing="hospital")),
        ("preview of a replacement", get("matches/", find="hospital", replacement="clinic")),
        ("what is new", get("news/", since=str(SEGMENTS * len(LANGUAGES)))),
    ):
        seconds, cpu, size = _timed(ask, server.process.pid)
        print(f"{what:<52} {_ms(seconds)} {_ms(cpu)} {size:>9}")
    _browse(server, cookie, path + f"?lang={LANGUAGES[0]}")


def _get(server: Server, cookie: str, path: str, query: dict[str, str]) -> int:
    from urllib.parse import urlencode
    from urllib.request import Request, urlopen

    address = f"{server.url}{path}?{urlencode(query)}"
    request = Request(address, headers={"Cookie": f"sessionid={cookie}"})  # noqa: S310
    with urlopen(request, timeout=60) as response:  # noqa: S310
        return len(response.read())


def _timed(ask: Callable[[], int], pid: int) -> tuple[float, float, int]:
    """Median seconds and the server's mean CPU seconds of some repeats, and the answer's size.

    One more comes first, to warm up. A busy machine changes the CPU time little.
    """
    import psutil  # type: ignore[import-untyped]

    size = ask()
    server = psutil.Process(pid)
    before = server.cpu_times()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    after = server.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return statistics.median(seconds), cpu / REPEATS, size


def _browse(server: Server, cookie: str, path: str) -> None:
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import ARGUMENTS, CHROMIUM

    if not CHROMIUM:
        print("Chromium is missing.")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        first, moved = [], []
        for _ in range(REPEATS):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": server.url}])
            page = context.new_page()
            began = time.perf_counter()
            page.goto(server.url + path, wait_until="commit")
            page.locator("#lines [role=row] .shown").first.wait_for()
            first.append(time.perf_counter() - began)
            moved.append(_next_window(page))
            context.close()
        browser.close()
    print(f"{'':<52} {'median':>9} {'best':>9}")
    for what, seconds, limit in (
        ("from the address to the first lines in Chromium", first, f"{OPENS_WITHIN_S:.0f} s"),
        ("from the end of a window to the next lines", moved, ""),
    ):
        wanted = f"(at most {limit})" if limit else ""
        print(f"{what:<52} {_ms(statistics.median(seconds))} {_ms(min(seconds))} {wanted}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:>6.0f} ms"


def _next_window(page: Page) -> float:
    """Seconds until more lines stand below, once the last one is in sight."""
    rows = page.locator("#lines [role=row]")
    before = rows.count()
    began = time.perf_counter()
    rows.last.scroll_into_view_if_needed()
    page.wait_for_function(
        "before => document.querySelectorAll('#lines [role=row]').length > before", arg=before
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
