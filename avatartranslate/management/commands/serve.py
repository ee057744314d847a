"""`manage.py serve`: one server process of a production set-up."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Runs one server process for production, behind a proxy; several may run side by side. "
        "It refuses to start with settings that are made for one machine."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
        parser.add_argument("--port", type=int, default=8000, help="port to listen at")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        self.check(include_deployment_checks=True)
        try:
            # Not before the settings are known to be right: this loads the whole application.
            from avatartranslate.server import serve  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise CommandError(
                f"{error.name} is not installed: run `pip install -r requirements/production.txt`."
            ) from error
        serve(host, port)
