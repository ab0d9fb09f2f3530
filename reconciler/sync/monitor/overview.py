"""An environment at a glance: what of it is not as it should be, and how its data syncs ran in the last days. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from reconciler.ledger.config.model import AskedRequest
from reconciler.ledger.data.model import FINISHED, STOPPED, DataRun, DataScope
from reconciler.reconcile.pause_report import PausesReport, PauseState
from reconciler.reconcile.paused import NOTHING_PAUSED, PausedNow
from reconciler.reconcile.plan import DriftReport
from reconciler.sync.datasync import API_NAMES, Standing
from reconciler.sync.monitor.problems import Problems
from reconciler.sync.monitor.status import SyncStatus
from reconciler.sync.monitor.usual import changed_in
from reconciler.words import counted, spoken

CHART_DAYS = 7
BUCKET = timedelta(hours=3)
"""What one bar of the chart stands for."""


class State(StrEnum):
    """How an environment stands, the worst first."""

    UNREADABLE = "unreadable"
    """Its manifests, references or ledger cannot be read: nothing runs."""
    DRIFTED = "drifted"
    """Live is not as the manifests say, or data is not as promised."""
    PAUSED = "paused"
    """Something is paused."""
    WAITING = "waiting"
    """A manifest is not applied, a run was cut off, or the first full sync is still to come."""
    UNKNOWN = "unknown"
    """Nobody has looked for drift, or not for long, or live does not say what is paused."""
    RUNNING = "running"
    """As it should be, and a data sync runs."""
    IN_SYNC = "in-sync"
    """As it should be."""


class SeenDrift(Struct, frozen=True):
    """The last look for drift.

    Args:
        report: what it found.
        since: when each item of it was first seen, in the order of the items.
        every: how often somebody looks; None: nobody does by itself.
    """

    report: DriftReport
    since: tuple[datetime, ...] = ()
    every: timedelta | None = None

    def is_old(self, now: datetime) -> bool:
        """Whether it is longer ago than two looks take."""
        return self.every is not None and now - self.report.checked_at > 2 * self.every


class Deliveries(Struct, frozen=True):
    """Messages about the records of one data sync.

    Args:
        sync: name of the DataSync.
        per_minute: how many came in each minute of the last hour, the oldest first.
        last_at: when the newest came; None: none ever did.
        later: messages from which records are still to be raised.
        waiting: records that are to be written, whatever raised them.
        oldest_at: since when the oldest of both waits; None: none does.
        unknown: how many were of a type that nobody knows.
        malformed: how many could not be read.
    """

    sync: str
    per_minute: tuple[int, ...] = ()
    last_at: datetime | None = None
    later: int = 0
    waiting: int = 0
    oldest_at: datetime | None = None
    unknown: int = 0
    malformed: int = 0


class Fetching(Struct, frozen=True):
    """A broker that messages are fetched from.

    Args:
        name: where from, without a secret.
        sync: name of the DataSync that they are for.
        waits: what is waited for before it goes on; None: nothing but messages.
        lag: how many messages wait there, where that is known.
        taken: how many were taken since the start.
        malformed: how many of them could not be read.
        missed: how many were gone before they were fetched.
    """

    name: str
    sync: str
    waits: str | None = None
    lag: int | None = None
    taken: int = 0
    malformed: int = 0
    missed: int = 0


class DeadLetters(Struct, frozen=True):
    """Records that failed too often, and are left alone until somebody asks for them. `keys` are some of them."""

    number: int = 0
    keys: tuple[str, ...] = ()


class Facts(Struct, frozen=True):
    """What is known of an environment.

    Args:
        environment: its name.
        statuses: of its data syncs.
        problems: open ones, by data sync; one that has none may be missing.
        dead: dead letters, by data sync; likewise.
        runs: by data sync, those that began in the last days, the newest first.
        pauses: how every sync that can be paused stands live; None: live was not seen.
        paused: what is paused as far as that is known.
        drift: the last look for it; None: nobody looked.
        drift_problem: why the last look failed; None: it did not.
        deliveries: of its data syncs.
        fetching: brokers that messages are fetched from.
        waits: what the service waits for before it goes on with its work.
        asked: what people asked for, the newest first.
        limits: requests per second that the manifest allows, by provider.
        error: why it cannot be read; None: it can.
        next_step: what to do about that.
        code: of the error.
    """

    environment: str
    statuses: tuple[SyncStatus, ...] = ()
    problems: Mapping[DataScope, Problems] = {}
    dead: Mapping[DataScope, DeadLetters] = {}
    runs: Mapping[DataScope, tuple[DataRun, ...]] = {}
    pauses: PausesReport | None = None
    paused: PausedNow = NOTHING_PAUSED
    drift: SeenDrift | None = None
    drift_problem: str | None = None
    deliveries: tuple[Deliveries, ...] = ()
    fetching: tuple[Fetching, ...] = ()
    waits: tuple[str, ...] = ()
    asked: tuple[AskedRequest, ...] = ()
    limits: Mapping[str, float] = {}
    error: str | None = None
    next_step: str | None = None
    code: str | None = None


class Bucket(Struct, frozen=True):
    """Runs that began within one stretch of time.

    Args:
        start: its beginning.
        finished: runs that finished.
        unfinished: runs that were stopped, cancelled or interrupted.
        changed: records of which something was written.
        longest: the longest run.
    """

    start: datetime
    finished: int = 0
    unfinished: int = 0
    changed: int = 0
    longest: timedelta = timedelta()


class Chart(Struct, frozen=True):
    """Runs of the last days, the oldest first; `known_since`: of what lies before, the ledger keeps no runs."""

    buckets: tuple[Bucket, ...]
    known_since: datetime | None = None

    @property
    def days(self) -> tuple[Bucket, ...]:
        """The same by day (UTC)."""
        found: dict[datetime, Bucket] = {}
        for each in self.buckets:
            day = _midnight(each.start)
            before = found.get(day, Bucket(day))
            found[day] = Bucket(
                day,
                before.finished + each.finished,
                before.unfinished + each.unfinished,
                before.changed + each.changed,
                max(before.longest, each.longest),
            )
        return tuple(found.values())


class Overview(Struct, frozen=True):
    """An environment at a glance.

    Args:
        facts: what is known.
        at: the moment that this is about.
        state: the worst that holds of it.
        headline: that, in a few words.
        reasons: what is not as it should be, one sentence each, the worst first.
        charts: runs of the last days, by data sync.
    """

    facts: Facts
    at: datetime
    state: State
    headline: str
    reasons: tuple[str, ...] = ()
    charts: Mapping[DataScope, Chart] = {}

    @property
    def environment(self) -> str:
        """Its name."""
        return self.facts.environment


def overview(facts: Facts, now: datetime) -> Overview:
    """Return an environment at a glance.

    It is called in sync only where somebody looked for drift lately, nothing differs, nothing is paused, and every
    data sync keeps what it promises.

    Args:
        facts: what is known of it.
        now: our clock.
    """
    found = list(_reasons(facts, now))
    order = list(State)
    found.sort(key=lambda reason: order.index(reason[0]))
    charts = {scope: chart(runs, now) for scope, runs in facts.runs.items()}
    running = [status for status in facts.statuses if status.going is not None]
    state = found[0][0] if found else State.RUNNING if running else State.IN_SYNC
    headline = _headline(state, [reason for reason, _ in found].count(state), facts, running, now)
    return Overview(facts, now, state, headline, tuple(words for _, words in found), charts)


def by_minute(minutes: Iterable[tuple[datetime, int]], now: datetime) -> tuple[int, ...]:
    """Return how many messages came in each minute of the last hour, the oldest first; the last one is not over yet.

    Args:
        minutes: beginning of a minute, and how many came in it.
        now: our clock.
    """
    this = now.astimezone(UTC).replace(second=0, microsecond=0)
    found = {minute.astimezone(UTC): count for minute, count in minutes}
    return tuple(found.get(this - timedelta(minutes=ago), 0) for ago in reversed(range(60)))


def chart(runs: Sequence[DataRun], now: datetime) -> Chart:
    """Return the runs of the last days in stretches of three hours, from a midnight (UTC) to the end of today.

    Args:
        runs: the newest first; those that began earlier are left out.
        now: our clock.
    """
    first = _midnight(now) - timedelta(days=CHART_DAYS - 1)
    number = int(timedelta(days=CHART_DAYS) / BUCKET)
    found = {first + step * BUCKET: Bucket(first + step * BUCKET) for step in range(number)}
    for run in runs:
        start = _start_of_bucket(run.started_at)
        if (before := found.get(start)) is None:
            continue
        done, ended = run.state == FINISHED, run.ended_at
        took = timedelta() if ended is None else ended - run.started_at
        found[start] = Bucket(
            start,
            before.finished + done,
            before.unfinished + (not done and ended is not None),
            before.changed + changed_in(run.counts),
            max(before.longest, took),
        )
    oldest = min((run.started_at for run in runs), default=None)
    return Chart(tuple(found.values()), oldest if oldest is not None and oldest > first else None)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _start_of_bucket(moment: datetime) -> datetime:
    seconds = BUCKET.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


def _headline(state: State, reasons: int, facts: Facts, running: Sequence[SyncStatus], now: datetime) -> str:
    """Return the state in a few words; so many reasons speak for it."""
    if state is State.DRIFTED:
        drifted = 0 if facts.drift is None else _drifted(facts.drift.report)
        if not drifted:
            return "Not as promised"
        beside = "; data syncs not as promised" if reasons > 1 else ""
        return f"Drifted: {counted(drifted, 'difference')}{beside}"
    if state is State.RUNNING:
        names = ", ".join(dict.fromkeys(status.sync.name for status in running))
        return f"In sync, and running: {names}"
    if state is State.UNKNOWN and not _of_drift(facts, now):
        return "Not known: what is paused live"
    return {
        State.UNREADABLE: "Cannot be read",
        State.PAUSED: "Paused",
        State.WAITING: "Waiting",
        State.UNKNOWN: "Not known: nobody looked for drift lately",
        State.IN_SYNC: "In sync",
    }[state]


def _drifted(report: DriftReport) -> int:
    return sum(item.snoozed_until is None for item in report.items)


def _reasons(facts: Facts, now: datetime) -> list[tuple[State, str]]:
    if facts.error is not None:
        return [(State.UNREADABLE, facts.error)]
    return [
        *_of_drift(facts, now),
        *(reason for status in facts.statuses for reason in _of_sync(status)),
        *_of_pauses(facts),
        *((State.WAITING, words) for words in facts.waits),
        *((State.WAITING, f"{each.name} waits for {each.waits}") for each in facts.fetching if each.waits is not None),
    ]


def _of_drift(facts: Facts, now: datetime) -> list[tuple[State, str]]:
    if facts.drift is None:
        why = f": {facts.drift_problem}" if facts.drift_problem else ""
        return [(State.UNKNOWN, f"Nobody has looked for drift so far{why}")]
    found: list[tuple[State, str]] = []
    report = facts.drift.report
    if drifted := _drifted(report):
        found.append((State.DRIFTED, f"{counted(drifted, 'object is', 'objects are')} not as the manifests say"))
    if facts.drift_problem is not None:
        found.append((State.UNKNOWN, f"The last look for drift failed: {facts.drift_problem}"))
    elif facts.drift.is_old(now):
        found.append((State.UNKNOWN, f"The last look for drift is {spoken(now - report.checked_at)} old"))
    return found


def _of_sync(status: SyncStatus) -> list[tuple[State, str]]:
    name = f"{status.sync.name}, {status.sync.type}"
    found = [(State.DRIFTED, f"{name}: {words}") for words in status.troubles]
    if not found and status.going is None and status.last is not None and status.last.state == STOPPED:
        found.append((State.DRIFTED, f"{name}: its last run was stopped"))
    if status.counts.dead:
        found.append((State.DRIFTED, f"{name}: {counted(status.counts.dead, 'dead letter')}"))
    if status.sync.leaving or status.going is not None:
        return found
    if status.sync.standing is Standing.NEVER:
        found.append((State.WAITING, f"{name}: not applied"))
    elif status.sync.standing is Standing.CHANGED:
        found.append((State.WAITING, f"{name}: changed and not applied"))
    elif (waits := status.waits_for) is not None:
        found.append((State.WAITING, f"{name}: its next run waits for {API_NAMES[waits.api]}, which is left alone"))
    elif status.cut_off is not None:
        found.append((State.WAITING, f"{name}: its last run was cut off; the next one goes on with it"))
    elif status.last_full is None:
        found.append((State.WAITING, f"{name}: waiting for its first full sync"))
    return found


def _of_pauses(facts: Facts) -> list[tuple[State, str]]:
    if facts.pauses is None:
        found = [(State.PAUSED, f"{note.subject} is paused {note.message}") for note in facts.paused.notes]
        if facts.paused.unseen is not None:
            found.append((State.UNKNOWN, f"What is paused live is not known: {facts.paused.unseen}"))
        return found
    words = {
        PauseState.HELD: "is paused",
        PauseState.OVERDUE: "is still paused, although its pause is over",
        PauseState.UNDECLARED: "is paused, and nobody declared that",
        PauseState.NOT_PAUSED: "runs, although something says that it is paused",
    }
    told = ((each.sync.key, words.get(each.state)) for each in facts.pauses.syncs)
    return [(State.PAUSED, f"{key} {is_so}") for key, is_so in told if is_so is not None]
