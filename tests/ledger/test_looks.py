"""What lists show of records, compared in the ledger: what is as before is seen, what differs is wanted. On both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.data import runs as data_runs
from reconciler.ledger.data.model import DataScope, Result
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.writer import Ledger
from reconciler.sync.run.counts import count_as_before
from support.levels import levels_of

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def store(ledger_url):
    with Ledger.open(ledger_url) as ledger:
        found = ledger.store(SCOPE)
        with found.lock("test"):
            first = begin(found, walks=True)
            found.records.record([Result(key, look=look) for key, look in (("a", b"A"), ("b", b"B"))], first.id)
            found.records.seen(first.id, {"c": None}, looks={"c": b"C"})
            found.runs.end(first.id, "finished", NOW)
            yield found


def begin(store, *, walks=False, lists=True):
    return store.runs.begin("mode", "digest", "test", NOW, lists=lists, walks=walks, full=False)


def opened(store):
    return {key for key, level in store.records.levels(list("abcd")).items() if level.is_open}


def look(store, run, looks):
    return store.records.look(run.id, looks, count_as_before)


def test_what_is_as_before_is_seen_and_counted_once(store):
    run = begin(store)
    looks = {"a": b"A", "b": b"B", "c": b"C"}
    assert look(store, run, looks) == {"seen": 3, "unchanged": 3}
    assert look(store, run, looks) == {}
    assert store.runs.run(run.id).counts == {"seen": 3, "unchanged": 3}
    assert (opened(store), store.records.unseen(run.id, None, 9)) == (set(), [])


def test_what_differs_or_is_new_is_wanted_and_not_seen(store):
    run = begin(store)
    assert look(store, run, {"a": b"A2", "b": b"B", "d": b"D"}) == {"seen": 1, "unchanged": 1}
    assert opened(store) == {"a", "d"}
    levels = store.records.levels(["a", "d"])
    assert (levels["a"].look, levels["d"].look) == (b"A2", b"D")
    assert not any(level.is_seen for level in levels.values())
    # They are read by now or later, whatever becomes of this run; what they showed is not wanted twice.
    assert look(store, run, {"a": b"A2", "d": b"D"}) == {}
    assert [level.wanted for level in store.records.levels(["a", "d"]).values()] == [1, 1]


def test_what_is_as_before_counts_as_what_became_of_it_and_is_not_called_good(store):
    first = begin(store)
    store.records.record([Result("a", held_back=True)], first.id)
    store.records.failed("b", 9, None, dead=True)
    store.runs.end(first.id, "finished", NOW)
    run = begin(store)
    found = {"seen": 3, "unchanged": 1, "held_back": 1, "failed": 1}
    assert look(store, run, {"a": b"A", "b": b"B", "c": b"C"}) == found
    assert look(store, run, {"a": b"A", "b": b"B", "c": b"C"}) == {}
    assert store.runs.run(run.id).counts == found


def test_what_is_gone_and_listed_again_is_wanted_though_it_looks_the_same(store):
    run = begin(store)
    store.records.record([Result("a", gone=True)], run.id)
    assert look(store, run, {"a": b"A"}) == {}
    assert opened(store) == {"a"}


def test_the_newest_run_that_listed_is_kept_whatever_comes_after_it(store, monkeypatch):
    monkeypatch.setattr(data_runs, "_KEPT", 10)
    walk = store.runs.last(walks=True)
    look = begin(store)
    store.runs.end(look.id, "finished", NOW + timedelta(minutes=1))
    for _ in range(15):
        store.runs.end(begin(store, lists=False).id, "finished", NOW)
    begin(store, lists=False)
    assert store.runs.last(lists=True).id == look.id
    assert store.runs.last(walks=True).id == walk.id
    assert walk.lists


def test_an_overview_names_who_watches_between_two_runs_and_who_runs_in_a_run(tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"

    def running() -> tuple[str, str] | None:
        with Ledgers() as ledgers:
            found = ledgers.sync_overview(url, [SCOPE], NOW)[SCOPE].running
        return None if found is None else (found.holder, found.lock)

    with Ledger.open(url) as ledger:
        store = ledger.store(SCOPE)
        assert running() is None
        with store.watching("watcher"):
            assert running() == ("watcher", SCOPE.watch_name)
            with store.lock("runner"):
                assert running() == ("runner", SCOPE.lock_name)


def test_a_part_that_the_target_certainly_lacks_has_no_fingerprint(tmp_path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        levels = levels_of(ledger, SCOPE)
        with levels.lock("me"):
            run = levels.begin("full", "c", "me", NOW, None, walks=True, full=True)
            levels.record([Result("a", prints={"product": b"1", "stock": b"2"})], run.id)
            levels.record([Result("a", prints={"product": b"3", "stock": None})], run.id)
            assert levels.levels(["a"])["a"].prints == {"product": b"3"}


def test_a_failure_is_recorded_by_whom_the_claim_belongs_to_and_by_nobody_else(tmp_path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        levels = levels_of(ledger, SCOPE)
        with levels.lock("me"):
            run = levels.begin("full", "c", "me", NOW, None, walks=True, full=True)
            levels.want(["a"])
            (claimed,) = levels.claim_due(10, NOW, 600.0, run.id)
            assert claimed.key == "a"
            levels.failed("a", 1, NOW, token="somebody else")
            assert levels.levels(["a"])["a"].attempts == 0
            levels.failed("a", 1, NOW, token=run.id)
            assert levels.levels(["a"])["a"].attempts == 1


def test_of_what_a_run_did_not_see_only_that_is_looked_at_again_as_deleted_which_the_target_may_hold(tmp_path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        levels = levels_of(ledger, SCOPE)
        with levels.lock("me"):
            run = levels.begin("full", "c", "me", NOW, None, walks=True, full=True)
            there = [Result("held", prints={"product": b"1"}), Result("empty")]
            gone = [Result("was held", prints={"product": b"1"}, gone=True), Result("was empty", gone=True)]
            levels.record([*there, *gone], run.id)
            later = levels.begin("full", "c", "me", NOW, None, walks=True, full=True)
            assert {level.key for level in levels.unseen(later.id, None, 10, gone=False)} == {"held", "empty"}
            assert {level.key for level in levels.unseen(later.id, None, 10, gone=True)} == {"was held"}
