"""The commit that a plan is of, and the one up to which an environment's approvals were applied."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.checkout import Checkout, entity_sync, http_config


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    ended = subprocess.run(
        ["git", *who, *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
    )
    return ended.stdout.strip()


@pytest.fixture
def repository(checkout: Checkout) -> Checkout:
    """Return a checkout in git whose manifests are committed."""
    checkout.write("all.yaml", checkout.environment(), http_config("hook"))
    git(checkout.folder, "init", "--quiet")
    git(checkout.folder, "add", "manifests")
    git(checkout.folder, "commit", "--quiet", "-m", "one")
    return checkout


def saved(checkout: Checkout, *words: str) -> Any:
    ended = checkout.call("plan", "--save", "plan.json", *words)
    assert ended.status == 0, str(ended)
    return json.loads((checkout.folder / "plan.json").read_text())


def commits(checkout: Checkout) -> list[tuple[str | None, str | None]]:
    shown = checkout.call("ledger", "show", "--format", "json").json["commits"]
    return [(each["commit"], each["whole_commit"]) for each in shown]


def test_a_plan_names_its_commit_and_apply_remembers_it_once_all_that_was_approved_is_live(
    repository: Checkout,
) -> None:
    head = git(repository.folder, "rev-parse", "HEAD")
    plan = saved(repository)
    assert plan["commit"] == head
    repository.write("later.yaml", entity_sync("buyers", "hook"))
    assert saved(repository)["commit"] is None  # not what the commit says
    assert saved(repository, "--commit", "3" * 40)["commit"] == "3" * 40
    git(repository.folder, "add", "manifests")
    git(repository.folder, "commit", "--quiet", "-m", "two")
    (repository.folder / "plan.json").write_text(json.dumps(plan))
    assert repository.call("apply", "plan.json").status == 0
    newer = git(repository.folder, "rev-parse", "HEAD")
    assert commits(repository) == [(newer, None)]  # the sync was not approved, and is left
    told = " ".join(repository.call("ledger", "show").stdout.split())
    assert f"what was approved up to commit {newer}" in told
    repository.applied()
    assert commits(repository) == [(newer, newer)]
    assert repository.call("apply", "--commit", "main").status == 64


def test_in_the_run_of_a_pull_request_it_is_its_head_and_not_the_merge_that_is_checked_out(
    repository: Checkout, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": "4" * 40}}}))
    repository.variables |= {
        "GITHUB_REPOSITORY": "shop/config",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SHA": "5" * 40,
    }
    assert saved(repository)["commit"] == "4" * 40
