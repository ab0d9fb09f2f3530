"""Heal environments on behalf of a terminal: one after the other, and where one fails, the others all the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from reconciler.app.heal import Healing, heal
from reconciler.app.signals import run_to_end
from reconciler.cli.exit_status import Status, heal_status
from reconciler.cli.options import Options
from reconciler.cli.terminal.faces import ApplyTerminal
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say
from reconciler.errors import Interrupted, ReconcilerError
from reconciler.reconcile.plan import DriftReport
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.report.escape import terminal


class Healed(Struct):
    """What became of each environment, and the statuses that this leads to."""

    by_environment: dict[str, Healing] = {}
    statuses: list[Status] = []

    def told_in(self, report: DriftReport) -> DriftReport:
        """Return the drift that was found afterwards, with what was healed, and why the rest was not."""
        healing = self.by_environment.get(report.environment)
        return report if healing is None else healing.told_in(report)


def heal_each(
    sessions: Sequence[Session],
    manifests: Path,
    request: PlanRequest,
    options: Options,
    *,
    ephemeral: bool,
    token_cache: bool,
) -> Healed:
    """Heal environments until a signal asks to stop; say what is done.

    Raises:
        ReconcilerError: the only environment cannot be healed.
    """
    healed = Healed()
    for session in sessions:
        if ephemeral and not session.lasting and session.settings.heal:
            say("The ledger is gone after this job: only pauses that are overdue and windows are healed.")
        face = ApplyTerminal(options)
        run = partial(heal, ephemeral=ephemeral, token_cache=token_cache)
        try:
            found = run_to_end(run(session, manifests, request, face, Listener(options.verbosity)))
        except Interrupted:
            raise
        except ReconcilerError as error:
            if len(sessions) == 1:
                raise
            healed.statuses.append(report_failure(error, options))
            continue
        if not found.has_rules:
            say(terminal(f"Nothing is healed: the Environment {session.name} names nothing in spec.drift.heal"))
        healed.by_environment[session.name] = found
        healed.statuses.append(heal_status(found.report, found.refused))
        if face.asked_to_stop:
            healed.statuses.append(Status.INTERRUPTED)
            break
    return healed
