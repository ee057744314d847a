"""Figures for Prometheus: how those of several processes add up, and who may read them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import Sum
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from sessions_app import metric_files, metrics
from sessions_app.models import CaptionStream, Event, LiveSession, Translation
from speech_app import language_line
from speech_app.backends.base import BackendDown
from tests.clients import listener, recorded, speaker, until_stored
from tests.conftest import ROOT, LaunchServer, Server, troubles
from tests.speech_app.embedded import needs_apertium
from tests.speech_app.test_language_line import Room, said, until
from tests.speech_app.test_live_session import BOTH_MS, end, token_of, workers

MakeEvent = Callable[..., Event]

COUNTING = """
import os, sys, django
django.setup()
from sessions_app import metrics
metrics.count_deliveries("final", 40)
metrics.count_join()
metrics.observe_caption_delay(0.6)
metrics.set_audience({"es-ES": 3, "fr-FR": 2})
metrics.set_audience({"es-ES": 4})
metrics.set_backlog(1.5)
"""
WAIT = "print('counted', flush=True); sys.stdin.read()"
FORK = """
child = os.fork()
metrics.count_deliveries("final", 2)
metrics.set_audience({"es-ES": 1 if child else 10})
if child:
    os.waitpid(child, 0)
else:
    os._exit(0)
"""
COUNTED = {
    'deliveries_total{kind="final"}': 40.0,
    "joins_total": 1.0,
    "caption_delay_seconds_count": 1.0,
    'caption_delay_seconds_bucket{le="0.5"}': 0.0,
    'caption_delay_seconds_bucket{le="0.75"}': 1.0,
    'audience_listeners{language="es-ES"}': 4.0,
    'audience_listeners{language="fr-FR"}': 0.0,
    "speech_backlog_seconds": 1.5,
}


@contextmanager
def counting(directory: Path, program: str = COUNTING + WAIT) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has counted what `COUNTED` says and waits."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "avatartranslate.settings",
            "METRICS_DIR": str(directory),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == b"counted\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def figures(text: str) -> dict[str, float]:
    """Every sample by its name and labels as Prometheus writes them, without our prefix."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            name = sample.name.removeprefix("avatartranslate_")
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found


def scrape(server: Server) -> dict[str, float]:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:  # noqa: S310
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return figures(answer.read().decode())


def only(names: dict[str, float], found: dict[str, float]) -> dict[str, float]:
    return {name: found[name] for name in names if name in found}


# Several processes


def test_figures_of_all_processes_add_up_at_either_server(
    launch_server: LaunchServer, tmp_path: Path
) -> None:
    here, there = launch_server(), launch_server()
    with counting(tmp_path / "metrics"), counting(tmp_path / "metrics"):
        both = {name: 2 * value for name, value in COUNTED.items()}
        both["speech_backlog_seconds"] = 1.5  # the slowest, not the sum
        for server in (here, there):
            assert only(COUNTED, scrape(server)) == both
    assert troubles(here.log) + troubles(there.log) == []


def test_a_killed_process_takes_its_audience_with_it_and_leaves_what_it_counted(
    launch_server: LaunchServer, tmp_path: Path
) -> None:
    server = launch_server()
    with counting(tmp_path / "metrics") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        past = {name: value for name, value in COUNTED.items() if "audience" not in name}
        assert only(COUNTED, scrape(server)) == {**past, "speech_backlog_seconds": 0.0}


def test_processes_that_follow_each_other_count_on_in_the_same_files(
    launch_server: LaunchServer, tmp_path: Path
) -> None:
    directory = tmp_path / "metrics"
    files = []
    for _ in range(3):
        with counting(directory) as process:
            files.append(sorted(path.name for path in directory.iterdir()))
            process.kill()
            process.wait()
    assert files == [files[0]] * 3
    found = scrape(launch_server())
    assert found['deliveries_total{kind="final"}'] == 3 * 40
    assert found["caption_delay_seconds_count"] == 3
    assert sorted(path.name for path in directory.iterdir()) == files[0]


def test_a_forked_process_is_another_one(launch_server: LaunchServer, tmp_path: Path) -> None:
    server = launch_server()
    with counting(tmp_path / "metrics", COUNTING + FORK + WAIT):
        found = scrape(server)
        assert found['deliveries_total{kind="final"}'] == 40 + 2 + 2
        assert found['audience_listeners{language="es-ES"}'] == 1
    assert troubles(server.log) == []


