"""An API that is away: one process finds out, the others hear of it, and one at a time looks whether it is back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.data.outages import FIRST_PAUSE, LONGEST_PAUSE, LOOK, OutageStore
from reconciler.ledger.writer import Ledger

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEYS = ["ordercloud api.example client", "sparklayer app.example shop"]


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stores(ledger_url, clock):
    with Ledger.open(ledger_url, clock) as first, Ledger.open(ledger_url, clock) as second:
        yield OutageStore(first.database), OutageStore(second.database)


def test_nobody_asks_an_api_that_one_process_found_away_but_other_apis_they_do(stores):
    first, second = stores
    assert first.look(KEYS, "first") is None
    assert first.found(KEYS[1], "no connection", "first") == FIRST_PAUSE
    away = second.look(KEYS, "second")
    assert (away.reason, away.holder, away.left) == ("no connection", "first", FIRST_PAUSE)
    assert second.look(KEYS[:1], "second") is None


def test_one_at_a_time_looks_whether_it_is_back_and_the_others_wait_for_that(stores, clock):
    first, second = stores
    first.found(KEYS[1], "no connection", "first")
    clock.now += FIRST_PAUSE
    assert second.look(KEYS, "second") is None
    assert (first.look(KEYS, "first").holder, first.look(KEYS, "first").left) == ("second", LOOK)
    second.over(KEYS)
    assert first.look(KEYS, "first") is None
    # Who looks and dies is not waited for long.
    first.found(KEYS[1], "no connection", "first")
    clock.now += FIRST_PAUSE
    assert second.look(KEYS, "second") is None
    clock.now += LOOK
    assert first.look(KEYS, "first") is None


def test_the_longer_it_is_away_the_less_it_is_asked(stores, clock):
    store, pauses = stores[0], []
    for _ in range(9):
        pauses.append(store.found(KEYS[0], "no connection", "first"))
        clock.now += pauses[-1] + timedelta(seconds=60)
    assert pauses == sorted(pauses)
    assert pauses[:2] == [FIRST_PAUSE, timedelta(seconds=45)]
    assert pauses[-1] == LONGEST_PAUSE
