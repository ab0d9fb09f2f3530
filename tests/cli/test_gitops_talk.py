"""`gitops comment` and `gitops issue` as pipelines run them: the real command, a forge on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.reconcile.digests import change_digest, plan_digest
from reconciler.reconcile.plan import Cause, DriftItem, DriftReport
from reconciler.reconcile.planfile import plan_to_json
from reconciler.report.documents.drift import drift_to_json
from support import forked
from support.forges.github import GitHub
from support.report_samples import NOW, change, plan

TOKEN = "forge-token-marker"


@pytest.fixture
def forge(tmp_path: Path):
    with GitHub(tmp_path, token=TOKEN) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        running.commit("topic", {"b.yaml": "1"}, "change")
        running.open_pull("topic")
        yield running


def reconciler(environ: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "SYSTEM_"))}
    done = forked.reconciler(*map(str, words), environ=clean | environ)
    assert TOKEN not in done.stdout + done.stderr
    return done


def plan_file(folder: Path, environment: str = "prod") -> Path:
    changed = change()
    planned = plan((replace(changed, digest=change_digest(changed)),), environment=environment)
    path = folder / f"{environment}.json"
    path.write_text(json.dumps(plan_to_json(replace(planned, digest=plan_digest(planned)))))
    return path


def drift_file(folder: Path, *items: DriftItem) -> Path:
    path = folder / "drift.json"
    path.write_text(json.dumps(drift_to_json(DriftReport("prod", NOW, items, (), 3))))
    return path


def test_a_comment_is_written_left_alone_and_shown_with_what_a_step_may_use(forge: GitHub, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    environ = forge.environ(pull=1, GITHUB_OUTPUT=str(outputs))
    file = plan_file(tmp_path)
    done = reconciler(environ, "gitops", "comment", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Comment at pull request 1: written" in done.stderr
    (comment,) = forge.comments[1]
    assert comment["body"].startswith(f"<!-- reconciler:comment head={forge.pulls[1].head} -->\n### Plan for `prod`")
    names = [line.partition("<<")[0] for line in outputs.read_text().splitlines()[::3]]
    assert names == ["status", "risk", "summary"]
    assert outputs.read_text().splitlines()[1::3] == ["changes", "cosmetic", "prod: 1 to update; 14 unchanged"]

    before = len([seen for seen in forge.requests if seen.method != "GET"])
    again = reconciler(environ, "gitops", "comment", file)
    assert "unchanged" in again.stderr
    assert len([seen for seen in forge.requests if seen.method != "GET"]) == before


def test_a_file_that_cannot_be_read_takes_the_place_of_an_old_plan(forge: GitHub, tmp_path: Path) -> None:
    environ = forge.environ(pull=1)
    reconciler(environ, "gitops", "comment", plan_file(tmp_path))
    done = reconciler(environ, "gitops", "comment", tmp_path / "none.json")
    assert done.returncode == 1
    (comment,) = forge.comments[1]
    assert "This file approves nothing" in comment["body"]
    assert "Merging approves" not in comment["body"]


def test_a_fork_gets_no_comment_and_is_told_why(forge: GitHub, tmp_path: Path) -> None:
    forge.pulls[1].source = "stranger/shop"
    summary = tmp_path / "summary.md"
    done = reconciler(forge.environ(pull=1, GITHUB_STEP_SUMMARY=str(summary)), "gitops", "comment", "plans/*/plan.json")
    assert done.returncode == 0
    assert "fork" in done.stderr
    assert "fork" in summary.read_text()
    assert forge.requests == []


def test_a_comment_can_be_printed_without_any_forge(tmp_path: Path) -> None:
    done = reconciler({}, "gitops", "comment", plan_file(tmp_path), "--print")
    assert done.returncode == 0
    assert "### Plan for `prod`" in done.stdout


def test_without_a_forge_it_says_what_is_missing(tmp_path: Path) -> None:
    done = reconciler({}, "gitops", "comment", plan_file(tmp_path))
    assert done.returncode == 64
    assert "GITHUB_REPOSITORY" in done.stderr


def test_gitlab_without_its_token_is_named_and_the_text_printed(tmp_path: Path) -> None:
    environ = {
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "3",
        "CI_COMMIT_SHA": "a" * 40,
    }
    done = reconciler(environ, "gitops", "comment", plan_file(tmp_path))
    assert done.returncode == 0
    assert "GITLAB_TOKEN is not set" in done.stderr
    assert "### Plan for `prod`" in done.stdout


def test_the_rolling_issue_is_opened_and_closed(forge: GitHub, tmp_path: Path) -> None:
    environ = forge.environ()
    moved = DriftItem("Webhook", "hook", "h", Cause.LIVE_MOVED, None, (), message="moved @octocat")
    for items, state in (((moved,), "open"), ((), "closed")):
        done = reconciler(environ, "gitops", "issue", drift_file(tmp_path, *items))
        assert done.returncode == 0, done.stderr
        (issue,) = forge.issues.values()
        assert issue["state"] == state
    assert "closed" in done.stderr
    assert [label["name"] for label in issue["labels"]] == ["reconciler-drift-prod"]
