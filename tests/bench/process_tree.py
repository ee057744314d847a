"""What a server and all its worker processes use."""

from __future__ import annotations

from contextlib import suppress

import psutil  # type: ignore[import-untyped]


class ProcessTree:
    """A process and everything below it."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """User and system time so far, of processes that have ended too."""
        return sum(sum(process.cpu_times()[:4]) for process in self._alive())

    def pss_bytes(self) -> int:
        """Memory now: what is shared among n processes counts as a n-th of each."""
        total = 0
        for process in self._alive():
            with suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
        return total

    def _alive(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]
