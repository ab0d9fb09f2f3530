"""What was fetched is known by place and item, and forgotten once it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.data.fetched import Fetched, FetchedStore
from reconciler.ledger.writer import Ledger

NOW = datetime(2026, 11, 29, tzinfo=UTC)


class Time:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(ledger_url: str, time: Time) -> Iterator[Ledger]:
    with Ledger.open(ledger_url, time) as opened:
        yield opened


def test_items_are_known_per_environment_and_place(ledger: Ledger) -> None:
    store = FetchedStore(ledger.database, "test", "here")
    store.note({"a": Fetched("1", 10), "b": Fetched("1", 20, set_aside=True)})
    store.note({"a": Fetched("2", 30)})
    assert store.known(["a", "b", "c"]) == {"a": Fetched("2", 30), "b": Fetched("1", 20, set_aside=True)}
    for other in (FetchedStore(ledger.database, "test", "there"), FetchedStore(ledger.database, "live", "here")):
        assert other.known(["a"]) == {}
    store.forget(["a"])
    assert (list(store.known(["a", "b"])), store.count()) == (["b"], 1)


def test_items_that_nobody_sees_any_more_are_forgotten(ledger: Ledger, time: Time) -> None:
    store = FetchedStore(ledger.database, "test", "here")
    other = FetchedStore(ledger.database, "test", "there")
    for each in (store, other):
        each.note({"a": Fetched("1", 1), "b": Fetched("1", 1)})
    time.now += timedelta(hours=1)
    since = store.seen(["b", "c"])
    store.note({"d": Fetched("1", 1)})
    assert store.forget_unseen(since) == 1
    assert set(store.known(["a", "b", "c", "d"])) == {"b", "d"}
    assert other.count() == 2
