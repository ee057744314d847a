"""What is to be set right before the server starts with SPEECH_BACKEND=azure."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from .credentials import Credentials

SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS = 100, 5000
"""What the service takes for the pause that ends a sentence (its documentation)."""


def sdk_problem() -> str:
    """Why the Speech SDK cannot be used on this machine, with the remedy; "" if it can."""
    try:
        for module in ("azure.cognitiveservices.speech", "httpx"):
            importlib.import_module(module)
    except ImportError as error:
        return (
            f"SPEECH_BACKEND=azure needs Python packages that are not installed ({error.name}): "
            "run `pip install -r requirements/azure.txt`."
        )
    except OSError as error:
        return (
            f"The Azure Speech SDK cannot be loaded ({error}): on Debian and Ubuntu run "
            '`sudo apt-get satisfy "libasound2t64 | libasound2, ca-certificates"`.'
        )
    return ""


@register()
def check_azure(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[Error]:
    """Errors for `manage.py check` and for every start of the server."""
    if settings.SPEECH_BACKEND != "azure":
        return []
    problems = Credentials.from_settings().problems()
    if sdk := sdk_problem():
        problems.append(sdk)
    if not SHORTEST_PAUSE_MS <= settings.SPEECH_SEGMENTATION_SILENCE_MS <= LONGEST_PAUSE_MS:
        problems.append("SPEECH_SEGMENTATION_SILENCE_MS is out of range: set 100 to 5000.")
    if settings.SPEECH_PROFANITY not in ("masked", "removed", "raw"):
        problems.append("SPEECH_PROFANITY can be masked, removed or raw.")
    if len(settings.AZURE_AVATAR_PACE) != 2 or min(settings.AZURE_AVATAR_PACE) < 1:
        problems.append("AZURE_AVATAR_PACE is written as 2,60: two new videos in 60 seconds.")
    return [Error(problem, id="speech_app.E001") for problem in problems]
