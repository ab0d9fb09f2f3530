"""Several saved plans in one apply: which may be used, what the forge's gate lets through, and what is told of each."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.app.apply import Approval, apply_session
from reconciler.app.plan import plan_each
from reconciler.app.saved_plans import SavedPlans, read_reviewed, require_digest
from reconciler.app.unattended import Unattended
from reconciler.cli.exit_status import Status, apply_status
from reconciler.errors import GuardrailBreach, StalePlan, UsageError
from reconciler.http.observe import Silent
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.gathered import Reviewed
from reconciler.reconcile.plan import ApplyReport, Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.session import PlanRequest
from reconciler.reconcile.verdict import PlanVerdict
from support.app_fakes import World, connect_to, session_of
from support.apply_fakes import live, outcomes, widget

COMMIT = "1" * 40
EXPIRED = PlanVerdict("old.json", "sha256:1", None, StalePlan.code, "it expired", "Plan again.")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(live())
    connect_to(made, monkeypatch)
    return made


def planned(folder: Path, *names: str) -> Plan:
    session = session_of(folder, *map(widget, names))
    (plan,) = asyncio.run(plan_each([session], PlanRequest(), Silent()))
    assert isinstance(plan, Plan)
    return plan


class Gate:
    """A forge that says this of every environment, and remembers that it was asked."""

    def __init__(self, closed: str | None) -> None:
        self.closed = closed
        self.asked: list[str] = []

    async def __call__(self, environment: str) -> str | None:
        self.asked.append(environment)
        return self.closed


def applied(folder: Path, saved: SavedPlans, *names: str, gate: Gate | None = None) -> ApplyReport:
    session = session_of(folder, *map(widget, names))
    approval = Approval(saved, agreed=True, gate=gate)
    report = asyncio.run(apply_session(session, PlanRequest(), approval, Unattended(), Silent(), commit=COMMIT))
    assert report is not None
    return report


def remembered(folder: Path) -> str | None:
    with Ledgers() as ledgers:
        return ledgers.applied_commit(f"sqlite:///{folder}/ledger.db", "test")


def test_all_that_several_plans_approve_is_applied_in_one_run(world: World, tmp_path: Path) -> None:
    plans = [Reviewed(planned(tmp_path, name), f"{name}.json") for name in ("a", "b", "c")]
    report = applied(tmp_path, SavedPlans(tuple(plans)), "a", "b", "c", "d")
    assert outcomes(report) == {"a": "applied", "b": "applied", "c": "applied"}
    assert apply_status(report) == Status.DONE
    assert [(plan.file, plan.code) for plan in report.plans] == [("a.json", None), ("b.json", None), ("c.json", None)]
    assert remembered(tmp_path) == COMMIT
    assert "/widgets/d" not in world.objects


@pytest.mark.usefixtures("world")
def test_a_plan_that_is_left_out_is_told_and_the_commit_is_not_taken_for_applied(tmp_path: Path) -> None:
    plans = SavedPlans((Reviewed(planned(tmp_path, "a"), "a.json"),), (EXPIRED,))
    report = applied(tmp_path, plans, "a", "b")
    assert apply_status(report) == Status.PARTLY
    assert [(plan.file, plan.code) for plan in report.plans] == [("a.json", None), ("old.json", "stale-plan")]
    assert remembered(tmp_path) is None


@pytest.mark.usefixtures("world")
def test_it_is_no_loss_where_the_others_approve_all_that_is_pending(tmp_path: Path) -> None:
    plans = SavedPlans((Reviewed(planned(tmp_path, "a"), "a.json"),), (EXPIRED,))
    report = applied(tmp_path, plans, "a")
    assert apply_status(report) == Status.DONE
    assert [(plan.code, plan.message) for plan in report.plans] == [(None, None), (None, "it expired")]
    assert remembered(tmp_path) == COMMIT


@pytest.mark.usefixtures("world")
def test_a_plan_that_a_guardrail_refused_among_others_makes_it_three(tmp_path: Path) -> None:
    refused = replace(EXPIRED, code=GuardrailBreach.code)
    report = applied(tmp_path, SavedPlans((Reviewed(planned(tmp_path, "a")),), (refused,)), "a", "b")
    assert outcomes(report) == {"a": "applied"}
    assert apply_status(report) == Status.REFUSED


def test_what_only_a_gated_plan_approves_waits_for_the_word_of_the_forge(world: World, tmp_path: Path) -> None:
    plans = SavedPlans((Reviewed(planned(tmp_path, "a"), "a.json"), Reviewed(planned(tmp_path, "a", "b"), "g", True)))
    closed = Gate("the environment test has no reviewers")
    report = applied(tmp_path, plans, "a", "b", gate=closed)
    assert (outcomes(report), apply_status(report)) == ({"a": "applied"}, Status.PARTLY)
    assert closed.asked == ["test"]
    told = report.plans[1]
    assert (told.file, told.code) == ("g", "stale-plan")
    assert "the environment test has no reviewers" in (told.message or "")
    assert (plans.taken[1].plan.approves or "") in (told.next_step or "")
    assert "/widgets/b" not in world.objects
    report = applied(tmp_path, plans, "a", "b", gate=Gate(None))
    assert (outcomes(report), apply_status(report)) == ({"a": "already", "b": "applied"}, Status.DONE)


@pytest.mark.usefixtures("world")
def test_where_nothing_waits_for_it_the_forge_is_not_asked(tmp_path: Path) -> None:
    gate = Gate("no reviewers")
    plans = SavedPlans((Reviewed(planned(tmp_path, "a")), Reviewed(planned(tmp_path, "a"), "g", True)))
    assert apply_status(applied(tmp_path, plans, "a", gate=gate)) == Status.DONE
    alone = SavedPlans((Reviewed(planned(tmp_path, "a"), "g", True),))
    assert apply_status(applied(tmp_path, alone, "a", gate=gate)) == Status.DONE
    assert gate.asked == []


@pytest.mark.parametrize("gate", [None, Gate("it may not be asked")])
def test_a_closed_gate_and_nothing_else_is_stale(world: World, tmp_path: Path, gate: Gate | None) -> None:
    alone = SavedPlans((Reviewed(planned(tmp_path, "a"), "g", True),))
    with pytest.raises(StalePlan, match="g: nobody has reviewed it") as caught:
        applied(tmp_path, alone, "a", gate=gate)
    assert alone.taken[0].plan.approves
    assert alone.taken[0].plan.approves in (caught.value.next_step or "")
    assert world.effects == []


@pytest.mark.usefixtures("world")
def test_a_folder_means_its_plans_or_those_of_the_environment_in_the_order_they_were_made(tmp_path: Path) -> None:
    folder = tmp_path / "approved" / "test"
    folder.mkdir(parents=True)
    plan = planned(tmp_path, "a")
    for number, name in enumerate(("9", "10", "8")):
        made = replace(plan, created_at=plan.created_at + timedelta(minutes=number))
        (folder / f"{name}.json").write_text(json.dumps(plan_to_json(made)))
    read = [read_reviewed([path], "test") for path in (folder, folder.parent)]
    assert [[Path(each.file).stem for each in found] for found in read] == [["9", "10", "8"]] * 2
    assert [each.gated for each in read_reviewed([folder], None, folder / "8.json")] == [False, False, False, True]
    for environment in (None, "production"):
        with pytest.raises(StalePlan, match="no saved plan in"):
            read_reviewed([folder.parent], environment)


@pytest.mark.usefixtures("world")
def test_a_digest_that_somebody_saw_stands_for_the_review_of_one_plan(tmp_path: Path) -> None:
    plan = planned(tmp_path, "a")
    gated = Reviewed(plan, "g", gated=True)
    for digest in (plan.digest, plan.approves or ""):
        assert require_digest((gated,), digest) == (Reviewed(plan, "g"),)
    with pytest.raises(StalePlan, match="g is not the plan with the digest sha256:1"):
        require_digest((gated,), "sha256:1")
    with pytest.raises(StalePlan, match="g is not the plan with this digest") as caught:
        require_digest((gated,), "kr3mbel-9")
    assert "kr3mbel-9" not in str(caught.value)
    with pytest.raises(UsageError):
        require_digest((gated, gated), plan.digest)
