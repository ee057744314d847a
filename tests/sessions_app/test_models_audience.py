"""Who listens, counted over all server processes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from sessions_app.models import AudienceCount, Event
from sessions_app.models.audience import COUNT_LIVES_FOR, Heard, StreamKey

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


def report(process: str, event: Event, rehearsal: bool = False, **heard: tuple[int, int]) -> None:
    """Languages are written with an underscore: es_ES=(listeners, with_sound)."""
    AudienceCount.report(
        process,
        {
            StreamKey(event.pk, language.replace("_", "-"), rehearsal): Heard(*counts)
            for language, counts in heard.items()
        },
    )


def test_counts_are_added_up_over_the_processes(make_event: MakeEvent) -> None:
    event, other = make_event(), make_event()
    report("a", event, es_ES=(3, 2), fr_FR=(1, 0))
    report("b", event, es_ES=(4, 4))
    report("c", other, es_ES=(50, 50))
    assert AudienceCount.totals(event.pk, rehearsal=False) == {
        "es-ES": Heard(7, 6),
        "fr-FR": Heard(1, 0),
    }


def test_a_report_replaces_the_one_before(make_event: MakeEvent) -> None:
    event = make_event()
    report("a", event, es_ES=(3, 2), fr_FR=(1, 0))
    report("a", event, es_ES=(2, 2))
    assert AudienceCount.totals(event.pk, rehearsal=False) == {"es-ES": Heard(2, 2)}
    report("a", event)
    assert AudienceCount.totals(event.pk, rehearsal=False) == {}


def test_a_process_that_died_is_soon_forgotten(make_event: MakeEvent) -> None:
    event = make_event()
    report("dead", event, es_ES=(3, 2))
    AudienceCount.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert AudienceCount.totals(event.pk, rehearsal=False) == {}
    report("alive", event, fr_FR=(1, 1))
    assert list(AudienceCount.objects.values_list("process", flat=True)) == ["alive"]


def test_a_report_is_believed_for_half_a_minute(make_event: MakeEvent) -> None:
    before = timezone.now()
    report("a", make_event(), es_ES=(1, 1))
    expires_at = AudienceCount.objects.get().expires_at
    assert before + COUNT_LIVES_FOR <= expires_at <= timezone.now() + COUNT_LIVES_FOR


def test_during_a_rehearsal_only_the_invited_count(make_event: MakeEvent) -> None:
    event = make_event()
    report("a", event, rehearsal=True, es_ES=(2, 1))
    report("b", event, es_ES=(30, 20))
    assert AudienceCount.totals(event.pk, rehearsal=True) == {"es-ES": Heard(2, 1)}
    assert AudienceCount.totals(event.pk, rehearsal=False) == {"es-ES": Heard(32, 21)}


def test_nobody_hears_sound_without_listening(make_event: MakeEvent) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        report("a", make_event(), es_ES=(1, 2))
