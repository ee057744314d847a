"""How often somebody did something lately, in this process."""

from __future__ import annotations

import time

from django.core.cache import cache


class Allowance:
    """So much at once, and so much a second in the long run."""

    __slots__ = ("_at_once", "_left", "_per_s", "_since")

    def __init__(self, at_once: int, per_s: float) -> None:
        self._at_once, self._per_s = at_once, per_s
        self._left, self._since = float(at_once), time.monotonic()

    def take(self) -> bool:
        """Use one; False where none is left."""
        now = time.monotonic()
        self._left = min(self._at_once, self._left + (now - self._since) * self._per_s)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def count(key: str, within_s: int) -> int:
    """How often this was counted in the `within_s` seconds since the first time, this time too."""
    cache.add(key, 0, timeout=within_s)
    try:
        return cache.incr(key)
    except ValueError:  # it expired in between
        return 1


def counted(key: str) -> int:
    """How often this was counted lately; asking does not count."""
    times: int = cache.get(key, 0)
    return times
