"""A database in a file, and the whole product as a server of its own that uses it."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from sessions_app.models import Avatar, Event, EventLanguage, Language, Speaker
from tests.cluster import Cluster, Nginx
from tests.services import MissingBinary, PostgreSQL, Redis, free_port

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60

LANES = ("services", "browser", "azure", "embedded")
"""Tests with one of these markers, the first they have, run one after the other.

On two cores two lanes fit beside one another: with a third, pages and microphones lose sound. In
this order two workers end at about the same time.
"""


def pytest_configure() -> None:
    """Keep what the tests' own process counts out of the developer's figures.

    Before any test module is imported: the application counts from its first import on.
    """
    folder = tempfile.TemporaryDirectory(prefix="avatartranslate-metrics-")
    # Not `config.add_cleanup`: a worker of pytest-xdist ends without it.
    atexit.register(folder.cleanup)
    settings.METRICS_DIR = folder.name


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Put first what needs no lane: it keeps every worker busy, and says soon what is broken.

    What runs in real time gets a second and a third chance: a machine that is busy elsewhere for a
    moment loses sound or frames. The summary counts reruns.
    """
    for item in items:
        if lane := _lane(item):
            item.add_marker(pytest.mark.flaky(reruns=2))
            item.add_marker(pytest.mark.xdist_group(lane))
    yield
    # After pytest-django, which puts last what empties the database: so it is in each part.
    items.sort(key=lambda item: ["", *LANES].index(_lane(item)))


def _lane(item: pytest.Item) -> str:
    return next((lane for lane in LANES if lane in _marks(item)), "")


def _marks(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Servers started by tests open the same file."""
    folder = tmp_path_factory.mktemp("database")
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(folder / "test.sqlite3")


@dataclass
class Server:
    """`manage.py runserver` in a process group of its own."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As a crash does it: no goodbye to anyone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


def launch(database: str, folder: Path, **environment: str) -> Server:
    """Start the product on this database; returns once it serves, even where a part is missing."""
    port = free_port()
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}", "--noreload"],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={
                **os.environ,
                "DATABASE_URL": database,
                "REDIS_URL": "",
                "VAR_DIR": str(folder),
                "METRICS_DIR": str(folder / "metrics"),
                "METRICS_TOKEN": "",
                # Where the servers of one machine settle who speaks: not with those of other tests.
                "TMPDIR": str(folder),
                "EMBEDDED_MAX_SPEAKERS": "8",
                **environment,
            },
        )
    server = Server(port, process, log)
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/healthz/live", timeout=5):  # noqa: S310
                return server
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    server.kill()
    raise RuntimeError(f"The server did not become ready:\n{log.read_text()}")


LaunchServer = Callable[..., Server]


@pytest.fixture
def launch_server(
    transactional_db: None, django_db_serialized_rollback: None, tmp_path: Path
) -> Iterator[LaunchServer]:
    """Starts servers that end with the test; keyword arguments are environment variables."""
    servers: list[Server] = []

    def start(**environment: str) -> Server:
        database = f"sqlite:///{settings.DATABASES['default']['NAME']}"
        servers.append(launch(database, tmp_path, **environment))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def shared_server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    database = f"sqlite:///{settings.DATABASES['default']['NAME']}"
    server = launch(database, tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def server(
    transactional_db: None, django_db_serialized_rollback: None, shared_server: Server
) -> Server:
    """The server all tests share, for those that do not hurt it."""
    return shared_server


@pytest.fixture
def clean_log(server: Server) -> Iterator[None]:
    """Fails the test if the shared server logged an error or a traceback meanwhile."""
    before = server.log.stat().st_size
    yield
    assert troubles(server.log, since=before) == []


def troubles(log: Path, *, since: int = 0) -> list[str]:
    """The lines of a server's log that tell of a bug, from this byte on."""
    signs = ("Traceback", " ERROR ", " CRITICAL ", "never retrieved", "was destroyed")
    lines = log.read_bytes()[since:].decode(errors="replace").splitlines()
    return [line for line in lines if any(sign in line for sign in signs)]


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A Redis of this test's own, that it may stop, kill and start again."""
    _skip_without(Redis.binary)
    with Redis() as service:
        yield service


@pytest.fixture
def postgres() -> Iterator[PostgreSQL]:
    """A PostgreSQL of this test's own, with an empty database."""
    _skip_without(PostgreSQL.binaries)
    with PostgreSQL() as service:
        yield service


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[Cluster]:
    _skip_without(PostgreSQL.binaries, Redis.binary, Nginx.binary)
    with Cluster(processes=2, EMBEDDED_MAX_SPEAKERS="1") as cluster:
        yield cluster


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """The production set-up on a machine for one speaker, all of it running.

    A test may end parts of it.
    """
    shared_cluster.start()
    return shared_cluster


def _skip_without(*programs: Callable[[], object]) -> None:
    try:
        for find in programs:
            find()
    except MissingBinary as missing:
        pytest.skip(str(missing))


@pytest.fixture
def make_event(request: pytest.FixtureRequest) -> Callable[..., Event]:
    """Makes an event in English, translated into these languages, with one speaker."""

    def make(*languages: str, title: str = "Weekly meeting") -> Event:
        event = Event.objects.create(
            title=title, avatar=Avatar.objects.filter(kind="drawn").order_by("pk")[0]
        )
        event.source_languages.add(Language.objects.get(code="en-US"))
        for code in languages or ("es-ES", "fr-FR"):
            EventLanguage.objects.create(event=event, language=Language.objects.get(code=code))
        Speaker.objects.create(event=event, name="Speaker")
        return event

    return make