@pytest.mark.parametrize(
    "damage",
    [b"\x90", b"\x90\0\0\0" + 100 * b"\xff", b"\x28" + 7 * b"\0" + b"\x08\0\0\0" + 60 * b"{"],
    ids=["cut off", "no entry", "no key"],
)
def test_a_damaged_file_stops_neither_servers_nor_figures(
    launch_server: LaunchServer, tmp_path: Path, damage: bytes
) -> None:
    directory = tmp_path / "metrics"
    directory.mkdir()
    for number in (0, 1):
        (directory / f"{number}.lock").touch()
        (directory / f"counter_{number}.db").write_bytes(damage)
    server = launch_server()
    with counting(directory) as process:
        assert only(COUNTED, scrape(server)) == COUNTED
        process.kill()
        process.wait()
    (directory / "counter_1.db").write_bytes(damage)
    assert scrape(server)["joins_total"] == 0
    assert troubles(server.log) == []


# What there is


KINDS = {
    "audience_listeners": "gauge",
    "backend_errors": "counter",
    "caption_delay_seconds": "histogram",
    "deliveries": "counter",
    "dropped_partials": "counter",
    "joins": "counter",
    "live_sessions": "gauge",
    "publish_failures": "counter",
    "refusals": "counter",
    "slow_sockets_closed": "counter",
    "speech_backlog_seconds": "gauge",
    "speech_delay_seconds": "histogram",
    "synthesised_characters": "counter",
    "worker_restarts": "counter",
}


def test_every_metric_is_named_by_the_conventions_and_explained() -> None:
    metrics.count_deliveries("final", 2)
    metrics.count_dropped_partials(3)
    metrics.count_slow_socket()
    metrics.count_join()
    metrics.count_refused("wrong_code")
    metrics.count_publish_failure()
    metrics.set_audience({"es-ES": 1})
    metrics.set_live_sessions(1)
    metrics.set_backlog(0.5)
    metrics.observe_caption_delay(0.5)
    metrics.observe_speech_delay(31)
    metrics.count_backend_error("translation")
    metrics.count_synthesised("es-ES", 20)
    metrics.count_worker_restart("voice")
    families = list(text_string_to_metric_families(metric_files.exposition().decode()))
    found = {family.name: family.type for family in families}
    assert found == {f"avatartranslate_{name}": kind for name, kind in KINDS.items()}
    assert all(family.documentation for family in families)
    readme = (ROOT / "README.md").read_text()
    for name, kind in found.items():
        assert f"| `{name}{'_total' if kind == 'counter' else ''}` |" in readme


async def test_failures_of_translation_and_voice_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(language_line, "MEND_AFTER_S", (0.001,))
    before = _errors()
    room = Room(
        translations={"text 1": [BackendDown("away"), "uno"]},
        voice_fails={"dos": BackendDown("the voice died"), "tres": TimeoutError()},
    )
    line = language_line.LanguageLine("es-ES", "es", room.tools())
    for number, text in enumerate([None, "dos", "tres"], start=1):
        line.expect(said(number)).set_result(text)
    await until(lambda: len(room.told) == 4)
    await line.drain()
    await line.close()
    after = _errors()
    # One that came untranslated, one that could not be mended at first.
    assert after["translation"] - before["translation"] == 2
    assert after["speech"] - before["speech"] == 2


def _errors() -> dict[str, float]:
    found = figures(metric_files.exposition().decode())
    kinds = ("translation", "speech")
    return {kind: found.get(f'backend_errors_total{{kind="{kind}"}}', 0.0) for kind in kinds}


# A talk


