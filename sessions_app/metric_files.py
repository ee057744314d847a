"""The files in which every server process keeps its figures, for whichever of them is asked.

A process has a place in METRICS_DIR: a number that no other running process has, also not one in
another container with the same process id. Whoever starts takes the first free place and counts on
from the figures it finds there. So sums never fall, and there are never more files than there were
processes at once. The kernel frees a place when its process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import logging
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from prometheus_client import Metric, generate_latest, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

logger = logging.getLogger(__name__)

_KINDS = ("counter", "histogram", "gauge_livesum", "gauge_livemax")
_FILE_BYTES = 1 << 20
"""As the library makes them; ours need a few KiB."""


class _Place:
    """This process's place. The lock is held until the process ends."""

    def __init__(self) -> None:
        self._process = 0
        self._lock = -1
        self._number = ""

    def number(self) -> str:
        """The number of this process's place, taken at the first call. Raises OSError."""
        if self._process != os.getpid():
            if self._lock != -1:
                # Inherited from the process this one was forked from, which keeps the lock.
                os.close(self._lock)
            self._number, self._lock = _take_place(_directory())
            self._process = os.getpid()
        return self._number


def keep_in_files() -> None:
    """Let every metric made from now on live in this process's files. Raises OSError."""
    directory = _directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The library looks nowhere else for it.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    values.ValueClass = values.MultiProcessValue(_Place().number)


def exposition() -> bytes:
    """The figures of all server processes together, in Prometheus' text format."""
    return generate_latest(_AllProcesses())


class _AllProcesses:
    """Adds up what the processes counted; what only a running one can say goes with it."""

    def collect(self) -> Iterable[Metric]:
        directory = _directory()
        for lock in directory.glob("*.lock"):
            _tidy_after_the_dead(lock)
        # A file is empty for a moment when its process has just begun.
        files = [str(file) for file in directory.glob("*.db") if _size(file)]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)
        return metrics


def _size(file: Path) -> int:
    """Bytes; 0 where another scrape has just tidied it away."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _directory() -> Path:
    return Path(settings.METRICS_DIR)


def _take_place(directory: Path) -> tuple[str, int]:
    """The first free place's number, and the file whose lock is held."""
    for number in itertools.count():
        lock = os.open(directory / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _tidy(directory, str(number))
        _reserve(directory, str(number))
        return str(number), lock
    raise AssertionError("There is always a next number.")


def _reserve(directory: Path, number: str) -> None:
    """Have the room on the disk now: the library writes through memory, and where a disk is full
    the kernel kills who does that. Raises OSError.
    """
    for kind in _KINDS:
        file = os.open(directory / f"{kind}_{number}.db", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, 0, _FILE_BYTES)
        finally:
            os.close(file)


def _tidy_after_the_dead(lock: Path) -> None:
    file = os.open(lock, os.O_RDWR)
    try:
        # Shared, so that two who look at once do not take each other for its process.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        _tidy(lock.parent, lock.stem)
    except BlockingIOError:
        return
    finally:
        os.close(file)


def _tidy(directory: Path, number: str) -> None:
    """Leave of a dead process what it counted, not what it was doing."""
    for file in directory.glob(f"gauge_*_{number}.db"):
        file.unlink(missing_ok=True)
    for file in directory.glob(f"*_{number}.db"):
        try:
            for key, *_ in MmapedDict.read_all_values_from_file(str(file)):
                json.loads(key)
        except (RuntimeError, ValueError, struct.error):
            # A power failure left it half-written; neither servers nor figures stop for that.
            logger.warning("%s was damaged; what it counted begins anew", file)
            file.unlink(missing_ok=True)
