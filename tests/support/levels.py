"""A store with all its methods in one place, for tests that use many of them in a row."""

from __future__ import annotations

from datetime import datetime

from reconciler.ledger.data.model import DataRun, DataScope
from reconciler.ledger.data.store import Store
from reconciler.ledger.writer import Ledger


def levels_of(ledger: Ledger, scope: DataScope) -> Levels:
    """Return what a ledger keeps of one scope."""
    return Levels(ledger.store(scope))


class Levels:
    """The methods of a `Store` and its parts in one place, with names of their own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.scope = store.scope
        self.lock, self.watching = store.lock, store.watching
        runs, records, names, problems, log = store.runs, store.records, store.names, store.problems, store.log
        self.resume, self.update, self.end, self.run = runs.resume, runs.update, runs.end, runs.run
        self.unfinished, self.last, self.cancel = runs.unfinished, runs.last, runs.cancel
        self.levels, self.want, self.begin_writes = records.levels, records.want, records.begin_writes
        self.take_back = records.take_back
        self.record, self.failed, self.seen = records.record, records.failed, records.seen
        self.claim_due, self.open_count, self.unseen = records.claim_due, records.open_count, records.unseen
        self.sample, self.forget_prints, self.drop = records.sample, records.forget_prints, records.drop
        self.move, self.look = records.move, records.look
        self.retry, self.counts = records.retry, records.counts
        self.claim_many, self.owners = names.claim_many, names.owners
        self.to_log, self.logged = log.to_log, log.logged
        self.log_dates, self.remember_log = log.dates, log.remember
        self.problems, self.open_problems = problems.listed, problems.open_count
        self.problems_since, self.logged_count = problems.found_since, problems.logged_count
        self.close_unconfirmed = problems.close_unconfirmed

    def begin(
        self, mode: str, config: str, holder: str, now: datetime, watermark: datetime | None, *, walks: bool, full: bool
    ) -> DataRun:
        """See `RunStore.begin`; the watermark comes by `update`."""
        run = self.store.runs.begin(mode, config, holder, now, walks=walks, full=full)
        if watermark is not None:
            self.store.runs.update(run.id, watermark=watermark)
        return self.store.runs.run(run.id) or run
