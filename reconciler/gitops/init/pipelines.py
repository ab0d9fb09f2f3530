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

# Template by the path of what it becomes.
FILES: Mapping[CI, Mapping[str, str]] = {
    "github": {
        f".github/workflows/reconciler-{name}.yml": f"github/reconciler-{name}.yml"
        for name in ("pull-request", "apply", "drift", "by-hand")
    },
}


def pipelines(ci: CI, needs: Sequence[Needs], branch: str) -> dict[str, str]:
    """Return the pipeline files of a forge by their paths.

    Args:
        ci: the forge's pipelines.
        needs: of each environment.
        branch: the default branch.
    """
    ids = _ids([need.name for need in needs])
    values = {
        "BRANCH": branch,
        "ENVIRONMENTS": [_values(need, ids[need.name], _MAPPED[ci]) for need in needs],
        "PLAN_JOBS": ", ".join(f"plan-{ids[need.name]}" for need in needs),
        "CHOICES": ", ".join(f'"{need.name}"' for need in needs),
    }
    # The emulator of a job is gone after it: nothing can drift there.
    lasting = any(not need.emulated for need in needs)
    wanted = {path: name for path, name in FILES[ci].items() if lasting or "drift" not in path}
    return {path: fill(name, values) for path, name in wanted.items()}


def _values(need: Needs, job: str, mapped: Callable[[str, bool], str]) -> dict[str, Any]:
    seen = [mapped(name, False) for name in need.variables]
    ledger = [] if need.emulated else [mapped(LEDGER, True)]
    access = [*seen, *(mapped(name, True) for name in need.access), *ledger]
    return {
        "NAME": need.name,
        "ID": job,
        "EMULATED": need.emulated,
        "PLAN_ENV": access,
        "APPLY_ENV": [*access, *(mapped(name, True) for name in need.targets)],
        "LEDGER_ENV": ledger,
    }


def _of_github(name: str, secret: bool) -> str:
    return f"{name}: ${{{{ {'secrets' if secret else 'vars'}.{name} }}}}"


_MAPPED: Mapping[CI, Callable[[str, bool], str]] = {"github": _of_github}


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
