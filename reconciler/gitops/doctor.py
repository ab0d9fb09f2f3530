"""Examine pipelines and the settings of the forge: what `init` writes, and what it asks somebody to set by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reconciler.app.project import ALL, Project
from reconciler.errors import ApiError, SecretUnset, UsageError
from reconciler.gitops.azure_settings import open_azure_settings
from reconciler.gitops.connect import open_forge
from reconciler.gitops.event import GATE_NEEDS, TOKEN, Event, read_event
from reconciler.gitops.forge_names import ForgeName
from reconciler.gitops.github_settings import open_settings
from reconciler.gitops.init.examine import examine_needs, examine_pipelines, pipelines_there
from reconciler.gitops.init.identities import identities
from reconciler.gitops.init.needs import Needs, needs_of
from reconciler.gitops.init.pipelines import CI
from reconciler.gitops.init.repository import default_branch
from reconciler.gitops.init.settings import settings
from reconciler.http.observe import Observer
from reconciler.manifest.select import named_environment
from reconciler.reconcile.doctor import Finding, Verdict
from reconciler.registry import manifest_kinds

EVERYWHERE = "*"
"""What findings are under that are about no environment alone."""
_CI: Mapping[ForgeName, CI] = {ForgeName.GITHUB: "github", ForgeName.AZURE: "azure", ForgeName.GITLAB: "gitlab"}


async def examine_forge(project: Project, environ: Mapping[str, str], observer: Observer) -> dict[str, list[Finding]]:
    """Examine the pipelines of a repository, and its forge as far as that tells.

    Args:
        project: its manifests, and the environments that are meant; none: all.
        environ: environment variables; they name the forge and its token.
        observer: told of the requests.

    Returns:
        Findings by environment; those of the repository under `EVERYWHERE`.

    Raises:
        UsageError: there is no such environment.
        ReconcilerError: the manifests are not as they have to be.
    """
    loaded = Project(project.manifests, (ALL,)).load()
    everything = needs_of(loaded, manifest_kinds())
    meant = [
        need for need in everything if need.name in (project.environments or [need.name]) or ALL in project.environments
    ]
    for name in project.environments:
        if name != ALL:
            named_environment(loaded, name)
    branch = default_branch(loaded.base)
    found: dict[str, list[Finding]] = {EVERYWHERE: _pipelines(loaded.base, everything, branch)}
    found |= {need.name: list(examine_needs(need)) for need in meant}
    try:
        event = read_event(environ, gate=True)
    except UsageError:
        step = f"Set GITHUB_REPOSITORY and {TOKEN[ForgeName.GITHUB]}, or the variables of your forge."
        found[EVERYWHERE].append(Finding("forge", "forge", Verdict.NOTE, "was not asked: none is told", step))
        return _with_findings(found)
    try:
        if event.forge is ForgeName.GITHUB:
            await _github(event, meant, branch, observer, found)
        else:
            await _by_protocol(event, meant, branch, observer, found)
    except (ApiError, SecretUnset) as error:
        next_step = error.next_step
        if event.forge in GATE_NEEDS and isinstance(error, SecretUnset):
            next_step = f"Set it in the environment of this run, to a token with {GATE_NEEDS[event.forge]}."
        found[EVERYWHERE].append(Finding("forge", "forge", Verdict.FAILED, error.message, next_step))
    return _with_findings(found)


def _with_findings(found: Mapping[str, list[Finding]]) -> dict[str, list[Finding]]:
    """Leave out environments of which nothing was looked at, so that nobody calls them well."""
    return {name: findings for name, findings in found.items() if findings}


def _pipelines(folder: Path, needs: Sequence[Needs], branch: str) -> list[Finding]:
    there = pipelines_there(folder)
    if not there:
        step = "`reconciler init --ci github` writes them; azure and gitlab are known as well."
        return [Finding("forge", "pipelines", Verdict.FAILED, "there are none of ours", step)]
    return [finding for ci in there for finding in examine_pipelines(folder, ci, needs, branch)]


async def _github(
    event: Event, meant: Iterable[Needs], branch: str, observer: Observer, found: dict[str, list[Finding]]
) -> None:
    async with open_settings(event, observer) as there:
        found[EVERYWHERE].append(await there.check(branch))
        for one in identities(meant):
            found[one.environment] += await there.identity(one, branch)


async def _by_protocol(
    event: Event, meant: Sequence[Needs], branch: str, observer: Observer, found: dict[str, list[Finding]]
) -> None:
    """Ask what every forge is asked by apply, and list the rest to be looked at."""
    async with open_forge(event, observer) as forge:
        for need in (need for need in meant if not need.emulated):
            reviewed = await forge.reviewed(need.name)
            verdict = Verdict.OK if reviewed.is_certain else Verdict.FAILED
            step = f"Give the environment {need.name} approvals; else apply what nobody approved by its digest."
            found[need.name].append(Finding("forge", need.name, verdict, reviewed.why, step))
    if event.forge is ForgeName.AZURE:
        async with open_azure_settings(event, observer) as there:
            found[EVERYWHERE] += await there.findings(branch)
    for setting in settings(_CI[event.forge], meant, branch, installs=True):
        words = f"look at it yourself: {'; '.join(setting.what)}"
        found[EVERYWHERE].append(Finding("forge", setting.where, Verdict.NOTE, words))
