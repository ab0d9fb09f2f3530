"""Apply what is approved to one environment: lock, read, permit, carry out, and end orderly when asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.bracket import Brackets
from reconciler.app.connections import writers
from reconciler.app.obeyed import remember_applied
from reconciler.app.pause import Desk, lift
from reconciler.app.reckoned import with_findings
from reconciler.app.saved_plans import Gate, SavedPlans, permit_gated
from reconciler.errors import Interrupted
from reconciler.reconcile.apply import APPLY, HEAL, apply
from reconciler.reconcile.approval import Permission, narrowed, permit_all, permit_rest, permit_saved
from reconciler.reconcile.gathered import Reviewed
from reconciler.reconcile.pause_report import Lifted
from reconciler.reconcile.plan import STILL_PAUSED, ApplyReport, Cause, Change, Operation, Outcome, Plan
from reconciler.reconcile.run import Progress
from reconciler.reconcile.session import Comparison, PlanRequest, Session
from reconciler.reconcile.verdict import PlanVerdict
from reconciler.reconcile.work import Planned

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.kind.connection import Reader
    from reconciler.ledger.config.model import LockHolder
    from reconciler.ledger.writer import Ledger


_AGAIN = "Run the command again."
_CARRY_ON = "Carry on with `reconciler apply --resume`; it looks before it writes."


class ApplyFace(Protocol):
    """Whoever asked for an apply: a terminal, a service, a worker."""

    def waits_for(self, holder: LockHolder) -> None:
        """Hear that somebody else holds the apply lock, and is waited for."""

    def agrees(self, plan: Plan) -> bool:
        """Return whether this plan may be carried out; asked where nobody has agreed before."""

    def leaves_alone(self, changes: tuple[Change | Operation, ...]) -> None:
        """Hear of pending changes and operations that nobody approved."""

    def progresses(self, progress: Progress, /) -> None:
        """Hear of a change that begins or has ended."""

    def shows(self, plan: Plan, limits: Mapping[str, str]) -> None:
        """Hear what is about to be sent for the leases that are over."""

    def lifted(self, lifted: Lifted) -> None:
        """Hear what became of the leases that were over."""

    def stoppable(self) -> AbstractContextManager[asyncio.Event]:
        """Within, the event is set when an orderly end is asked for."""


class Approval(Struct, frozen=True):
    """What is agreed to: saved plans, the rest of an interrupted run, or whatever the plan says now.

    `only` limits the last to some changes; `choose` returns another plan with the digests of what is to be carried
    out, with the ledger at hand, and answers for the guardrails. `accept_unsure`: requests are carried out also where
    the ledger cannot know whether they were before. Where it is not `agreed`, the plan is shown and the face asked.
    `gate` asks the forge before anything that only a gated plan approves.
    """

    saved: SavedPlans | None = None
    resume: bool = False
    agreed: bool = False
    only: Callable[[Change], bool] | None = None
    choose: Callable[[Comparison, Ledger], tuple[Planned, frozenset[str]]] | None = None
    accept_unsure: bool = False
    gate: Gate | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether it is about some changes alone, whatever else the plan says."""
        return self.only is not None or self.choose is not None


