"""The pipelines that `init` writes, and what of them reaches what."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reconciler.gitops.init.needs import Needs

NEEDS = (
    Needs("emulator", emulated=True),
    Needs("sandbox", ("OC_CLIENT_ID",), ("OC_CLIENT_SECRET",), ("HOOK_KEY",)),
    Needs("live.eu", ("OC_CLIENT_ID", "SPARK_CLIENT_ID"), ("OC_CLIENT_SECRET", "SPARK_CLIENT_SECRET"), ("HOOK_KEY",)),
)


def github_yaml(text: str) -> dict[str, Any]:
    """Return a workflow; YAML 1.1 takes its `on` for a boolean."""
    found = yaml.safe_load(text)
    return {("on" if key is True else key): value for key, value in found.items()}


@dataclass(frozen=True, slots=True)
class Reach:
    """What one identity can reach, and the events whose jobs get it."""

    events: frozenset[str]
    secrets: frozenset[str]


def github_reach(files: Mapping[str, str]) -> dict[str, Reach]:
    """Return by environment of the forge (`-` for none) which events and secrets its jobs have."""
    found: dict[str, Reach] = {}
    for text in files.values():
        workflow = github_yaml(text)
        for job in workflow["jobs"].values():
            name = job.get("environment", "-")
            secrets = frozenset(re.findall(r"secrets\.(\w+)", str(job)))
            before = found.get(name, Reach(frozenset(), frozenset()))
            found[name] = Reach(before.events | set(workflow["on"]), before.secrets | secrets)
    return found


def steps_of(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every step of a GitHub workflow, with the name of its job."""
    for name, job in github_yaml(text)["jobs"].items():
        yield from ((name, step) for step in job["steps"])


@dataclass(slots=True)
class Runner:
    """Runs jobs of GitHub workflows as a runner does: their scripts in bash, with what their steps are given.

    Args:
        folder: the checkout.
        environ: the variables of the job.
        context: values of `${{ … }}`, by the expression.
        without: names of steps that this machine has done already.
    """

    folder: Path
    environ: Mapping[str, str]
    context: dict[str, str]
    without: tuple[str, ...] = ("Install reconciler", "Start the emulator")
    log: str = ""
    summary: str = ""

    def run(self, text: str, job: str) -> bool:
        """Run a job; return whether it is green. Outputs of its steps stand in `context` afterwards."""
        green = True
        for step in github_yaml(text)["jobs"][job]["steps"]:
            if "run" in step and step.get("name") not in self.without and self._is_due(str(step.get("if", "")), green):
                green = self._step(step) and green
        return green

    def _is_due(self, condition: str, green: bool) -> bool:
        needed = re.findall(r"hashFiles\('([^']+)'\)", condition)
        there = all((self.folder / name).is_file() for name in needed)
        return there and (green or "always()" in condition or "!cancelled()" in condition)

    def _step(self, step: Mapping[str, Any]) -> bool:
        given = {name: self._value(str(value)) for name, value in step.get("env", {}).items()}
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder) / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
            for path in files.values():
                path.touch()
            ended = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=self.folder,
                env={**self.environ, **{name: str(path) for name, path in files.items()}, **given},
                capture_output=True,
                text=True,
                timeout=120,
            )
            for line in files["GITHUB_OUTPUT"].read_text().splitlines():
                name, _, value = line.partition("=")
                self.context[f"steps.{step.get('id')}.outputs.{name}"] = value
            self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        self.log += f"$ {step['run']}\n{ended.stdout}{ended.stderr}({ended.returncode})\n"
        return ended.returncode == 0

    def _value(self, text: str) -> str:
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: self.context.get(found[1], ""), text)
