"""Apply: carry out a plan level by level, with a journal beside it, and say truly what became of each change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reconciler.clock import utc_now
from reconciler.errors import LedgerError, LoginRefused, MissingRole, ReconcilerError, SecretUnset
from reconciler.kind.connection import Writer
from reconciler.kind.kind import Kind, Kinds
from reconciler.ledger.config.model import PENDING, SENT, JournalEntry, LiveObject, PauseEvent
from reconciler.reconcile.diff import secrets_in
from reconciler.reconcile.ending import cut_off
from reconciler.reconcile.operate import Operator, depends_on_failed
from reconciler.reconcile.plan import (
    ApplyReport,
    Change,
    ChangeResult,
    Operation,
    OperationResult,
    Outcome,
)
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.requests import Task
from reconciler.reconcile.steps import Brackets, in_steps
from reconciler.reconcile.work import Planned, Work
from reconciler.reconcile.write import Request, Verdict, carry_out, plain_state, prepare

if TYPE_CHECKING:  # the database layer is loaded by the command that opens the ledger
    from reconciler.ledger.lock import Lock
    from reconciler.ledger.writer import Ledger

APPLY = "apply"
HEAL = "heal"
_REMEMBERED = frozenset({APPLY, HEAL})
_DONE = (Outcome.APPLIED, Outcome.ALREADY)
_SIDE_BY_SIDE = 8
_GRACE_SECONDS = 30.0
_RESUME = "Carry on with `reconciler apply --resume`."


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a running apply, for people: a change or operation begins (`result` None), or has come to its end."""

    change: Change | Operation
    result: ChangeResult | OperationResult | None


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
    run = _Run(
        run_id, planned, changes, kinds, writers, ledger, lock, stop, on_event, side_by_side, command, holder, brackets
    )
    for _, level in groupby(changes, key=lambda change: change.level):
        await run.side_by_side(tuple(level), grace)
    operator = Operator(ledger, lock, writers, holder, stop=stop, now=now, accept_unsure=accept_unsure, grace=grace)
    operations = [await run.operate(task, operator) for task in tasks]
    run.finish(_settled(planned, kinds))
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


