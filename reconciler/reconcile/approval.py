"""Approval: check of a plan file (digests, signature, age) or an interrupted run, and what that permits. Pure.

A saved plan is an approval, never an instruction: the plan is made anew, and those of its changes that the approval
covers are carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import GuardrailBreach, LedgerError, PlanFileError, StalePlan
from reconciler.kind.kind import Action
from reconciler.ledger.config.model import SENT, JournalEntry, Run
from reconciler.reconcile.digests import (
    PLAN_KEY,
    approval_digest,
    change_digest,
    is_signed,
    operation_digest,
    plan_digest,
)
from reconciler.reconcile.gathered import AS_WANTED, MOVED, PLAN_AGAIN, Reviewed, gather
from reconciler.reconcile.guard import breaches
from reconciler.reconcile.judge import judged, refused
from reconciler.reconcile.operate import not_carried_out
from reconciler.reconcile.plan import (
    Cause,
    Change,
    ChangeResult,
    Operation,
    OperationResult,
    Outcome,
    Plan,
)
from reconciler.reconcile.planner import require_secrets
from reconciler.reconcile.planread import plan_from_json
from reconciler.reconcile.session import Comparison
from reconciler.reconcile.work import Planned

_FINAL = {Outcome.APPLIED.value, Outcome.ALREADY.value, Outcome.STALE.value}
_LONGEST_TOLD = 500
_MAYBE_LIVE = {SENT, Outcome.UNKNOWN.value}


class Permission(Struct, frozen=True):
    """Which of the changes planned now may be carried out.

    Args:
        approved: their digests.
        earlier: outcomes of what the approval names and needs or allows no work.
        unreviewed: changes that are pending by now and that nobody approved: they are left alone.
        resumed: whether this is the rest of an interrupted run.
        operations: outcomes of the operations that the approval names and that are not carried out now.
        waiting: operations that are due by now and that nobody approved: they are left alone.
        plans: number of a saved plan to why a guardrail refuses it.
        overtaken: number of a saved plan to the keys of its changes that another plan's change took the place of.
        left: outcomes of earlier operations that a part was refused of, and that nothing is sent of any more.
    """

    approved: frozenset[str]
    earlier: tuple[ChangeResult, ...] = ()
    unreviewed: tuple[Change, ...] = ()
    resumed: bool = False
    operations: tuple[OperationResult, ...] = ()
    waiting: tuple[Operation, ...] = ()
    plans: Mapping[int, GuardrailBreach] = {}
    overtaken: Mapping[int, tuple[str, ...]] = {}
    left: tuple[OperationResult, ...] = ()


def check_intact(saved: Plan) -> None:
    """Check that nobody altered a saved plan by mistake: its digests are those of its content.

    Raises:
        PlanFileError: it was altered since it was saved.
    """
    intact = all(change.digest == change_digest(change) for change in saved.changes)
    intact = intact and all(each.digest == operation_digest(each) for each in saved.operations)
    intact = intact and saved.approves in (None, approval_digest(saved))
    if not intact or saved.digest != plan_digest(saved):
        raise PlanFileError("the saved plan was altered after it was made", next_step=PLAN_AGAIN)


def check_approval(
    saved: Plan, now: datetime, key: str | None = None, overrides: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Check a saved plan by itself.

    Args:
        saved: the plan.
        now: what time it is.
        key: the one that it has to be signed with; None or empty: any plan is taken.
        overrides: guardrail rules that are overridden by now, to the reason.

    Raises:
        PlanFileError: it was altered since it was saved, or nobody signed it who holds the key.
        StalePlan: planning had failed, or it has expired.
        GuardrailBreach: a guardrail stood against it when it was planned, and is not overridden now.
    """
    if saved.error is not None:
        raise StalePlan(
            f"planning had failed ({_told(saved.error['code'])}: {_told(saved.error['message'])}), "
            "so it approves nothing",
            next_step=PLAN_AGAIN,
        )
    if key and not is_signed(saved, key):
        raise PlanFileError(
            f"the saved plan is not signed with the key in {PLAN_KEY}",
            next_step=f"Save it where {PLAN_KEY} is set to the same key, and have it reviewed.",
        )
    check_intact(saved)
    standing = [breach for breach in saved.refused if breach.rule not in overrides]
    if standing:
        error = refused(standing)
        raise GuardrailBreach(
            f"it was refused when it was planned, so it approves nothing: {_told(error.message)}",
            next_step=error.next_step and _told(error.next_step),
        )
    if now >= saved.expires_at:
        raise StalePlan(f"the saved plan expired at {saved.expires_at:%Y-%m-%d %H:%M %Z}", next_step=PLAN_AGAIN)


def _told(text: object) -> str:
    """Return what a file says of itself, no longer than a message may be."""
    return str(text)[:_LONGEST_TOLD]


