"""Loops of the service: data syncs by their intervals, drift checks with healing, leases and windows on time.

Each runs in one process at a time: in the one that holds its lock in the ledger; others stand by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from reconciler.app.chosen import Chosen, HowToRun
from reconciler.app.drift import Drift, drift_of_each
from reconciler.app.heal import Healing, heal
from reconciler.app.overdue import lift_where_allowed
from reconciler.app.sync import watch_on
from reconciler.app.unattended import Unattended
from reconciler.http.limit import Turn
from reconciler.ledger.config.moves import MoveStore
from reconciler.ledger.lock import acquire
from reconciler.reconcile.plan import Cause
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.report.log import correlated
from reconciler.serve.crew import STAND_BY_SECONDS, Crew, Loop
from reconciler.serve.faces import Calls, WatchFace
from reconciler.serve.page.seen_drift import remember
from reconciler.serve.service import Served, Service
from reconciler.sync.datasync import KIND, Standing
from reconciler.words import parse_duration

if TYPE_CHECKING:
    from reconciler.reconcile.plan import DriftReport

LOOK_SECONDS = 15.0
"""How soon a lease that is over, a window that begins, or an apply is noticed."""

_SHOWN = 5


def crew_of(service: Service, served: Served, *, works: bool = True) -> Crew:
    """Return the loops that spec.service of an environment names, not begun yet.

    Args:
        service: the process.
        served: the environment.
        works: whether it runs data syncs; else they are left to workers.
    """
    asked = served.section.settings.loops
    loops: list[Loop] = []
    if "syncs" in asked and works:
        names = dict.fromkeys(item.name for item in served.session.desired if item.kind == KIND and not item.absent)
        loops.extend(Loop(service, served, f"sync {name}", partial(_sync, name)) for name in names)
    if "drift" in asked:
        loops.append(Loop(service, served, "drift", _drift))
    if asked:
        loops.append(Loop(service, served, "leases", _leases))
    return Crew(tuple(loops))


async def _sync(name: str, loop: Loop) -> float:
    """Run the data types of a DataSync by their intervals, as long as its manifest is what was applied."""
    served = loop.served
    syncs = [sync for sync in served.data_syncs() if sync.name == name]
    if not syncs:
        return LOOK_SECONDS
    if syncs[0].standing is not Standing.APPLIED:
        how = "was never applied" if syncs[0].standing is Standing.NEVER else "is not as it was applied last"
        loop.waits(f"{KIND}/{name} {how}: apply it, or let the service read what was applied (SIGHUP)")
        return LOOK_SECONDS
    await watch_on(
        [Chosen(served.session, sync) for sync in syncs],
        HowToRun(token_cache=False, turn=Turn(served.pulls, goes_first=False), slots=loop.service.slots),
        WatchFace(loop, name),
        Calls(loop.service.metrics, served.name),
        command="serve",
        between=loop.between,
        lasting=True,
        listens=_is_told(served, name),
    )
    return STAND_BY_SECONDS


def _is_told(served: Served, name: str) -> bool:
    """Whether the environment takes messages in for a DataSync."""
    settings = served.section.settings
    told = {each.data_sync for each in settings.deliveries} | {each.data_sync for each in settings.consumers}
    return name in told


async def _drift(loop: Loop) -> float:
    """Check drift again and again, and heal what may heal, while nobody else does."""
    served = loop.served
    every = parse_duration(served.section.settings.drift_interval).total_seconds()
    with acquire(served.ledger().database, loop.service.holder, name=f"drift:{served.name}") as lock:
        while not loop.ends:
            lock.check()
            session = served.reopened(loop.service.now())
            async with loop.service.checks.one():
                await _check(loop, session)
            loop.came_round()
            await _rest(loop, every, _pauses(session))
    return 0.0


async def _check(loop: Loop, session: Session) -> None:
    service, served, request = loop.service, loop.served, PlanRequest()
    observer, face = Calls(service.metrics, served.name), Unattended(loop.stopping)
    restores = MoveStore(served.ledger().database)
    with correlated():
        restored_at = restores.unchecked(session.urls.values())
        healed = await heal(session, served.manifests, request, face, observer, token_cache=False, lock_wait=0)
        (found,) = await drift_of_each([session], request, observer, token_cache=False)
        report = healed.told_in(found.report if isinstance(found, Drift) else found)
        served.drift = report
        remember(served.ledger(), report, parse_duration(served.section.settings.drift_interval))
        service.metrics.drift_checked.labels(served.name).set(service.now().timestamp())
        for cause in Cause:
            number = sum(1 for item in report.items if item.cause is cause and item.snoozed_until is None)
            service.metrics.drifted.labels(served.name, cause.value).set(number)
        _tell(service, served.name, report, healed)
        if restored_at is not None:
            restores.checked(session.urls.values(), restored_at)


def _tell(service: Service, environment: str, report: DriftReport, healed: Healing) -> None:
    names = [f"{item.kind}/{item.name}" for item in report.items if item.snoozed_until is None]
    done = 0 if healed.report is None else len(healed.report.results)
    words = f"drifted: {', '.join(names[:_SHOWN])}" if names else "no drift"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    service.log.say(
        "drift-checked",
        f"{words}{more}{f'; {done} put right' if done else ''}",
        level="warning" if names else "info",
        environment=environment,
        drifted=len(names),
        healed=done,
    )


async def _rest(loop: Loop, every: float, before: Mapping[str, object]) -> None:
    """Wait for the next check, or for what comes before it: a restore, a pause or window that begins or ends."""
    left, served = every, loop.served
    while left > 0 and not loop.ends:
        await loop.sleep(min(left, LOOK_SECONDS))
        left -= LOOK_SECONDS
        pulse = await asyncio.to_thread(served.pulse)
        session = served.reopened(loop.service.now())
        if _pauses(session) != before:
            return
        # What all environments share was read a second ago: the last check may have answered it since.
        if pulse.restored.isdisjoint(session.urls.values()):
            continue
        if await asyncio.to_thread(_is_restored, served):
            return


def _is_restored(served: Served) -> bool:
    return MoveStore(served.ledger().database).unchecked(served.session.urls.values()) is not None


def _pauses(session: Session) -> Mapping[str, object]:
    """Return which syncs are to be paused now, by the pauses and windows that manifests declare."""
    return {item.key: item.state.get("pause") for item in session.desired if item.pause is not None}


async def _leases(loop: Loop) -> float:
    """Lift the leases that are over."""
    service, served = loop.service, loop.served
    pulse = await asyncio.to_thread(served.pulse)
    if not pulse.leased.intersection(served.session.urls.values()):
        loop.came_round()
        return LOOK_SECONDS
    observer = Calls(service.metrics, served.name)
    session = served.reopened(service.now())
    lifted, left = await lift_where_allowed(session, lambda _: None, observer, "serve", token_cache=False)
    for sync in lifted.resumed:
        service.log.say("lease-lifted", f"{sync.key} runs again: its pause is over", environment=served.name)
    for problem in left:
        loop.waits(problem.message, code=problem.code)
    if not left:
        loop.came_round()
    return LOOK_SECONDS
