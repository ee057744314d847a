"""The emulator all tests of the Azure backend share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.azure_emulator.running import Emulator, emulator_process


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[Emulator]:
    with emulator_process(avatars_per_minute=0) as emulator:
        yield emulator


@pytest.fixture
def emulator(shared_emulator: Emulator) -> Iterator[Emulator]:
    """The shared emulator with nothing counted yet, and without a pace for new avatars."""
    shared_emulator.reset()
    yield shared_emulator
    shared_emulator.set_limits(
        avatars_per_minute=0, avatar_idle_s=300, avatar_connection_s=1800, token_life_s=600
    )
