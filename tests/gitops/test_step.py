"""Outputs and summaries of a step hold what they were given as text, and nothing secret."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from reconciler.errors import OutputError
from reconciler.gitops.comment import plan_comment
from reconciler.gitops.outputs import plan_outputs
from reconciler.gitops.plans import EnvironmentPlan, Failure
from reconciler.gitops.step import append_summary, set_outputs
from support.report_samples import MARKER, SAMPLE_PLAN, hostile_plan, plan
from support.report_strategies import hostile_text


@given(hostile_text)
@settings(max_examples=30, deadline=None)
def test_hostile_text_sets_no_output_of_its_own(text: str) -> None:
    outputs = plan_outputs([EnvironmentPlan(text, hostile_plan(text)), EnvironmentPlan(text, None, Failure("c", text))])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "outputs"
        set_outputs({"GITHUB_OUTPUT": str(file)}, outputs)
        lines = file.read_text().split("\n")
    assert [line.partition("<<")[0] for line in lines[::3]] == ["status", "risk", "summary", ""]
    assert all(lines[number].partition("<<")[2] == lines[number + 2] for number in (0, 3, 6))


def test_outputs_differ_in_their_delimiters(tmp_path: Path) -> None:
    for _ in range(2):
        set_outputs({"GITHUB_OUTPUT": str(tmp_path / "outputs")}, {"a": "b"})
    delimiters = (tmp_path / "outputs").read_text().split("\n")[2::3]
    assert len(set(delimiters)) == 2


def test_the_worst_of_all_environments_is_told() -> None:
    failed = EnvironmentPlan("x", plan(environment="x"), Failure("c", "m"))
    assert plan_outputs([EnvironmentPlan("p", SAMPLE_PLAN), failed])["status"] == "failed"
    assert plan_outputs([EnvironmentPlan("p", SAMPLE_PLAN)])["status"] == "refused"
    assert plan_outputs([EnvironmentPlan("p", SAMPLE_PLAN)])["risk"] == "loses-data"
    nothing = plan_outputs([EnvironmentPlan("p", plan(environment="prod"))])
    assert nothing == {"status": "unchanged", "risk": "none", "summary": "prod: 14 unchanged"}
    assert plan_outputs([])["status"] == "failed"


def test_a_summary_is_added_to_and_holds_no_command(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    append_summary(summary, "::error::x ##vso[task.complete]")
    append_summary(None, "nowhere")
    assert summary.read_text() == "before\n\\x3a:error::x #\\x23vso[task.complete]\n"
    with pytest.raises(OutputError, match="GITHUB_STEP_SUMMARY"):
        append_summary(tmp_path, "a folder")


def test_nothing_secret_is_in_a_comment_or_an_output() -> None:
    plans = [EnvironmentPlan("p", hostile_plan("x"))]
    assert MARKER not in plan_comment(plans, "a" * 40) + str(plan_outputs(plans))
