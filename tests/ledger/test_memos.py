"""What a source noted of records is kept and replaced, and the first record that disproves stamps is named. On both."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def store(ledger_url):
    with Ledger.open(ledger_url) as ledger:
        found = ledger.store(SCOPE)
        with found.lock("test"):
            found.runs.begin("walk", "digest", "test", NOW, walks=True, full=False, spares=True)
            yield found


def test_what_was_noted_last_of_each_record_comes_back(store):
    store.memos.keep({"a": {"stamp": "1"}, "b": {"stamp": "1"}})
    store.memos.keep({"b": {"stamp": "2"}, "c": {"levels": {"": {"main": 4}}}})
    assert store.memos.recall(["a", "b", "c", "d"]) == {
        "a": {"stamp": "1"},
        "b": {"stamp": "2"},
        "c": {"levels": {"": {"main": 4}}},
    }


def test_of_several_records_that_disprove_stamps_the_first_is_named(store):
    assert store.memos.distrusted() is None
    for key in ("a", "b"):
        store.memos.distrust(key)
    found = store.memos.distrusted()
    assert found is not None
    assert found.key == "a"


def test_who_is_no_hand_of_a_run_notes_nothing(ledger_url):
    with Ledger.open(ledger_url) as ledger:
        with pytest.raises(LedgerError):
            ledger.store(SCOPE).memos.keep({"a": {"stamp": "0"}})
        assert ledger.store(SCOPE).memos.recall(["a"]) == {}


def test_a_run_that_skipped_something_is_not_the_last_that_read_everything(store):
    walk = store.runs.last(state="running")
    store.runs.end(walk.id, "finished", NOW)
    assert store.runs.last(walks=True).spares
    assert store.runs.last(walks=True, spares=False) is None