async def apply_session(
    session: Session,
    request: PlanRequest,
    approval: Approval,
    face: ApplyFace,
    observer: Observer,
    *,
    command: str = APPLY,
    lock_wait: float = 0,
    token_cache: bool = True,
    commit: str | None = None,
) -> ApplyReport | None:
    """Apply what is approved to one environment, holding the apply lock; leases that are over are lifted first.

    Args:
        session: the environment.
        request: what the plan is limited to, and what it overrides.
        approval: what is agreed to.
        face: who is asked and told.
        observer: told of the requests.
        command: what the holder of the lock is called; `heal` leaves the journal of applies as it is.
        lock_wait: seconds to wait for the lock.
        token_cache: whether access tokens may be kept in files.
        commit: what the manifests stand at in git, remembered where all that was approved is applied; None: not known.

    Returns:
        What became of each change; None where the face did not agree.

    Raises:
        ManifestErrors: policies are broken.
        ReconcilerError: nothing was changed.
    """
    from reconciler.ledger.process import describe_holder

    if command == APPLY:
        request = session.judged(request)
    holder = describe_holder(command)
    report: ApplyReport | None = None
    plans: tuple[PlanVerdict, ...] = ()
    known, go_on = "nothing was sent", _AGAIN
    with (
        session.access.writing(session.settings.ledger) as ledger,
        ledger.lock(holder, session.name, session.urls, wait=lock_wait, on_wait=face.waits_for) as lock,
        # Signals are asked for late and given back after the connections have closed: until then there is a report.
        ExitStack() as signals,
    ):
        try:
            async with writers(session, request.targets, observer, token_cache=token_cache) as open_writers:
                # Before anything is compared: what nothing holds any more runs again.
                desk = Desk(session, ledger, open_writers, holder, face, session.kinds_read(request.targets))
                known = "no change of the plan was sent; whether syncs whose pause is over run again is not known"
                face.lifted(await lift(desk))
                known = "no change of the plan was sent"
                if not approval.agreed and command == APPLY:
                    # Somebody will be asked.
                    request = await _with_findings(session, request, observer, token_cache=token_cache)
                readers: dict[str, Reader] = {api: writer.read_only() for api, writer in open_writers.items()}

                async def compare() -> Comparison:
                    return await session.compare(readers, request, session.memory(), session.opened_at)

                comparison = await compare()
                if approval.choose is not None:
                    planned, chosen = approval.choose(comparison, ledger)
                    comparison, permission = replace(comparison, planned=planned), Permission(chosen)
                else:
                    permission, plans = await _permission(comparison, approval)
                if not approval.agreed and permission.approved:
                    shown = comparison.planned.plan
                    if not face.agrees(shown):
                        return None
                    # Somebody thought about it for a while: what was shown is an approval like a saved plan.
                    comparison = await compare()
                    permission = replace(permit_saved(comparison, (Reviewed(shown),)), left=permission.left)
                if permission.unreviewed or permission.waiting:
                    face.leaves_alone((*permission.unreviewed, *permission.waiting))
                known = "what became of the changes under way is not known"
                go_on = _AGAIN if command == HEAL else _CARRY_ON
                report = await apply(
                    narrowed(comparison.planned, permission) if approval.is_narrow else comparison.planned,
                    session.kinds,
                    open_writers,
                    ledger,
                    lock,
                    holder=holder,
                    stop=signals.enter_context(face.stoppable()),
                    approved=permission.approved,
                    earlier=permission.earlier,
                    resumed=permission.resumed,
                    on_event=face.progresses,
                    command=HEAL if command == HEAL else APPLY,
                    ended=permission.operations,
                    accept_unsure=approval.accept_unsure,
                    brackets=Brackets(desk, lock, session.opened_at),
                )
                report = replace(report, plans=plans)
                if command == APPLY and report.ledger_problem is None:
                    remember_applied(ledger, session, commit)
                if commit is not None and _is_done(request, approval, report):
                    whole = _is_whole(permission)
                    if whole or not approval.resume:  # an interrupted run may be of an older commit
                        ledger.remember_applied_commit(session.name, commit, whole=whole)
                report = replace(report, operations=(*report.operations, *permission.left))
        except asyncio.CancelledError:
            if report is None:
                raise Interrupted(f"Interrupted: {known}", next_step=go_on) from None
        return report


async def _with_findings(
    session: Session, request: PlanRequest, observer: Observer, *, token_cache: bool
) -> PlanRequest:
    from reconciler.http.connections import Connections

    async with Connections() as connections:
        return await with_findings(session, request, session.memory(), observer, connections, token_cache=token_cache)


def _is_done(request: PlanRequest, approval: Approval, report: ApplyReport) -> bool:
    """Whether everything was carried out that was approved, and nothing was left out."""
    limited = bool(request.targets or request.excluded or approval.is_narrow)
    done = report.outcomes <= {Outcome.APPLIED, Outcome.ALREADY} and not any(plan.code for plan in report.plans)
    paused = any(result.code == STILL_PAUSED for result in report.results)
    return done and not (limited or paused or report.interrupted or report.ledger_problem)


def _is_whole(permission: Permission) -> bool:
    """Whether nothing that the manifests ask for is left to apply, as far as is known."""
    left = {change.cause for change in permission.unreviewed}
    return not (left & {Cause.GIT_MOVED, Cause.BOTH_MOVED, Cause.DIFFERS} or permission.waiting)


async def _permission(comparison: Comparison, approval: Approval) -> tuple[Permission, tuple[PlanVerdict, ...]]:
    if approval.saved is not None:
        return await permit_gated(comparison, approval.saved, approval.gate)
    if approval.resume:
        return permit_rest(comparison, comparison.inputs.memory.unfinished), ()
    return permit_all(comparison, approval.only), ()
