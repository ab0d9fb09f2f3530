"""What the keeper of a run hears at each beat, of either database."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.obeyed import AppliedSettings
from reconciler.ledger.data.runs import Heard
from reconciler.ledger.writer import Ledger

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SCOPE = DataScope("test", "https://site#demo", "shop", "customers")


def test_the_keeper_of_a_run_hears_that_others_were_applied_and_that_it_is_to_stop(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        store = ledger.store(SCOPE)
        with store.lock("me"):
            run = store.runs.begin("full", "one", "me", NOW, walks=True, full=True).id
            assert store.runs.beat(run, {"seen": 2}, "reading") == Heard(cancel=False, superseded=False)
            AppliedSettings(ledger.database).remember("test", {SCOPE: "two"}, (), "c" * 40)
            assert store.runs.beat(run, {"seen": 3}, "reading") == Heard(cancel=False, superseded=True)
            AppliedSettings(ledger.database).remember("test", {SCOPE: "one"}, (), "c" * 40)
            store.runs.cancel()
            assert store.runs.beat(run, {}, "writing") == Heard(cancel=True, superseded=False)
            noted = store.runs.run(run)
    assert noted is not None
    assert (noted.counts, noted.message) == ({"seen": 5}, "writing")
