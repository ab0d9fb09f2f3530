"""Results of pausing by hand: what was taken, what was lifted, and what is paused at a moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.kind.kind import Kinds
from reconciler.ledger.config.model import PauseEvent
from reconciler.pause.holding import Fate, by_declaration
from reconciler.pause.lease import End, Lease
from reconciler.pause.window import HORIZON
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.leased import last_of, leases_on, pauses_of
from reconciler.reconcile.plan import ApplyReport, ChangeResult, Outcome

if TYPE_CHECKING:  # it brings what plans, and a run of a data sync tells of leases alone
    from reconciler.reconcile.pausing import Sync


class LiftedSync(Struct, frozen=True):
    """A sync on which leases were over, and what became of it; `result` is that of the request that resumes it."""

    key: str
    kind: str
    id: str
    api_url: str
    leases: tuple[Lease, ...]
    end: End
    fate: Fate
    result: ChangeResult | None = None

    @property
    def is_done(self) -> bool:
        """Whether everything that had to be done for it is done."""
        done = (Outcome.APPLIED, Outcome.ALREADY)
        return self.fate is not Fate.RESUME or (self.result is not None and self.result.outcome in done)


class Verification(Struct, frozen=True):
    """Answer to whether what had waited went through after a resume.

    Args:
        verdict: `verified`, `not-verified`; None: it cannot be known.
        seconds: how long it took, or was waited for.
        message: one sentence.
    """

    verdict: str | None
    seconds: int
    message: str


class Lifted(Struct, frozen=True):
    """What became of the leases of one environment that were over. `interrupted`: a signal came first."""

    environment: str
    syncs: tuple[LiftedSync, ...] = ()
    interrupted: bool = False
    ledger_problem: str | None = None
    verification: Verification | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be done."""
        return not self.interrupted and self.ledger_problem is None and all(sync.is_done for sync in self.syncs)

    @property
    def resumed(self) -> tuple[LiftedSync, ...]:
        """The syncs that were resumed."""
        return tuple(sync for sync in self.syncs if sync.fate is Fate.RESUME and sync.is_done)


class Taken(Struct, frozen=True):
    """Leases that were taken, and what was sent for them.

    `done` says that every sync is paused. Where not, the leases were given back, and `lifted` says what became of that.
    `limits` holds by `Kind/name` what such a pause does not do.
    """

    environment: str
    leases: tuple[Lease, ...]
    report: ApplyReport
    done: bool
    lifted: Lifted | None = None
    limits: Mapping[str, str] = {}


class PauseState(StrEnum):
    """How a sync stands at a moment."""

    HELD = "held"
    """Paused, and something says so."""
    OVERDUE = "overdue"
    """Paused, although everything that said so is over: the next who may write resumes it."""
    UNDECLARED = "undeclared"
    """Paused, and neither a lease nor a manifest says so."""
    NOT_PAUSED = "not-paused"
    """Running, although something says that it is paused."""
    RUNNING = "running"
    """Running."""


class Declared(Struct, frozen=True):
    """What a manifest says at the moment: a pause or a window that holds, or one that has ended."""

    active: bool
    until: datetime | None
    reason: str | None
    owner: str | None
    window: bool = False


class PausedSync(Struct, frozen=True):
    """One sync that is paused, or for which something says so.

    Args:
        sync: itself.
        state: how it stands.
        leases: those that were not lifted, each with its end where it is over.
        declared: what its manifest says; None: nothing.
        due: since when it should run again; None: it should not, or nobody can say since when.
        last: what we did to its pause, the newest first.
    """

    sync: Sync
    state: PauseState
    leases: tuple[tuple[Lease, End | None], ...]
    declared: Declared | None
    due: datetime | None
    last: tuple[PauseEvent, ...]


class NextWindow(Struct, frozen=True):
    """One time that a window pauses a sync."""

    key: str
    start: datetime
    end: datetime
    reason: str


class PausesReport(Struct, frozen=True):
    """What is paused in one environment at a moment, and which windows come next."""

    environment: str
    checked_at: datetime
    syncs: tuple[PausedSync, ...]
    windows: tuple[NextWindow, ...] = ()
    running: tuple[str, ...] = ()
    kinds: Kinds = {}


def pauses_report(inputs: PlanInputs, count: int = 0) -> PausesReport:
    """Return how every sync that can be paused stands.

    Args:
        inputs: live, manifests and leases; `now` is the ledger's clock.
        count: how many windows to come are named.
    """
    from reconciler.reconcile.pausing import pausable

    found = [_standing(inputs, sync) for sync in pausable(inputs)]
    idle = [each for each in found if each.state is PauseState.RUNNING and not (each.leases or _has_windows(each))]
    order = list(PauseState)
    told = sorted(
        (each for each in found if each not in idle), key=lambda each: (order.index(each.state), each.sync.key)
    )
    return PausesReport(
        environment=inputs.environment,
        checked_at=inputs.now,
        syncs=tuple(told),
        windows=_next_windows(inputs, count),
        running=tuple(sorted(each.sync.key for each in idle)),
        kinds=inputs.kinds,
    )


def _has_windows(each: PausedSync) -> bool:
    declared = each.sync.declared
    return declared is not None and declared.windows is not None


def _standing(inputs: PlanInputs, sync: Sync) -> PausedSync:
    now = inputs.now
    leases = tuple(
        (lease, lease.end(now))
        for lease in leases_on(inputs.memory, sync.observed.kind, sync.observed.id, sync.api_url)
    )
    held = any(end is None for _, end in leases)
    pause = sync.declared
    declared = None
    last = pauses_of(inputs.memory, sync.observed.kind, sync.observed.id)
    if pause is not None and pause.paused and by_declaration(pause, now, last_of(last)):
        active = pause.is_active(now)
        until = pause.active_until(now) if active else pause.ended(now)
        # Beyond the horizon nobody looks: it lasts longer than that.
        until = None if active and until is not None and until > now + HORIZON and until != pause.until else until
        if active or until is not None:
            declared = Declared(active, until, pause.reason_at(now), pause.owner, pause.in_window(now))
    state, due = _state(sync, leases, declared, held=held)
    return PausedSync(
        sync, state, leases, declared if sync.paused or (declared and declared.active) else None, due, last
    )


def _state(
    sync: Sync, leases: tuple[tuple[Lease, End | None], ...], declared: Declared | None, *, held: bool
) -> tuple[PauseState, datetime | None]:
    """Return how a sync stands, and since when it should run again."""
    active = held or (declared is not None and declared.active)
    if not sync.paused:
        return (PauseState.NOT_PAUSED if active else PauseState.RUNNING), None
    if active:
        return PauseState.HELD, None
    ends = [end.at for _, end in leases if end is not None]
    if declared is not None and declared.until is not None:
        ends.append(declared.until)
    from_others = any(lease.was.value == "paused" for lease, _ in leases)
    if not ends or from_others:
        return PauseState.UNDECLARED, None
    return PauseState.OVERDUE, max(ends)


def _next_windows(inputs: PlanInputs, count: int) -> tuple[NextWindow, ...]:
    found = [
        NextWindow(desired.key, each.start, each.end, each.reason)
        for desired in inputs.desired
        if not desired.absent and desired.pause is not None and desired.pause.windows is not None and count
        for each in desired.pause.windows.next(inputs.now, count)
    ]
    return tuple(sorted(found, key=lambda window: (window.start, window.key))[:count])
