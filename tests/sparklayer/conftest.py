from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.emulator.testing import RunningEmulator, running_emulator


@pytest.fixture(scope="module")
def _shared() -> Iterator[RunningEmulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(_shared: RunningEmulator) -> RunningEmulator:
    _shared.reset()
    return _shared
