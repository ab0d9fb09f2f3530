"""Pause syncs for a while, and resume them: lease and what live was into the ledger first, then the request.

A lease is taken under the apply lock, so that no apply resumes what is paused for it. It is lifted under the lock of
the pauses alone: a sync that nothing holds any more need not wait for an apply.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.app.connections import writers
from reconciler.app.pausable import over, pausable_kinds
from reconciler.errors import Interrupted
from reconciler.kind.connection import Reader, Writer
from reconciler.ledger.config.model import Memory
from reconciler.ledger.url import require_durable
from reconciler.pause.holding import Fate
from reconciler.pause.lease import Around, Lease
from reconciler.reconcile.apply import apply
from reconciler.reconcile.judge import refused
from reconciler.reconcile.live import LiveSide, read_live
from reconciler.reconcile.pause_report import Lifted, LiftedSync, Taken
from reconciler.reconcile.pausing import chosen, gone, leases_for, liftings, plan_pause, plan_resume
from reconciler.reconcile.plan import ApplyReport, Outcome, Plan
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.reconcile.work import Planned

if TYPE_CHECKING:
    from datetime import timedelta

    from reconciler.http.observe import Observer
    from reconciler.kind.kind import Observed
    from reconciler.ledger.config.model import LockHolder
    from reconciler.ledger.lock import Lock
    from reconciler.ledger.writer import Ledger
    from reconciler.reconcile.run import Progress

_DONE = (Outcome.APPLIED, Outcome.ALREADY)
# Nobody holds the lock of the pauses for longer than a few requests take.
_LOCK_WAIT_SECONDS = 40.0
_FEATURE = "A pause by hand"


class PauseFace(Protocol):
    """Whoever asked for a pause or its end: a terminal, a service, a worker."""

    def waits_for(self, holder: LockHolder) -> None:
        """Hear that somebody else holds a lock, and is waited for."""

    def shows(self, plan: Plan, limits: Mapping[str, str]) -> None:
        """Hear what is about to be sent, and by `Kind/name` what such a pause does not do."""

    def progresses(self, progress: Progress, /) -> None:
        """Hear of a change that begins or has ended."""


class PauseRequest(Struct, frozen=True):
    """A pause that somebody asks for.

    Args:
        keys: the syncs, as `Kind/name`, by manifest or live ID.
        duration: for how long.
        reason: why.
        owner: whose pause it is, for people.
        overrides: guardrail rule to reason.
        around: whether it is around a command of this process, which gives signs of life.
        judged: whether the guardrails have judged already what it is a part of.
    """

    keys: tuple[str, ...]
    duration: timedelta
    reason: str
    owner: str
    overrides: Mapping[str, str] = {}
    around: bool = False
    judged: bool = False


class Desk(Struct, frozen=True):
    """What it takes to pause and to resume the syncs of one environment.

    Args:
        session: the environment.
        ledger: open for writing.
        writers: connection by provider name.
        holder: who does it, for people and for the locks.
        face: who is told.
        kinds: those whose syncs may be looked at and resumed: what the connections have the roles for.
        stop: once set, nothing new is sent.
    """

    session: Session
    ledger: Ledger
    writers: Mapping[str, Writer]
    holder: str
    face: PauseFace
    kinds: tuple[str, ...]
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def urls(self) -> tuple[str, ...]:
        """The live sides of the environment."""
        return tuple(self.session.urls.values())


@contextmanager
def opened_ledger(session: Session, *, ephemeral: bool) -> Iterator[Ledger]:
    """Within, the ledger of an environment is open for pauses.

    Raises:
        LedgerNotDurable: it would forget them.
        LedgerError: it cannot be opened.
    """
    require_durable(session.settings.ledger, os.environ, _FEATURE, ephemeral=ephemeral)
    with session.access.writing(session.settings.ledger) as ledger:
        yield ledger


async def take(
    session: Session,
    ledger: Ledger,
    request: PauseRequest,
    face: PauseFace,
    observer: Observer,
    stop: asyncio.Event,
    *,
    lock_wait: float = 0,
    token_cache: bool = True,
) -> Taken:
    """Pause syncs for a while, all of them or none, holding the apply lock.

    Args:
        session: the environment.
        ledger: open for writing.
        request: what is asked for.
        face: who is told.
        observer: told of the requests.
        stop: asks for an orderly end: what was paused by then is resumed.
        lock_wait: seconds to wait for an apply.
        token_cache: whether access tokens may be kept in files.

    Raises:
        UsageError: one of the syncs cannot be paused or is not there.
        GuardrailBreach: a guardrail refuses it.
        Interrupted: it was cut off; the leases are given back.
        ReconcilerError: nothing was paused.
    """
    from reconciler.ledger.process import describe_holder

    holder, kinds = describe_holder("pause"), pausable_kinds(session)
    ours: list[Lease] = []
    taken: Taken | None = None
    with ledger.lock(holder, session.name, session.urls, wait=lock_wait, on_wait=face.waits_for) as lock:
        try:
            async with writers(session, kinds, observer, token_cache=token_cache) as opened:
                desk = Desk(session, ledger, opened, holder, face, kinds, stop)
                await lift(desk)
                taken = await pause_syncs(desk, lock, request, on_taken=ours.extend)
        except asyncio.CancelledError:
            if taken is None or taken.done:
                raise _cut_off(session, ledger, ours) from None
        assert taken is not None  # noqa: S101 - it is made, or something was raised
        return taken


def _cut_off(session: Session, ledger: Ledger, leases: Collection[Lease]) -> Interrupted:
    """Give back the leases of a pause that was cut off, and return what is known of it."""
    if not leases:
        return Interrupted("Interrupted before anything was paused", next_step="Run the command again.")
    ledger.release_leases([lease.lease_id for lease in leases])
    keys = " ".join(dict.fromkeys(lease.key for lease in leases))
    return Interrupted(
        f"Interrupted: the pause of {keys} is given back, and whether what was paused runs again is not known",
        next_step=f"Run `reconciler resume {keys} -e {session.name}`; the next command that may write tries as well.",
    )


async def pause_syncs(
    desk: Desk,
    lock: Lock,
    request: PauseRequest,
    *,
    live: LiveSide | None = None,
    on_taken: Callable[[tuple[Lease, ...]], None] = lambda _: None,
) -> Taken:
    """Pause syncs for a while: leases into the ledger with what live was, then the requests; all of them or none.

    Args:
        desk: what it takes.
        lock: the apply lock, held by the caller.
        request: what is asked for.
        live: the syncs as they were read; None: all that can be paused are read.
        on_taken: hears of the leases before anything is sent.

    Raises:
        UsageError: one of the syncs cannot be paused or is not there.
        GuardrailBreach: a guardrail refuses it.
        ReconcilerError: nothing was paused.
    """
    session, ledger = desk.session, desk.ledger
    live = await read_live(session.kinds, desk.kinds, desk.writers) if live is None else live
    with ledger.lock_pauses(desk.holder, session.name, wait=_LOCK_WAIT_SECONDS, on_wait=desk.face.waits_for):
        leases, now = ledger.leases(desk.urls)
        memory = replace(session.memory(), leases=leases)
        inputs = session.inputs(live, PlanRequest(overrides=request.overrides), memory, now)
        syncs = chosen(inputs, request.keys)
        around = Around(now) if request.around else None
        asked = Lease("", "", request.owner, now + request.duration, request.reason, holder=desk.holder, around=around)
        planned = plan_pause(inputs, syncs, asked)
        if planned.plan.refused and not request.judged:
            raise refused(planned.plan.refused)
        limits = {sync.key: session.kinds[sync.observed.kind].pause_limits or "" for sync in syncs}
        desk.face.shows(planned.plan, limits)
        taken = ledger.take_leases(leases_for(inputs, syncs, asked), request.duration)
        on_taken(taken)
        report = await _carry_out(desk, lock, planned, "pause")
    done = report.ledger_problem is None and all(result.outcome in _DONE for result in report.results)
    if done and not desk.stop.is_set():
        return Taken(session.name, taken, report, True, limits=limits)
    lifted = await give_back_on(desk, [lease.lease_id for lease in taken])
    return Taken(session.name, taken, report, False, lifted, limits)


async def _carry_out(desk: Desk, lock: Lock, planned: Planned, command: str) -> ApplyReport:
    """Carry out a plan of pauses, with a journal of its own that no `apply --resume` takes up."""
    return await apply(
        planned,
        desk.session.kinds,
        desk.writers,
        desk.ledger,
        lock,
        holder=desk.holder,
        stop=desk.stop,
        on_event=desk.face.progresses,
        command=command,
    )


async def give_back(
    session: Session,
    ledger: Ledger,
    which: Callable[[Lease], bool],
    face: PauseFace,
    observer: Observer,
    *,
    command: str = "resume",
    token_cache: bool = True,
) -> Lifted:
    """Give leases back, and resume each sync that nothing holds any more. An apply that runs is not waited for.

    Args:
        session: the environment.
        ledger: open for writing.
        which: tells the leases that are given back; those that are over are lifted besides.
        face: who is told.
        observer: told of the requests.
        command: what the holder of the lock is called.
        token_cache: whether access tokens may be kept in files.

    Raises:
        ReconcilerError: something could not be read. The leases are over all the same: the next command that may
            write lifts them.
    """
    from reconciler.ledger.process import describe_holder

    leases, _ = ledger.leases(tuple(session.urls.values()))
    ours = [lease.lease_id for lease in leases if which(lease)]
    if ours:
        ledger.release_leases(ours)
    kinds = pausable_kinds(session)
    async with writers(session, kinds, observer, token_cache=token_cache) as opened:
        return await lift(Desk(session, ledger, opened, describe_holder(command), face, kinds))


async def give_back_on(desk: Desk, lease_ids: Collection[str]) -> Lifted:
    """Give leases back on open connections, and resume each sync that nothing holds any more."""
    desk.ledger.release_leases(lease_ids)
    # What was begun is ended, also where somebody asked to stop.
    return await lift(replace(desk, stop=asyncio.Event()))


async def lift(desk: Desk) -> Lifted:
    """Lift the leases that are over: resume each sync that nothing holds any more, and forget them.

    A sync is looked at before it is resumed. A lease is forgotten after its sync was resumed: whoever is killed in
    between leaves it to the next.

    Raises:
        ReconcilerError: something could not be read, or the ledger not be written.
    """
    session, ledger = desk.session, desk.ledger
    if not over(*ledger.leases(desk.urls), desk.kinds):
        return Lifted(session.name)
    with ledger.lock_pauses(desk.holder, session.name, wait=_LOCK_WAIT_SECONDS, on_wait=desk.face.waits_for) as lock:
        leases, now = ledger.leases(desk.urls)
        live = await read_syncs(desk, ((lease.kind, lease.id) for lease in over(leases, now, desk.kinds)))
        inputs = session.inputs(live, PlanRequest(), Memory(leases=leases, fresh=False), now)
        found = liftings(inputs, desk.kinds)
        planned = plan_resume(inputs, found)
        if planned.plan.changes:
            desk.face.shows(planned.plan, {})
        report = await _carry_out(desk, lock, planned, "resume")
        results = {result.change.key: result for result in report.results}
        syncs = tuple(
            LiftedSync(
                key=lifting.sync.key,
                kind=lifting.sync.observed.kind,
                id=lifting.sync.observed.id,
                api_url=lifting.sync.api_url,
                leases=lifting.over,
                end=lifting.end,
                fate=lifting.fate,
                result=results.get(lifting.sync.key),
            )
            for lifting in found
        )
        done = [lease for sync in syncs if sync.is_done for lease in sync.leases]
        if report.ledger_problem is None:
            for lifting, sync in zip(found, syncs, strict=True):
                if sync.is_done and sync.fate in (Fate.RESUME, Fate.DECLARED):
                    # From here on it is as its manifest says, and no longer as a lease says.
                    path, stays = lifting.sync.pause_field, sync.fate is Fate.DECLARED
                    ledger.remember_pause(lifting.sync.target, path, stays)
            ledger.remove_leases([lease.lease_id for lease in (*done, *gone(inputs, desk.kinds))])
    return Lifted(session.name, syncs, report.interrupted, report.ledger_problem)


async def read_syncs(desk: Desk, named: Iterable[tuple[str, str]]) -> dict[str, dict[str, Observed]]:
    """Read some syncs by kind and live ID; each kind has an entry, also where none of them is live."""
    kinds = desk.session.kinds
    syncs = tuple(dict.fromkeys(named))
    readers: Mapping[str, Reader] = desk.writers
    wires = await asyncio.gather(*(kinds[kind].read_one(readers[kinds[kind].api], live_id) for kind, live_id in syncs))
    live: dict[str, dict[str, Observed]] = {kind: {} for kind, _ in syncs}
    for (kind, live_id), wire in zip(syncs, wires, strict=True):
        if wire is not None:
            live[kind][live_id] = kinds[kind].observe(live_id, wire)
    return live
