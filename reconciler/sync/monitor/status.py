"""Where a data sync stands: what runs, what ran, what is due, and whether it keeps its promises. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.ledger.data.model import SEEN_BEFORE, DataRun, Distrust, LevelCounts, SyncOverview
from reconciler.ledger.data.service_model import Applied, RunningNow, ServiceProcess
from reconciler.sparklayer.kinds.data_sync.cost import WHOLE_EVERY, cost_of, look_cost, run_cost
from reconciler.sync.datasync import API_NAMES, SOURCE, DataSync, Standing
from reconciler.sync.heard import PartHeard
from reconciler.sync.heldback import HeldBack
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.compared import (
    Compared,
    PartCompared,
    as_heard,
    begins_at,
    parts_compared,
    parts_heard,
    whole_compared,
)
from reconciler.sync.monitor.deliveries import Deliveries, deliveries_of
from reconciler.sync.monitor.health import age, disconnection, excess, held_back_of, staleness, standstill, unremoved
from reconciler.sync.monitor.outcomes import ENOUGH_PERCENT
from reconciler.sync.monitor.usual import Usual, changed_in, usual_of
from reconciler.sync.run.counts import Requests, requests_in
from reconciler.sync.run.due import Choice, Past, choose, full_sync_wanted
from reconciler.sync.run.progress import Phase
from reconciler.words import counted

_SEEN, _TOTAL = "seen", "total"


class Going(Struct, frozen=True):
    """A run that is under way.

    Args:
        mode: how it runs.
        holder: who runs it.
        started_at: when the run began, in an earlier process where it was resumed.
        since: when this process took it up.
        doing: what it is busy with.
        done: records that came to their end.
        total: of how many; None: not known.
        counts: records by outcome.
        per_second: records per second since this process took it up.
        seconds_left: until the end; None: not known, too early to say, or it listens.
        changed: records of which it wrote something, or is to, about, as far as is known now.
        usual: what runs of this mode usually come to; None: there were too few, or it listens.
        hands: who works on it beside its holder.
    """

    mode: Mode
    holder: str
    started_at: datetime
    since: datetime
    doing: str | None
    done: int
    total: int | None
    counts: Mapping[str, int]
    per_second: float
    seconds_left: float | None
    changed: int = 0
    usual: Usual | None = None
    hands: tuple[str, ...] = ()


class NextRun(Struct, frozen=True):
    """The run that is due next: when, how, and why so where that is not simply its time."""

    at: datetime
    mode: Mode
    reason: str | None = None


class SharedRate(Struct, frozen=True):
    """The rate of an API that all processes of the ledger keep to together.

    Args:
        api: the provider.
        per_second: requests.
        environment: whose that is: it allows the fewest of those that share a client ID or a site.
        own: what the environment of the data sync allows.
    """

    api: str
    per_second: float
    environment: str
    own: float


class LeftAlone(Struct, frozen=True):
    """An API that processes which share it leave alone, as one of them found it away or was asked to.

    Args:
        api: the provider.
        reason: why, as who found out met it.
        holder: who that was, or who looks now whether it is back.
        until: when the next one looks.
    """

    api: str
    reason: str
    holder: str
    until: datetime


class SyncStatus(Struct, frozen=True):
    """Where a data sync stands.

    Args:
        sync: which.
        checked_at: the moment that this is about.
        going: the run that is under way.
        waiting: who watches it, between two runs.
        cut_off: a run that was cut off, with which the next one goes on.
        last: the newest run that ended, however.
        last_usual: what runs of its mode usually come to; None: there were too few.
        last_good: the newest run that finished.
        last_full: the newest full sync that finished.
        next: what is due; None while a run is on, where the data sync was not applied, and where nothing is until
            somebody runs it: a limit or a person ended the last one.
        full_wanted: why a full sync is wanted; None: it is not.
        counts: records and problems.
        held_back: records that problems hold back as a whole.
        since_good: how long ago the last good run ended.
        compared: when each part that flows was last compared with the source, and will be.
        heard: whether messages tell of each part what lists do not show.
        whole: when everything was read whatever stamps say, and will be; None: every walk does that.
        distrust: why stamps prove nothing; None: they do.
        troubles: what it promises and does not keep, one sentence each.
        deliveries: what came of OrderCloud's deliveries; None: none ever came.
        requests: by provider, of the newest run that finished.
        requests_a_day: about how many it makes where nothing changes; None: no run has shown yet what a walk takes.
        serving: processes that serve its environment.
        applied: what the last apply said of its settings; None: it said nothing.
        rates: of the APIs, where processes share them and lately did.
        left_alone: APIs that nobody asks now; no run begins by itself before that is over.
    """

    sync: DataSync
    checked_at: datetime
    going: Going | None = None
    waiting: RunningNow | None = None
    cut_off: DataRun | None = None
    last: DataRun | None = None
    last_usual: Usual | None = None
    last_good: DataRun | None = None
    last_full: DataRun | None = None
    next: NextRun | None = None
    full_wanted: str | None = None
    counts: LevelCounts = field(default_factory=LevelCounts)
    held_back: HeldBack = field(default_factory=HeldBack)
    since_good: timedelta | None = None
    compared: tuple[PartCompared, ...] = ()
    heard: tuple[PartHeard, ...] = ()
    whole: Compared | None = None
    distrust: Distrust | None = None
    troubles: tuple[str, ...] = ()
    deliveries: Deliveries | None = None
    requests: Mapping[str, Requests] = {}
    requests_a_day: int | None = None
    serving: tuple[ServiceProcess, ...] = ()
    applied: Applied | None = None
    rates: tuple[SharedRate, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()

    @property
    def waits_for(self) -> LeftAlone | None:
        """The API that the next run waits for; None: it waits for its time alone."""
        last = max(self.left_alone, key=lambda each: each.until, default=None)
        return last if last is not None and self.next is not None and self.next.at == last.until else None


def while_shared(status: SyncStatus, rates: tuple[SharedRate, ...], left_alone: tuple[LeftAlone, ...]) -> SyncStatus:
    """Return a status with what processes know together of its APIs: none begins a run while one is left alone."""
    following = status.next
    if following is not None and left_alone:
        last = max(left_alone, key=lambda each: each.until)
        if last.until > following.at:
            why = f"{API_NAMES[last.api]} is left alone until then"
            following = replace(following, at=last.until, reason=why)
    return replace(status, next=following, rates=rates, left_alone=left_alone)


def status_of(sync: DataSync, overview: SyncOverview, now: datetime) -> SyncStatus:
    """Return where a data sync stands, as far as that is its own; see `while_shared`.

    Args:
        sync: the data sync.
        overview: what the ledger knows of it.
        now: our clock.
    """
    heard = parts_heard(sync, overview, now)
    sync = as_heard(sync, heard)
    newest = overview.newest
    going = _going(overview, now)
    choice = _choice(sync, overview, now)
    ended = newest if newest is not None and newest.ended_at is not None else overview.last_finished
    held = held_back_of(sync, overview)
    troubles: tuple[str | None, ...] = ()
    if sync.leaving:
        return _leaving(sync, overview, going, ended, now)
    if sync.standing is not Standing.NEVER:
        troubles = (
            (disconnection(sync),)
            if sync.is_disconnected
            else (held.excess, staleness(sync, overview, now), standstill(overview), excess(sync, overview))
        )
    return SyncStatus(
        sync=sync,
        checked_at=now,
        going=going,
        waiting=_holder(overview) if going is None else None,
        cut_off=choice.resume if going is None else None,
        last=ended,
        last_usual=None if ended is None else usual_of([run for run in overview.recent if run != ended], ended.mode),
        last_good=overview.last_finished,
        last_full=overview.last_full,
        next=None if going is not None or not _runs(sync) else _next(sync, overview, choice, now),
        full_wanted=_full_wanted(sync, overview),
        counts=overview.counts,
        held_back=held,
        since_good=age(overview, now),
        compared=parts_compared(sync, overview, now),
        heard=heard,
        whole=whole_compared(sync, overview, now),
        distrust=overview.distrust,
        troubles=tuple(words for words in troubles if words is not None),
        deliveries=deliveries_of(overview.inbox, overview.counts.open),
        requests=requests_in(overview.last_finished.counts if overview.last_finished is not None else {}),
        requests_a_day=_requests_a_day(sync, overview),
        serving=overview.serving,
        applied=overview.applied,
    )


def _runs(sync: DataSync) -> bool:
    """Whether our runs come by themselves."""
    return sync.may_send and not sync.is_pulled


def _leaving(
    sync: DataSync, overview: SyncOverview, going: Going | None, ended: DataRun | None, now: datetime
) -> SyncStatus:
    """Where a data sync stands that is to be absent: nothing is promised of it but that its records go."""
    left = unremoved(sync, overview)
    return SyncStatus(
        sync=sync,
        checked_at=now,
        going=going,
        cut_off=_choice(sync, overview, now, Mode.REMOVE).resume if going is None else None,
        last=ended,
        last_good=overview.last_finished,
        last_full=overview.last_full,
        next=None if going is not None or left is None else NextRun(now, Mode.REMOVE, "it was removed"),
        counts=overview.counts,
        troubles=() if left is None else (left,),
    )


def _going(overview: SyncOverview, now: datetime) -> Going | None:
    running, run = _holder(overview), overview.newest
    if running is None or run is None or run.ended_at is not None:
        return None
    done, total = run.counts.get(_SEEN, 0), run.counts.get(_TOTAL) or None
    seconds = (now - max(run.started_at, running.since)).total_seconds()
    rate = max(done - run.counts.get(SEEN_BEFORE, 0), 0) / seconds if seconds > 0 else 0.0
    telling = total is not None and ENOUGH_PERCENT * total <= 100 * done <= 100 * total
    left = (total - done) / rate if telling and total is not None and rate > 0 else None
    usual, written, still_open = usual_of(overview.recent, run.mode), changed_in(run.counts), overview.counts.open
    if run.message == Phase.LISTENING:
        # It has done all else, and ends by the clock or by whoever wishes it: what others took tells nothing.
        left = usual = None
    elif left is None and usual is not None and total is None:
        left = _left(usual, written, still_open, seconds)
    # One that was written may be open as well: what an earlier process sent of it may still arrive.
    changed = min(written + still_open, max(written, overview.counts.records))
    return Going(
        mode=Mode.of(run.mode),
        holder=running.holder,
        started_at=run.started_at,
        since=running.since,
        doing=run.message,
        done=done,
        total=total,
        counts=run.counts,
        per_second=rate,
        seconds_left=left,
        changed=changed,
        usual=usual,
        hands=overview.hands,
    )


def _left(usual: Usual, written: int, still_open: int, elapsed: float) -> float | None:
    """Return how many seconds a run will still take; None where nothing tells.

    Where much is to be written, it goes on as it went so far; else it takes what such a run usually does.
    """
    if written and still_open > usual.changed:
        return elapsed * still_open / written
    left = usual.took.total_seconds() - elapsed
    return left if left > 0 else None


def _choice(sync: DataSync, overview: SyncOverview, at: datetime, asked: Mode | None = None) -> Choice:
    past = Past(
        newest=overview.newest,
        unfinished=overview.unfinished,
        last=overview.last_finished,
        last_look=overview.last_look,
        last_walk=overview.last_walk,
        last_whole=overview.last_whole,
        last_full=overview.last_full,
        wanted=overview.wanted,
        distrusts=overview.distrust is not None,
    )
    return choose(asked, past, sync.settings, sync.data.digest, at)


def _next(sync: DataSync, overview: SyncOverview, now_due: Choice, now: datetime) -> NextRun | None:
    """Return what is due next; None where nothing is until somebody runs it. Workers judge likewise, see `is_due`."""
    at, turn, wanted = begins_at(sync, overview, now), overview.turn, _full_wanted(sync, overview)
    if at is None:
        return NextRun(now, now_due.mode, now_due.reason) if overview.wanted else None
    if turn is not None and turn.failures:
        words = f"tried again after {counted(turn.failures, 'attempt')} that failed"
        return NextRun(at, _choice(sync, overview, at).mode, words if at > now else now_due.reason)
    # What was cut off, and a full sync that is wanted, start at once.
    if now_due.resume is not None or overview.last_finished is None or wanted is not None:
        return NextRun(now, now_due.mode, now_due.reason)
    if turn is not None and (waiting := _ready(overview)):
        return NextRun(now, now_due.mode, f"{counted(waiting, 'record')} to be written")
    return NextRun(at, _choice(sync, overview, at).mode)


def _ready(overview: SyncOverview) -> int:
    """Return how many records wait for a run, and for no time."""
    return overview.counts.open - overview.counts.waiting + overview.counts.due


def _holder(overview: SyncOverview) -> RunningNow | None:
    """Who runs or watches it; one that is certainly gone does not."""
    return overview.running if overview.running is not None and overview.running.alive else None


def _full_wanted(sync: DataSync, overview: SyncOverview) -> str | None:
    if not full_sync_wanted(overview.last_full, sync.data.digest):
        return "a request asks for it" if overview.wanted else None
    return "none was ever finished" if overview.last_full is None else "the mapping changed since the last one"


def _requests_a_day(sync: DataSync, overview: SyncOverview) -> int | None:
    """Worked out from what the last runs took to read: one that read everything, and one that listed nothing.

    What SparkLayer pulls, it asks for whenever it likes.
    """
    last, reads = overview.last_finished, _walk_reads(overview)
    if not reads or sync.is_pulled:
        return None
    settings, records = sync.settings, overview.counts.records - overview.counts.gone
    cost = cost_of(settings.interval, settings.look_interval, settings.walk_interval, records, 0)
    look, looked = overview.last_look, 0
    if look is not None and not look.walks:
        looked = _reads(look)
    cost = replace(cost, per_look=looked or look_cost(sync.type, cost.per_look, reads), per_walk=reads)
    if last is None or last.lists:
        # No run has shown yet what one takes that finds nothing.
        return cost.with_runs_of(run_cost(sync.type, records))
    return cost.with_runs_of(sum(found.reads for found in requests_in(last.counts).values()))


def _walk_reads(overview: SyncOverview) -> int:
    """Return what a walk takes to read: of seven one goes by no stamp, where the others do."""
    spared, whole = _reads(overview.last_spared), _reads(overview.last_whole)
    if not spared or overview.distrust is not None:
        return _reads(overview.last_walk)
    return round(((WHOLE_EVERY - 1) * spared + (whole or spared)) / WHOLE_EVERY)


def _reads(run: DataRun | None) -> int:
    return 0 if run is None else requests_in(run.counts).get(SOURCE, Requests()).requests