def check_connections(saved: Plan, environment: str, connections: dict[str, str]) -> None:
    """Check that a saved plan is of this environment and of the APIs that it names now.

    Raises:
        StalePlan: it is not.
    """
    if saved.environment != environment:
        raise StalePlan(
            f"the saved plan is for the environment {saved.environment}, not for {environment}", next_step=PLAN_AGAIN
        )
    if dict(saved.connections) != connections:
        raise StalePlan(
            f"the environment {environment} names other APIs than when the plan was saved", next_step=PLAN_AGAIN
        )


def permit_all(comparison: Comparison, only: Callable[[Change], bool] | None = None) -> Permission:
    """Permit the whole plan, or those of its changes that `only` lets through.

    Raises:
        GuardrailBreach: a guardrail refuses it.
        SecretUnset: it has to send a secret that is not set.
    """
    plan = comparison.planned.plan
    chosen = frozenset(change.digest for change in plan.changes if only is None or only(change))
    if only is None:
        chosen |= {operation.digest for operation in plan.operations}
    return _checked(comparison, Permission(chosen, left=_left(comparison) if only is None else ()))


def _left(comparison: Comparison) -> tuple[OperationResult, ...]:
    """Return what became of requests that the manifests still ask for, and of which a part was refused."""
    planned, now = comparison.planned, comparison.inputs.now
    ended = [each for each in planned.ended.values() if now < each.operation.not_after]
    return tuple(not_carried_out(each.operation, planned) for each in ended if each.outcome is Outcome.FAILED)


def needs(reviewed: Sequence[Reviewed], number: int, planned: Planned) -> bool:
    """Whether one saved plan approves something that the others do not, secrets that go along with it included.

    Args:
        reviewed: the saved plans.
        number: which of them; it has not passed its gate.
        planned: the plan made now.
    """
    gathered = gather(reviewed, planned)
    if any(number in numbers for numbers in gathered.covering.values()):
        return True
    alone = reviewed[number].plan.secrets_at_apply and not any(each.takes_secrets for each in reviewed)
    return alone and any(map(_is_of_secrets, gathered.unreviewed))


def permit_saved(comparison: Comparison, reviewed: Sequence[Reviewed]) -> Permission:
    """Permit what saved plans approve and still stands, and windows that have begun or ended since.

    Windows were reviewed with their manifests, and so were secrets where plans were made without them. Where a
    guardrail refuses one of them, they are left alone, and what was approved is carried out. Of several plans, one that
    a guardrail refuses is left out, and the others are carried out.

    Args:
        comparison: the plan made now.
        reviewed: the saved plans, in the order in which they were made.

    Raises:
        GuardrailBreach: guardrails refuse all of it.
        SecretUnset: it has to send a secret that is not set.
    """
    gathered = gather(reviewed, comparison.planned)
    found = judged(comparison, gathered)
    permission = Permission(
        gathered.approved - found.refused.keys(),
        (*gathered.earlier, *found.results),
        gathered.unreviewed,
        operations=(*gathered.operations, *found.operations),
        waiting=gathered.waiting,
        plans=found.plans,
        overtaken=gathered.overtaken,
    )
    secrets = any(each.takes_secrets for each in reviewed)
    permission = _with_what_moves_by_itself(comparison, permission, secrets=secrets)
    _require_secrets(comparison, permission)
    return permission


def permit_rest(comparison: Comparison, run: Run | None) -> Permission:
    """Permit what an interrupted run was permitted and has not done.

    Raises:
        LedgerError: no run was interrupted.
        StalePlan: the run was against other APIs.
        GuardrailBreach: a guardrail refuses it.
        SecretUnset: it has to send a secret that is not set.
    """
    if run is None:
        raise LedgerError(
            f"no interrupted apply of {comparison.inputs.environment} is recorded, so there is nothing to resume",
            next_step="See what is pending with `reconciler plan`.",
        )
    return _checked(comparison, covered_by_run(run, comparison.planned))


def narrowed(planned: Planned, permission: Permission) -> Planned:
    """Return the plan without the updates that were not asked for, as --target would.

    What they change is live all the same, so what refers to it need not wait. Creates and renames stay: what refers
    to them cannot go without.
    """
    needed = (Action.CREATE, Action.RENAME, Action.DELETE)
    work = {
        key: work
        for key, work in planned.work.items()
        if work.change.digest in permission.approved or work.change.action in needed
    }
    changes = tuple(change for change in planned.plan.changes if change.key in work)
    return replace(planned, plan=replace(planned.plan, changes=changes), work=work)


