"""Apply: carry out a plan with a journal beside it, then its operations, and report what became of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.clock import utc_now
from reconciler.errors import LedgerError
from reconciler.kind.connection import Writer
from reconciler.kind.kind import Kinds
from reconciler.ledger.config.model import PENDING, JournalEntry, LiveObject
from reconciler.reconcile.journal import Journal
from reconciler.reconcile.operate import Operator
from reconciler.reconcile.plan import ApplyReport, ChangeResult, OperationResult
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.requests import Task
from reconciler.reconcile.run import Progress, Run
from reconciler.reconcile.steps import Brackets
from reconciler.reconcile.work import Planned
from reconciler.reconcile.write import plain_state

if TYPE_CHECKING:  # the database layer is loaded by the command that opens the ledger
    from reconciler.ledger.lock import Lock
    from reconciler.ledger.writer import Ledger

APPLY = "apply"
HEAL = "heal"
_REMEMBERED = frozenset({APPLY, HEAL})
_SIDE_BY_SIDE = 16
_GRACE_SECONDS = 30.0


async def apply(
    planned: Planned,
    kinds: Kinds,
    writers: Mapping[str, Writer],
    ledger: Ledger,
    lock: Lock,
    *,
    holder: str,
    stop: asyncio.Event,
    approved: frozenset[str] | None = None,
    earlier: Sequence[ChangeResult] = (),
    resumed: bool = False,
    on_event: Callable[[Progress], None] = lambda _: None,
    command: str = APPLY,
    brackets: Brackets | None = None,
    side_by_side: int = _SIDE_BY_SIDE,
    grace: float = _GRACE_SECONDS,
    ended: Sequence[OperationResult] = (),
    accept_unsure: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> ApplyReport:
    """Carry out a plan that was just made from live, and report what became of each change.

    Args:
        planned: the plan and the work behind it; its guardrails are the caller's to check.
        kinds: the registry.
        writers: connection by provider name.
        ledger: where the journal is kept.
        lock: the apply lock, held by the caller.
        holder: who applies, for people.
        stop: once set, nothing new is sent, and what is under way may end; a cancellation after that cuts it off.
        approved: digests of the changes to carry out; None: all of them.
        earlier: outcomes that stand already: of the run that this one resumes, or of approved changes that are stale.
        resumed: whether this run resumes another one.
        on_event: told about each change; must not raise.
        command: what writes. Any but `apply` is not resumed, and of what others send only what `heal` does is
            remembered as what was applied.
        brackets: carries out the steps around a change; None: the changes have none.
        side_by_side: how many changes of one level are under way at once.
        grace: seconds that what is under way has to end after `stop`.
        ended: outcomes of operations that stand already.
        accept_unsure: carry out also operations that may have been carried out before, as far as the ledger can know.
        now: the clock that operations go by.

    Returns:
        The report: `earlier`, then each change in the order of the plan.

    Raises:
        LedgerError: the run could not be recorded; nothing was sent.
    """
    changes = tuple(change for change in planned.plan.changes if approved is None or change.digest in approved)
    tasks: tuple[Task, ...] = ()
    if command == APPLY:
        # Before the first step of any request, and in every apply: what was there before is not known, now and later.
        ledger.requests.remember(dict(planned.plan.connections).values(), planned.asked)
        tasks = tuple(
            task
            for task in (*planned.tasks.values(), *planned.rest.values())
            if (approved is None and task.key in planned.tasks) or (approved and task.operation.digest in approved)
        )
    if not (changes or earlier or tasks or ended):
        if planned.settled:
            ledger.remember_settled(_settled(planned, kinds))
        return ApplyReport(planned.plan.environment, None, (), resumed)
    plan = replace(
        planned.plan,
        changes=(*(result.change for result in earlier), *changes),
        operations=(*(result.operation for result in ended), *(task.operation for task in tasks)),
    )
    run_id = ledger.begin_run(
        planned.plan.environment,
        holder,
        plan_to_json(plan),
        [
            *(JournalEntry(item.change.digest, item.change.key, item.outcome, item.message) for item in earlier),
            *(JournalEntry(change.digest, change.key, PENDING) for change in changes),
            *(JournalEntry(each.operation.digest, each.operation.key, each.outcome, each.message) for each in ended),
            *(JournalEntry(task.operation.digest, task.key, PENDING) for task in tasks),
        ],
        {breach.rule: breach.overridden for breach in plan.breaches if breach.overridden is not None},
        command,
    )
    with Journal(run_id, ledger, lock) as journal:
        run = Run(
            planned,
            changes,
            kinds,
            writers,
            journal,
            stop=stop,
            on_event=on_event,
            holder=holder,
            remembers=command in _REMEMBERED,
            brackets=brackets,
            side_by_side=side_by_side,
            grace=grace,
        )
        for _, level in groupby(changes, key=lambda change: change.level):
            await run.carry_out(tuple(level))
        operator = Operator(ledger, lock, writers, holder, stop=stop, now=now, accept_unsure=accept_unsure, grace=grace)
        operations = [await run.operate(task, operator) for task in tasks]
    if run.ledger_problem is None:
        try:
            ledger.remember_settled(_settled(planned, kinds))
            if not run.interrupted or command != APPLY:
                ledger.finish_run(run_id)
        except LedgerError as error:
            run.lose_ledger(error)
    results = (*earlier, *(run.results[change.key] for change in changes))
    return ApplyReport(
        planned.plan.environment,
        run_id,
        results,
        resumed,
        run.interrupted,
        run.ledger_problem,
        (*ended, *operations),
    )


def _settled(planned: Planned, kinds: Kinds) -> Iterable[tuple[LiveObject, Mapping[str, object] | None]]:
    urls = dict(planned.plan.connections)
    for desired in planned.settled:
        target = LiveObject(urls[kinds[desired.kind].api], desired.kind, desired.id)
        yield target, None if desired.absent else plain_state(desired, kinds[desired.kind].spec)
