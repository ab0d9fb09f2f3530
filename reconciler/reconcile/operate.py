"""Carry out operations: each step is noted in the ledger before it is taken, and taken at most once.

Whatever happens, the result says no more than what is known: what went out and was not answered is unknown, and nothing
that may have been carried out is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.errors import (
    ApiError,
    LedgerError,
    LedgerNotDurable,
    LoginRefused,
    MissingRole,
    NotFound,
    ReconcilerError,
    StalePlan,
)
from reconciler.kind.connection import Writer
from reconciler.kind.request import Call, Wish
from reconciler.ledger.config.model import AskedRequest, StepState
from reconciler.ledger.data.model import DataScope
from reconciler.reconcile.ending import cut_off
from reconciler.reconcile.plan import DONE, Operation, OperationResult, Outcome, StepResult
from reconciler.reconcile.requests import Task
from reconciler.reconcile.work import Planned

if TYPE_CHECKING:  # the database layer is loaded by the command that opens the ledger
    from reconciler.ledger.lock import Lock
    from reconciler.ledger.writer import Ledger

_GRACE_SECONDS = 30.0
_METHOD_NOT_ALLOWED = 405
_ENDED = {StepState.SENT: Outcome.UNKNOWN, StepState.DONE: Outcome.ALREADY}
_WORST_FIRST = (Outcome.UNKNOWN, Outcome.FAILED, Outcome.STALE, Outcome.SKIPPED)
_NOT_AGAIN = "It is not sent again by itself: see what is live, and ask for it in another request where it is missing."
_REST_NOT_SENT = (
    "What was refused is not sent again by itself: mend the cause, ask for it in another request, and remove this one."
)
_MAYBE_TWICE = "accepted with --ephemeral-ledger: this ledger cannot know whether it was carried out before"
_UNSURE = (
    "Accept with --ephemeral-ledger that it may be done twice, or write another notAfter: that makes another request."
)


class _CutOff(Exception):
    """We were asked to stop and the answer did not come in time."""


class Operator:
    """Carries out operations one after the other, while the caller holds the lock.

    Args:
        ledger: notes each step.
        lock: held by the caller.
        writers: connection by provider name.
        holder: who carries them out, for people.
        stop: once set, no further step is taken, and the one under way may end.
        now: the clock that `notAfter` is held against.
        accept_unsure: carry out also what may have been carried out before, as far as the ledger can know.
        grace: seconds that a step has to end after `stop`.
    """

    def __init__(
        self,
        ledger: Ledger,
        lock: Lock,
        writers: Mapping[str, Writer],
        holder: str,
        *,
        stop: asyncio.Event,
        now: Callable[[], datetime],
        accept_unsure: bool = False,
        grace: float = _GRACE_SECONDS,
    ) -> None:
        self.interrupted = False
        self.ledger_problem: str | None = None
        self._ledger = ledger
        self._lock = lock
        self._writers = writers
        self._holder = holder
        self._stop = stop
        self._now = now
        self._accept_unsure = accept_unsure
        self._grace = grace
        self._closed: str | None = None

    async def carry_out(self, task: Task, *, go_on: bool = False) -> OperationResult:
        """Carry out one operation, as far as it may be, and return what became of each step.

        Args:
            task: the operation.
            go_on: it was begun and cut off: take those of its steps that were never taken.
        """
        operation = task.operation
        hindrance = self._hindrance(operation)
        if hindrance is not None:
            return hindrance
        asked = task.asked(self._holder, self._now())
        try:
            self._lock.check()
            begun = self._ledger.requests.begin(asked, accept_unremembered=self._accept_unsure, go_on=go_on)
        except LedgerError as error:
            self.ledger_problem = error.message
            return _whole(operation, Outcome.SKIPPED, error.message, error.code, error.next_step)
        if begun is None:
            words = "another run began it meanwhile"
            return _whole(operation, Outcome.STALE, words, StalePlan.code, "`reconciler plan` says what became of it.")
        results: list[StepResult] = []
        failure: ReconcilerError | None = None
        for position, step in enumerate(begun):
            if step.state in _ENDED:
                results.append(StepResult(step.does, _ENDED[step.state], step.message))
                continue
            result, stood_in_the_way = await self._step(task, asked, position)
            results.append(result)
            failure = failure or stood_in_the_way
        return _summed(operation, results, failure, _MAYBE_TWICE if operation.unsure else None)

    def _hindrance(self, operation: Operation) -> OperationResult | None:
        if self._stop.is_set():
            self.interrupted = True
            return _whole(operation, Outcome.SKIPPED, "interrupted before it was begun")
        if self.ledger_problem is not None:
            return _whole(operation, Outcome.SKIPPED, f"nothing more is sent: {self.ledger_problem}")
        if self._is_over(operation):
            return _whole(operation, Outcome.STALE, f"its notAfter passed at {_time(operation)}", StalePlan.code)
        if operation.unsure and not self._accept_unsure:
            words = "whether it was carried out before cannot be known from this ledger, so it is left out"
            return _whole(operation, Outcome.SKIPPED, words, LedgerNotDurable.code, _UNSURE)
        return None

    def _is_over(self, operation: Operation) -> bool:
        return self._now() >= operation.not_after

    async def _step(self, task: Task, asked: AskedRequest, position: int) -> tuple[StepResult, ReconcilerError | None]:
        does = task.steps[position].does
        why = self._stands_still(task)
        if why is not None:
            return StepResult(does, Outcome.SKIPPED, why), None
        try:
            self._lock.check()
            return await self._taken(task, asked, position)
        except LedgerError as error:
            self.ledger_problem = error.message
            return StepResult(does, Outcome.SKIPPED, error.message), error

    def _stands_still(self, task: Task) -> str | None:
        """Why no further step is taken, or None."""
        if self._stop.is_set():
            self.interrupted = True
            return "interrupted before it was sent"
        if self._is_over(task.operation):
            return f"notAfter passed at {_time(task.operation)}"
        return self._closed or self.ledger_problem

    async def _taken(self, task: Task, asked: AskedRequest, position: int) -> tuple[StepResult, ReconcilerError | None]:
        step, requests = task.steps[position], self._ledger.requests
        if isinstance(step, Wish):
            scopes = [
                DataScope(task.environment, task.api_url, step.integration, data_type) for data_type in step.data_types
            ]
            taken = requests.want(asked, position, scopes, step.mode, step.keys)
            return StepResult(step.does, Outcome.APPLIED if taken else Outcome.ALREADY), None
        if not requests.take(asked, position):
            return StepResult(step.does, Outcome.ALREADY, "taken before; not taken again"), None
        try:
            await self._bounded(_posted(self._writers[task.api], step))
        except _CutOff:
            self.interrupted = True
            return StepResult(step.does, Outcome.UNKNOWN, "interrupted while waiting for the answer"), None
        except ApiError as error:
            if error.is_transient or isinstance(error, (LoginRefused, MissingRole)):
                self._closed = f"nothing more is sent: {error.message}"
            if error.is_unsure:
                return self._noted(asked, position, step, StepState.SENT, Outcome.UNKNOWN, error)
            return self._noted(asked, position, step, StepState.REFUSED, Outcome.FAILED, error)
        return self._noted(asked, position, step, StepState.DONE, Outcome.APPLIED, None)

    def _noted(
        self,
        asked: AskedRequest,
        position: int,
        step: Call,
        state: StepState,
        outcome: Outcome,
        error: ApiError | None,
    ) -> tuple[StepResult, ReconcilerError | None]:
        """Note what became of a step; where that fails, the result still says what is known."""
        message = None if error is None else error.message
        try:
            self._ledger.requests.end(asked, position, state, message)
        except LedgerError as failed:
            self.ledger_problem = failed.message
        return StepResult(step.does, outcome, message), error

    async def _bounded(self, sending: Awaitable[Any]) -> None:
        """Wait for an answer; once asked to stop, only so long."""
        task = asyncio.ensure_future(sending)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=self._grace)
        except asyncio.CancelledError:
            if not self._stop.is_set():
                raise
        finally:
            done = task.done()
            await cut_off((task, stopped), self._stop)
        if not done:
            raise _CutOff
        task.result()


async def _posted(writer: Writer, call: Call) -> None:
    """Send a request under its first spelling; under the next, only where the API says that there is no such thing.

    A record that is not there looks like a path that is not there. Nothing was done in either case, so the next
    spelling does no harm; where none is found, the first answer is the one to tell.
    """
    first: ApiError | None = None
    for path in call.paths:
        try:
            await writer.post(path, call.body)
        except ApiError as error:
            if not isinstance(error, NotFound) and error.status != _METHOD_NOT_ALLOWED:
                raise
            first = first or error
        else:
            return
    if first is not None:
        raise first


def _summed(
    operation: Operation, steps: Sequence[StepResult], failure: ReconcilerError | None, warning: str | None
) -> OperationResult:
    outcomes = {step.outcome for step in steps}
    outcome = next((worst for worst in _WORST_FIRST if worst in outcomes), Outcome.APPLIED)
    if outcome is Outcome.APPLIED:
        return OperationResult(operation, outcome, tuple(steps), message=warning)
    first = next(step for step in steps if step.outcome is outcome)
    next_step = failure.next_step if failure is not None else None
    if outcome is Outcome.UNKNOWN:
        next_step = _NOT_AGAIN
    elif outcome is Outcome.FAILED and outcomes & DONE:
        next_step = _REST_NOT_SENT
    code = failure.code if failure is not None else None
    return OperationResult(operation, outcome, tuple(steps), code, first.message, next_step)


def _whole(
    operation: Operation, outcome: Outcome, message: str, code: str | None = None, next_step: str | None = None
) -> OperationResult:
    return OperationResult(operation, outcome, (), code, message, next_step)


def _time(operation: Operation) -> str:
    return f"{operation.not_after:%Y-%m-%d %H:%M %Z}"


def not_carried_out(operation: Operation, planned: Planned) -> OperationResult:
    """Return what became of an operation that an approval names, and that the plan made now does not carry out."""
    ended = planned.ended.get(operation.key)
    if ended is not None and ended.operation.id == operation.id:
        return OperationResult(operation, ended.outcome, ended.steps, message=ended.words)
    words = "the manifest is gone, says something else, or is left out by --target"
    return _whole(operation, Outcome.STALE, words, StalePlan.code, "Plan again and have the new plan reviewed.")


def depends_on_failed(operation: Operation, failed: Iterable[str]) -> OperationResult | None:
    """Return the result of an operation that needs a change which was not carried out, or None."""
    missing = sorted(set(operation.depends_on) & set(failed))
    if not missing:
        return None
    return _whole(operation, Outcome.SKIPPED, f"it depends on {missing[0]}, which was not applied")
