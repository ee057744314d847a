"""How often somebody did something lately, in this process."""

from __future__ import annotations

from django.core.cache import cache


def count(key: str, within_s: int) -> int:
    """How often this was counted in the `within_s` seconds since the first time, this time too."""
    cache.add(key, 0, timeout=within_s)
    try:
        return cache.incr(key)
    except ValueError:  # it expired in between
        return 1
