"""What an apply says of the saved plans it was given, and what a plan says that failed, in every format."""

from __future__ import annotations

import json

import pytest

from reconciler.app.plan import failed_plan
from reconciler.clock import utc_now
from reconciler.errors import Unreachable
from reconciler.reconcile.plan import ApplyReport
from reconciler.reconcile.verdict import PlanVerdict
from reconciler.report.documents.apply import apply_from_json
from reconciler.report.renderers import APPLY, PLAN

HOSTILE = "<b>@everyone</b>\x1b[31m"
REPORT = ApplyReport(
    "production",
    None,
    (),
    plans=(
        PlanVerdict("12.json", "sha256:1", "1" * 40, overtaken=("EntitySync/buyers",)),
        PlanVerdict(f"{HOSTILE}.json", "sha256:2", None, "stale-plan", "it expired", "Plan again."),
        PlanVerdict("14.json", "sha256:3", None, None, "planning had failed"),
    ),
)
FAILED = failed_plan("production", Unreachable(f"no answer {HOSTILE}", next_step="Try again."), utc_now())


def assert_harmless(format_name: str, shown: str) -> None:
    assert "\x1b" not in shown
    if format_name == "markdown":  # in a code span, where it means nothing
        assert shown.count("<b>") == shown.count("`<b>") > 0
    if format_name == "html":
        assert "<b>@everyone" not in shown


@pytest.mark.parametrize("format_name", ["text", "markdown", "html"])
def test_plans_that_were_left_out_or_overtaken_are_told(format_name: str) -> None:
    shown = " ".join(APPLY.render(format_name, REPORT).split())
    assert "it expired" in shown
    assert "Plan again." in shown
    assert "changed as another plan says" in shown
    assert "nothing applied" in shown
    assert "all that is pending is approved all the same" in shown
    assert_harmless(format_name, shown)


@pytest.mark.parametrize("format_name", ["text", "markdown", "html"])
def test_a_plan_that_failed_says_why_and_never_that_there_is_nothing_to_do(format_name: str) -> None:
    shown = PLAN.render(format_name, FAILED)
    assert "api-unreachable" in shown
    assert "Try again." in shown
    assert "Nothing to do" not in shown
    assert_harmless(format_name, shown)


def test_the_report_is_read_back() -> None:
    assert apply_from_json(json.loads(APPLY.render("json", REPORT))) == REPORT
