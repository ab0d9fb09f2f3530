"""When each part of the data was last compared with the source, and when it will be. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.ledger.data.model import CANCELLED, FINISHED, STOPPED, DataRun, SyncOverview
from reconciler.sparklayer.kinds.data_sync.cost import WHOLE_EVERY
from reconciler.sync.datasync import DataSync
from reconciler.sync.datatype import NEVER
from reconciler.sync.heard import Evidence, PartHeard, heard_parts, measured_at, trusting
from reconciler.sync.run.abilities import Sparing
from reconciler.sync.run.due import walks_spare
from reconciler.words import listed


class Compared(Struct, frozen=True):
    """When something was compared, and will be.

    Args:
        last_at: when the run began that compared it last; None: none did.
        next_at: when the next run that compares it begins.
        promised: how long ago it may have been.
    """

    last_at: datetime | None
    next_at: datetime
    promised: timedelta

    def is_late(self, now: datetime) -> bool:
        """Whether it was compared longer ago than is promised."""
        return self.last_at is not None and now - self.last_at > self.promised


class PartCompared(Struct, frozen=True):
    """When a part of the records was compared.

    Args:
        part: e.g. `prices`.
        shown: what lists show of it, which light walks see, too.
        inside: the rest, which walks alone see.
        rest: what that is, for people.
    """

    part: str
    shown: Compared
    inside: Compared
    rest: str


def parts_heard(sync: DataSync, overview: SyncOverview, now: datetime) -> tuple[PartHeard, ...]:
    """Return for each part that flows whether messages tell what lists do not show of it.

    Args:
        sync: the data sync, as the manifest has it.
        overview: what the ledger knows of it.
        now: our clock.
    """
    evidence = Evidence(overview.inbox.inbox.types, overview.gaps, measured_at(overview.last_walk))
    return heard_parts(sync.data, sync.settings, sync.unheard, evidence, now)


def as_heard(sync: DataSync, parts: Iterable[PartHeard]) -> DataSync:
    """Return a data sync with the settings that hold while these parts are heard, or are not."""
    return replace(sync, settings=trusting(sync.settings, parts))


def begins_at(sync: DataSync, overview: SyncOverview, now: datetime) -> datetime | None:
    """Return when the next run begins where nothing wants one sooner; None: none does until somebody runs it.

    Workers note when: after attempts that failed, and after an API that asked for a wait, that is no interval's end.

    Args:
        sync: the data sync.
        overview: what the ledger knows of it.
        now: our clock.
    """
    newest, last, turn = overview.newest, overview.last_finished, overview.turn
    if turn is not None:
        if turn.failures or newest is None or newest.state == FINISHED:
            return None if turn.due_at is None else max(turn.due_at, now)
        if newest.state in (STOPPED, CANCELLED) and newest.config == sync.data.digest:
            return None
    return now if last is None or last.ended_at is None else max(last.ended_at + sync.settings.interval, now)


def parts_compared(sync: DataSync, overview: SyncOverview, now: datetime) -> tuple[PartCompared, ...]:
    """Return for each part that flows when it was last compared with the source, and when it will be.

    Args:
        sync: the data sync.
        overview: what the ledger knows of it.
        now: our clock.
    """
    settings = sync.settings
    start = begins_at(sync, overview, now) or now

    def compared(run: DataRun | None, interval: timedelta, promised: timedelta) -> Compared:
        if run is None:
            return Compared(None, start, promised)
        return Compared(run.started_at, max(run.started_at + interval, start), promised)

    shown = compared(overview.last_look, settings.look_interval, settings.freshness)
    inside = shown
    if settings.walk_interval != NEVER:
        # Without light walks nothing is promised but what walks keep, and the settings say that already.
        promised = settings.rest_freshness if sync.data.lights else settings.freshness
        inside = compared(overview.last_walk, settings.walk_interval, promised)
    return tuple(PartCompared(part, shown, inside, sync.data.inside[part]) for part in sync.data.flowing)


def whole_compared(sync: DataSync, overview: SyncOverview, now: datetime) -> Compared | None:
    """Return when everything was read whatever stamps say, and when it will be; None: every walk does that anyway."""
    if overview.distrust is not None or not walks_spare(sync.data, sync.settings):
        return None
    settings, whole = sync.settings, overview.last_whole
    promised = WHOLE_EVERY * settings.rest_freshness
    if whole is None or overview.last_walk is None:
        return Compared(None, now, promised)
    following = whole.started_at + WHOLE_EVERY * settings.walk_interval
    return Compared(whole.started_at, max(following, now), promised)


def hidden_of(sync: DataSync) -> str:
    """Return what a walk that goes by stamps does not see, for people."""
    return sync.data.hidden if isinstance(sync.data, Sparing) else ""


def shown_of(parts: Iterable[PartCompared]) -> str:
    """Return what lists show of some parts, for people."""
    return f"what lists show of {listed([part.part for part in parts])}"


def rest_of(parts: Iterable[PartCompared]) -> str:
    """Return what lists do not show of some parts, for people."""
    return listed(list(dict.fromkeys(part.rest for part in parts)))
