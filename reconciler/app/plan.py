"""Plan environments: read live, say what would change, change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.app.connections import for_each, readers
from reconciler.app.reckoned import with_findings
from reconciler.errors import ReconcilerError
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.digests import plan_digest
from reconciler.reconcile.plan import Note, NoteKind, Plan
from reconciler.reconcile.planfile import error_body
from reconciler.reconcile.planner import require_secrets
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.words import counted

if TYPE_CHECKING:
    from reconciler.app.base import Base
    from reconciler.app.project import Project
    from reconciler.http.observe import Observer


async def plan_each(
    sessions: Sequence[Session],
    request: PlanRequest,
    observer: Observer,
    *,
    token_cache: bool = True,
    base: Base | None = None,
    since_applied: Project | None = None,
) -> list[Plan | ReconcilerError]:
    """Plan each environment with connections that can only read.

    Args:
        sessions: the environments.
        request: what the plans are limited to, and what they override.
        observer: told of the requests.
        token_cache: whether access tokens may be kept in files.
        base: what the rules are compared with, where they are.
        since_applied: where the manifests are whose rules are compared with the commit that the ledger says was applied
            last; None: they are not.

    Returns:
        The plan of each environment, or why it has none.
    """
    from reconciler.http.connections import Connections

    async def one(session: Session) -> Plan:
        asked = session.judged(request)
        compared, remarks = base, asked.remarks
        if since_applied is not None:
            compared, more = _applied(ledgers, session, since_applied)
            remarks = (*remarks, *more)
        if compared is not None and compared.unread:
            remarks = (*remarks, _unread(compared))
        asked = replace(asked, remarks=remarks)
        memory = session.memory(ledgers)
        asked = await with_findings(session, asked, memory, observer, connections, token_cache=token_cache)
        async with readers(
            session, request.targets, observer, token_cache=token_cache, connections=connections
        ) as opened:
            comparison = await session.compare(opened, asked, memory, session.opened_at)
        require_secrets(comparison.inputs, comparison.planned.work.values())
        plan = comparison.planned.plan
        if compared is None:
            return plan
        return replace(plan, base=compared.name, rules_changed=compared.changes(plan.environment))

    with Ledgers() as ledgers:
        async with Connections() as connections:
            return await for_each(sessions, one)


def _applied(ledgers: Ledgers, session: Session, project: Project) -> tuple[Base | None, tuple[Note, ...]]:
    """Open what was applied last; where git does not know it here, a note says so instead."""
    from reconciler.app.base import open_applied

    commit = ledgers.applied_commit(session.settings.ledger, session.name)
    if commit is None:
        return None, ()
    found = open_applied(commit, project.manifests, project.load())
    if found is not None:
        return found, ()
    words = "what was applied last is not in this clone: which rules and references to secrets changed is not known"
    return None, (Note(NoteKind.POLICY, commit[:12], words),)


def _unread(base: Base) -> Note:
    problems = counted(base.unread, "problem")
    return Note(NoteKind.POLICY, base.name, f"the base has {problems}: rules that could not be read there count as new")


def failed_plan(environment: str, error: ReconcilerError, now: datetime, commit: str | None = None) -> Plan:
    """Return the plan that approves nothing, because planning failed.

    Args:
        environment: its name; empty where it is not known.
        error: why.
        now: what time it is.
        commit: what the manifests stand at in git, where that is known.
    """
    created = now.replace(microsecond=0)
    plan = Plan(environment, (), created, created, (), (), (), 0, "", commit=commit, error=error_body(error))
    return replace(plan, digest=plan_digest(plan))
