"""A baseline: what the documentation of Channels shows. Each socket is in a group."""

from __future__ import annotations

from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path

from tests.bench.listeners.stretch import GROUP, REGISTERED

django.setup()


class PlainConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends on what its group is sent."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send(text_data=REGISTERED)

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        pass

    async def caption(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"websocket": URLRouter([re_path(r"", PlainConsumer.as_asgi())])})
