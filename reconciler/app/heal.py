"""Heal: put right the drift that the Environment names, and nothing else; say what was done and what was left."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.apply import ApplyFace, Approval, apply_session
from reconciler.app.commits import changed_since
from reconciler.ledger.url import require_durable
from reconciler.reconcile.apply import HEAL
from reconciler.reconcile.heal import (
    BY_THE_CLOCK,
    Choice,
    HealPast,
    choose,
    differs_from_applied,
    named,
    planned_healing,
)
from reconciler.reconcile.plan import ApplyReport, Breach, Cause, ChangeResult, DriftReport
from reconciler.reconcile.session import Comparison, PlanRequest, Session
from reconciler.reconcile.work import Planned, Work

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.ledger.writer import Ledger

# Healing runs by itself, and again and again: an apply that is under way is no reason to fail at once.
_LOCK_WAIT_SECONDS = 60.0
_BY_THE_CLOCK = frozenset(cause.value for cause in BY_THE_CLOCK)


class Healing(Struct, frozen=True):
    """What a healing did, and why it left what it left.

    Args:
        has_rules: whether the Environment names anything that may be healed.
        report: of what was sent; None: nothing was.
        left: key of the object to why its drift was left.
        refused: the guardrails that refused some of it.
    """

    has_rules: bool = True
    report: ApplyReport | None = None
    left: Mapping[str, str] = {}
    refused: tuple[Breach, ...] = ()

    def told_in(self, report: DriftReport) -> DriftReport:
        """Return the drift that was found afterwards, with what was healed, and why the rest was not."""
        healed: tuple[ChangeResult, ...] = () if self.report is None else self.report.results
        items = tuple(
            replace(item, not_healed=self.left.get(f"{item.kind}/{item.name}")) if item.change is not None else item
            for item in report.items
        )
        return replace(report, items=items, healed=healed)


async def heal(
    session: Session,
    manifests: Path,
    request: PlanRequest,
    face: ApplyFace,
    observer: Observer,
    *,
    ephemeral: bool = False,
    token_cache: bool = True,
    lock_wait: float = _LOCK_WAIT_SECONDS,
) -> Healing:
    """Put right the drift of one environment that its `drift.heal` names, holding the apply lock.

    Args:
        session: the environment; its rules are those of the manifests as they are now.
        manifests: the folder that git is asked about.
        request: what it is limited to.
        face: who is told.
        observer: told of the requests.
        ephemeral: whether a ledger that is gone after this job will do; then only what the clock does is healed.
        token_cache: whether access tokens may be kept in files.
        lock_wait: seconds to wait for an apply that is under way.

    Raises:
        LedgerNotDurable: the ledger would forget what was healed.
        ReconcilerError: nothing was changed.
    """
    if not session.settings.heal:
        return Healing(has_rules=False)
    require_durable(session.settings.ledger, os.environ, "Healing", ephemeral=ephemeral)
    made: list[Choice] = []

    def choice(comparison: Comparison, ledger: Ledger) -> tuple[Planned, frozenset[str]]:
        chosen = _choose(session, comparison, ledger, manifests)
        made.append(chosen)
        return planned_healing(comparison.planned, chosen)

    approval = Approval(agreed=True, choose=choice)
    report = await apply_session(
        session,
        request,
        approval,
        face,
        observer,
        command=HEAL,
        lock_wait=lock_wait,
        token_cache=token_cache,
    )
    return Healing(report=report, left=made[-1].left, refused=made[-1].refused)


def _choose(session: Session, comparison: Comparison, ledger: Ledger, manifests: Path) -> Choice:
    """Decide what is healed, and record that it is going to be."""
    rules, inputs = session.settings.heal, comparison.inputs
    causes = [(work.change.key, work.change.cause.value) for work, _ in named(comparison, rules)]
    whole = not inputs.targets and not inputs.excluded
    known = ledger.see_drift(session.name, causes, all_seen=whole, leave_out=_BY_THE_CLOCK)
    seen = {(key, Cause(cause)): since for (key, cause), since in known.seen.items()}
    touched = _touched(session, comparison, ledger, manifests)
    chosen = choose(comparison, rules, HealPast(known.now, seen, known.healed), touched, lasting=session.lasting)
    healed = [(key, work.change.cause.value) for key, work in chosen.healed.items()]
    ledger.begin_healing(session.name, healed)
    return chosen


def _touched(session: Session, comparison: Comparison, ledger: Ledger, manifests: Path) -> Callable[[Work], str | None]:
    """Return what tells why an object may have been touched by what was merged and is not applied yet."""
    commit = ledger.whole_commit(session.name)
    files = changed_since(manifests, commit)
    if commit is None or files is None:
        return lambda work: differs_from_applied(comparison, work)
    environment = Path(session.file)

    def touched(work: Work) -> str | None:
        for file in (Path(work.change.place.file), environment):
            if file.resolve() in files:
                return f"{file} has changed since {commit[:10]}, which was applied last; apply that first"
        return None

    return touched
