"""What a process has one of: one for each event loop, as tests have several loops."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Self
from weakref import WeakKeyDictionary


class PerLoop:
    """Made without arguments when a loop first asks for it; forgotten with the loop."""

    _by_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Any]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._by_loop = WeakKeyDictionary()

    @classmethod
    def here(cls) -> Self:
        """The one of this process (of this event loop)."""
        loop = asyncio.get_running_loop()
        if loop not in cls._by_loop:
            cls._by_loop[loop] = cls()
        found: Self = cls._by_loop[loop]
        return found
