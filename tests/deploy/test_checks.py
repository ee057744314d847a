"""What `check --deploy` and `serve` refuse, each alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from avatartranslate.checks import check_production

POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
REDIS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}


PRODUCTION = {
    "DATABASES": POSTGRES,
    "CHANNEL_LAYERS": REDIS,
    "SECRET_KEY": "k" * 50,
    "SECRET_KEY_IS_GENERATED": False,
    "DEBUG": False,
    "ALLOWED_HOSTS": ["talks.example.org"],
    "CSRF_TRUSTED_ORIGINS": ["https://talks.example.org"],
}


@pytest.fixture(autouse=True)
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setattr(settings, name, value)


def test_a_production_configuration_is_right() -> None:
    assert check_production(None) == []


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "http://[::1]:80", "http://localhost"])
def test_pages_that_never_leave_this_machine_need_no_tls(
    monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    monkeypatch.setattr(settings, "CSRF_TRUSTED_ORIGINS", [origin])
    assert check_production(None) == []


@pytest.mark.parametrize(
    ("setting", "value", "number"),
    [
        ("DATABASES", SQLITE, 1),
        ("CHANNEL_LAYERS", IN_MEMORY, 2),
        ("SECRET_KEY_IS_GENERATED", True, 3),
        ("SECRET_KEY", "k" * 49, 4),
        ("DEBUG", True, 5),
        ("ALLOWED_HOSTS", ["talks.example.org", "*"], 6),
        ("ALLOWED_HOSTS", [], 7),
        ("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], 7),
        ("CSRF_TRUSTED_ORIGINS", [], 8),
        ("CSRF_TRUSTED_ORIGINS", ["https://a.example", "http://127.0.0.1.example.org"], 9),
    ],
)
def test_each_unsafe_setting_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: Any, number: int
) -> None:
    monkeypatch.setattr(settings, setting, value)
    [error] = check_production(None)
    assert error.id == f"avatartranslate.E00{number}"
    assert error.hint
