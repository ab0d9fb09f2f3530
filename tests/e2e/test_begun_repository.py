"""A repository that `init` has begun works: its pipelines, run script by script, take a change to live."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.gitops.init.pipelines import CI
from support.forges.azure_devops import AzureDevOps
from support.forges.github import GitHub
from support.forges.gitlab import GitLab
from support.pipelines import AzureRunner, GitLabRunner, Runner
from support.shim import command_on_path

STAND_INS = {"github": GitHub, "azure": AzureDevOps, "gitlab": GitLab}
PULL_REQUEST, APPLY, BY_HAND = range(3)
FILES: dict[CI, tuple[str, ...]] = {
    "github": tuple(f".github/workflows/reconciler-{name}.yml" for name in ("pull-request", "apply", "by-hand")),
    "azure": tuple(f"azure-pipelines/reconciler-{name}.yml" for name in ("pull-request", "apply", "by-hand")),
    "gitlab": (".gitlab/reconciler.yml",) * 3,
}
# Of the jobs that plan for a pull request, that plan a push, and that apply.
JOBS: dict[CI, tuple[str, ...]] = {
    "github": ("plan-emulator", "plan-emulator", "apply-emulator"),
    "azure": ("plan_emulator", "plan_emulator", "apply_emulator"),
    "gitlab": ("plan-emulator", "pending-emulator", "apply-emulator"),
}


@dataclass
class Shop:
    """A repository at a forge that `init` has begun in an empty folder, and the jobs of its pipelines."""

    ci: CI
    forge: GitHub | AzureDevOps | GitLab
    emulator: RunningEmulator
    folder: Path
    command: Path

    def begin(self) -> None:
        """Begin it, and push it to main."""
        new = self.folder / "new"
        words = [self.command / "reconciler", "init", new, "--ci", self.ci, "--branch", "main"]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        files = {str(path.relative_to(new)): path.read_text() for path in new.rglob("*") if path.is_file()}
        self.forge.commit("main", files, "Begin")

    def job(self, name: str, *, pull: int | None = None) -> Runner:
        """Check out main, or what a merge of a pull request would be (GitLab: its head), and return what runs jobs."""
        checkout = self.folder / name
        git = ["git", "-C", str(checkout), "-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "clone", "-q", str(self.forge.git), str(checkout)], check=True)
        if pull is not None:
            head = self.forge.pulls[pull].head
            how = ["checkout", "-q", head] if self.ci == "gitlab" else ["merge", "-q", "--no-ff", "-m", "x", head]
            subprocess.run([*git, *how], check=True)
        path = f"{self.command}{os.pathsep}{os.environ['PATH']}"
        more = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": self.forge.head()} if self.ci == "gitlab" and pull else {}
        environ = self.forge.environ(pull=pull, **more)
        environ |= {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8", "EMULATOR": self.emulator.url}
        if self.ci == "github":
            base = "github.event.merge_group.base_sha || 'HEAD^1'"
            return Runner(checkout, environ, {"github.token": self.forge.token, base: "HEAD^1"})
        if self.ci == "gitlab":
            return GitLabRunner(checkout, environ, {})
        workspace = self.folder / f"{name}-workspace"
        workspace.mkdir()
        macros = {
            "System.AccessToken": self.forge.token,
            "Pipeline.Workspace": str(workspace),
            "Build.SourceVersion": environ["BUILD_SOURCEVERSION"],
            "System.PullRequest.SourceCommitId": environ.get("SYSTEM_PULLREQUEST_SOURCECOMMITID", ""),
        }
        # documented: a secret variable reaches a script by its `env` alone.
        return AzureRunner(checkout, {**environ, "SYSTEM_ACCESSTOKEN": ""}, macros)

    def plan_of(self, job: Runner, head: str) -> Path:
        """Return the plan that a job for a pull request has kept, where the job that comments finds it."""
        if self.ci == "azure":
            return Path(job.context["Pipeline.Workspace"]) / f"reconciler-plan-emulator-{head}" / "plan.json"
        if self.ci == "gitlab":
            return job.folder / "plans" / "emulator" / "plan.json"
        (job.folder / "plans").mkdir()
        return (job.folder / "plan.json").rename(job.folder / "plans" / "plan.json")


@pytest.fixture
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # A socket's path has to be short.
    with command_on_path(tmp_path_factory.mktemp("c")) as place:
        yield place


@pytest.mark.parametrize("ci", ["github", "azure", "gitlab"])
def test_a_change_goes_from_an_empty_folder_to_live(
    ci: CI, emulator: RunningEmulator, tmp_path: Path, command: Path
) -> None:
    with STAND_INS[ci](tmp_path) as forge:
        shop = Shop(ci, forge, emulator, tmp_path, command)
        shop.begin()
        hook = (tmp_path / "new" / "manifests" / "delivery" / "order-hook.yaml").read_text()
        renamed = hook.replace("Orders to the ERP", "Orders to the new ERP")
        forge.commit("rename", {"manifests/delivery/order-hook.yaml": renamed}, "Rename the hook")
        number = forge.open_pull("rename")
        head = forge.pulls[number].head
        planning, pending, applying = JOBS[ci]

        # The pull request: planned and commented, and nothing is written.
        job = shop.job("pull", pull=number)
        text = (job.folder / FILES[ci][PULL_REQUEST]).read_text()
        for name in ("validate", planning):
            assert job.run(text, name), job.log
        plan = shop.plan_of(job, head)
        assert json.loads(plan.read_text())["commit"] == head
        assert job.run(text, "comment"), job.log
        (comment,) = forge.said(number)
        assert f"head={head}" in comment
        assert "Plan for `emulator`: 3 to create" in comment
        assert not {request["method"] for request in emulator.requests()} & {"PUT", "PATCH", "DELETE"}

        # The merge: what was reviewed is applied, and told in a comment of its own.
        forge.upload(head, f"reconciler-plan-emulator-{head}", {"plan.json": plan.read_bytes()})
        forge.merge(number, "squash")
        job = shop.job("merged")
        text = (job.folder / FILES[ci][APPLY]).read_text()
        assert job.run(text, pending), job.log
        status = {"github": "steps.plan.outputs.status", "azure": "plan.status"}.get(ci)
        assert status is None or job.context[status] == "2"
        assert job.run(text, applying), job.log
        assert f"approved by pull request {number}" in job.log
        live = emulator.state()["ordercloud"]["deliveryConfigs"]
        assert [config["Name"] for config in live.values()] == ["Orders to the new ERP"]
        assert len(forge.said(number)) == 2
        assert "3 applied" in forge.said(number)[1]

        # Again: nothing is pending, so nobody is asked.
        assert job.run(text, pending), job.log
        assert status is None or job.context[status] == "0"
        assert json.loads((job.folder / "plan.json").read_text())["changes"] == []


# Of the jobs that plan and apply what somebody asks for by hand, and what its digest is called there.
BY_HAND_JOBS: dict[CI, tuple[str, ...]] = {
    "github": ("plan-emulator", "apply-emulator", "inputs.digest"),
    "azure": ("plan_emulator", "apply_emulator", "parameters.digest"),
    "gitlab": ("by-hand-plan-emulator", "by-hand-apply-emulator", "DIGEST"),
}


@pytest.mark.parametrize("ci", ["github", "azure", "gitlab"])
def test_what_nobody_approved_is_applied_by_its_digest_where_the_environment_has_no_reviewers(
    ci: CI, emulator: RunningEmulator, tmp_path: Path, command: Path
) -> None:
    with STAND_INS[ci](tmp_path) as forge:
        shop = Shop(ci, forge, emulator, tmp_path, command)
        shop.begin()
        forge.protect("emulator", reviewers=False)
        job = shop.job("main")
        apply, by_hand = ((job.folder / FILES[ci][name]).read_text() for name in (APPLY, BY_HAND))
        _, pending, applying = JOBS[ci]
        planning, by_digest, named = BY_HAND_JOBS[ci]
        assert job.run(apply, pending), job.log
        assert not job.run(apply, applying)
        assert "nobody has reviewed it, and the " in job.log
        assert not emulator.state()["ordercloud"]["deliveryConfigs"]
        (digest,) = set(re.findall(r"by hand with its digest (sha256:[0-9a-f]{64})", job.log))
        # What became of it is kept, and says the same.
        (verdict,) = json.loads((job.folder / "result.json").read_text())["plans"]
        assert digest in verdict["next_step"]
        assert ci != "github" or f"Digest `{digest}`" in job.summary
        assert job.run(by_hand, planning), job.log
        job.context[named] = "sha256:" + "0" * 64
        assert not job.run(by_hand, by_digest)
        job.context[named] = digest
        assert job.run(by_hand, by_digest), job.log
        assert emulator.state()["ordercloud"]["deliveryConfigs"]
