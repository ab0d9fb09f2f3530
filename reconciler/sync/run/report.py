"""Report of a run that has ended. Plain values, rendered by report/."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from reconciler.sync.heldback import HeldBack
from reconciler.sync.mode import Mode
from reconciler.sync.run.counts import Requests


class State(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    """By a signal or an API that stays away. The next run goes on with it."""
    CANCELLED = "cancelled"
    """By `sync cancel`. The next run begins anew."""
    STOPPED = "stopped"
    """By a limit of the manifest, e.g. `maxDeletePercent`."""


class LimitReached(Struct, frozen=True):
    """Limit that stopped a run.

    Args:
        rule: its name in the manifest.
        allowed: deletes within 24 hours.
        recent: those that were in the last 24 hours.
        ids: records that would have been deleted.
        complete: those are all.
    """

    rule: str
    allowed: int
    recent: int
    ids: tuple[str, ...]
    complete: bool = True


class RunReport(Struct, frozen=True):
    """Report of a run.

    Args:
        sync: name of the DataSync.
        data_type: what flowed.
        entries: what has problems, one and several.
        ends: what a record that is gone is at the target from then on.
        mode: how it ran; `asked` is what the caller asked for, None for whatever is due.
        run_id: in the ledger.
        state: how it ended.
        resumed: it went on with an interrupted one.
        started_at: when the run began, in an earlier process where it was resumed.
        ended_at: when it ended.
        counts: `seen` records, each under one outcome: `unchanged`, `written`, `held_back` (a problem kept all of
            it from going through), `discontinued`, `failed`; beside them `left`; problems: `problems` (open now),
            `logged_problems`, `new_problems`, `resolved`.
        parts: records by part that was written.
        requests: by provider.
        held_back: what problems hold back after it.
        remarks: what it went through, one sentence each: waits, outages, a target that was emptied.
        message: why it did not finish.
        next_step: what to do about that.
        limit: what stopped it, where a limit did.
        overrides: limits that it overrode, each with the reason.
        away: provider whose API stayed away, or asked to be left alone, where that ended it.
        again_in: for how long nobody asks that API; None: that is for each to decide.
    """

    sync: str
    data_type: str
    entries: tuple[str, str]
    ends: str
    mode: Mode
    asked: Mode | None
    run_id: str
    state: State
    resumed: bool
    started_at: datetime
    ended_at: datetime
    counts: Mapping[str, int] = {}
    parts: Mapping[str, int] = {}
    requests: Mapping[str, Requests] = {}
    held_back: HeldBack = field(default_factory=HeldBack)
    remarks: tuple[str, ...] = ()
    message: str | None = None
    next_step: str | None = None
    limit: LimitReached | None = None
    overrides: Mapping[str, str] = {}
    away: str | None = None
    again_in: timedelta | None = None

    @property
    def report(self) -> RunReport:
        """Return itself: a run and the rehearsal of one both have a report."""
        return self
