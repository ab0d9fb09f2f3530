"""Drift: a plan read the other way, and what can be done about it. Pure.

The cause of a change is decided in `changes.py`, that of a data sync in `sync/monitor/health.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.ledger.config.model import Memory, Snooze
from reconciler.reconcile.adopt import is_adoptable
from reconciler.reconcile.importer import manifest_names
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.plan import Cause, DriftItem, DriftReport, NoteKind
from reconciler.reconcile.work import Planned, Work


def find_drift(inputs: PlanInputs, planned: Planned) -> DriftReport:
    """Return what is not as desired, each with its cause and next steps."""
    names = manifest_names(inputs.live, {(item.kind, item.id): item.name for item in inputs.desired})
    items = [
        *_forbidden(inputs, planned),
        *(_item(inputs, planned.work[each.key], names) for each in planned.plan.changes),
    ]
    if inputs.guardrails.unmanaged == "drift":
        items.extend(_unmanaged(inputs, planned))
    return DriftReport(
        environment=inputs.environment,
        checked_at=planned.plan.created_at,
        items=tuple(items),
        notes=tuple(note for note in planned.plan.notes if note.kind is not NoteKind.FORBIDDEN_HOST),
        unchanged=planned.plan.unchanged,
    )


def unreachable(environment: str, message: str, checked_at: datetime) -> DriftReport:
    """Return the report of an environment that could not be compared at all."""
    item = DriftItem(
        kind="Environment",
        name=environment,
        id=environment,
        cause=Cause.UNREACHABLE,
        change=None,
        next_steps=(f"reconciler doctor -e {environment}",),
        message=message,
    )
    return DriftReport(environment, checked_at, (item,), (), 0)


def _item(inputs: PlanInputs, work: Work, names: Mapping[tuple[str, str], str]) -> DriftItem:
    change = work.change
    snooze = snooze_of(inputs.memory, change.kind, change.name, inputs.now)
    return DriftItem(
        kind=change.kind,
        name=change.name,
        id=change.id,
        cause=change.cause,
        change=change,
        next_steps=tuple(_next_steps(inputs, work, names)),
        snoozed_until=snooze.until if snooze else None,
        snooze_reason=snooze.reason if snooze else None,
        message=change.detail,
    )


def _forbidden(inputs: PlanInputs, planned: Planned) -> Iterator[DriftItem]:
    for note in planned.plan.notes:
        if note.kind is NoteKind.FORBIDDEN_HOST:
            kind, _, name = note.subject.partition("/")
            yield DriftItem(
                kind=kind,
                name=name,
                id=name,
                cause=Cause.FORBIDDEN_HOST,
                change=None,
                next_steps=(_step_against(inputs, planned, note.subject),),
                message=note.message,
            )


def _step_against(inputs: PlanInputs, planned: Planned, key: str) -> str:
    """Return what takes a live object off a forbidden host: apply where that changes it, else only its maker."""
    if key in planned.work:
        return f"reconciler apply -e {inputs.environment} --target {key}"
    return f"reconciler explain {Cause.FORBIDDEN_HOST.value}"


def _unmanaged(inputs: PlanInputs, planned: Planned) -> Iterator[DriftItem]:
    forbidden = {note.subject for note in planned.plan.notes if note.kind is NoteKind.FORBIDDEN_HOST}
    for note in planned.plan.notes:
        if note.kind is not NoteKind.UNMANAGED:
            continue
        kind, _, live_id = note.subject.partition("/")
        snooze = snooze_of(inputs.memory, kind, live_id, inputs.now)
        yield DriftItem(
            kind=kind,
            name=live_id,
            id=live_id,
            cause=Cause.UNMANAGED,
            change=None,
            next_steps=(
                # Import leaves out what points at a forbidden host.
                f"reconciler explain {Cause.FORBIDDEN_HOST.value}"
                if note.subject in forbidden
                else f"reconciler import -e {inputs.environment} --target {kind}/{live_id}",
                f"reconciler drift snooze {kind}/{live_id} -e {inputs.environment} --for 7d --reason …",
            ),
            snoozed_until=snooze.until if snooze else None,
            snooze_reason=snooze.reason if snooze else None,
            message=note.message,
        )


def snooze_of(memory: Memory, kind: str, name: str, now: datetime) -> Snooze | None:
    """Return what mutes the drift of an object now, or None."""
    return next((item for item in memory.snoozes if (item.kind, item.name) == (kind, name) and item.until > now), None)


def _next_steps(inputs: PlanInputs, work: Work, names: Mapping[tuple[str, str], str]) -> Iterator[str]:
    environment, change = inputs.environment, work.change
    if change.cause is Cause.OVERDUE:
        yield f"reconciler drift -e {environment} --resume-expired"
    if change.cause is Cause.WINDOW:
        yield f"reconciler drift -e {environment} --heal"
    yield f"reconciler apply -e {environment} --target {change.key}"
    if change.cause not in (Cause.GIT_MOVED, Cause.WINDOW):
        if is_adoptable(inputs.kinds, work, names, inputs.target_hosts):
            yield f"reconciler drift -e {environment} --adopt {change.key}"
        yield f"reconciler drift snooze {change.key} -e {environment} --for 7d --reason …"
