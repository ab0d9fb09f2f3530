"""Holding: what keeps a sync paused at a moment, and what becomes of it when leases on it end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import Lease, Was


class Fate(StrEnum):
    """What becomes of a sync on which at least one lease is over."""

    HELD = "held"
    """Another lease holds it."""
    RUNS = "runs"
    """It runs: nothing is sent."""
    DECLARED = "declared"
    """A declared pause or a window holds it."""
    LEFT = "left"
    """Somebody else had paused it before: it is left as it was."""
    RESUME = "resume"
    """Nothing holds it any more: it is resumed."""


class Last(Struct, frozen=True):
    """What we did last to a sync: whether that was a pause, and when."""

    paused: bool
    at: datetime


def was_before(
    paused: bool, leases: Iterable[Lease], declared: DeclaredPause | None, now: datetime, last: Last | None = None
) -> Was:
    """Return what live was before a new lease on a sync, to be recorded with it and with the others on that sync.

    Args:
        paused: whether the sync is paused live.
        leases: those on the sync that were not lifted yet.
        declared: its pause as the manifest has it; None where no manifest says anything about that.
        now: the moment of the new lease.
        last: what we did last to it; None where the ledger knows of nothing.
    """
    if not paused:
        return Was.RUNNING
    # Live is paused through the leases: what it was before them still holds.
    earlier = next(iter(leases), None)
    if earlier is not None:
        return earlier.was
    return Was.DECLARED if declared is not None and by_declaration(declared, now, last) else Was.PAUSED


def by_declaration(declared: DeclaredPause, now: datetime, last: Last | None) -> bool:
    """Whether a sync is paused by what was declared, whose end may have passed without anybody resuming it.

    Args:
        declared: its pause as the manifest has it.
        now: the moment.
        last: what we did last to it; None where the ledger knows of nothing.
    """
    if declared.is_active(now):
        return True
    ended = declared.ended(now)
    if ended is None:
        return False
    if last is not None and last.paused:
        return True
    # A window comes and goes whether or not somebody paused for it; an end that is written down is meant.
    return declared.is_overdue(now) and not (last is not None and last.at >= ended)


def fate(paused: bool, leases: Sequence[Lease], declared: DeclaredPause | None, now: datetime) -> Fate:
    """Return what becomes of a sync now that some of the leases on it are over.

    Args:
        paused: whether it is paused live.
        leases: those on it that were not lifted yet, at least one.
        declared: its pause as the manifest has it; None where no manifest says anything about that.
        now: by the ledger's clock.
    """
    if any(lease.is_active(now) for lease in leases):
        return Fate.HELD
    if not paused:
        return Fate.RUNS
    if declared is not None and declared.is_active(now):
        return Fate.DECLARED
    if any(lease.was is Was.PAUSED for lease in leases):
        return Fate.LEFT
    return Fate.RESUME
