"""What this server process counts for Prometheus; `/metrics` gives the sums over all processes.

Labels are few and ours: codes of the catalogue's languages, and words that stand in this code.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from sessions_app import metric_files

DELAY_BUCKETS_S = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30)
"""Others would need another name: processes count on in the files of earlier ones."""


class _Figures:
    """The metrics of this process; its files exist once they do."""

    def __init__(self) -> None:
        metric_files.keep_in_files()
        self.deliveries = _counter(
            "deliveries", "Messages handed to listeners' sockets.", label="kind"
        )
        self.dropped_partials = _counter(
            "dropped_partials", "Partial captions a socket was too slow for."
        )
        self.slow_sockets = _counter(
            "slow_sockets_closed", "Sockets closed because they did not take their finals."
        )
        self.joins = _counter("joins", "Listeners who joined, each reconnect counted.")
        self.refusals = _counter("refusals", "Connections and messages refused.", label="reason")
        self.publish_failures = _counter(
            "publish_failures", "Messages the channel layer did not take."
        )
        self.audience = _gauge(
            "audience_listeners", "Listeners connected now.", "livesum", label="language"
        )
        self.live_sessions = _gauge("live_sessions", "Live sessions interpreted now.", "livesum")
        self.backlog = _gauge(
            "speech_backlog_seconds",
            "From now until what was said last begins to be heard, in the slowest language.",
            "livemax",
        )
        self.caption_delay = _histogram(
            "caption_delay_seconds", "From the end of a phrase to its caption being published."
        )
        self.speech_delay = _histogram(
            "speech_delay_seconds", "From the end of a phrase to its speech being published."
        )
        self.backend_errors = _counter(
            "backend_errors", "Failures of recognition, translation, voices or video.", label="kind"
        )
        self.synthesised = _counter(
            "synthesised_characters", "Characters given to voices.", label="language"
        )
        self.worker_restarts = _counter(
            "worker_restarts", "Workers and connections replaced after a failure.", label="kind"
        )
        self.languages: set[str] = set()


@functools.cache
def _figures() -> _Figures:
    return _Figures()


def begin() -> None:
    """Take this process's place in METRICS_DIR now. Raises OSError where it cannot be written."""
    _figures()


def count_deliveries(kind: str, count: int) -> None:
    """One broadcast was handed to so many sockets; `kind` is partial, final, speech or other."""
    _figures().deliveries.labels(kind).inc(count)


def count_dropped_partials(count: int) -> None:
    _figures().dropped_partials.inc(count)


def count_slow_socket() -> None:
    """A socket was closed with 4408."""
    _figures().slow_sockets.inc()


def count_join() -> None:
    _figures().joins.inc()


def count_refused(reason: str) -> None:
    """`reason` is a word of the caller's code, such as wrong_code, rate or malformed."""
    _figures().refusals.labels(reason).inc()


def count_publish_failure() -> None:
    _figures().publish_failures.inc()


def set_audience(counts: Mapping[str, int]) -> None:
    """Listeners of this process by language; a language that is absent has none."""
    figures = _figures()
    figures.languages.update(counts)
    for language in figures.languages:
        figures.audience.labels(language).set(counts.get(language, 0))


def set_live_sessions(count: int) -> None:
    """Sessions whose Interpreter runs in this process."""
    _figures().live_sessions.set(count)


def set_backlog(seconds: float) -> None:
    """The largest backlog of voice over this process's languages."""
    _figures().backlog.set(seconds)


def observe_caption_delay(seconds: float) -> None:
    """From the arrival of a phrase's last audio here to its caption being published."""
    _figures().caption_delay.observe(seconds)


def observe_speech_delay(seconds: float) -> None:
    """From the arrival of a phrase's last audio here to its speech being published."""
    _figures().speech_delay.observe(seconds)


def count_backend_error(kind: str) -> None:
    """`kind` says what failed: recognition, translation, speech, voice_preview or video."""
    _figures().backend_errors.labels(kind).inc()


def count_synthesised(language: str, characters: int) -> None:
    _figures().synthesised.labels(language).inc(characters)


def count_worker_restart(kind: str) -> None:
    """`kind` says what was replaced: recognition, voice, translation, azure_recognition, …"""
    _figures().worker_restarts.labels(kind).inc()


def _counter(name: str, what: str, *, label: str = "") -> Counter:
    return Counter(name, what, [label] if label else [], namespace="avatartranslate", registry=None)


def _gauge(name: str, what: str, mode: str, *, label: str = "") -> Gauge:
    return Gauge(
        name,
        what,
        [label] if label else [],
        namespace="avatartranslate",
        registry=None,
        multiprocess_mode=mode,  # type: ignore[arg-type]
    )


def _histogram(name: str, what: str) -> Histogram:
    return Histogram(
        name, what, namespace="avatartranslate", registry=None, buckets=DELAY_BUCKETS_S
    )
