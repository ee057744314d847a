"""The groups of the channel layer that this process is in, and what comes through them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

ANSWERS_WITHIN_S = 2.0


class Groups:
    """Keeps this process in the groups it wants, through outages of the channel layer.

    A group that cannot be joined now is joined by a later `mend`: until then what is said there
    is lost, and found in the database.
    """

    def __init__(self) -> None:
        self._channel = ""
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._changing = asyncio.Lock()
        self._has_channel = asyncio.Event()

    async def join(self, group: str) -> None:
        """Be in this group, at once or as soon as the layer answers."""
        self._wanted.add(group)
        await self._settle(group)

    async def leave(self, group: str) -> None:
        self._wanted.discard(group)
        await self._settle(group)

    async def mend(self) -> bool:
        """Join and leave what could not be before; returns whether the layer answers."""
        for group in self._wanted ^ self._joined:
            await self._settle(group)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                # A group nobody is in: enough to find out whether the layer takes messages.
                await self._layer().group_send("health", {"type": "health"})
        except Exception:  # whatever the layer's driver raises, the answer is the same
            return False
        return self._wanted == self._joined

    async def close(self) -> None:
        """Leave all groups; `join` and `mend` begin anew, with a new channel."""
        async with self._changing:
            channel, self._channel = self._channel, ""
            joined, self._joined = self._joined, set()
            self._has_channel.clear()
            for group in joined:
                with contextlib.suppress(Exception):  # a layer that is away forgets by itself
                    async with asyncio.timeout(ANSWERS_WITHIN_S):
                        await self._layer().group_discard(group, channel)

    async def receive(self) -> dict[str, Any]:
        """The next message of any of the groups. Raises what the layer raises."""
        await self._has_channel.wait()
        message: dict[str, Any] = await self._layer().receive(self._channel)
        return message

    async def _settle(self, group: str) -> None:
        async with self._changing:
            with contextlib.suppress(Exception):  # `mend` tries again, and tells whether it works
                async with asyncio.timeout(ANSWERS_WITHIN_S):
                    if not self._channel:
                        self._channel = await self._layer().new_channel()
                        self._has_channel.set()
                    if group in self._wanted:
                        await self._layer().group_add(group, self._channel)
                        self._joined.add(group)
                    else:
                        await self._layer().group_discard(group, self._channel)
                        self._joined.discard(group)

    @staticmethod
    def _layer() -> Any:
        return get_channel_layer()
