"""What a list has of a record is never noted over what was read of it by its ID since, whichever process read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.data.model import DataScope, ProblemRow, Result
from reconciler.ledger.writer import Ledger

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD, NEW = b"\x01" * 16, b"\x02" * 16
WRONG = ProblemRow("a", "product", "no-sku", "it has none", "https://x")
BEGUN = [("a", ["product"])]


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(ledger_url, clock):
    with Ledger.open(ledger_url, clock) as opened:
        yield opened


@pytest.fixture
def lister(ledger):
    """The keeper, which lists: it has read `a` by a list."""
    store = ledger.store(SCOPE)
    with store.lock("keeper"):
        begin(store)
        store.records.record([Result("a", prints={"product": OLD}, names=[("sku", "old")])], store.runs.unfinished().id)
        yield store


@pytest.fixture
def reader(ledger, lister):
    """Another hand, which reads by ID what is wanted: it has claimed `a`."""
    hand = ledger.store(SCOPE)
    hand.hands.join(run_of(lister), "hand")
    hand.records.want(["a"])
    assert claimed(hand) == ["a"]
    return hand


def begin(store):
    store.hands.take(store.runs.begin("full", "digest", "keeper", NOW, walks=True, full=True).id, takes=True)


def run_of(store):
    return store.runs.unfinished().id


def claimed(store, seconds=600):
    return [level.key for level in store.records.claim_due(9, NOW + timedelta(days=1), seconds, "t")]


def level(store):
    return store.records.levels(["a"])["a"]


def writes(reader):
    """What the reader does with the record that it claimed."""
    assert reader.records.begin_writes(BEGUN, token="t").refused == frozenset()
    reader.names.claim_many({"a": [("sku", "new")]})
    return reader.records.record([Result("a", 1, {"product": NEW}, token="t")], run_of(reader))


@pytest.mark.parametrize("when", ["while it is claimed", "once that is over"])
def test_what_a_list_has_is_refused(lister, reader, when):
    if when == "once that is over":
        assert writes(reader) == []
    run, before = run_of(lister), level(lister)
    unclaimed = {"a"}
    assert lister.records.begin_writes(BEGUN, unclaimed=unclaimed).refused == unclaimed
    assert lister.records.seen(run, {"a": None}, {"seen": 1}, {"a": OLD}, newly=["a"], unclaimed=unclaimed) == ["a"]
    assert lister.records.record([Result("a", problems=(WRONG,), unclaimed=True, counts={"seen": 1})], run) == ["a"]
    lister.records.failed("a", 3, None, unclaimed=True)
    assert level(lister) == before
    assert lister.runs.run(run).counts == {}
    if when == "while it is claimed":
        assert writes(reader) == []
    assert level(lister).prints == {"product": NEW}


def test_the_names_of_what_a_list_has_are_left_as_they_are(lister, reader):
    assert lister.names.claim_many({"a": [("sku", "old")], "b": [("sku", "b")]}, unclaimed={"a", "b"}) == {"b": {}}
    writes(reader)
    assert lister.names.claim_many({"a": [("sku", "old")]}, unclaimed={"a"}) == {}
    owners = {("sku", "new"): "a", ("sku", "b"): "b"}
    assert lister.names.owners([("sku", "old"), ("sku", "new"), ("sku", "b")]) == owners


def test_what_was_claimed_by_an_earlier_run_is_taken_from_lists_again(lister, reader):
    writes(reader)
    lister.runs.end(run_of(lister), "finished", NOW)
    begin(lister)
    assert lister.records.begin_writes(BEGUN, unclaimed={"a"}).refused == frozenset()
    assert lister.records.record([Result("a", prints={"product": OLD}, unclaimed=True)], None) == []


def test_who_lost_a_claim_begins_no_write(ledger, lister, reader, clock):
    clock.now += timedelta(hours=1)
    assert claimed(lister) == ["a"]
    assert reader.records.begin_writes(BEGUN, token="t").refused == {"a"}
    assert reader.records.seen(None, {"a": None}, token="t") == ["a"]
    assert level(lister).is_open


def test_a_claim_lasts_while_it_is_written(lister, reader, clock):
    clock.now += timedelta(minutes=9)
    reader.records.begin_writes(BEGUN, token="t")
    clock.now += timedelta(minutes=9)
    assert claimed(lister) == []


def test_what_a_hand_is_writing_no_other_list_writes(ledger, lister):
    other = ledger.store(SCOPE)
    other.hands.join(run_of(lister), "hand")
    assert other.records.begin_writes(BEGUN, unclaimed={"a"}).refused == frozenset()
    assert lister.records.begin_writes(BEGUN, unclaimed={"a"}).refused == {"a"}
    assert lister.records.seen(run_of(lister), {"a": None}, unclaimed={"a"}) == ["a"]
    assert other.records.record([Result("a", prints={"product": NEW}, unclaimed=True)], None) == []


def test_a_lister_that_stood_still_does_not_record_over_who_took_over(lister, ledger, clock):
    """Its process was stopped while it wrote, for longer than its claim lasts."""
    stopped = ledger.store(SCOPE)
    stopped.hands.join(run_of(lister), "hand")
    stopped.records.begin_writes(BEGUN, unclaimed={"a"})
    clock.now += timedelta(hours=1)
    assert claimed(lister) == ["a"]
    lister.records.begin_writes(BEGUN, token="t")
    lister.records.record([Result("a", prints={"product": NEW}, token="t")], None)
    assert stopped.records.record([Result("a", prints={"product": OLD}, unclaimed=True)], None) == ["a"]
    assert level(lister).doubtful or level(lister).prints == {"product": NEW}
