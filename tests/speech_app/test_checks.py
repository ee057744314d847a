"""What `manage.py check` and every start say of the choice of a backend."""

import pytest
from django.core.checks import run_checks
from pytest_django import Settings


@pytest.mark.parametrize(
    ("backend", "told"),
    [("embedded", []), ("Embedded", ["speech_app.E002"]), ("", ["speech_app.E002"])],
)
def test_a_backend_that_does_not_exist_is_told(
    settings: Settings, backend: str, told: list[str]
) -> None:
    settings.SPEECH_BACKEND = backend
    assert [error.id for error in run_checks() if str(error.id).startswith("speech_app")] == told
