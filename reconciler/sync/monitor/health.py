"""Health of a data sync: too old, too many open problems, a sync log that somebody else wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from reconciler.ledger.config.model import Memory
from reconciler.ledger.data.model import STOPPED, SyncOverview
from reconciler.reconcile.plan import Cause, DriftItem
from reconciler.sparklayer.sync_log import SyncStatus
from reconciler.sync.datasync import KIND, DataSync, Standing
from reconciler.sync.heldback import HeldBack, held_back
from reconciler.sync.mode import LIMIT, most_deletes
from reconciler.sync.monitor.compared import (
    Compared,
    as_heard,
    hidden_of,
    parts_compared,
    parts_heard,
    rest_of,
    shown_of,
    whole_compared,
)
from reconciler.sync.run.log_dates import foreign_date, recognise
from reconciler.words import counted, spoken

CLOCK_SLACK = timedelta(minutes=1)
"""By which two machines' clocks may differ."""


def drift_items(
    sync: DataSync, overview: SyncOverview, log: SyncStatus | None, memory: Memory, now: datetime
) -> Iterator[DriftItem]:
    """Yield what a data sync does not keep.

    Args:
        sync: the data sync. One that was never applied keeps nothing yet.
        overview: what the ledger knows of it.
        log: its sync log as the target has it; None where there is none.
        memory: tells what is snoozed.
        now: the moment of the comparison.
    """
    if sync.standing is Standing.NEVER:
        return
    sync = as_heard(sync, parts_heard(sync, overview, now))
    from reconciler.reconcile.drift import snooze_of  # it brings what plans and adopts

    snooze = snooze_of(memory, KIND, sync.name, now)
    for cause, message, step in _findings(sync, overview, log, now):
        yield DriftItem(
            kind=KIND,
            name=sync.name,
            id=sync.settings.integration,
            cause=cause,
            change=None,
            next_steps=(
                f"reconciler sync {step}",
                f"reconciler drift snooze {sync.key} -e {sync.environment} --for 1d --reason …",
            ),
            snoozed_until=snooze.until if snooze else None,
            snooze_reason=snooze.reason if snooze else None,
            message=message if sync.settings.data_type is None else f"{sync.type}: {message}",
        )


def _findings(
    sync: DataSync, overview: SyncOverview, log: SyncStatus | None, now: datetime
) -> Iterator[tuple[Cause, str, str]]:
    where = f"{sync.command} -e {sync.environment}"
    again = f"run {where}{_past_the_limit(sync, overview)}"
    if sync.leaving:
        if (words := unremoved(sync, overview)) is not None:
            yield Cause.UNREMOVED, words, again
        return
    if (words := disconnection(sync)) is not None:
        yield Cause.DISCONNECTED, words, f"status {sync.name} -e {sync.environment}"
        return
    if (words := staleness(sync, overview, now)) is not None:
        yield Cause.DATA_STALE, words, f"status {sync.name} -e {sync.environment}" if sync.is_pulled else again
    if (words := held_back_of(sync, overview).excess) is not None:
        yield Cause.HELD_BACK, words, f"errors {where}"
    if (words := standstill(overview)) is not None:
        yield Cause.DATA_STOPPED, words, again
    if (words := excess(sync, overview)) is not None:
        yield Cause.OPEN_PROBLEMS, words, f"errors {where}"
    if sync.data.log is not None and sync.data.log.owned and (words := foreign_log(overview, log)) is not None:
        yield Cause.FOREIGN_SYNC_LOG, words, f"run {where} --verify"


def _past_the_limit(sync: DataSync, overview: SyncOverview) -> str:
    """Return the options without which the next run would stop at the limit; empty: none."""
    left = overview.counts.in_scope
    too_many = sync.leaving and left > most_deletes(left, sync.settings.max_delete_percent)
    return f" --override {LIMIT} --reason …" if too_many or LIMIT in (standstill(overview) or "") else ""


def age(overview: SyncOverview, now: datetime) -> timedelta | None:
    """Return how long ago the last good sync ended; None where there was none."""
    last = overview.last_finished
    return None if last is None or last.ended_at is None else now - last.ended_at


