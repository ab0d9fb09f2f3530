"""The dates of a sync log tell whether it is the one that we wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.data.model import LogDates
from reconciler.sparklayer.sync_log import SyncTimes
from reconciler.sync.run.log_dates import foreign_date

STARTED = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
ENDED = STARTED + timedelta(minutes=12)
PARTIAL = ENDED + timedelta(minutes=15)
TO_THE_MILLISECOND = timedelta(microseconds=-456)


def test_dates_are_compared_to_the_millisecond() -> None:
    ours = LogDates(STARTED, ENDED, PARTIAL)
    theirs = SyncTimes(STARTED + TO_THE_MILLISECOND, ENDED, True, PARTIAL)
    assert foreign_date(ours, theirs) is None


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        (SyncTimes(STARTED - timedelta(days=1), ENDED, True, PARTIAL), "start of the full sync"),
        (SyncTimes(STARTED, ENDED - timedelta(days=1), True, PARTIAL), "last full sync"),
        (SyncTimes(STARTED, None, None, PARTIAL), "last full sync"),
        (SyncTimes(STARTED, ENDED, True, None), "last partial sync"),
        (SyncTimes(STARTED, ENDED, True, PARTIAL + timedelta(seconds=1)), "last partial sync"),
    ],
)
def test_a_date_that_we_did_not_write_is_named(theirs: SyncTimes, name: str) -> None:
    found = foreign_date(LogDates(STARTED, ENDED, PARTIAL), theirs)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("partial", [None, PARTIAL])
def test_the_start_of_a_full_sync_clears_the_end_of_the_one_before(partial: datetime | None) -> None:
    again = PARTIAL + timedelta(hours=1)
    assert (
        foreign_date(LogDates(again, ENDED, PARTIAL), SyncTimes(started_full_sync=again, last_partial_sync=partial))
        is None
    )
