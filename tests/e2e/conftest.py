from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.http.retry import RetryPolicy
from support import postgres
from support.checkout import Checkout
from support.statements import sql_compiled_once  # noqa: F401 - a fixture for all tests here
from support.worked import WorkedCheckout


@pytest.fixture
def checkout(request: pytest.FixtureRequest, emulator: RunningEmulator, tmp_path: Path) -> Iterator[Checkout]:
    """An empty checkout against an empty emulator; RECONCILER_TEST_LEDGER=postgres: with its ledger there.

    Tests that are marked by `whoever_works` have one that workers work on, too.
    """
    if getattr(request, "param", "inline") == "workers":
        worked = WorkedCheckout(tmp_path, emulator, server_ledger=postgres.new_ledger())
        yield worked
        emulator.clear_faults()
        worked.close()
        assert worked.server_ledger is not None
        postgres.drop(worked.server_ledger)
        return
    found = Checkout(tmp_path, emulator)
    if os.environ.get("RECONCILER_TEST_LEDGER") != "postgres":
        yield found
        return
    found.server_ledger = url = postgres.new_ledger()
    yield found
    postgres.drop(url)


@pytest.fixture
def on_both(checkout: Checkout, ledger_url: str) -> None:
    """Run a test with its ledger in a file, and again with one on PostgreSQL."""
    if not ledger_url.startswith("sqlite:"):
        checkout.server_ledger = ledger_url


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run inside this process wait next to nothing between attempts."""
    monkeypatch.setattr(RetryPolicy, "wait", lambda _policy, _attempt, _after: 0.001)
