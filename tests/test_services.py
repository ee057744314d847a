"""The services that tests start are themselves right: they come back with what they held."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import redis as client

from tests.services import PostgreSQL, Redis, answers

pytestmark = pytest.mark.services

End = Callable[[Redis | PostgreSQL], None]
ENDS: list[End] = [lambda service: service.stop(), lambda service: service.kill()]
BOTH = pytest.mark.parametrize("end", ENDS, ids=["stopped", "killed"])


@BOTH
def test_redis_comes_back_at_the_same_address_with_its_data(redis: Redis, end: End) -> None:
    with client.Redis.from_url(redis.url) as connection:
        connection.set("greeting", "hello")
    end(redis)
    assert not answers(redis.port)
    redis.start()
    with client.Redis.from_url(redis.url) as connection:
        assert connection.get("greeting") == b"hello"


@BOTH
def test_postgresql_comes_back_at_the_same_address_with_its_data(
    postgres: PostgreSQL, end: End
) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE greeting AS SELECT 'hello' AS text")
    end(postgres)
    assert not answers(postgres.port)
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT text FROM greeting").fetchone() == ("hello",)


def test_nothing_is_left_behind(redis: Redis, postgres: PostgreSQL) -> None:
    for service in (redis, postgres):
        service.remove()
        assert (answers(service.port), service.folder.exists()) == (False, False)
