"""Which run is due: go on with one that was cut off, a full sync, a walk, a light walk, or just what changed. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from reconciler.ledger.data.model import FINISHED, STOPPED, DataRun
from reconciler.sparklayer.kinds.data_sync.cost import WHOLE_EVERY
from reconciler.sync.mode import Mode, strongest
from reconciler.sync.run.abilities import Sparing
from reconciler.sync.settings import SyncSettings

_TOO_OLD_TO_RESUME = timedelta(hours=24)


class Past(Struct, frozen=True, kw_only=True):
    """What the ledger knows of earlier runs.

    Args:
        newest: the newest one, whatever became of it.
        unfinished: one that can go on.
        last: the newest one that finished.
        last_look: the newest one that finished and listed everything.
        last_walk: the newest one that finished and read everything.
        last_whole: the newest one that finished, read everything and skipped nothing for its stamp.
        last_full: the newest full sync that finished.
        wanted: modes of runs that requests asked for and that none has finished.
        distrusts: a stamp was found to prove nothing.
    """

    newest: DataRun | None = None
    unfinished: DataRun | None = None
    last: DataRun | None = None
    last_look: DataRun | None = None
    last_walk: DataRun | None = None
    last_whole: DataRun | None = None
    last_full: DataRun | None = None
    wanted: frozenset[str] = frozenset()
    distrusts: bool = False


class Choice(Struct, frozen=True):
    """How to run, which run to go on with, and why, for people."""

    mode: Mode
    resume: DataRun | None
    reason: str


def choose(asked: Mode | None, past: Past, settings: SyncSettings, config: str, now: datetime) -> Choice:
    """Return what to do now.

    Args:
        asked: what the user asks for; None: whatever is due.
        past: earlier runs.
        settings: of the DataSync.
        config: digest of the settings that decide the mapping.
        now: our clock.
    """
    wanted = asked or due_mode(past, settings, config, now)
    cut_off = past.unfinished
    # What is to be removed is not synced any more, and what is synced again is not removed.
    if cut_off is not None and (cut_off.mode == Mode.REMOVE) != (asked is Mode.REMOVE):
        cut_off = None
    if cut_off is None or not _can_go_on(cut_off, config, now):
        return Choice(wanted, None, _reason(asked, past, config))
    mode = Mode.of(cut_off.mode)
    if asked is None or asked in mode.covered:
        return Choice(mode, cut_off, "an earlier run was cut off")
    return Choice(wanted, None, _reason(asked, past, config))


def due_mode(past: Past, settings: SyncSettings, config: str, now: datetime) -> Mode:
    """Return how the next run has to run by itself."""
    if full_sync_wanted(past.last_full, config):
        mode = Mode.FULL
    elif _is_due(past.last_walk, settings.walk_interval, now):
        mode = Mode.WALK
    elif _is_due(past.last_look, settings.look_interval, now):
        mode = Mode.LIGHT
    else:
        mode = Mode.INCREMENTAL
    newest = past.newest
    if newest is not None and newest.mode == Mode.REMOVE:
        # All of it was to be discontinued, and is to be there again.
        return Mode.FULL
    if newest is not None and newest.lists and newest.state != FINISHED:
        # A limit, somebody, or an API ended it before it had seen everything: that is still to be done.
        mode = strongest((mode, Mode.of(newest.mode)))
    return strongest((mode, *map(Mode.of, past.wanted)))


def walks_spare(data: Any, settings: SyncSettings) -> bool:
    """Return whether walks of a data type may skip something: none does that measures whether messages come."""
    return settings.heard_walk_interval is None and isinstance(data, Sparing) and data.spares


def may_spare(mode: Mode, past: Past, walk_interval: timedelta, now: datetime) -> bool:
    """Return whether a run may skip what stamps say has not moved: a walk, and every seventh reads all of it too."""
    return mode is Mode.WALK and not past.distrusts and not _is_due(past.last_whole, WHOLE_EVERY * walk_interval, now)


def full_sync_wanted(last_full: DataRun | None, config: str) -> bool:
    """Whether a full sync is wanted: there was none yet, or none since the mapping changed."""
    return last_full is None or last_full.config != config


def _is_due(last: DataRun | None, interval: timedelta, now: datetime) -> bool:
    # One that began in the future was timed by a clock that was wrong.
    return last is None or not timedelta() <= now - last.started_at < interval


def _can_go_on(run: DataRun, config: str, now: datetime) -> bool:
    # Without a watermark it was cut off before it had begun anything.
    has_begun = run.watermark is not None
    return has_begun and run.state != STOPPED and run.config == config and now - run.started_at < _TOO_OLD_TO_RESUME


def _reason(asked: Mode | None, past: Past, config: str) -> str:
    if asked is not None:
        return "asked for"
    if past.last_full is None:
        return "there was no full sync yet"
    if past.last_full.config != config:
        return "the DataSync changed since the last full sync"
    if past.wanted:
        return "a request asked for it"
    return "due"
