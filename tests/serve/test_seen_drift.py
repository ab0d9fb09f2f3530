"""What a look for drift found is kept, and since when each of it is there; no secret is in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.ledger.reader import Ledgers
from reconciler.ledger.writer import Ledger
from reconciler.reconcile.plan import Cause
from reconciler.serve.page.seen_drift import remember, seen_of
from support.report_samples import SAMPLE_DRIFT

EVERY = timedelta(minutes=15)


def test_what_was_there_at_the_last_look_keeps_since_when_it_is(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    first = SAMPLE_DRIFT
    later = first.checked_at + timedelta(hours=1)
    changed = replace(first.items[1], cause=Cause.BOTH_MOVED)
    with Ledgers() as ledgers:
        assert ledgers.drift_look(url, "sandbox") is None
    with Ledger.open(url) as ledger:
        remember(ledger, first, EVERY)
        remember(ledger, replace(first, checked_at=later, items=(first.items[0], changed)), EVERY)
    with Ledgers() as ledgers:
        kept = ledgers.drift_look(url, "sandbox")
        assert ledgers.drift_look(url, "other") is None
    assert kept is not None
    seen = seen_of(kept)
    assert seen is not None
    assert (seen.report.checked_at, seen.every) == (later, EVERY)
    assert [item.cause for item in seen.report.items] == [Cause.UNDECLARED_PAUSE, Cause.BOTH_MOVED]
    assert seen.since == (first.checked_at, later)


@pytest.mark.parametrize("kept", [{}, {"report": 1, "since": [], "every_seconds": 1}, {"since": None}])
def test_what_another_version_kept_counts_as_nothing(kept):
    assert seen_of(kept) is None
