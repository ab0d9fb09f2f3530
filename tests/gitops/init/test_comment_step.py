"""The step that comments finds the plans wherever a forge puts them, and names no file that is not there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from reconciler.gitops.init.pipelines import CI, pipelines
from support.pipelines import NEEDS, steps_of

# By forge: where plans lie after the download, for one artifact, for several, for none.
LAYOUTS: list[tuple[CI, tuple[str, ...]]] = [
    # With `pattern`, download-artifact v7 makes no folder where a single artifact matches.
    ("github", ("plans/plan.json",)),
    ("github", ("plans/reconciler-plan-a-1/plan.json", "plans/reconciler-plan-b-1/plan.json")),
    ("github", ()),
    ("azure", ("workspace/reconciler-plan-a-1/plan.json",)),
    ("azure", ("workspace/reconciler-plan-a-1/plan.json", "workspace/reconciler-plan-b-1/plan.json")),
    ("azure", ()),
    ("gitlab", ("plans/a/plan.json",)),
    ("gitlab", ("plans/a/plan.json", "plans/b/plan.json")),
    ("gitlab", ()),
]


def script(ci: CI) -> str:
    """Return what the step that comments runs."""
    if ci == "github":
        text = pipelines(ci, NEEDS, "main")[".github/workflows/reconciler-pull-request.yml"]
        (step,) = [step for job, step in steps_of(text) if job == "comment" and step.get("name") == "Comment"]
        assert step["shell"] == "bash", "what a runner takes otherwise may be another shell, without shopt"
        return str(step["run"])
    if ci == "azure":
        jobs = yaml.safe_load(pipelines(ci, NEEDS, "main")["azure-pipelines/reconciler-pull-request.yml"])["jobs"]
        (job,) = [job for job in jobs if job["job"] == "comment"]
        return str(job["steps"][-1]["bash"]).replace("$(Pipeline.Workspace)", "workspace")
    return str(yaml.safe_load(pipelines(ci, NEEDS, "main")[".gitlab/reconciler.yml"])["comment"]["script"][-1])


@pytest.mark.parametrize(("ci", "layout"), LAYOUTS)
def test_it_gets_the_plans_that_are_there_and_nothing_else(ci: CI, layout: tuple[str, ...], tmp_path: Path) -> None:
    called = tmp_path / "bin" / "reconciler"
    called.parent.mkdir()
    called.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    called.chmod(0o755)
    for path in layout:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")
    environ = {"PATH": f"{called.parent}:{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "-e", "-c", script(ci)], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["gitops", "comment", *layout]), ended.stderr