def staleness(sync: DataSync, overview: SyncOverview, now: datetime) -> str | None:
    """Return why the data is older than promised, for people; None where it is not.

    What lists show is judged on `freshness`, the rest on `walkInterval` and `freshness`: each since the run began that
    compared it last. Before the first full sync the promise counts from when the data sync was applied.
    """
    promised = sync.settings.freshness
    if overview.last_full is None:
        if sync.applied_at is None or now - sync.applied_at <= promised:
            return None
        since = spoken(now - sync.applied_at)
        return f"No full sync was ever finished, {since} after it was applied; the manifest promises {spoken(promised)}"
    age_of_last = age(overview, now)
    if age_of_last is not None and age_of_last < -CLOCK_SLACK:
        ahead = spoken(-age_of_last)
        return f"The last good sync ended {ahead} in the future: a clock is wrong, so nobody knows how old it is"
    parts = parts_compared(sync, overview, now)
    late = [part for part in parts if sync.data.lights and part.shown.is_late(now)]
    if late:
        return _late(sync, shown_of(late), late[0].shown, now)
    late = [part for part in parts if part.inside.is_late(now)]
    if late:
        return _late(sync, rest_of(late), late[0].inside, now)
    whole = whole_compared(sync, overview, now)
    return None if whole is None or not whole.is_late(now) else _late(sync, hidden_of(sync), whole, now)


def disconnection(sync: DataSync) -> str | None:
    """Return that SparkLayer disconnected the site, for people; None where it did not."""
    if sync.site is None or sync.site.connected:
        return None
    return f"SparkLayer disconnected the site at {_said(sync.site.changed_at)}: nothing is sent to it"


def _late(sync: DataSync, what: str, compared: Compared, now: datetime) -> str:
    since = spoken(now - (compared.last_at or now))
    words = f"{what[0].upper()}{what[1:]}: last compared {since} ago, {spoken(compared.promised)} are promised"
    who = "SparkLayer's next full sync brings it" if sync.is_pulled else "the next run compares it"
    return f"{words}; {who}"


def standstill(overview: SyncOverview) -> str | None:
    """Return what stopped the newest run, for people; None where nothing did."""
    newest = overview.newest
    if newest is None or newest.state != STOPPED:
        return None
    return f"The last run was stopped: {newest.message or 'it did not say why'}"


def unremoved(sync: DataSync, overview: SyncOverview) -> str | None:
    """Return what a data sync that is to be absent has still to discontinue, for people; None where nothing is left."""
    left = overview.counts.in_scope
    if not sync.leaving or not left:
        return None
    stopped = standstill(overview)
    why = f". {stopped}" if stopped is not None else ""
    return f"It was removed, and {counted(left, sync.data.noun)} that it wrote are not discontinued yet{why}"


def excess(sync: DataSync, overview: SyncOverview) -> str | None:
    """Return that there are more open problems than allowed, for people; None where there are not."""
    found, most = overview.counts.problems, sync.settings.max_open_problems
    return f"{found:,} open problems, and {most:,} are allowed" if found > most else None


def held_back_of(sync: DataSync, overview: SyncOverview) -> HeldBack:
    """Return what problems hold back of a data sync."""
    counts, allowed = overview.counts, sync.settings.max_held_back_percent
    return held_back(sync.data, allowed, counts.held_back, counts.in_scope, overview.codes)


def foreign_log(overview: SyncOverview, log: SyncStatus | None) -> str | None:
    """Return how the sync log differs from what we wrote, for people; None where it does not, or we wrote nothing.

    While a run is on, or was cut off, what we remember and what is there may differ by the last request.
    """
    ours, newest = overview.log, overview.newest
    if ours.started is None or overview.unfinished is not None or (newest is not None and newest.ended_at is None):
        return None
    if log is None:
        return "The sync log that we wrote is gone: it was cleared, or the site was emptied or restored"
    found = None if recognise(ours, newest, log.times) is not None else foreign_date(ours, log.times)
    if found is None:
        return None
    return f"The sync log has another date as {found.name} ({_said(found.theirs)}) than we wrote ({_said(found.ours)})"


def _said(moment: datetime | None) -> str:
    return "none" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
