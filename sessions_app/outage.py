"""A part that this process cannot reach: noticed once, told once, and over once."""

from __future__ import annotations

import logging
import time

from sessions_app.messages import Problem

logger = logging.getLogger(__name__)

WORTH_SAYING_AFTER_S = 4.0
"""A shorter outage is made up for before anybody has noticed it."""


class Outage:
    """Whether one part, such as the database, is out of reach."""

    def __init__(self, part: str, problem: Problem) -> None:
        self.problem = problem
        self._part = part
        self._since: float | None = None
        self._told = False

    @property
    def is_told(self) -> bool:
        """Whether listeners know of it."""
        return self._told

    def fails(self, error: BaseException | None = None) -> bool:
        """It does not work now. Returns whether that is now to be told."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
            logger.warning("The %s cannot be reached: %s", self._part, error or "no answer")
        if self._told or now - self._since < WORTH_SAYING_AFTER_S:
            return False
        self._told = True
        return True

    def works(self) -> bool:
        """It works now. Returns whether its end is now to be told."""
        if self._since is not None:
            logger.warning(
                "The %s is back after %.0f s", self._part, time.monotonic() - self._since
            )
        self._since, told, self._told = None, self._told, False
        return told
