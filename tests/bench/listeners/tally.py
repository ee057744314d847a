"""What a crowd received in a stretch of a run, and what was wrong with it."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


def _delays() -> array[float]:
    return array("d")


@dataclass
class Tally:
    """Delays in seconds from publishing to receiving; `wrong` counts by what went wrong.

    `returns`: from the moment a connection was lost to the end of the replay on the next one.
    """

    partials: array[float] = field(default_factory=_delays)
    finals: array[float] = field(default_factory=_delays)
    speech: array[float] = field(default_factory=_delays)
    returns: array[float] = field(default_factory=_delays)
    wrong: Counter[str] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    """How often the server closed a socket, by code."""

    @property
    def captions(self) -> array[float]:
        return self.partials + self.finals


@dataclass(frozen=True)
class Delays:
    """Milliseconds."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Delays:
        if not seconds:
            return cls(0, 0, 0, 0)
        ordered = sorted(seconds)
        last = len(ordered) - 1
        p50, p99, most = (1000 * ordered[round(share * last)] for share in (0.5, 0.99, 1))
        return cls(len(ordered), p50, p99, most)

    def __str__(self) -> str:
        return f"{self.count}, p50 {self.p50:.1f}, p99 {self.p99:.1f}, max {self.most:.1f} ms"
