"""What all servers of a run share: PostgreSQL, Redis, and the settings of production."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.cluster import manage
from tests.services import PostgreSQL, Redis


@dataclass(frozen=True)
class Ground:
    """`services` are the process ids of PostgreSQL and Redis."""

    folder: Path
    environment: dict[str, str]
    services: list[int]

    def keep_to(self, cores: Sequence[int]) -> None:
        """Leave the other cores to whoever is measured."""
        os.sched_setaffinity(0, cores)
        for pid in self.services:
            service = psutil.Process(pid)
            for process in [service, *service.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.cpu_affinity(list(cores))


@contextlib.contextmanager
def open_ground() -> Iterator[Ground]:
    """Start the services, with an empty database that is ready for use; end them afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="avatartranslate-bench-") as folder,
        PostgreSQL() as postgresql,
        Redis() as redis,
    ):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "avatartranslate.settings",
            "DATABASE_URL": postgresql.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DEBUG": "false",
            "ALLOWED_HOSTS": "127.0.0.1",
            "CSRF_TRUSTED_ORIGINS": "http://127.0.0.1",
            "VAR_DIR": folder,
            "LOG_LEVEL": "WARNING",
        }
        manage(environment, "migrate", "--verbosity=0")
        services = [service.process.pid for service in (postgresql, redis) if service.process]
        yield Ground(Path(folder), environment, services)
