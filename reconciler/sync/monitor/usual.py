"""Size and duration that runs of a data sync usually have, from those that finished. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import median

from msgspec import Struct

from reconciler.ledger.data.model import DataRun

_AT_LEAST, _AT_MOST = 3, 10
_CHANGED = ("written", "discontinued")


class Usual(Struct, frozen=True):
    """What a run of one mode usually comes to.

    Args:
        changed: records of which something was written, or that were discontinued.
        took: how long it was on.
    """

    changed: int
    took: timedelta


def changed_in(counts: Mapping[str, int]) -> int:
    """Return of how many records a run wrote something."""
    return sum(counts.get(name, 0) for name in _CHANGED)


def usual_of(recent: Sequence[DataRun], mode: str) -> Usual | None:
    """Return what runs of a mode usually come to: half of the last ones came to more; None where they are too few.

    Args:
        recent: runs that finished, the newest first.
        mode: of the runs that are meant.
    """
    alike = [run for run in recent if run.mode == mode and run.ended_at is not None][:_AT_MOST]
    if len(alike) < _AT_LEAST:
        return None
    seconds = median((run.ended_at - run.started_at).total_seconds() for run in alike if run.ended_at is not None)
    return Usual(round(median(changed_in(run.counts) for run in alike)), timedelta(seconds=seconds))
