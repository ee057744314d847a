"""Who spent the seconds of CPU that a stretch took."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import psutil  # type: ignore[import-untyped]

from tests.bench.process_tree import ProcessTree


@dataclass(frozen=True)
class Spent:
    """Seconds. `others` is what the machine did besides: more than a little disturbs figures."""

    passed: float
    servers: float
    services: float
    publisher: float
    listeners: float
    machine: float

    def __sub__(self, before: Spent) -> Spent:
        return Spent(*(a - b for a, b in zip(astuple(self), astuple(before), strict=True)))

    @property
    def others(self) -> float:
        ours = self.servers + self.services + self.publisher + self.listeners
        return max(0.0, self.machine - ours)

    def __str__(self) -> str:
        shares = {
            "servers": self.servers,
            "Redis and database": self.services,
            "publisher": self.publisher,
            "listeners": self.listeners,
            "the rest of the machine": self.others,
        }
        return ", ".join(f"{who} {spent / self.passed:.2f}" for who, spent in shares.items())


class Meter:
    """Reads what everybody has spent so far."""

    def __init__(self, servers: Sequence[int], services: Sequence[int], publisher: int) -> None:
        self._servers = [ProcessTree(pid) for pid in servers]
        self._services = [ProcessTree(pid) for pid in services]
        self._publisher = ProcessTree(publisher)
        self._listeners = psutil.Process(os.getpid())

    def read(self) -> Spent:
        machine = psutil.cpu_times()
        return Spent(
            passed=time.monotonic(),
            servers=sum(tree.cpu_seconds() for tree in self._servers),
            services=sum(tree.cpu_seconds() for tree in self._services),
            publisher=self._publisher.cpu_seconds(),
            listeners=sum(self._listeners.cpu_times()[:2]),
            machine=sum(machine) - machine.idle - machine.iowait - machine.guest,
        )
