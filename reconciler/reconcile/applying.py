"""What a session is allowed to apply: under the lock, from live as it is now, within what was approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.errors import GuardrailBreach, LedgerError
from reconciler.kind.kind import Action
from reconciler.ledger.config.model import Run
from reconciler.reconcile.approval import approval_scope
from reconciler.reconcile.guard import breaches
from reconciler.reconcile.plan import FIXED_RULES, Breach, Change, ChangeResult, Plan
from reconciler.reconcile.planner import require_secrets
from reconciler.reconcile.resume import resume_scope
from reconciler.reconcile.session import Comparison
from reconciler.reconcile.work import Planned, Work


@dataclass(frozen=True, slots=True)
class Permission:
    """Which of the changes planned now may be carried out.

    `approved` are their digests; `earlier` are outcomes that stand without any work; `unreviewed` are changes that
    are pending and that nobody approved.
    """

    approved: frozenset[str]
    earlier: tuple[ChangeResult, ...] = ()
    unreviewed: tuple[Change, ...] = ()
    resumed: bool = False


def permit_all(comparison: Comparison, only: Callable[[Change], bool] | None = None) -> Permission:
    """Permit the whole plan, or those of its changes that `only` lets through.

    Raises:
        GuardrailBreach: a guardrail refuses it.
        SecretUnset: it has to send a secret that is not set.
    """
    changes = comparison.planned.plan.changes
    chosen = frozenset(change.digest for change in changes if only is None or only(change))
    return _checked(comparison, Permission(chosen))


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


def permit_saved(comparison: Comparison, saved: Plan) -> Permission:
    """Permit what a saved plan approves and still stands.

    Raises:
        GuardrailBreach: a guardrail refuses it.
        SecretUnset: it has to send a secret that is not set.
    """
    scope = approval_scope(saved, comparison.planned)
    return _checked(comparison, Permission(scope.approved, scope.earlier, scope.unreviewed))


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
    scope = resume_scope(run, comparison.planned)
    return _checked(comparison, Permission(scope.approved, scope.earlier, resumed=True))


def _checked(comparison: Comparison, permission: Permission) -> Permission:
    works = _works(comparison, permission)
    standing = [breach for breach in breaches(comparison.inputs, works) if breach.overridden is None]
    if standing:
        raise _refused(standing)
    require_secrets(comparison.inputs, works)
    return permission


def _works(comparison: Comparison, permission: Permission) -> tuple[Work, ...]:
    return tuple(work for work in comparison.planned.work.values() if work.change.digest in permission.approved)


def _refused(standing: list[Breach]) -> GuardrailBreach:
    first, *more = standing
    override = f", or override it once: --override {first.rule} --reason TEXT" if first.rule not in FIXED_RULES else ""
    others = f" (and {len(more)} more: {', '.join(sorted({breach.rule for breach in more}))})" if more else ""
    return GuardrailBreach(
        f"{first.rule}: {first.message}{others}",
        next_step=f"Change the manifests{override}.",
    )