@pytest.mark.embedded
@needs_apertium
async def test_a_talk_is_measured_from_its_phrases_ends_and_its_killed_server_forgotten(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    here, there = launch_server(), launch_server()
    event = await sync_to_async(make_event)("es-ES")
    async with (
        listener(here.socket_url, event.join_code) as spanish,
        speaker(here.socket_url, await token_of(event)) as talk,
    ):
        await spanish.join("es-ES", speech=True)
        await talk.expect(type="audience", total=1)
        began = time.monotonic()
        await talk.start()
        await talk.play(recorded(0, BOTH_MS))
        assert (await _scrape(there))["live_sessions"] == 1
        await end(talk)
        await spanish.expect(type="state", state="ended")
        assert (await _scrape(there))["live_sessions"] == 0

        session = await LiveSession.objects.aget(event=event)
        captions = await Translation.objects.filter(session=session, text__isnull=False).acount()
        spoken = len(spanish.all(type="speech"))
        streams = CaptionStream.objects.filter(session=session)
        characters = (await streams.aaggregate(sum=Sum("spoken_characters")))["sum"]
        assert (captions, spoken) == (4, 2)
        measured = {
            "caption_delay_seconds_count": captions,
            "speech_delay_seconds_count": spoken,
            'synthesised_characters_total{language="es-ES"}': characters,
        }
        found = await _scrape(there)
        assert only(measured, found) == measured
        # Every phrase ended after the talk began.
        assert 0 < found["caption_delay_seconds_sum"] < captions * (time.monotonic() - began)
        assert 0 < found["speech_delay_seconds_sum"] < spoken * (time.monotonic() - began)

        await talk.start()
        assert (await _scrape(there))["live_sessions"] == 1
        # A worker that outlives its server does not stand for it.
        [worker] = workers(here, "recognition_worker")
        os.kill(worker, signal.SIGSTOP)
        try:
            await sync_to_async(here.kill)()
            found = await _scrape(there)
        finally:
            os.kill(worker, signal.SIGKILL)
        assert found["live_sessions"] == 0
        assert only(measured, found) == measured
    assert troubles(here.log) + troubles(there.log) == []


@pytest.mark.embedded
@needs_apertium
async def test_a_worker_that_was_replaced_is_counted(
    launch_server: LaunchServer, make_event: MakeEvent
) -> None:
    server = launch_server()
    event = await sync_to_async(make_event)("es-ES")
    async with speaker(server.socket_url, await token_of(event)) as talk:
        await talk.start()
        [worker] = workers(server, "recognition_worker")
        os.kill(worker, signal.SIGKILL)
        await until_stored(lambda: _restarts(server), {"recognition": 1.0})
        await talk.play(recorded(0, BOTH_MS))
        await end(talk)
        assert len(talk.finals()) == 2
    assert await _restarts(server) == {"recognition": 1.0}


async def _scrape(server: Server) -> dict[str, float]:
    return await sync_to_async(scrape)(server)


async def _restarts(server: Server) -> dict[str, float]:
    found = await _scrape(server)
    kinds = ("recognition", "voice", "translation")
    names = {kind: f'worker_restarts_total{{kind="{kind}"}}' for kind in kinds}
    return {kind: found[name] for kind, name in names.items() if name in found}


# Who may read them; without a database, for none is needed


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("10.1.2.3", 200),
        ("192.168.7.7", 200),
        ("::1", 200),
        ("fd00::7", 200),
        ("::ffff:172.17.0.1", 200),
        ("93.184.216.34", 403),
        ("2606:2800:220:1::1", 403),
        ("::ffff:93.184.216.34", 403),
        ("", 403),
        ("not an address", 403),
    ],
)
def test_an_internal_address_may_read_the_figures(address: str, status: int) -> None:
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == status


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "Via"]
)
def test_what_came_through_a_proxy_is_not_internal(server: Server, header: str) -> None:
    request = urllib.request.Request(f"{server.url}/metrics", headers={header: "127.0.0.1"})  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310
    with refused.value as answer:
        assert answer.status == 403
        assert b"private network" in answer.read()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer right-token", 200),
        ("bearer right-token", 200),
        ("Bearer wrong-token", 403),
        ("Bearer right-tokén", 403),
        ("Bearer ", 403),
        ("Basic right-token", 403),
        ("right-token", 403),
        (None, 403),
    ],
)
def test_the_token_opens_the_figures_from_anywhere(
    monkeypatch: pytest.MonkeyPatch, authorization: str | None, status: int
) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", "right-token")
    client = Client(REMOTE_ADDR="93.184.216.34", headers={"X-Forwarded-For": "93.184.216.34"})
    headers = {"Authorization": authorization} if authorization else {}
    assert client.get("/metrics", headers=headers).status_code == status


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer", ""])
def test_without_a_token_in_the_settings_none_is_right(
    monkeypatch: pytest.MonkeyPatch, authorization: str
) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", "")
    client = Client(REMOTE_ADDR="93.184.216.34")
    answer = client.get("/metrics", headers={"Authorization": authorization})
    assert answer.status_code == 403
