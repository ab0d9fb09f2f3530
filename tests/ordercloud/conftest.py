from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.emulator.testing import RunningEmulator, running_emulator


@pytest.fixture(scope="session")
def _emulator() -> Iterator[RunningEmulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def market(_emulator: RunningEmulator) -> RunningEmulator:
    """An emulated marketplace, empty until it is seeded."""
    _emulator.reset()
    return _emulator
