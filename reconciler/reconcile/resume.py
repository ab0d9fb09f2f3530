"""What is left of a run that was cut off: judged by its journal and by a new plan of what live is now. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import StalePlan
from reconciler.kind.kind import Action
from reconciler.ledger.config.model import SENT, JournalEntry, Run
from reconciler.reconcile.plan import Change, ChangeResult, Outcome
from reconciler.reconcile.planfile import plan_from_json
from reconciler.reconcile.work import Planned

_FINAL = {Outcome.APPLIED.value, Outcome.ALREADY.value, Outcome.STALE.value}
_MAYBE_LIVE = {SENT, Outcome.UNKNOWN.value}
_PLAN_AGAIN = "Review it again with `reconciler plan`."


@dataclass(frozen=True, slots=True)
class ResumeScope:
    """`approved` are the digests of the new plan's changes to carry out; `earlier` is what is settled without them."""

    approved: frozenset[str]
    earlier: tuple[ChangeResult, ...]


def resume_scope(run: Run, planned: Planned) -> ResumeScope:
    """Say of each change of an unfinished run whether it is done, is still to do, or was overtaken.

    What the journal calls `sent` may have arrived or not; the new plan, made from what live is now, tells. A secret
    that was sent is in doubt in the ledger, so the new plan sends it again: that rest of the change is carried out too.

    Args:
        run: the unfinished run.
        planned: the plan made now, for the same environment.

    Raises:
        StalePlan: the run was against other APIs than the plan, so nothing can be said.
        PlanFileError: the journal's plan cannot be read.
    """
    before = plan_from_json(run.plan)
    if sorted(before.connections) != sorted(planned.plan.connections) or before.environment != planned.plan.environment:
        raise StalePlan(
            "The interrupted run was against other APIs than this environment names now",
            next_step="Plan again without --resume and look at what is left.",
        )
    changes = {change.key: change for change in before.changes}
    fresh = {change.key: change for change in planned.plan.changes}
    settled = {desired.key for desired in planned.settled}
    approved: set[str] = set()
    earlier: list[ChangeResult] = []
    for entry in run.entries:
        change, now = changes[entry.key], fresh.get(entry.key)
        if entry.outcome not in _FINAL and now is not None and _still_stands(entry, change, now):
            approved.add(now.digest)
        else:
            earlier.append(_without_us(entry, change, now, is_settled=entry.key in settled))
    return ResumeScope(frozenset(approved), tuple(earlier))


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
        words = "live or the manifests have moved since it was reviewed"
        return ChangeResult(change, Outcome.STALE, StalePlan.code, words, _PLAN_AGAIN)
    maybe_live = entry.outcome in _MAYBE_LIVE
    if is_settled and maybe_live:
        return ChangeResult(change, Outcome.APPLIED, message="sent before the interruption; live is as wanted")
    if is_settled:
        return ChangeResult(change, Outcome.ALREADY, message="live is as wanted")
    words = "the manifests no longer name it, or --target leaves it out"
    if maybe_live:
        return ChangeResult(
            change, Outcome.UNKNOWN, message=f"sent before the interruption; {words}", next_step=_PLAN_AGAIN
        )
    return ChangeResult(change, Outcome.STALE, StalePlan.code, words, _PLAN_AGAIN)
