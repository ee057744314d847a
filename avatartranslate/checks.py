"""What must be set right before strangers reach this server; `check --deploy` and `serve` ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, register

SHORTEST_SECRET_KEY = 50
"""Characters: what Django itself generates, and warns below."""
MAKE_A_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"


@register(Tags.security, deploy=True)
def check_production(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[Error]:
    """Errors of a configuration that is made for one machine, each with its remedy."""
    return [
        *_several_processes(),
        *_secrets(),
        *_addresses(),
    ]


def _several_processes() -> Iterator[Error]:
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        yield Error(
            "The database is SQLite, which one machine's few writers can share at most.",
            hint="Set DATABASE_URL=postgres://user:password@host/name.",
            id="avatartranslate.E001",
        )
    if "InMemory" in settings.CHANNEL_LAYERS["default"]["BACKEND"]:
        yield Error(
            "The channel layer is in this process's memory: listeners of another process "
            "would hear nothing.",
            hint="Set REDIS_URL=redis://host:6379/0.",
            id="avatartranslate.E002",
        )


def _secrets() -> Iterator[Error]:
    if settings.SECRET_KEY_IS_GENERATED:
        yield Error(
            "SECRET_KEY is not set: each machine would sign sessions with a key of its own.",
            hint=f"Set SECRET_KEY, the same for every server process: {MAKE_A_KEY}",
            id="avatartranslate.E003",
        )
    elif len(settings.SECRET_KEY) < SHORTEST_SECRET_KEY:
        yield Error(
            f"SECRET_KEY is shorter than {SHORTEST_SECRET_KEY} characters and could be guessed.",
            hint=f"Set a longer one: {MAKE_A_KEY}",
            id="avatartranslate.E004",
        )
    if settings.DEBUG:
        yield Error(
            "DEBUG is on: an error page would show settings to strangers.",
            hint="Remove DEBUG, or set DEBUG=false.",
            id="avatartranslate.E005",
        )


def _addresses() -> Iterator[Error]:
    hosts = settings.ALLOWED_HOSTS
    if "*" in hosts:
        yield Error(
            "ALLOWED_HOSTS contains *: any site could pass this server off as its own.",
            hint="Set ALLOWED_HOSTS to the names visitors use, such as talks.example.org.",
            id="avatartranslate.E006",
        )
    elif not hosts or hosts == settings.DEFAULT_ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS is not set: nobody but this computer would be answered.",
            hint="Set ALLOWED_HOSTS to the names visitors use, such as talks.example.org.",
            id="avatartranslate.E007",
        )
    origins = settings.CSRF_TRUSTED_ORIGINS
    if not origins:
        yield Error(
            "CSRF_TRUSTED_ORIGINS is not set: behind a proxy nobody could sign in.",
            hint="Set CSRF_TRUSTED_ORIGINS to the pages' address, such as "
            "https://talks.example.org.",
            id="avatartranslate.E008",
        )
    for origin in origins:
        if not origin.startswith("https://") and not _stays_on_this_machine(origin):
            yield Error(
                f"{origin} in CSRF_TRUSTED_ORIGINS is not https: passwords and speakers' links "
                "would cross the network readable, and browsers would refuse the microphone.",
                hint="Let a proxy end TLS, as deploy/container/listen.conf shows, and write https://.",
                id="avatartranslate.E009",
            )


def _stays_on_this_machine(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
