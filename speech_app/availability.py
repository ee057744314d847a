"""Tells the catalogue what the backend of this installation has."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from sessions_app.availability import Availability
from sessions_app.models.catalogue import BackendName
from speech_app.backends import get_backend
from speech_app.backends.base import Backend, same_language


def available_here() -> Availability:
    """What this installation's backend has now; nothing but the reason where there is none."""
    try:
        return available_from(get_backend())
    except ImproperlyConfigured as error:
        return Availability(problems=[str(error)])


def available_from(backend: Backend) -> Availability:
    voices: dict[str, list[str]] = {}
    for voice in backend.voices():
        voices.setdefault(voice.language, []).append(voice.code)
    sources = backend.source_languages()
    reachable = {source: set(backend.target_languages(source)) for source in sources}
    every = set().union(*reachable.values())
    return Availability(
        backend=backend.name,
        sources=sources,
        # British readers are served with what was said in American English as it is.
        targets={
            source: targets | {code for code in every if same_language(code, source)}
            for source, targets in reachable.items()
        },
        voices=voices,
        # Hundreds, and an organisation's own. Whether a name is right, the preview tells.
        voices_by_name=backend.name == BackendName.AZURE,
        video=backend.video_avatars() is not None,
        problems=backend.problems(),
    )
