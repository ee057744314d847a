"""The audience over time, as the process that interprets a session stores it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sessions_app.models import Event, LiveSession
from sessions_app.models.audience import Heard
from speech_app import following
from speech_app.following import Sampler

pytestmark = pytest.mark.django_db


def test_only_what_has_changed_is_stored_also_by_the_next_process(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = LiveSession.go_live(
        make_event("es-ES").speakers.get(),
        client="tab",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    first = Sampler(session.pk)
    first.sample({"es-ES": Heard(3, 1), "en-US": Heard(1, 0)})
    first.sample({})  # too soon
    monkeypatch.setattr(following, "SAMPLE_EVERY_S", 0.0)
    first.sample({"es-ES": Heard(3, 1), "en-US": Heard(2, 0)})
    Sampler(session.pk).sample({"en-US": Heard(2, 0)})
    stored = session.audience_samples.order_by("pk").values_list("language", "listeners")
    assert sorted(stored[:2]) == [("en-US", 1), ("es-ES", 3)]
    assert list(stored[2:]) == [("en-US", 2), ("es-ES", 0)]
