"""Judge what saved plans approve by the guardrails: each by itself where a rule counts, else all together. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.errors import GuardrailBreach
from reconciler.reconcile.gathered import Gathered
from reconciler.reconcile.guard import COUNTING, breaches
from reconciler.reconcile.plan import FIXED_RULES, Breach, ChangeResult, OperationResult, Outcome
from reconciler.reconcile.session import Comparison


class Judged(Struct, frozen=True):
    """What guardrails refuse of what was approved.

    Args:
        plans: number of a plan to why it is refused.
        refused: digest of a change or operation of such a plan to the same.
        results: outcomes of those changes.
        operations: outcomes of those operations.
    """

    plans: Mapping[int, GuardrailBreach] = {}
    refused: Mapping[str, GuardrailBreach] = {}
    results: tuple[ChangeResult, ...] = ()
    operations: tuple[OperationResult, ...] = ()


def judged(comparison: Comparison, gathered: Gathered) -> Judged:
    """Judge what was gathered: a plan that is refused is left out with all its changes, and the others are judged anew.

    A limit on a number of changes holds for each plan, as if they were applied one after the other.

    Raises:
        GuardrailBreach: all of it is refused.
    """
    plans: dict[int, GuardrailBreach] = {}
    while True:
        kept = {digest for digest, numbers in gathered.covering.items() if not numbers & plans.keys()}
        if plans and not kept:
            raise next(iter(plans.values()))
        found: dict[int, list[Breach]] = {}
        for breach in _standing(comparison, kept):
            if breach.rule not in COUNTING:
                for number in _numbers(comparison, gathered, breach.changes):
                    found.setdefault(number, []).append(breach)
        for number in sorted(set().union(*gathered.covering.values()) - plans.keys()):
            share = {digest for digest in kept if number in gathered.covering[digest]}
            counted = [breach for breach in _standing(comparison, share) if breach.rule in COUNTING]
            found.setdefault(number, []).extend(counted)
        plans |= {number: refused(standing) for number, standing in sorted(found.items()) if standing}
        if not any(found.values()):
            return _left_out(comparison, gathered, plans)


def refused(standing: Sequence[Breach]) -> GuardrailBreach:
    """Return the error that names the first breach that stands, and how many more there are."""
    first, *more = standing
    override = f", or override it once: --override {first.rule} --reason TEXT" if first.rule not in FIXED_RULES else ""
    others = f" (and {len(more)} more: {', '.join(sorted({breach.rule for breach in more}))})" if more else ""
    return GuardrailBreach(
        f"{first.rule}: {first.message}{others}",
        next_step=f"Change the manifests{override}.",
    )


def _standing(comparison: Comparison, digests: Collection[str]) -> list[Breach]:
    works = tuple(work for work in comparison.planned.work.values() if work.change.digest in digests)
    tasks = tuple(task for task in comparison.planned.tasks.values() if task.operation.digest in digests)
    return [breach for breach in breaches(comparison.inputs, works, tasks) if breach.overridden is None]


def _numbers(comparison: Comparison, gathered: Gathered, keys: Iterable[str]) -> Iterator[int]:
    """Yield the plans that changes and operations are approved by, each once."""
    planned = comparison.planned
    digests = {key: work.change.digest for key, work in planned.work.items()}
    digests |= {key: task.operation.digest for key, task in planned.tasks.items()}
    found = [gathered.covering.get(digests.get(key, ""), frozenset()) for key in keys]
    numbers = frozenset[int]().union(*found) or frozenset[int]().union(*gathered.covering.values())
    yield from sorted(numbers)


def _left_out(comparison: Comparison, gathered: Gathered, plans: Mapping[int, GuardrailBreach]) -> Judged:
    why = {
        digest: plans[min(numbers & plans.keys())]
        for digest, numbers in gathered.covering.items()
        if numbers & plans.keys()
    }
    planned = comparison.planned
    results = tuple(
        ChangeResult(change, Outcome.SKIPPED, why[change.digest].code, why[change.digest].message)
        for change in planned.plan.changes
        if change.digest in why
    )
    operations = tuple(
        OperationResult(each, Outcome.SKIPPED, (), why[each.digest].code, why[each.digest].message)
        for each in planned.plan.operations
        if each.digest in why
    )
    return Judged(plans, why, results, operations)
