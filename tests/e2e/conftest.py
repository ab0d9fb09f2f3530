from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.http.retry import RetryPolicy
from support.checkout import Checkout


@pytest.fixture(scope="module")
def _emulator() -> Iterator[RunningEmulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(_emulator: RunningEmulator) -> RunningEmulator:
    _emulator.reset()
    return _emulator


@pytest.fixture
def checkout(emulator: RunningEmulator, tmp_path: Path) -> Checkout:
    """An empty checkout against an empty emulator."""
    return Checkout(tmp_path, emulator)


@pytest.fixture
def on_both(checkout: Checkout, ledger_url: str) -> None:
    """Run a test with its ledger in a file, and again with one on PostgreSQL."""
    if not ledger_url.startswith("sqlite:"):
        checkout.server_ledger = ledger_url


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run inside this process wait next to nothing between attempts."""
    monkeypatch.setattr(RetryPolicy, "wait", lambda _policy, _attempt, _after: 0.001)
