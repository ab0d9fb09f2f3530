"""The pipelines of a repository, by forge: files that call the CLI and can do nothing else. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from reconciler.gitops.init.needs import Needs
from reconciler.gitops.init.template import fill

CI = Literal["github", "azure", "gitlab"]
LEDGER = "RECONCILER_LEDGER"
REQUIREMENTS = "requirements-reconciler.txt"

_WORKFLOWS = ("pull-request", "apply", "drift", "by-hand")
# Template by the path of what it becomes.
FILES: Mapping[CI, Mapping[str, str]] = {
    "github": {f".github/workflows/reconciler-{name}.yml": f"github/reconciler-{name}.yml" for name in _WORKFLOWS},
    "azure": {f"azure-pipelines/reconciler-{name}.yml": f"azure/reconciler-{name}.yml" for name in _WORKFLOWS},
    "gitlab": {".gitlab-ci.yml": "gitlab/include.yml", ".gitlab/reconciler.yml": "gitlab/reconciler.yml"},
}


def pipelines(ci: CI, needs: Sequence[Needs], branch: str) -> dict[str, str]:
    """Return the pipeline files of a forge by their paths.

    Args:
        ci: the forge's pipelines.
        needs: of each environment.
        branch: the default branch.
    """
    ids = _ids([need.name for need in needs])
    # The emulator of a job is gone after it: nothing can drift there.
    lasting = any(not need.emulated for need in needs)
    values = {
        "BRANCH": branch,
        "ENVIRONMENTS": [_values(need, ids[need.name], _MAPPED[ci]) for need in needs],
        "PLAN_JOBS": ", ".join(f"plan-{ids[need.name]}" for need in needs),
        "PLAN_WORDS": ", ".join(f"plan_{_word(ids[need.name])}" for need in needs),
        "LASTING": lasting,
        "CHOICES": ", ".join(f'"{need.name}"' for need in needs),
    }
    wanted = {path: name for path, name in FILES[ci].items() if lasting or "drift" not in path}
    return {path: fill(name, values) for path, name in wanted.items()}


def _values(need: Needs, job: str, mapped: Callable[[str, bool], Sequence[str]]) -> dict[str, Any]:
    seen = [line for name in need.variables for line in mapped(name, False)]
    ledger = () if need.emulated else mapped(LEDGER, True)
    access = [*seen, *(line for name in need.access for line in mapped(name, True)), *ledger]
    return {
        "NAME": need.name,
        "ID": job,
        "WORD": _word(job),
        "EMULATED": need.emulated,
        "PLAN_ENV": access,
        "APPLY_ENV": [*access, *(line for name in need.targets for line in mapped(name, True))],
        "LEDGER_ENV": ledger,
    }


def _of_github(name: str, secret: bool) -> Sequence[str]:
    return (f"{name}: ${{{{ {'secrets' if secret else 'vars'}.{name} }}}}",)


def _of_azure(name: str, _secret: bool) -> Sequence[str]:
    # documented: variables that are secret reach a script by its `env` alone.
    return (f"{name}: $({name})",)


def _of_gitlab(_name: str, _secret: bool) -> Sequence[str]:
    # documented: a job has every variable of its environment's scope.
    return ()


_MAPPED: Mapping[CI, Callable[[str, bool], Sequence[str]]] = {
    "github": _of_github,
    "azure": _of_azure,
    "gitlab": _of_gitlab,
}


def _word(job: str) -> str:
    """Return what a job is called where not even `-` may stand; two that would be alike differ in case by nothing."""
    return job.replace("_", "__").replace("-", "_")


def _ids(names: Sequence[str]) -> dict[str, str]:
    """Return what each environment is called where letters, digits, `-` and `_` are all there are."""
    found: dict[str, str] = {}
    for name in names:
        plain = wanted = re.sub(r"[^A-Za-z0-9_-]", "-", name)
        number = 2
        while wanted.casefold() in {taken.casefold() for taken in found.values()}:
            wanted, number = f"{plain}-{number}", number + 1
        found[name] = wanted
    return found