def covered_by_run(run: Run, planned: Planned) -> Permission:
    """Match an unfinished run with the plan made now: which of its changes are done, still to do, or overtaken.

    What the journal calls `sent` may have arrived or not; the new plan, made from what live is now, tells. A secret
    that was sent is in doubt in the ledger, so the new plan sends it again: that rest of the change is carried out too.

    Args:
        run: the unfinished run.
        planned: the plan made now, for the same environment.

    Raises:
        StalePlan: the run was against other APIs than the plan, so nothing can be said.
        PlanFileError: the journal's plan cannot be read.
        LedgerError: the journal does not fit its plan.
    """
    before = plan_from_json(run.plan)
    if sorted(before.connections) != sorted(planned.plan.connections) or before.environment != planned.plan.environment:
        raise StalePlan(
            "The interrupted run was against other APIs than this environment names now",
            next_step="Plan again without --resume and look at what is left.",
        )
    changes = {change.key: change for change in before.changes}
    operations = {operation.key: operation for operation in before.operations}
    if not changes.keys() | operations.keys() >= {entry.key for entry in run.entries}:
        raise LedgerError(
            "The journal of the interrupted run names changes that its plan does not have",
            next_step="Plan again without --resume, and see who else writes to the ledger.",
        )
    fresh = {change.key: change for change in planned.plan.changes}
    settled = {desired.key for desired in planned.settled}
    approved: set[str] = set()
    earlier: list[ChangeResult] = []
    ended: list[OperationResult] = []
    for entry in run.entries:
        if (operation := operations.get(entry.key)) is not None:
            task = planned.tasks.get(entry.key) or planned.rest.get(entry.key)
            if entry.outcome not in _FINAL and task is not None and task.operation.digest == entry.digest:
                approved.add(entry.digest)
            else:
                ended.append(not_carried_out(operation, planned))
            continue
        change, now = changes[entry.key], fresh.get(entry.key)
        if entry.outcome not in _FINAL and now is not None and _still_stands(entry, change, now):
            approved.add(now.digest)
        else:
            earlier.append(_without_us(entry, change, now, is_settled=entry.key in settled))
    return Permission(frozenset(approved), tuple(earlier), resumed=True, operations=tuple(ended))


def _still_stands(entry: JournalEntry, change: Change, now: Change) -> bool:
    """Whether the new change is the reviewed one, or what is left of it after it was sent."""
    if now.digest == entry.digest:
        return True
    is_rest = now.id == change.id and now.renamed_from is None and now.action not in (Action.CREATE, Action.DELETE)
    return entry.outcome in _MAYBE_LIVE and is_rest and all(field in change.fields for field in now.fields)


def _without_us(entry: JournalEntry, change: Change, now: Change | None, *, is_settled: bool) -> ChangeResult:
    """Return the outcome of a change that this run does not carry out."""
    if entry.outcome in _FINAL:
        return ChangeResult(change, Outcome(entry.outcome), message=entry.message)
    if now is not None:
        return ChangeResult(change, Outcome.STALE, StalePlan.code, MOVED, PLAN_AGAIN)
    maybe_live = entry.outcome in _MAYBE_LIVE
    if is_settled and maybe_live:
        return ChangeResult(change, Outcome.APPLIED, message="sent before the interruption; live is as wanted")
    if is_settled:
        return ChangeResult(change, Outcome.ALREADY, message=AS_WANTED)
    words = "the manifests no longer name it, or --target leaves it out"
    if maybe_live:
        return ChangeResult(
            change, Outcome.UNKNOWN, message=f"sent before the interruption; {words}", next_step=PLAN_AGAIN
        )
    return ChangeResult(change, Outcome.STALE, StalePlan.code, words, PLAN_AGAIN)


def _with_what_moves_by_itself(comparison: Comparison, permission: Permission, *, secrets: bool) -> Permission:
    """Permit windows that have begun or ended as well, and secrets that have changed where plans left them to apply."""
    permission = _wider(comparison, permission, {each.digest for each in permission.unreviewed if _is_window(each)})
    if not secrets:
        return permission
    return _wider(comparison, permission, {each.digest for each in permission.unreviewed if _is_of_secrets(each)})


def _is_window(change: Change) -> bool:
    return change.cause is Cause.WINDOW


def _is_of_secrets(change: Change) -> bool:
    return change.action is Action.UPDATE and all(field.sensitive for field in change.fields)


def _wider(comparison: Comparison, permission: Permission, digests: set[str]) -> Permission:
    """Permit some changes as well, or none of them where a guardrail refuses one."""
    wider = permission.approved | digests
    if not digests or _standing(comparison, wider) - _standing(comparison, permission.approved):
        return permission
    unreviewed = tuple(change for change in permission.unreviewed if change.digest not in digests)
    return replace(permission, approved=wider, unreviewed=unreviewed)


def _standing(comparison: Comparison, digests: Collection[str]) -> set[str]:
    """Return the guardrails that refuse some of these changes."""
    works = tuple(work for work in comparison.planned.work.values() if work.change.digest in digests)
    return {breach.rule for breach in breaches(comparison.inputs, works) if breach.overridden is None}


def _checked(comparison: Comparison, permission: Permission) -> Permission:
    planned = comparison.planned
    works = tuple(work for work in planned.work.values() if work.change.digest in permission.approved)
    tasks = tuple(task for task in planned.tasks.values() if task.operation.digest in permission.approved)
    standing = [breach for breach in breaches(comparison.inputs, works, tasks) if breach.overridden is None]
    if standing:
        raise refused(standing)
    _require_secrets(comparison, permission)
    return permission


def _require_secrets(comparison: Comparison, permission: Permission) -> None:
    works = comparison.planned.work.values()
    require_secrets(comparison.inputs, [work for work in works if work.change.digest in permission.approved])
