from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.http.retry import RetryPolicy
from support.checkout import Checkout
from support.statements import sql_compiled_once  # noqa: F401 - a fixture for all tests here


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
