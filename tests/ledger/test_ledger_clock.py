"""The clock of a ledger is what all its processes go by, whatever a machine's own shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.data import clock
from reconciler.ledger.data.clock import LedgerClock

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def shown(monkeypatch):
    """What this machine's clock shows; each look at it takes a second."""
    moments = [NOON]

    def look():
        moments[0] += timedelta(seconds=1)
        return moments[0]

    monkeypatch.setattr(clock, "utc_now", look)
    return moments


@pytest.mark.parametrize("hours", [-1, 1])
def test_it_is_the_ledgers_however_wrong_the_machines_is(shown, hours):
    told = LedgerClock(lambda: shown[0] + timedelta(hours=hours))
    assert told() == shown[0]
    told.ask()
    assert abs(told.ahead - timedelta(hours=hours)) < timedelta(seconds=2)
    assert told() == shown[0] + told.ahead
    assert told.here() == shown[0]


def test_where_both_may_agree_it_is_the_machines(shown):
    told = LedgerClock(lambda: shown[0] + timedelta(seconds=0.5))
    told.ask()
    assert told.ahead == timedelta()
