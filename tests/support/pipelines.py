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


def azure_jobs(data: Any) -> Iterator[dict[str, Any]]:
    """Yield every job and deployment of Azure Pipelines, wherever it stands."""
    yield from _that_are(("job", "deployment"), data)


def _that_are(words: tuple[str, ...], data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        if any(word in data for word in words):
            yield data
        for value in data.values():
            yield from _that_are(words, value)
    elif isinstance(data, list):
        for value in data:
            yield from _that_are(words, value)


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
            told = {name: str(path) for name, path in files.items()}
            ended = self.bash(step["run"], {**told, **given}, "-e")
            for line in files["GITHUB_OUTPUT"].read_text().splitlines():
                name, _, value = line.partition("=")
                self.context[f"steps.{step.get('id')}.outputs.{name}"] = value
            self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        return ended.returncode == 0

    def bash(self, script: str, given: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
        """Run a script with variables beside those of the job, and log what it said."""
        ended = subprocess.run(
            ["bash", *options, "-c", script],
            cwd=self.folder,
            env={**self.environ, **given},
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.log += f"$ {script}\n{ended.stdout}{ended.stderr}({ended.returncode})\n"
        return ended

    def _value(self, text: str) -> str:
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: self.context.get(found[1], ""), text)


_SET = re.compile(r"##vso\[task.setvariable variable=(\w+);isOutput=true\](.*)")


class AzureRunner(Runner):
    """The same for Azure Pipelines; `context` holds the values of `$(…)`, and stages and jobs have words for names.

    documented: bash runs a script without `-e`, and a macro without a value stays as it is written.
    """

    def run(self, text: str, job: str) -> bool:
        """Run a job, or the only one of a stage, by its name; what it publishes lies in the workspace afterwards."""
        data = yaml.safe_load(text)
        stages = [stage for stage in _that_are(("stage",), data) if stage["stage"] == job]
        (found,) = [each for each in azure_jobs(stages or data) if stages or job in each.values()]
        green = True
        steps = found["strategy"]["runOnce"]["deploy"]["steps"] if "deployment" in found else found["steps"]
        for step in steps:
            if "publish" in step and (green or "not(canceled())" in step.get("condition", "")):
                kept = Path(self.context["Pipeline.Workspace"]) / self._value(step["artifact"])
                kept.mkdir(exist_ok=True)
                (kept / step["publish"]).write_bytes((self.folder / step["publish"]).read_bytes())
            if "bash" in step and step["displayName"] not in self.without and self._due(step, green):
                given = {name: self._value(str(value)) for name, value in step.get("env", {}).items()}
                ended = self.bash(self._value(step["bash"]), given)
                green = green and ended.returncode == 0
                for name, value in _SET.findall(ended.stdout):
                    self.context[f"{step.get('name')}.{name}"] = value
        return green

    def _due(self, step: Mapping[str, Any], green: bool) -> bool:
        condition = step.get("condition", "succeeded()")
        return condition in ("always()", "not(canceled())") or (condition == "succeeded()" and green)

    def _value(self, text: str) -> str:
        # Parameters are filled in before anything runs.
        text = re.sub(r"\$\{\{ (parameters\.\w+) \}\}", lambda found: self.context.get(found[1], ""), text)
        return re.sub(r"\$\(([\w.]+)\)", lambda found: self.context.get(found[1], found[0]), text)


class GitLabRunner(Runner):
    """The same for GitLab: the lines of a job's script are one script of bash, and those after it another.

    `context` holds what somebody gave to "Run pipeline".
    """

    def run(self, text: str, job: str) -> bool:
        """Run a job. documented: the runner sets `-eo pipefail`, and what comes after is run in any case."""
        own = yaml.safe_load(text)[job]
        lines = [line for line in own["script"] if "reconciler emulate" not in line]
        given = {"CI_ENVIRONMENT_NAME": own["environment"]["name"]} if "environment" in own else {}
        given |= self.context
        ended = self.bash("\n".join(lines), given, "-eo", "pipefail")
        if "after_script" in own:
            self.bash("\n".join(own["after_script"]), given, "-eo", "pipefail")
        return ended.returncode == 0
