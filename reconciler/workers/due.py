"""When a scope's next run is due, by what waits there, and how long it rests after each end. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.ledger.data.model import CANCELLED, FINISHED, STOPPED
from reconciler.ledger.data.outages import LONGEST_PAUSE
from reconciler.ledger.data.turns import Waits
from reconciler.sync.run.loop import pause_after
from reconciler.sync.run.report import State
from reconciler.sync.settings import SyncSettings

REST = timedelta(seconds=2)
"""How long a scope rests in any case, so that what cannot be worked off makes no runs without end."""

TRUSTED = 3
"""How often in a row a run may be cut off, as by a machine that is gone, before the next one waits."""


def is_due(waits: Waits, settings: SyncSettings, config: str, now: datetime, rest: timedelta = REST) -> bool:
    """Return whether a run of a scope is to begin now.

    Args:
        waits: what waits there.
        settings: of the DataSync, for the scope's data type.
        config: digest of the settings that this process has.
        now: the ledger's clock.
        rest: how long it rests in any case.
    """
    if waits.applied != config or waits.locked:
        return False
    newest, turn = waits.newest, waits.turn
    noted = turn is not None and turn.run == ("" if newest is None else newest.id)
    if turn is not None and noted and turn.failures:
        # Nobody notes the end of a process that was killed: its turn stands as it was noted when it began.
        return turn.due_at is not None and now >= turn.due_at
    if newest is None or newest.config != config:
        return True
    # A clock that was ahead makes nobody wait longer than once more.
    ended_at = now if newest.ended_at is None else min(newest.ended_at, now)
    if newest.state in (STOPPED, CANCELLED):
        return waits.wanted
    if newest.state == FINISHED:
        due_at = turn.due_at if turn is not None and noted else ended_at + settings.interval
        rested = now - ended_at >= rest
        return (due_at is not None and now >= due_at) or waits.wanted or (waits.ready and rested)
    # It was cut off. How often that came in a row stands in the turn of the one before.
    return noted or turn is None or turn.due_at is None or now >= turn.due_at


def begun(failures: int, settings: SyncSettings) -> timedelta:
    """Return how long the next attempt waits if nothing more is heard of one that begins now."""
    return timedelta() if failures < TRUSTED else pause_after(settings, failures - TRUSTED + 1)


def ended(state: State, failures: int, settings: SyncSettings, *, drained: bool) -> tuple[timedelta | None, int]:
    """Return when the next attempt is due after a run has ended, and how many have failed in a row.

    Args:
        state: how it ended.
        failures: attempts that had failed before it.
        settings: of the DataSync.
        drained: whether it was interrupted because its process ends: another one goes on at once.
    """
    if state in (State.STOPPED, State.CANCELLED):
        return None, 0
    if state is State.FINISHED:
        return settings.interval, 0
    if drained:
        return timedelta(), 0
    return pause_after(settings, failures + 1), failures + 1


def comes_back(again_in: timedelta, failures: int, settings: SyncSettings) -> timedelta:
    """Return when the next attempt is due after a run that an API kept from going on.

    Args:
        again_in: for how long nobody asks that API.
        failures: attempts that have failed in a row, with this one: an API that answers looks and fails what comes
            after them is tried less and less.
        settings: of the DataSync.
    """
    return max(again_in, min(begun(failures, settings), LONGEST_PAUSE))


def failed(failures: int, settings: SyncSettings) -> tuple[timedelta, int]:
    """Return the same after an attempt of which no run came."""
    return pause_after(settings, failures + 1), failures + 1
