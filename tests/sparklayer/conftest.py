from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.http.retry import RetryPolicy
from reconciler.sparklayer import resend


@pytest.fixture(scope="module")
def _shared() -> Iterator[RunningEmulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(_shared: RunningEmulator) -> RunningEmulator:
    _shared.reset()
    return _shared


@pytest.fixture(autouse=True)
def _resend_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "_POLICY", RetryPolicy(attempts=3, base=0))
