"""A baseline: `websockets.broadcast` and nothing else. Run with a port."""

from __future__ import annotations

import asyncio
import sys

import django
from channels.layers import get_channel_layer
from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.bench.listeners.stretch import GROUP, REGISTERED


async def main(port: int) -> None:
    """Write what the channel layer brings to every socket."""
    connections: set[ServerConnection] = set()

    async def listen(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            await connection.send(REGISTERED)
            async for _ in connection:
                pass
        finally:
            connections.discard(connection)

    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    async with serve(listen, "127.0.0.1", port, compression=None):
        while True:
            message = await layer.receive(channel)
            broadcast(connections, message["text"])


if __name__ == "__main__":
    django.setup()
    asyncio.run(main(int(sys.argv[1])))
