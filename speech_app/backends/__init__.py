"""Recognition, translation and voices: the interfaces in `base`, one package per backend."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from speech_app.backends.base import Backend


@cache
def get_backend() -> Backend:
    """The backend that SPEECH_BACKEND names, one per process."""
    if settings.SPEECH_BACKEND == "embedded":
        from speech_app.backends.embedded.backend import EmbeddedBackend  # noqa: PLC0415

        return EmbeddedBackend()
    if settings.SPEECH_BACKEND == "azure":
        from speech_app.backends.azure.checks import sdk_problem  # noqa: PLC0415

        if problem := sdk_problem():
            raise ImproperlyConfigured(problem)
        from speech_app.backends.azure.backend import AzureBackend  # noqa: PLC0415

        return AzureBackend()
    raise ImproperlyConfigured(
        f"SPEECH_BACKEND is “{settings.SPEECH_BACKEND}”; it can be “embedded” or “azure”."
    )
