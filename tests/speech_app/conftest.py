"""What the tests of tries with real voices and recognition share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from django.core.cache import cache

from speech_app import stage
from speech_app.backends.base import Backend
from speech_app.backends.embedded.backend import EmbeddedBackend
from tests.speech_app.scripted import ScriptedBackend


@pytest.fixture
def nothing_counted() -> None:
    """Nobody has tried anything yet, where tries are limited."""
    cache.clear()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Backend], None]:
    """Makes this the backend of tries and voice previews."""

    def install(backend: Backend) -> None:
        for module in ("trying", "voice_preview"):
            monkeypatch.setattr(f"speech_app.{module}.get_backend", lambda: backend)

    return install


@pytest_asyncio.fixture
async def embedded(use: Callable[[Backend], None]) -> AsyncIterator[EmbeddedBackend]:
    backend = EmbeddedBackend()
    use(backend)
    yield backend
    await backend.close()


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ScriptedBackend:
    """What live sessions of this process are recognised, translated and voiced by."""
    backend = ScriptedBackend()
    monkeypatch.setattr(stage, "get_backend", lambda: backend)
    return backend
