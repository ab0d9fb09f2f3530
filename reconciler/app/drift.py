"""Find the drift of environments, and resume the syncs whose declared pause has ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.apply import ApplyFace, Approval, apply_session
from reconciler.app.connections import for_each, readers
from reconciler.app.survey import surveyed
from reconciler.errors import ApiError, ReconcilerError
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.drift import find_drift, unreachable
from reconciler.reconcile.plan import ApplyReport, Cause, DriftReport, Note, NoteKind
from reconciler.reconcile.session import Comparison, PlanRequest, Session
from reconciler.sync.monitor.drift import data_drift

if TYPE_CHECKING:
    from reconciler.http.observe import Observer


class Drift(Struct, frozen=True):
    """The drift of one environment, with what it was found by."""

    session: Session
    comparison: Comparison
    report: DriftReport

    def without(self, adopted: Collection[str]) -> Drift:
        """Return the drift that is left after these objects were adopted."""
        items = tuple(item for item in self.report.items if f"{item.kind}/{item.name}" not in adopted)
        return replace(self, report=replace(self.report, items=items))


async def drift_of_each(
    sessions: Sequence[Session], request: PlanRequest, observer: Observer, *, token_cache: bool = True
) -> list[Drift | DriftReport]:
    """Find the drift of each environment; for one that cannot be read, where there are several, just its report.

    Raises:
        ReconcilerError: the only environment cannot be compared, or something other than an API is wrong.
    """
    from reconciler.http.connections import Connections

    async def one(session: Session) -> Drift:
        memory = session.memory(ledgers)
        # Of a site that was disconnected the data syncs say so; the other API's drift is looked for all the same.
        reached = session.without_lost_sites(memory)
        async with readers(
            reached, request.targets, observer, token_cache=token_cache, connections=connections
        ) as opened:
            said = await surveyed(reached, request.targets, observer, connections, token_cache=token_cache)
            asked = replace(request, remarks=(*request.remarks, *_lost(session, reached), *said))
            comparison = await reached.compare(opened, asked, memory, session.opened_at)
            report = find_drift(comparison.inputs, comparison.planned)
            items = await data_drift(session, opened, request, ledgers, memory)
        return Drift(reached, comparison, replace(report, items=(*report.items, *items)))

    with sessions[0].access.reading() if sessions else Ledgers() as ledgers:
        async with Connections() as connections:
            found = await for_each(sessions, one)
    return [_or_unreachable(session, item, len(sessions)) for session, item in zip(sessions, found, strict=True)]


def _lost(session: Session, reached: Session) -> tuple[Note, ...]:
    """Return what is not compared, as its site was disconnected."""
    lost = [each for api, each in session.connections.items() if api not in reached.connections]
    words = "its configuration is not compared: the site was disconnected, and its credentials are gone"
    return tuple(Note(NoteKind.REMARK, f"site {each.site_id}", words) for each in lost)


def _or_unreachable(session: Session, item: Drift | ReconcilerError, count: int) -> Drift | DriftReport:
    if isinstance(item, Drift):
        return item
    if count == 1 or not isinstance(item, ApiError):
        raise item
    return unreachable(session.name, item.message, session.opened_at)


async def resume_expired(
    session: Session, request: PlanRequest, face: ApplyFace, observer: Observer, *, token_cache: bool = True
) -> ApplyReport | None:
    """Resume those syncs of one environment that are asked for and whose declared pause has ended; nothing else."""
    approval = Approval(agreed=True, only=lambda change: change.cause is Cause.OVERDUE)
    return await apply_session(session, request, approval, face, observer, command="drift", token_cache=token_cache)
