"""A repository that `init` has begun works: its workflows, run step by step, take a change to live."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.forges.github import GitHub
from support.pipelines import Runner

WORKFLOWS = Path(".github") / "workflows"


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[GitHub]:
    """Run a GitHub with a repository that `init` has begun in an empty folder."""
    shop = tmp_path / "shop"
    command = [sys.executable, "-m", "reconciler", "init", str(shop), "--ci", "github", "--branch", "main"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    files = {str(path.relative_to(shop)): path.read_text() for path in shop.rglob("*") if path.is_file()}
    with GitHub(tmp_path) as running:
        running.commit("main", files, "Begin")
        yield running


def checkout(forge: GitHub, folder: Path, branch: str = "main") -> Path:
    """Check out the default branch; for another one what a merge of it would be, as GitHub does."""
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "clone", "-q", str(forge.git), str(folder)], check=True)
    subprocess.run([*git, "merge", "-q", "--no-ff", "-m", "x", f"origin/{branch}"], check=True)
    return folder


def runner_of(forge: GitHub, emulator: RunningEmulator, folder: Path, environ: dict[str, str]) -> Runner:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    base = {"PATH": path, "HOME": str(folder.parent), "LANG": "C.UTF-8", "EMULATOR": emulator.url}
    context = {"github.token": forge.token, "github.event.merge_group.base_sha || 'HEAD^1'": "HEAD^1"}
    return Runner(folder, base | environ, context)


def test_a_change_goes_from_an_empty_folder_to_live(forge: GitHub, emulator: RunningEmulator, tmp_path: Path) -> None:
    hook = (tmp_path / "shop" / "manifests" / "delivery" / "order-hook.yaml").read_text()
    renamed = hook.replace("Orders to the ERP", "Orders to the new ERP")
    forge.commit("rename", {"manifests/delivery/order-hook.yaml": renamed}, "Rename the hook")
    number = forge.open_pull("rename")
    head = forge.pulls[number].head
    runner = partial(runner_of, forge, emulator)

    # The pull request: planned and commented, and nothing is written.
    job = runner(checkout(forge, tmp_path / "pull", "rename"), forge.environ(pull=number))
    text = (job.folder / WORKFLOWS / "reconciler-pull-request.yml").read_text()
    assert job.run(text, "validate"), job.log
    assert job.run(text, "plan-emulator"), job.log
    assert "Plan for `emulator`: 3 to create" in job.summary
    plan = job.folder / "plan.json"
    assert json.loads(plan.read_text())["commit"] == head
    (job.folder / "plans" / "x").mkdir(parents=True)
    plan.rename(job.folder / "plans" / "x" / "plan.json")
    assert job.run(text, "comment"), job.log
    (comment,) = forge.comments[number]
    assert head in comment["body"]
    assert "Plan for `emulator`: 3 to create" in comment["body"]
    assert not {request["method"] for request in emulator.requests()} & {"PUT", "PATCH", "DELETE"}

    # The merge: what was reviewed is applied, and told in a comment of its own.
    forge.upload(
        head, f"reconciler-plan-emulator-{head}", {"plan.json": (job.folder / "plans/x/plan.json").read_bytes()}
    )
    merged = forge.merge(number, "squash")
    job = runner(checkout(forge, tmp_path / "merged"), forge.environ(commit=merged))
    text = (job.folder / WORKFLOWS / "reconciler-apply.yml").read_text()
    assert job.run(text, "plan-emulator"), job.log
    assert job.context["steps.plan.outputs.status"] == "2"
    assert job.run(text, "apply-emulator"), job.log
    assert f"approved by pull request {number}" in job.log
    live = emulator.state()["ordercloud"]["deliveryConfigs"]
    assert [config["Name"] for config in live.values()] == ["Orders to the new ERP"]
    assert len(forge.comments[number]) == 2
    assert "3 applied" in forge.comments[number][1]["body"]

    # Again: nothing is pending, so nobody is asked.
    assert job.run(text, "plan-emulator"), job.log
    assert job.context["steps.plan.outputs.status"] == "0"


def test_what_nobody_approved_is_applied_by_its_digest_where_the_environment_has_no_reviewers(
    forge: GitHub, emulator: RunningEmulator, tmp_path: Path
) -> None:
    forge.protect("emulator", reviewers=False)
    job = runner_of(forge, emulator, checkout(forge, tmp_path / "main"), forge.environ())
    apply, by_hand = ((job.folder / WORKFLOWS / f"reconciler-{name}.yml").read_text() for name in ("apply", "by-hand"))
    assert job.run(apply, "plan-emulator"), job.log
    assert not job.run(apply, "apply-emulator")
    assert "has no required reviewers" in job.log
    assert not emulator.state()["ordercloud"]["deliveryConfigs"]
    (digest,) = set(re.findall(r"Digest `(sha256:[0-9a-f]{64})`", job.summary))
    assert f"start the workflow by hand with its digest {digest}" in job.log
    assert job.run(by_hand, "plan-emulator"), job.log
    job.context["inputs.digest"] = "sha256:" + "0" * 64
    assert not job.run(by_hand, "apply-emulator")
    job.context["inputs.digest"] = digest
    assert job.run(by_hand, "apply-emulator"), job.log
    assert emulator.state()["ordercloud"]["deliveryConfigs"]
