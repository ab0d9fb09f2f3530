"""What is asked for by a page or an API ends with what is true of all that it named."""

from __future__ import annotations

import pytest

from reconciler.app.asked import Resume, _lifted
from reconciler.ledger.config.model import StepState
from reconciler.pause.holding import Fate
from reconciler.pause.lease import End, Why
from reconciler.reconcile.pause_report import Lifted, LiftedSync
from reconciler.reconcile.plan import ChangeResult, Outcome
from support.report_samples import change
from support.sync_samples import NOW


def resumed(name: str, outcome: Outcome) -> LiftedSync:
    result = ChangeResult(change(kind="EntitySync", name=name), outcome, message="no answer")
    end = End(NOW, Why.GIVEN_BACK)
    return LiftedSync(f"EntitySync/{name}", "EntitySync", name, "https://api", (), end, Fate.RESUME, result)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ((Outcome.APPLIED, Outcome.ALREADY), StepState.DONE),
        ((Outcome.APPLIED, Outcome.FAILED), StepState.REFUSED),
        ((Outcome.FAILED, Outcome.UNKNOWN), StepState.SENT),
        ((Outcome.UNKNOWN, Outcome.FAILED), StepState.SENT),
    ],
)
def test_a_resume_of_which_something_may_have_arrived_is_not_called_refused(
    outcomes: tuple[Outcome, ...], state: StepState
) -> None:
    syncs = tuple(resumed(f"sync-{number}", outcome) for number, outcome in enumerate(outcomes))
    ended, told = _lifted(Lifted("test", syncs), Resume(tuple(sync.key for sync in syncs)))
    assert ended is state
    assert all(sync.key in told for sync in syncs)
