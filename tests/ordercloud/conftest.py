from __future__ import annotations

import pytest

from reconciler.emulator.testing import RunningEmulator


@pytest.fixture
def market(emulator: RunningEmulator) -> RunningEmulator:
    """An emulated marketplace, empty until it is seeded."""
    return emulator
