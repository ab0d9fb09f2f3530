"""The pipelines that `init` writes, and what of them reaches what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
