"""Run of an apply: carry out its changes level by level, and say truly what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.errors import LedgerError, LoginRefused, MissingRole, ReconcilerError, SecretUnset
from reconciler.kind.connection import Writer
from reconciler.kind.kind import Kinds
from reconciler.ledger.config.entries import Noted
from reconciler.ledger.config.model import SENT
from reconciler.reconcile.ending import cut_off
from reconciler.reconcile.entries import done_entry, noted_entry, pause_event, sent_entry, sent_values
from reconciler.reconcile.journal import Journal
from reconciler.reconcile.operate import Operator, depends_on_failed
from reconciler.reconcile.plan import DONE, Change, ChangeResult, Operation, OperationResult, Outcome
from reconciler.reconcile.requests import Task
from reconciler.reconcile.steps import Brackets, in_steps
from reconciler.reconcile.work import Planned, Work
from reconciler.reconcile.write import Request, Verdict, carry_out, prepare

if TYPE_CHECKING:  # the database layer is loaded by the command that opens the ledger
    from reconciler.ledger.config.entries import Entry

_RESUME = "Carry on with `reconciler apply --resume`."


class Progress(Struct, frozen=True):
    """A step of a running apply, for people: a change or operation begins (`result` None), or has come to its end."""

    change: Change | Operation
    result: ChangeResult | OperationResult | None


class Run:
    """The state of one apply: what has come to its end so far, and what must not be sent any more.

    Args:
        planned: the plan and the work behind it.
        changes: those of it that are carried out.
        kinds: the registry.
        writers: connection by provider name.
        journal: of this run.
        stop: once set, nothing new is sent, and what is under way may end.
        on_event: told about each change; must not raise.
        holder: who applies, for people.
        remembers: whether what is sent counts as what was applied.
        brackets: carries out the steps around a change; None: the changes have none.
        side_by_side: how many changes of one level are under way at once.
        grace: seconds that what is under way has to end after `stop`.
    """

    def __init__(
        self,
        planned: Planned,
        changes: Sequence[Change],
        kinds: Kinds,
        writers: Mapping[str, Writer],
        journal: Journal,
        *,
        stop: asyncio.Event,
        on_event: Callable[[Progress], None],
        holder: str,
        remembers: bool,
        brackets: Brackets | None,
        side_by_side: int,
        grace: float,
    ) -> None:
        self.results: dict[str, ChangeResult] = {}
        self.interrupted = False
        self.ledger_problem: str | None = None
        self._planned = planned
        self._chosen = {change.key for change in changes}
        self._kinds = kinds
        self._writers = writers
        self._journal = journal
        self._stop = stop
        self._on_event = on_event
        self._holder = holder
        self._remembers = remembers
        self._brackets = brackets
        self._side_by_side = side_by_side
        self._grace = grace
        self._sent: set[str] = set()
        self._closed: dict[str, str] = {}

    async def carry_out(self, changes: Sequence[Change]) -> None:
        """Carry out the changes of one level and return when each has a result, and the journal has it."""
        waiting = iter(changes)
        places = min(self._side_by_side, len(changes))
        tasks = [asyncio.create_task(self._one_by_one(waiting)) for _ in range(places)]
        everything: asyncio.Future[Any] = asyncio.gather(*tasks)
        stopped: asyncio.Future[Any] = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({everything, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not everything.done():
                await asyncio.wait({everything}, timeout=self._grace)
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
        await self._journal.all_written(self._stop)

    async def operate(self, task: Task, operator: Operator) -> OperationResult:
        """Carry out one operation, once the changes are."""
        operator.ledger_problem = operator.ledger_problem or self.ledger_problem
        failed = (key for key, result in self.results.items() if result.outcome not in DONE)
        result = depends_on_failed(task.operation, failed)
        if result is None:
            self._on_event(Progress(task.operation, None))
            self._note(Noted(task.key, SENT))
            await self._journal.all_written(self._stop)
            result = await operator.carry_out(task, go_on=task.key in self._planned.rest)
        self._note(Noted(task.key, result.outcome, result.message))
        await self._journal.all_written(self._stop)
        self.interrupted = self.interrupted or operator.interrupted
        if operator.ledger_problem is not None and self.ledger_problem is None:
            self.lose_ledger(LedgerError(operator.ledger_problem))
        self._on_event(Progress(task.operation, result))
        return result

    def lose_ledger(self, error: LedgerError) -> None:
        """Note that the ledger takes nothing any more: nothing more is sent."""
        self.ledger_problem = self.ledger_problem or error.message
        self._closed |= dict.fromkeys(self._writers, error.message)

    def _cut_off(self, change: Change) -> Verdict:
        self.interrupted = True
        if change.key in self._sent:
            words = "interrupted while waiting for the answer"
            return Verdict(Outcome.UNKNOWN, words, next_step=_RESUME)
        return _interrupted()

    async def _one_by_one(self, waiting: Iterator[Change]) -> None:
        """Carry out changes until none is waiting any more."""
        for change in waiting:
            await self._one(change)

    async def _one(self, change: Change) -> None:
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
        if self._remembers:
            self._journal.expect(sent_values(request).values())
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
            if self.results[key].outcome not in DONE:
                return Verdict(Outcome.SKIPPED, f"it depends on {key}, which was not applied")
        if (reason := self._closed.get(work.api)) is not None:
            return Verdict(Outcome.SKIPPED, f"nothing more is sent to {work.api}: {reason}")
        return None

    async def _before_send(self, work: Work, request: Request) -> None:
        """Return once the journal says that a change is sent, and the lock is ours.

        Raises:
            LedgerError: nothing may be sent any more.
        """
        await self._journal.note(sent_entry(work, self._kinds[work.change.kind], request))
        self._sent.add(work.change.key)

    def _close_after(self, work: Work, error: ReconcilerError | None) -> None:
        """Stop sending where going on is of no use, or no longer ours to do."""
        if isinstance(error, (LoginRefused, MissingRole)):
            self._closed[work.api] = error.message
        elif isinstance(error, LedgerError):
            self.lose_ledger(error)

    def _end(self, change: Change, verdict: Verdict, request: Request | None = None) -> None:
        """Note the end of a change in the journal, and tell it."""
        result = ChangeResult(change, verdict.outcome, verdict.code, verdict.message, verdict.next_step)
        self.results[change.key] = result
        self._note(self._entry(self._planned.work[change.key], verdict, request))
        self._on_event(Progress(change, result))

    def _entry(self, work: Work, verdict: Verdict, request: Request | None) -> Entry:
        if request is None or verdict.outcome not in DONE:
            return noted_entry(work, verdict)
        kind, plan = self._kinds[work.change.kind], self._planned.plan
        pause = pause_event(work, kind, verdict, plan.created_at, by=self._holder, environment=plan.environment)
        if not self._remembers or work.pause_alone:
            return noted_entry(work, verdict, pause)
        return done_entry(work, kind, verdict, request, pause)

    def _note(self, entry: Entry) -> None:
        """Have an entry written, which nothing waits for: a ledger that fails meanwhile ends the run."""
        if self.ledger_problem is None:
            self._journal.note(entry).add_done_callback(self._noted)

    def _noted(self, written: asyncio.Future[None]) -> None:
        error = written.exception()
        if isinstance(error, LedgerError):
            self.lose_ledger(error)


def _interrupted() -> Verdict:
    return Verdict(Outcome.SKIPPED, "interrupted before it was sent", next_step=_RESUME)


def _not_sent(error: ReconcilerError) -> Verdict:
    return Verdict(Outcome.FAILED, error.message, error, error.code, error.next_step)
