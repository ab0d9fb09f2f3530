"""Send a few records again, now: recorded before it is sent, each record at most once, under the apply lock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.errors import GuardrailBreach, Interrupted, Place, Rejected, UsageError
from reconciler.kind.request import Call
from reconciler.ledger.url import require_durable
from reconciler.ordercloud.resync import INSTEAD, OPERATIONS, Operation, plural, remarks, shown
from reconciler.reconcile import plan as plans
from reconciler.reconcile.guard import over_the_limit
from reconciler.reconcile.plan import ApplyReport
from reconciler.reconcile.requests import Task
from reconciler.reconcile.session import Session
from reconciler.registry import open_writer

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.ledger.config.model import LockHolder

_API = "ordercloud"
_LIMIT = "resyncMax"
# What is asked for by hand is asked for now.
_LASTS = timedelta(hours=1)


class ResyncFace(Protocol):
    """Whoever asked for a re-sync."""

    def waits_for(self, holder: LockHolder) -> None:
        """Hear that somebody else holds the apply lock, and is waited for."""

    def will(self, operation: plans.Operation, remarks: Sequence[str]) -> None:
        """Hear what is about to be sent, before anything is."""

    def stoppable(self) -> AbstractContextManager[asyncio.Event]:
        """Within, the event is set when an orderly end is asked for."""


class Resync(Struct, frozen=True):
    """A re-sync that may be sent: the environment, what it sends, and the sync that has to be configured."""

    session: Session
    task: Task
    operation: Operation


def prepare(project: Project, record_type: str, records: Sequence[str], overrides: Mapping[str, str]) -> Resync:
    """Check what is asked for in the only environment of a project; see `prepare_in`."""
    return prepare_in(lambda: project.session(utc_now()), record_type, records, overrides)


def prepare_in(
    opened: Callable[[], Session], record_type: str, records: Sequence[str], overrides: Mapping[str, str]
) -> Resync:
    """Check what is asked for, and return what would be sent; nothing is sent or written.

    Args:
        opened: returns the environment, once all that can be checked without it is.
        record_type: what the records are.
        records: their IDs; one that stands twice is sent once.
        overrides: guardrail rule to reason.

    Raises:
        UsageError: no such type, no records, or an ID that is none of this type.
        GuardrailBreach: there are more than `resyncMax`.
        ReconcilerError: manifests or references are not as they have to be.
    """
    if record_type not in OPERATIONS:
        raise UsageError(f"nothing re-syncs {record_type[:60]}", next_step=f"There are {', '.join(OPERATIONS)}.")
    operation = OPERATIONS[record_type]
    unique = tuple(dict.fromkeys(records))
    if not unique:
        raise UsageError("say which records, by ID", next_step=f"One of {record_type} is written {operation.shape}.")
    for record in unique:
        if (wrong := operation.refusal(record)) is not None:
            raise UsageError(
                f"{wrong}, as a record of {record_type} is written",
                next_step="IDs hold letters, digits, - and _, and are at most 100 characters long.",
            )
    for rule in overrides:
        if rule != _LIMIT:
            raise UsageError(f"--override {rule}: no guardrail that this command keeps", next_step=f"It is {_LIMIT}.")
    session = opened()
    limit = session.settings.guardrails.resync_max
    reason = overrides.get(_LIMIT)
    if len(unique) > limit and reason is None:
        raise GuardrailBreach(
            f"{_LIMIT}: {over_the_limit(len(unique), limit, 'one command', INSTEAD)}",
            next_step=f"If it is meant: --override {_LIMIT} --reason TEXT.",
        )
    if _API not in session.connections:
        raise UsageError(
            f"the environment {session.name} does not say how to reach OrderCloud", next_step="Add spec.ordercloud."
        )
    return Resync(session, _task(session, record_type, operation, unique, reason), operation)


def _task(
    session: Session, record_type: str, operation: Operation, records: Sequence[str], overridden: str | None
) -> Task:
    calls: tuple[Call, ...] = tuple(operation.call(record) for record in records)
    said = plans.Operation(
        kind="resync",
        name=record_type,
        id=token_hex(8),
        does=f"re-sync {plural(operation, len(records))}: {shown(records)}",
        reason=None if overridden is None else f"{_LIMIT} overridden: {overridden}",
        steps=tuple(call.does for call in calls),
        not_after=utc_now() + _LASTS,
        place=Place(""),
    )
    return Task(said, session.name, _API, session.connections[_API].live_side, calls, len(records))


async def resync(
    chosen: Resync,
    face: ResyncFace,
    observer: Observer,
    *,
    ephemeral: bool = False,
    lock_wait: float = 0,
    token_cache: bool = True,
    by: str | None = None,
) -> ApplyReport:
    """Send the records again, one after the other, holding the apply lock.

    Args:
        chosen: what is sent.
        face: who is told.
        observer: told of the requests.
        ephemeral: a ledger that is gone after this job will do.
        lock_wait: seconds to wait for the lock.
        token_cache: whether access tokens may be kept in files.
        by: who asked for it, for people; None: whoever runs this process.

    Returns:
        What became of each record.

    Raises:
        LedgerNotDurable: the ledger would forget what was sent.
        Rejected: the sync is not configured; nothing was sent.
        ReconcilerError: nothing was sent.
    """
    from reconciler.ledger.process import describe_holder
    from reconciler.ledger.writer import Ledger
    from reconciler.reconcile.operate import Operator

    session, task = chosen.session, chosen.task
    require_durable(session.settings.ledger, os.environ, "A re-sync", ephemeral=ephemeral)
    connection, kind = session.connections[_API], session.kinds[chosen.operation.sync[0]]
    scopes = () if kind.role is None else (kind.role,)
    holder = describe_holder("resync") if by is None else by
    with (
        Ledger.open(session.settings.ledger) as ledger,
        ledger.lock(holder, session.name, session.urls, wait=lock_wait, on_wait=face.waits_for) as lock,
        ExitStack() as signals,
    ):
        report: ApplyReport | None = None
        known = "nothing was sent"
        try:
            async with open_writer(connection, scopes, token_cache=token_cache, observer=observer) as writer:
                wire = await kind.read_one(writer, chosen.operation.sync[1])
                if wire is None:
                    raise _not_configured(session, chosen.operation)
                observed = kind.observe(chosen.operation.sync[1], wire)
                live = {kind.name: {observed.id: observed}}
                face.will(task.operation, tuple(remarks(chosen.operation, live)))
                stop = signals.enter_context(face.stoppable())
                operator = Operator(ledger, lock, {_API: writer}, holder, stop=stop, now=utc_now)
                known = "whether it was carried out is not known"
                result = await operator.carry_out(task)
                report = ApplyReport(
                    session.name,
                    None,
                    (),
                    interrupted=operator.interrupted,
                    ledger_problem=operator.ledger_problem,
                    operations=(result,),
                )
        except asyncio.CancelledError:
            if report is None:
                raise Interrupted(f"Interrupted: {known}", next_step="Run the command again.") from None
        assert report is not None  # noqa: S101 - it is made, or something was raised
        return report


def _not_configured(session: Session, operation: Operation) -> Rejected:
    kind, live_id = operation.sync
    return Rejected(
        f"{kind} {live_id} is not configured, so there is nothing that could send a {operation.noun} "
        "(Synchronize.…NotEnabled); nothing was sent",
        next_step=f"Add a manifest of kind {kind}, and `reconciler apply -e {session.name}`.",
    )
