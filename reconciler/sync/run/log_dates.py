"""Dates of a sync log: whether they are those that we wrote, or were writing when a run was cut off. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.ledger.data.model import FINISHED, DataRun, LogDates
from reconciler.sparklayer.sync_log import SyncTimes


class ForeignDate(Struct, frozen=True):
    """A date of the sync log that is not as we wrote it."""

    name: str
    ours: datetime | None
    theirs: datetime | None


def foreign_date(ours: LogDates, theirs: SyncTimes) -> ForeignDate | None:
    """Return the first date of a log that we did not write; None where all are ours. Milliseconds are compared.

    Args:
        ours: what we wrote; the start of a full sync clears the end of the one before.
        theirs: what the log says.
    """
    last_full = None if _is_before(ours.last_full, ours.started) else ours.last_full
    partial = ours.last_partial
    # inferred: whether the start of a full sync clears the date of the last partial one, too.
    if _is_before(partial, ours.started) and theirs.last_partial_sync is None:
        partial = None
    for name, here, there in (
        ("start of the full sync", ours.started, theirs.started_full_sync),
        ("last full sync", last_full, theirs.last_full_sync),
        ("last partial sync", partial, theirs.last_partial_sync),
    ):
        if _milliseconds(here) != _milliseconds(there):
            return ForeignDate(name, here, there)
    return None


def recognise(ours: LogDates, newest: DataRun | None, theirs: SyncTimes) -> LogDates | None:
    """Return what we wrote to a log, as it turns out to be; None where somebody else wrote it.

    Args:
        ours: what we wrote and noted.
        newest: the newest run; one that did not finish may have been cut off between a write of the log and its note.
        theirs: what the log says.
    """
    return next((dates for dates in _possible(ours, newest) if foreign_date(dates, theirs) is None), None)


def _possible(ours: LogDates, newest: DataRun | None) -> Iterator[LogDates]:
    yield ours
    if newest is None or newest.state == FINISHED:
        return
    if newest.full:
        yield replace(ours, started=newest.started_at)
    if newest.completed_at is not None:
        completed = newest.completed_at
        yield replace(ours, last_full=completed) if newest.full else replace(ours, last_partial=completed)


def _is_before(moment: datetime | None, started: datetime | None) -> bool:
    return moment is not None and started is not None and moment < started


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
