"""This process's groups, at a Redis that may stand still."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from pytest_django import Settings

from sessions_app.groups import ANSWERS_WITHIN_S, Groups
from tests.services import Redis

pytestmark = pytest.mark.services

MANY = 40


async def test_a_layer_that_does_not_answer_is_not_waited_for_group_by_group(
    redis: Redis, settings: Settings
) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [redis.url]},
        }
    }
    groups = Groups()
    assert redis.process
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(MANY * ANSWERS_WITHIN_S / 2):
            await asyncio.gather(*(groups.join(f"group.{number}") for number in range(MANY)))
            assert not await groups.mend()
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)
    assert await groups.mend()
    receiving = asyncio.create_task(groups.receive())
    await groups._layer().group_send(f"group.{MANY - 1}", {"type": "hello"})
    async with asyncio.timeout(10):
        assert await receiving == {"type": "hello"}
    await groups.close()
    await groups._layer().flush()
