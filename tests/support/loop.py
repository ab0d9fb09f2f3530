"""The GitOps loop at a forge, job by job: a clone with manifests, a forge on loopback, the real command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.checkout import Checkout, Document, Ended, outcomes
from support.forges.azure_devops import AzureDevOps
from support.forges.github import GitHub
from support.forges.gitlab import GitLab

ENVIRONMENT = "test"


@dataclass
class Loop:
    """A repository at a forge, and the jobs of its pipelines.

    Args:
        checkout: where commands run; its ledger outlives the jobs, its folder `work` is a job's clone.
        forge: the forge.
        subprocesses: whether commands are processes of their own, as in a pipeline.
        environment: the one that jobs are about.
        more: variables of every job.
        last: how the last command ended.
    """

    checkout: Checkout
    forge: GitHub | AzureDevOps | GitLab
    subprocesses: bool = False
    environment: str = ENVIRONMENT
    more: dict[str, str] = field(default_factory=dict)
    last: Ended | None = None

    def run(self, *words: str | Path, pull: int | None = None, commit: str | None = None, **more: str) -> Ended:
        """Run a command in the job of a pull request, or of a commit that was pushed to main."""
        self.checkout.variables = self.forge.environ(pull=pull, commit=commit, **self.more, **more)
        use = self.checkout.run if self.subprocesses else self.checkout.call
        self.last = use("-C", "work", *words)
        return self.last

    def clone(self, commit: str) -> None:
        """Check a commit out, as the first step of a job."""
        work = self.checkout.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", self.forge.git, work], check=True)
        subprocess.run(["git", "checkout", "-q", "--detach", commit], cwd=work, check=True)
        # What git ignores, and outlives a job: the ledger that `init` names.
        (self.checkout.folder / "kept").mkdir(exist_ok=True)
        (work / ".reconciler").symlink_to(self.checkout.folder / "kept", target_is_directory=True)

    def commit(self, branch: str, name: str, *documents: Document) -> str:
        """Commit a file of manifests to a branch."""
        text = yaml.safe_dump_all(documents, sort_keys=False)
        return self.forge.commit(branch, {f"manifests/{name}": text}, f"{branch}: {name}")

    def planned(self, number: int, *environments: str) -> Ended:
        """Run the pull request's pipeline: plan, comment, and leave the plan as an artifact."""
        pull = self.forge.pulls[number]
        head, words = pull.head, ("--secrets-at-apply",)
        if isinstance(self.forge, GitHub):
            # There a job for a pull request has a merge of it into its base, which is no commit of anybody's.
            self.clone(self.forge.head(pull.base))
            self.forge._run("merge", "-q", "--no-ff", "-m", "Merge to try", head, at=self.checkout.folder / "work")
            words = ("--base", "HEAD^1", "--secrets-at-apply")
        else:
            self.clone(head)
        for environment in environments or (self.environment,):
            file = self.checkout.folder / f"plan-{environment}.json"
            ended = self.run("plan", "-e", environment, "--save", file, *words, pull=number)
            assert ended.status == 0, str(ended)
            assert json.loads(file.read_text())["commit"] == head
            self.forge.upload(head, f"reconciler-plan-{environment}-{head}", {"plan.json": file.read_bytes()})
        ended = self.run("gitops", "comment", file, pull=number)
        assert ended.status == 0, str(ended)
        return ended

    def opened(self, branch: str, *files: tuple[str, Document]) -> int:
        """Push a branch with a commit for each file, open its pull request, and run its pipeline."""
        for name, manifest in files:
            self.commit(branch, name, manifest)
        number = self.forge.open_pull(branch)
        self.planned(number)
        return number

    def approved(self, commit: str | None = None, **more: str) -> Ended:
        """Gather the approvals for a commit of main, into a new folder."""
        commit = commit or self.forge.head()
        self.clone(commit)
        shutil.rmtree(self.checkout.folder / "approved", ignore_errors=True)
        words = ("gitops", "approved", "-e", self.environment, "--output", "../approved")
        return self.run(*words, commit=commit, **more)

    def applied(self, *words: str | Path, commit: str | None = None) -> Ended:
        """Apply what was gathered, or what is named, and keep the report."""
        report = self.checkout.folder / "report.json"
        chosen = words or (f"../approved/{self.environment}",)
        return self.run("apply", *chosen, "--format", "json", "--output", report, commit=commit)

    def result(self, commit: str | None = None) -> Ended:
        """Tell the pull requests what became of their plans."""
        return self.run("gitops", "result", "../report.json", "--approved", "../approved", commit=commit)

    def drift(self) -> Ended:
        """Run the scheduled job: drift of main, and its issue; return how drift ended."""
        self.clone(self.forge.head())
        ended = self.run("drift", "-e", self.environment, "--save", "../drift.json")
        told = self.run("gitops", "issue", "../drift.json")
        assert told.status == 0, str(told)
        return ended

    def adopted(self, key: str, file: str) -> str:
        """Take what live has of an object into its manifest, by a pull request like any other; return the manifest."""
        ended = self.run("drift", "-e", self.environment, "--adopt", key)
        assert ended.status == 0, str(ended)
        manifest = (self.checkout.folder / "work" / file).read_text()
        self.forge.commit("adopt", {file: manifest}, f"Adopt {key}")
        number = self.forge.open_pull("adopt")
        self.planned(number)
        self.forge.merge(number, "squash")
        for ended in (self.approved(), self.applied()):
            assert ended.status == 0, str(ended)
        return manifest

    def pending(self) -> list[str]:
        """Return what a plan of the clone would change, as `Kind/name`."""
        ended = self.run("plan", "-e", self.environment, "--format", "json")
        return [f"{each['kind']}/{each['name']}" for each in ended.json["changes"]]

    @property
    def report(self) -> Any:
        """What the last apply did."""
        return json.loads((self.checkout.folder / "report.json").read_text())

    def outcomes(self) -> dict[str, str]:
        """Return what became of each change of the last apply."""
        return outcomes(self.report)


def begun(
    checkout: Checkout, forge: GitHub | AzureDevOps | GitLab, document: Callable[[], Document], **options: Any
) -> Loop:
    """Begin a repository whose main has an Environment that was applied, with nothing else."""
    loop = Loop(checkout, forge, **options)
    loop.commit("main", "environment.yaml", document())
    return loop
