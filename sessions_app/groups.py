"""The groups of the channel layer that this process is in, and what comes through them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import Any

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

ANSWERS_WITHIN_S = 2.0
MOST_UNHEARD = 2
"""A connection that brings not even what this process tells itself is deaf, and begun anew."""


class Groups:
    """Keeps this process in the groups it wants, through outages of the channel layer.

    `mend`, called every few seconds, joins what could not be joined before, and begins anew with a
    connection that is deaf. What was said meanwhile is lost, and found in the database.
    """

    def __init__(self) -> None:
        self._channel = ""
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._changing = asyncio.Lock()
        self._has_channel = asyncio.Event()
        self._own = f"process.{secrets.token_hex(8)}"
        self._unheard = 0
        self._answers = True
        self._receiving: asyncio.Task[dict[str, Any]] | None = None

    async def join(self, group: str) -> None:
        """Be in this group, at once or as soon as the layer answers."""
        self._wanted.add(group)
        await self._settle(group)

    async def leave(self, group: str) -> None:
        self._wanted.discard(group)
        await self._settle(group)

    async def mend(self) -> bool:
        """Join and leave what could not be before; returns whether messages come through."""
        self._wanted.add(self._own)
        if self._channel and self._unheard > MOST_UNHEARD:
            logger.warning("Nothing comes from the channel layer; connecting anew")
            await self._begin_anew()
        self._answers = True
        for group in self._wanted ^ self._joined:
            await self._settle(group)
            if not self._answers:
                return False
        self._unheard += 1
        with contextlib.suppress(Exception):  # whether it came through is seen by what is heard
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self._layer().group_send(self._own, {"type": "echo"})
        return self._wanted == self._joined and self._unheard <= MOST_UNHEARD

    async def close(self) -> None:
        """Leave all groups; `join` and `mend` begin anew, with a new channel."""
        self._wanted.clear()
        for group in tuple(self._joined):
            await self._settle(group)
        self._forget()

    async def receive(self) -> dict[str, Any]:
        """The next message of any of the groups. Raises what the layer raises."""
        while True:
            await self._has_channel.wait()
            self._receiving = asyncio.ensure_future(self._layer().receive(self._channel))
            try:
                message = await self._receiving
            except asyncio.CancelledError:
                me = asyncio.current_task()
                if me and me.cancelling():
                    raise
                continue  # the channel it waited at is no more
            self._unheard = 0
            if message["type"] != "echo":
                return message

    async def _settle(self, group: str) -> None:
        async with self._changing:
            if not self._answers:  # each would wait in vain, one after the other, until `mend`
                return
            self._answers = False
            with contextlib.suppress(Exception):  # `mend` tries again, and tells whether it works
                async with asyncio.timeout(ANSWERS_WITHIN_S):
                    if group in self._wanted:
                        if not self._channel:
                            self._channel = await self._layer().new_channel()
                            self._has_channel.set()
                        await self._layer().group_add(group, self._channel)
                        self._joined.add(group)
                    elif group in self._joined:
                        await self._layer().group_discard(group, self._channel)
                        self._joined.discard(group)
                self._answers = True

    async def _begin_anew(self) -> None:
        async with self._changing:
            with contextlib.suppress(Exception):  # a layer that is away has nothing to close
                async with asyncio.timeout(ANSWERS_WITHIN_S):
                    await self._layer().flush()
            self._forget()

    def _forget(self) -> None:
        self._channel = ""
        self._joined = set()
        self._has_channel.clear()
        self._unheard = 0
        if self._receiving:
            self._receiving.cancel()

    @staticmethod
    def _layer() -> Any:
        return get_channel_layer()
