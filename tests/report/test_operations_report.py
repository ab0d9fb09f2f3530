"""What is done once, and what became of it, in every format: nothing from outside acts, nothing is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from reconciler.cli.exit_status import Status, apply_status
from reconciler.errors import Place
from reconciler.reconcile.plan import ApplyReport, Operation, OperationResult, Outcome, Plan, StepResult
from reconciler.report.documents.apply import apply_from_json, apply_to_json
from reconciler.report.renderers import APPLY, PLAN, RESYNC
from reconciler.report.words import apply_closing
from support.report_samples import SAMPLE_PLAN

SCHEMAS = Path(__file__).parents[2] / "schemas"
HOSTILE = "<script>alert(1)</script>\x1b[31m`\n::error::"
END = datetime(2026, 12, 1, 12, tzinfo=UTC)
OPERATION = Operation(
    "Resync",
    "repair",
    "0123456789abcdef",
    f"re-sync 2 products: {HOSTILE}",
    HOSTILE,
    ("POST a/sync ProductID=A", f"POST a/sync ProductID={HOSTILE}"),
    END,
    Place("manifests/requests.yaml", 7),
    digest="sha256:00",
)
PLANNED: Plan = replace(SAMPLE_PLAN, operations=(OPERATION,))


def result(outcome: Outcome, *steps: Outcome, **changes: Any) -> OperationResult:
    told = tuple(StepResult(does, step, None) for does, step in zip(OPERATION.steps, steps, strict=True))
    return replace(
        OperationResult(OPERATION, outcome, told, message=HOSTILE, next_step="Look at the target."), **changes
    )


def report(*results: OperationResult) -> ApplyReport:
    return ApplyReport("sandbox", "run", (), operations=results)


A, F, K, U = Outcome.APPLIED, Outcome.FAILED, Outcome.SKIPPED, Outcome.UNKNOWN
BEFORE = Outcome.ALREADY


@pytest.mark.parametrize(
    ("outcome", "steps", "status"),
    [
        (A, (A, A), Status.DONE),
        (F, (A, F), Status.ERROR),  # refused now; an error comes before a part that is missing
        (F, (F, F), Status.ERROR),
        (F, (BEFORE, F), Status.PARTLY),  # refused by an earlier run, and over
        (U, (BEFORE, U), Status.ERROR),
        (U, (A, U), Status.ERROR),
        (K, (A, K), Status.PARTLY),
        (K, (BEFORE, K), Status.PARTLY),
        (K, (K, K), Status.STALE),
    ],
)
def test_the_exit_status_of_a_request_counts_its_steps(
    outcome: Outcome, steps: tuple[Outcome, Outcome], status: Status
) -> None:
    assert apply_status(report(result(outcome, *steps))) is status


def test_what_is_left_of_a_request_that_was_begun_is_not_said_to_be_carried_out_by_apply() -> None:
    for begun in (result(F, BEFORE, F), result(F, A, F), result(U, A, U)):
        assert apply_closing(report(begun)).startswith("What is left of a request that was begun has to be")
    assert apply_closing(report(result(F, F, F), result(F, A, F))).startswith("Mend what failed")


CUT_OFF = report(result(Outcome.UNKNOWN, Outcome.APPLIED, Outcome.UNKNOWN))


@pytest.mark.parametrize("format_name", PLAN.formats)
def test_a_plan_shows_its_operations_with_their_steps_and_end(format_name: str) -> None:
    shown = PLAN.render(format_name, PLANNED)
    for piece in ("Resync/repair" if format_name != "json" else "repair", "POST a/sync ProductID=A", "2026-12-01"):
        assert piece in shown
    assert "\x1b" not in shown
    assert "\n::error::" not in shown
    if format_name == "html":
        assert "<script>alert" not in shown


@pytest.mark.parametrize("format_name", PLAN.formats)
def test_a_plan_with_an_operation_alone_is_not_nothing_to_do(format_name: str) -> None:
    alone = replace(PLANNED, changes=(), breaches=())
    assert "Nothing to do" not in PLAN.render(format_name, alone)


@pytest.mark.parametrize("format_name", ["text", "markdown", "html"])
def test_what_may_have_been_done_before_is_said(format_name: str) -> None:
    unsure = replace(PLANNED, operations=(replace(OPERATION, unsure=True),))
    assert "carried out before cannot be known" in PLAN.render(format_name, unsure)


@pytest.mark.parametrize("format_name", APPLY.formats)
def test_an_apply_says_what_became_of_each_step(format_name: str) -> None:
    shown = APPLY.render(format_name, CUT_OFF)
    assert "unknown" in shown
    assert "POST a/sync ProductID=A" in shown
    assert "Look at the target." in shown
    assert "\x1b" not in shown


def test_the_counts_of_an_apply_name_requests() -> None:
    shown = APPLY.render("text", CUT_OFF)
    assert shown.startswith("Apply to sandbox: 1 request unknown")
    assert "reconciler plan -e sandbox" in shown


def test_a_resync_says_that_arrival_cannot_be_known() -> None:
    done = report(result(Outcome.APPLIED, Outcome.APPLIED, Outcome.APPLIED, message=None, next_step=None))
    shown = " ".join(RESYNC.render("text", done).split())
    assert "2 of 2 records asked for" in shown
    assert "cannot be known from here" in shown


def test_the_documents_keep_their_schemas_and_are_read_back() -> None:
    for subject, value, name in ((APPLY, CUT_OFF, "apply"), (RESYNC, CUT_OFF, "resync")):
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        jsonschema.validate(json.loads(subject.render("json", value)), schema)
    assert apply_from_json(apply_to_json(CUT_OFF)) == CUT_OFF