class _Run:
    """The state of one apply: what has come to its end so far, and what must not be sent any more."""

    def __init__(
        self,
        run_id: str,
        planned: Planned,
        changes: Sequence[Change],
        kinds: Kinds,
        writers: Mapping[str, Writer],
        ledger: Ledger,
        lock: Lock,
        stop: asyncio.Event,
        on_event: Callable[[Progress], None],
        slots: int,
        command: str,
        holder: str,
        brackets: Brackets | None,
    ) -> None:
        self.results: dict[str, ChangeResult] = {}
        self.interrupted = False
        self.ledger_problem: str | None = None
        self._id = run_id
        self._planned = planned
        self._chosen = {change.key for change in changes}
        self._kinds = kinds
        self._writers = writers
        self._ledger = ledger
        self._lock = lock
        self._stop = stop
        self._on_event = on_event
        self._slots = asyncio.Semaphore(slots)
        self._sent: set[str] = set()
        self._closed: dict[str, str] = {}
        self._command = command
        self._holder = holder
        self._brackets = brackets

    async def side_by_side(self, changes: Sequence[Change], grace: float) -> None:
        """Carry out the changes of one level and return when each has a result."""
        tasks = [asyncio.create_task(self._one(change)) for change in changes]
        everything: asyncio.Future[Any] = asyncio.gather(*tasks)
        stopped: asyncio.Future[Any] = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({everything, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not everything.done():
                await asyncio.wait({everything}, timeout=grace)
            if everything.done():
                everything.result()
        except asyncio.CancelledError:
            if not self._stop.is_set():
                raise
            # Asked to stop twice: nothing is waited for any more, and what is known is still told.
        finally:
            await cut_off((*tasks, stopped), self._stop, everything)
        for change in changes:
            if change.key not in self.results:
                self._end(change, self._cut_off(change))

    def _cut_off(self, change: Change) -> Verdict:
        self.interrupted = True
        if change.key in self._sent:
            words = "interrupted while waiting for the answer"
            return Verdict(Outcome.UNKNOWN, words, next_step=_RESUME)
        return _interrupted()

    async def _one(self, change: Change) -> None:
        async with self._slots:
            work = self._planned.work[change.key]
            hindrance = self._hindrance(change, work)
            if hindrance is not None:
                self._end(change, hindrance)
                return
            try:
                request = prepare(work, self._kinds[change.kind])
            except SecretUnset as error:
                self._end(change, _not_sent(error))
                return
            self._on_event(Progress(change, None))
            verdict = await self._in_steps(work, request)
            self._close_after(work, verdict.error)
            self._end(change, verdict, request)

    async def _in_steps(self, work: Work, request: Request) -> Verdict:
        """Carry out a change, its syncs paused around it where it has steps."""
        if self._brackets is None or not work.change.steps:
            return await self._send(request, work)
        pause, send = self._kinds[work.change.kind].pause_field, partial(self._send, request)
        return await in_steps(work, pause, self._brackets, send, self._stopped)

    async def _send(self, request: Request, work: Work) -> Verdict:
        kind, writer = self._kinds[work.change.kind], self._writers[work.api]
        return await carry_out(work, kind, request, writer, lambda: self._before_send(work, request))

    def _stopped(self) -> Verdict | None:
        self.interrupted = self.interrupted or self._stop.is_set()
        return _interrupted() if self._stop.is_set() else None

    def _hindrance(self, change: Change, work: Work) -> Verdict | None:
        """Why a change must not be sent now, or None."""
        if (stopped := self._stopped()) is not None:
            return stopped
        for key in change.depends_on:
            if key not in self._planned.work:
                continue  # it already is as desired
            if key not in self._chosen:
                return Verdict(Outcome.SKIPPED, f"it depends on {key}, which is not approved")
            if self.results[key].outcome not in _DONE:
                return Verdict(Outcome.SKIPPED, f"it depends on {key}, which was not applied")
        if (reason := self._closed.get(work.api)) is not None:
            return Verdict(Outcome.SKIPPED, f"nothing more is sent to {work.api}: {reason}")
        return None

    def _before_send(self, work: Work, request: Request) -> None:
        self._lock.check()
        key = work.change.key
        if key not in self._sent:
            # A delete of what cannot be read is sent again as long as nobody recorded that it was done.
            readable = self._kinds[work.change.kind].readable or work.desired.absent
            self._ledger.record_sent(self._id, key, _targets(work), request.secrets.keys(), readable=readable)
            self._sent.add(key)

    def _close_after(self, work: Work, error: ReconcilerError | None) -> None:
        """Stop sending where going on is of no use, or no longer ours to do."""
        if isinstance(error, (LoginRefused, MissingRole)):
            self._closed[work.api] = error.message
        elif isinstance(error, LedgerError):
            self._lose_ledger(error)

    def _lose_ledger(self, error: LedgerError) -> None:
        self.ledger_problem = error.message
        self._closed |= dict.fromkeys(self._writers, error.message)

    def _end(self, change: Change, verdict: Verdict, request: Request | None = None) -> None:
        """Record the end of a change in the ledger and in the report."""
        result = ChangeResult(change, verdict.outcome, verdict.code, verdict.message, verdict.next_step)
        self.results[change.key] = result
        if self.ledger_problem is None:
            try:
                self._record(self._planned.work[change.key], verdict, request)
            except LedgerError as error:
                self._lose_ledger(error)
        self._on_event(Progress(change, result))

    async def operate(self, task: Task, operator: Operator) -> OperationResult:
        """Carry out one operation, once the changes are."""
        operator.ledger_problem = operator.ledger_problem or self.ledger_problem
        failed = (key for key, result in self.results.items() if result.outcome not in _DONE)
        result = depends_on_failed(task.operation, failed)
        if result is None:
            self._on_event(Progress(task.operation, None))
            self._note(task, SENT)
            result = await operator.carry_out(task, go_on=task.key in self._planned.rest)
        self._note(task, result.outcome, result.message)
        self.interrupted = self.interrupted or operator.interrupted
        if operator.ledger_problem is not None and self.ledger_problem is None:
            self._lose_ledger(LedgerError(operator.ledger_problem))
        self._on_event(Progress(task.operation, result))
        return result

    def _note(self, task: Task, outcome: str, message: str | None = None) -> None:
        """Note in the journal where an operation stands."""
        if self.ledger_problem is None:
            try:
                self._ledger.record_not_done(self._id, task.key, outcome, message)
            except LedgerError as error:
                self._lose_ledger(error)

    def finish(self, settled: Iterable[tuple[LiveObject, Mapping[str, object] | None]]) -> None:
        """Record what was found as desired, and finish the run unless something is left to resume."""
        if self.ledger_problem is not None:
            return
        try:
            self._ledger.remember_settled(settled)
            if not self.interrupted or self._command != APPLY:
                self._ledger.finish_run(self._id)
        except LedgerError as error:
            self._lose_ledger(error)

    def _record(self, work: Work, verdict: Verdict, request: Request | None) -> None:
        change, desired = work.change, work.desired
        done = verdict.outcome in _DONE and request is not None
        pause = self._kinds[change.kind].pause_field
        paused = desired.state.get(pause or "") is True
        if done and pause in work.changed and not desired.absent and (paused or work.observed is not None):
            self._log_pause(work, paused=paused)
        if not done or request is None or self._command not in _REMEMBERED or work.pause_alone:
            untouched = _targets(work) if verdict.untouched else ()
            self._ledger.record_not_done(self._id, change.key, verdict.outcome, verdict.message, untouched)
            return
        sent = {path: secret.reveal() for path, secret in request.secrets.items()}
        kind = self._kinds[change.kind]
        held = _held_secrets(work, kind)
        self._ledger.record_done(
            self._id,
            change.key,
            verdict.outcome,
            verdict.message,
            LiveObject(work.api_url, change.kind, change.id),
            state=None if desired.absent else plain_state(desired, kind.spec),
            secrets=dict.fromkeys(request.unseen - held.keys()) | sent,
            renamed_from=change.renamed_from,
            held=held if change.renamed_from is not None else None,
            leaves=kind.leaves(desired.state, work.observed.state) if desired.absent and work.observed else None,
        )

    def _log_pause(self, work: Work, *, paused: bool) -> None:
        change, now = work.change, self._planned.plan.created_at
        declared = work.desired.pause
        due = None if declared is None else declared.began(now) if paused else declared.ended(now)
        target = LiveObject(work.api_url, change.kind, change.id)
        self._ledger.log_pause(
            PauseEvent(target, paused, change.cause, self._holder, now, due, environment=self._planned.plan.environment)
        )


def _targets(work: Work) -> tuple[LiveObject, ...]:
    """The live object under each ID that it has before and after the change."""
    ids = dict.fromkeys((work.change.id, work.change.renamed_from or work.change.id))
    return tuple(LiveObject(work.api_url, work.change.kind, live_id) for live_id in ids)


def _held_secrets(work: Work, kind: Kind[Any]) -> dict[str, str]:
    """Return the value of every secret that the manifest holds, that is set and that live does not show, by path."""
    secrets = secrets_in(work.desired.state)
    found = ((path, secret.value) for path, secret in secrets if secret.shown is None or not kind.readable)
    return {path: value for path, value in found if value is not None}


def _interrupted() -> Verdict:
    return Verdict(Outcome.SKIPPED, "interrupted before it was sent", next_step=_RESUME)


def _not_sent(error: ReconcilerError) -> Verdict:
    return Verdict(Outcome.FAILED, error.message, error, error.code, error.next_step)
