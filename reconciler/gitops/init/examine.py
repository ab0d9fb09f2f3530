"""Examine the pipelines of a repository, offline: are they those of its manifests, do they hand over every secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.gitops.init.identities import LEDGER
from reconciler.gitops.init.needs import Needs
from reconciler.gitops.init.pipelines import CI, FILES, REQUIREMENTS, pipelines
from reconciler.gitops.init.settle import is_ours, sealed
from reconciler.gitops.init.source import unusable
from reconciler.reconcile.doctor import Finding, Verdict

_MAPPING = {"github": r"secrets\.{name}\b", "azure": r"\$\({name}\)"}
_PULL_REQUEST = "pull-request"


def pipelines_there(folder: Path) -> tuple[CI, ...]:
    """Return whose pipelines a repository has."""
    return tuple(ci for ci, files in FILES.items() if any((folder / path).is_file() for path in files))


def examine_pipelines(folder: Path, ci: CI, needs: Sequence[Needs], branch: str) -> Iterator[Finding]:
    """Yield what is to be said of a forge's pipelines.

    Args:
        folder: of the repository.
        ci: the forge's pipelines.
        needs: of each environment.
        branch: the default branch.
    """
    required = _read(folder / REQUIREMENTS)
    wrong = "is missing" if required is None else unusable(required)
    if wrong is not None:
        step = f"Write one line for pip into it, or let `reconciler init --ci {ci} --requirement LINE --force` do so."
        yield Finding("forge", REQUIREMENTS, Verdict.FAILED, wrong, step)
    again = f"`reconciler init --ci {ci}` brings it up to date."
    for path, text in pipelines(ci, needs, branch).items():
        there = _read(folder / path)
        if there is None:
            yield Finding("forge", path, Verdict.FAILED, "is missing", f"`reconciler init --ci {ci}` writes it.")
        elif there == sealed(text):
            yield Finding("forge", path, Verdict.OK, "is the one of these manifests")
        elif is_ours(there):
            yield Finding("forge", path, Verdict.FAILED, "is of other manifests, or of another version", again)
        else:
            lacks = _lacking(ci, path, there, needs)
            for name in lacks:
                step = f"Add it as the other secrets are, or let `reconciler init --ci {ci} --force` write the file."
                yield Finding("forge", path, Verdict.FAILED, f"does not hand over {name}", step)
            if not lacks:
                yield Finding("forge", path, Verdict.NOTE, "was edited, so it is not compared; secrets are handed over")
        if there is not None and _PULL_REQUEST in path:
            for name in sorted({name for need in needs for name in need.targets}):
                if ci in _MAPPING and re.search(_MAPPING[ci].format(name=re.escape(name)), there):
                    step = "Take it out: whoever may push can change this pipeline."
                    yield Finding(
                        "forge", path, Verdict.FAILED, f"hands {name}, a target secret, to pull requests", step
                    )


def _lacking(ci: CI, path: str, text: str, needs: Sequence[Needs]) -> list[str]:
    """Return the secrets that a pipeline does not hand over; GitLab's jobs have all of their scope."""
    if ci not in _MAPPING:
        return []
    lasting = [need for need in needs if not need.emulated]
    wanted = {name for need in lasting for name in (need.access if _PULL_REQUEST in path else need.secrets)}
    if lasting:
        wanted.add(LEDGER)
    return sorted(name for name in wanted if not re.search(_MAPPING[ci].format(name=re.escape(name)), text))


def examine_needs(need: Needs) -> Iterator[Finding]:
    """Yield the secrets of an environment that pipelines cannot hand over."""
    for one in need.elsewhere:
        step = "Bring it into the jobs of NAME and NAME-drift yourself: no variable carries it."
        yield Finding("forge", one, Verdict.NOTE, "comes from no variable, so pipelines do not hand it over", step)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
