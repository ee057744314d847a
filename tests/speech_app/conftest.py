"""What the tests of tries with real voices and recognition share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
import pytest_asyncio
from django.core.cache import cache

from sessions_app.models import transcript
from speech_app import consumers, finishing, stage
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
def soon_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A speaker without a sign of life is gone after 2 s."""
    monkeypatch.setattr(transcript, "SPEAKER_GONE_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(transcript, "_SWEEP_GRACE", timedelta(seconds=1))
    monkeypatch.setattr(consumers, "TOUCH_EVERY", 1)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ScriptedBackend:
    """What live sessions of this process are recognised, translated and voiced by."""
    backend = ScriptedBackend()
    for module in (stage, finishing):
        monkeypatch.setattr(module, "get_backend", lambda: backend)
    return backend
