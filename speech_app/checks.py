"""What is wrong with the choice of a backend, told at the start and not to the first speaker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from sessions_app.models.catalogue import BackendName


@register()
def check_backend(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[Error]:
    """An error for `manage.py check` and for every start of the server."""
    if settings.SPEECH_BACKEND in BackendName.values:
        return []
    return [
        Error(
            f"SPEECH_BACKEND is “{settings.SPEECH_BACKEND}”; it can be “embedded” or “azure”.",
            id="speech_app.E002",
        )
    ]
