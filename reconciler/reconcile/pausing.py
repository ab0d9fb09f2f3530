"""Pausing by hand: which syncs are meant, and the changes that pause or resume them as a plan of its own. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import Place, UsageError
from reconciler.kind.kind import Action, Observed
from reconciler.kind.semantics import fields_of
from reconciler.ledger.config.model import LiveObject
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.holding import Fate, fate, was_before
from reconciler.pause.lease import End, Lease
from reconciler.reconcile.diff import risk_of
from reconciler.reconcile.digests import change_digest, plan_digest, precondition_of_update
from reconciler.reconcile.guard import breaches
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.leased import last_of, leases_on, pauses_of
from reconciler.reconcile.plan import Breach, Cause, Change, FieldChange, Plan
from reconciler.reconcile.work import Desired, Planned, Work
from reconciler.words import parse_duration

UNMANAGED = Place("(no manifest)")


class Sync(Struct, frozen=True):
    """A live sync that can be paused, and what its manifest wants of it, where there is one."""

    observed: Observed
    desired: Desired | None
    api: str
    api_url: str
    pause_field: str

    @property
    def key(self) -> str:
        """`Kind/name`, by its live ID where no manifest names it."""
        return f"{self.observed.kind}/{self.observed.id}" if self.desired is None else self.desired.key

    @property
    def paused(self) -> bool:
        """Whether it is paused live."""
        return bool(self.observed.state.get(self.pause_field))

    @property
    def declared(self) -> DeclaredPause | None:
        """Its pause as the manifest has it; None where no manifest says anything about that."""
        desired = self.desired
        return None if desired is None or desired.absent or self.pause_field in desired.ignore else desired.pause

    @property
    def target(self) -> LiveObject:
        """Its place in the ledger."""
        return LiveObject(self.api_url, self.observed.kind, self.observed.id)


class Lifting(Struct, frozen=True):
    """One sync on which leases are over, and what becomes of it."""

    sync: Sync
    over: tuple[Lease, ...]
    end: End
    fate: Fate


def pausable(inputs: PlanInputs) -> tuple[Sync, ...]:
    """Return every live sync that can be paused, of the kinds that were read."""
    managed = {(desired.kind, desired.id): desired for desired in inputs.desired}
    found: list[Sync] = []
    for name, objects in inputs.live.items():
        kind = inputs.kinds[name]
        pause = kind.pause_field
        if pause is not None:
            url = inputs.connections[kind.api]
            found.extend(
                Sync(observed, managed.get((name, live_id)), kind.api, url, pause)
                for live_id, observed in objects.items()
            )
    return tuple(found)


def chosen(inputs: PlanInputs, keys: Sequence[str]) -> tuple[Sync, ...]:
    """Return the syncs that are named, by manifest or by live ID.

    Raises:
        UsageError: one of them is no sync, cannot be paused, or is not live.
    """
    syncs = pausable(inputs)
    by_key = {f"{sync.observed.kind}/{sync.observed.id}": sync for sync in syncs} | {sync.key: sync for sync in syncs}
    found: dict[str, Sync] = {}
    for key in keys:
        kind, slash, name = key.partition("/")
        can = ", ".join(name for name, kind in inputs.kinds.items() if kind.pause_field is not None)
        if not slash or not name or kind not in inputs.kinds:
            raise UsageError(f"{key} is not KIND/NAME", next_step=f"What can be paused is {can}.")
        if inputs.kinds[kind].pause_field is None:
            raise UsageError(f"{key}: the API has no pause for a {kind}", next_step=f"What can be paused is {can}.")
        if key not in by_key:
            known = ", ".join(sorted(sync.key for sync in syncs if sync.observed.kind == kind)) or "none"
            raise UsageError(f"{key} is not live, so it cannot be paused", next_step=f"Of this kind are live: {known}.")
        found[by_key[key].key] = by_key[key]
    return tuple(found.values())


def leases_for(inputs: PlanInputs, syncs: Iterable[Sync], asked: Lease) -> tuple[Lease, ...]:
    """Return the leases to be recorded before the syncs are paused, with what each of them was before."""
    leases = []
    for sync in syncs:
        target = sync.target
        events = pauses_of(inputs.memory, target.kind, target.id)
        was = was_before(
            sync.paused,
            leases_on(inputs.memory, target.kind, target.id, target.api_url),
            sync.declared,
            inputs.now,
            last_of(events),
        )
        leases.append(
            replace(
                asked,
                kind=target.kind,
                id=target.id,
                api_url=target.api_url,
                name=sync.key.partition("/")[2],
                environment=inputs.environment,
                was=was,
            )
        )
    return tuple(leases)


def plan_pause(inputs: PlanInputs, syncs: Iterable[Sync], asked: Lease) -> Planned:
    """Return the plan that pauses these syncs, judged by the guardrails; those that are paused already need no change.

    Args:
        inputs: live, limits and overrides.
        syncs: to be paused.
        asked: its end, reason and owner.
    """
    pause = DeclaredPause(True, asked.until, asked.reason, asked.owner)
    detail = f"until {asked.until:%Y-%m-%d %H:%M %Z}: {asked.reason} ({asked.owner})"
    # A lease on what is paused already stands still for as long: the guardrails judge it, too.
    works = [(sync.paused, _work(inputs, sync, pause, detail, Cause.LEASE)) for sync in syncs]
    found = breaches(inputs, [work for _, work in works])
    return _planned(inputs, [work for paused, work in works if not paused], found)


def plan_resume(inputs: PlanInputs, liftings: Iterable[Lifting]) -> Planned:
    """Return the plan that resumes what nothing holds any more."""
    works = []
    for lifting in liftings:
        if lifting.fate is Fate.RESUME:
            last = lifting.over[-1]
            pause = DeclaredPause(True, lifting.end.at, last.reason, last.owner)
            detail = f"the lease of {last.owner} ended {lifting.end.at:%Y-%m-%d %H:%M %Z}"
            works.append(_work(inputs, lifting.sync, pause, detail, Cause.OVERDUE, resume=True))
    return _planned(inputs, works)


def liftings(inputs: PlanInputs, kinds: Collection[str]) -> tuple[Lifting, ...]:
    """Return what becomes of each live sync on which leases are over.

    Args:
        inputs: live and leases; `now` is the ledger's clock.
        kinds: those whose leases may be lifted.
    """
    found = []
    for sync in pausable(inputs):
        leases = leases_on(inputs.memory, sync.observed.kind, sync.observed.id, sync.api_url)
        ends = [(lease, end) for lease in leases if (end := lease.end(inputs.now)) is not None]
        if ends and sync.observed.kind in kinds:
            over = tuple(lease for lease, _ in ends)
            last = max((end for _, end in ends), key=lambda end: end.at)
            found.append(Lifting(sync, over, last, fate(sync.paused, leases, sync.declared, inputs.now)))
    return tuple(found)


def gone(inputs: PlanInputs, kinds: Collection[str]) -> tuple[Lease, ...]:
    """Return the leases that are over on syncs that are not live any more: nothing is left to be done for them."""
    live = {(sync.observed.kind, sync.observed.id) for sync in pausable(inputs)}
    return tuple(
        lease
        for lease in inputs.memory.leases
        if lease.kind in kinds and (lease.kind, lease.id) not in live and not lease.is_active(inputs.now)
    )


def _work(
    inputs: PlanInputs, sync: Sync, pause: DeclaredPause, detail: str, cause: Cause, *, resume: bool = False
) -> Work:
    """Return the change of one sync's pause, and of nothing else."""
    kind, observed = inputs.kinds[sync.observed.kind], sync.observed
    path = sync.pause_field
    state = observed.state | {path: not resume}
    fields = (FieldChange(path, resume, not resume),)
    desired = Desired(
        kind=observed.kind,
        name=sync.key.partition("/")[2],
        id=observed.id,
        state=state,
        place=UNMANAGED if sync.desired is None else sync.desired.place,
        ignore=frozenset(fields_of(kind.spec)) - {path},
        pause=pause,
    )
    change = Change(
        kind=desired.kind,
        name=desired.name,
        id=desired.id,
        action=Action.RESUME if resume else Action.PAUSE,
        risk=risk_of(kind.spec, fields, state),
        fields=fields,
        place=desired.place,
        level=0,
        depends_on=(),
        precondition=precondition_of_update(fields),
        digest="",
        cause=cause,
        detail=detail,
    )
    change = replace(change, digest=change_digest(change))
    return Work(change, sync.api, sync.api_url, desired, observed, frozenset({path}))


def _planned(inputs: PlanInputs, works: Sequence[Work], found: tuple[Breach, ...] = ()) -> Planned:
    created = inputs.now.replace(microsecond=0)
    plan = Plan(
        environment=inputs.environment,
        connections=tuple(sorted(inputs.connections.items())),
        created_at=created,
        expires_at=created + parse_duration(inputs.guardrails.max_plan_age),
        changes=tuple(work.change for work in works),
        notes=(),
        breaches=found,
        unchanged=0,
        digest="",
    )
    plan = replace(plan, digest=plan_digest(plan))
    return Planned(plan, {work.change.key: work for work in works})
