"""What nobody but a person can set in a forge: the list that `init` ends with and `doctor --forge` checks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from reconciler.gitops.event import GATE_NEEDS, GATE_TOKEN
from reconciler.gitops.forge_names import ForgeName
from reconciler.gitops.init.identities import PLAN, Identity, identities
from reconciler.gitops.init.needs import Needs
from reconciler.gitops.init.pipelines import CI, REQUIREMENTS


class Setting(Struct, frozen=True):
    """Something to set by hand: where, and what."""

    where: str
    what: tuple[str, ...]


GATE = (GATE_TOKEN[ForgeName.GITLAB],)
"""What the identity behind the gate has beside its secrets, at GitLab alone."""

REACH = (
    "Whoever may push a branch can run a pipeline of their own in it, and so reach all that the identities NAME-plan "
    "have: the login of the API client (OrderCloud has no roles that only read, so it can write) and a ledger login. "
    "Give NAME-plan an API client of its own, and a ledger login that may only SELECT. Target secrets, and what "
    "applies, are with NAME and NAME-drift, for the default branch alone: keep both so. They can also hand in a plan "
    "made by hand: it approves nothing that the merged manifests do not ask for, but the comment shows what it says, "
    "so review the manifests, too. At GitLab they have GITLAB_TOKEN as well: give it the role Reporter, never "
    "Maintainer."
)


def settings(ci: CI, needs: Sequence[Needs], branch: str, *, installs: bool) -> tuple[Setting, ...]:
    """Return what to set where.

    Args:
        ci: the forge's pipelines.
        needs: of each environment.
        branch: the default branch.
        installs: whether it is known what pipelines install.
    """
    found = (
        []
        if installs
        else [Setting(REQUIREMENTS, ("fill it in: where pipelines install reconciler from, one line for pip",))]
    )
    found += [Setting(_PLACES[ci].format(name=one.name), _of_identity(ci, one, branch)) for one in identities(needs)]
    found += [Setting(_OF_EMULATED[ci], lines) for need in needs if need.emulated and (lines := _of_emulated(need))]
    elsewhere = [f"{need.name}: {one}" for need in needs for one in need.elsewhere]
    if elsewhere:
        found.append(Setting("Secrets that pipelines cannot hand over: bring them into the jobs", tuple(elsewhere)))
    return (*found, *_OF_FORGE[ci](branch))


def unmapped(needs: Sequence[Needs]) -> tuple[Setting, ...]:
    """Return what to set where there are no pipelines that hand secrets over: every one, by environment."""
    lines = [f"{need.name}: {', '.join(names)}" for need in needs if (names := (*need.secrets, *need.elsewhere))]
    return (Setting("Secrets, as environment variables where reconciler runs", tuple(lines)),) if lines else ()


def _of_emulated(need: Needs) -> tuple[str, ...]:
    """Return the secrets of the emulator: it has no identities, but its manifests may name some."""
    lines = [f"secrets of {need.name}{PLAN} and {need.name}: {', '.join(need.access)}"] if need.access else []
    return (*lines, *([f"secrets of {need.name}: {', '.join(need.targets)}"] if need.targets else []))


def _of_identity(ci: CI, one: Identity, branch: str) -> tuple[str, ...]:
    lines = [f"{one.purpose}; {_guard(ci, one, branch)}"]
    if one.variables:
        lines.append(f"variables: {', '.join(one.variables)}")
    lines.append(f"secrets: {', '.join((*one.secrets, *(GATE if ci == 'gitlab' and one.reviewers else ())))}")
    lines.append(f"RECONCILER_LEDGER: postgresql://…, a login that may {one.ledger}")
    if ci == "gitlab" and one.reviewers:
        lines.append(
            f"{GATE[0]}: a project access token with {GATE_NEEDS[ForgeName.GITLAB]}; asks for the approval rules"
        )
    return tuple(lines)


def _guard(ci: CI, one: Identity, branch: str) -> str:
    """Return who may have an identity, in the words of the forge's settings."""
    if not one.default_branch:
        return {
            "github": "open to every branch, without reviewers",
            "azure": "open to the pull request pipeline, without checks",
            "gitlab": "masked, and not protected",
        }[ci]
    if ci == "gitlab":
        return "masked and protected"
    if ci == "azure":
        return f"checks: branch control, {branch} alone"
    return f"for the branch {branch} alone, {'with' if one.reviewers else 'without'} reviewers"


def _of_github(branch: str) -> tuple[Setting, ...]:
    return (
        Setting(
            f"GitHub: Settings, Rules, a ruleset for {branch}",
            ("require a pull request", "require the check `reconciler` (it reports in the merge queue too)"),
        ),
    )


def _of_azure(branch: str) -> tuple[Setting, ...]:
    return (
        Setting(
            "Azure DevOps: Pipelines, New pipeline, one for each file in azure-pipelines",
            ("name them reconciler-pull-request, reconciler-apply, reconciler-drift and reconciler-by-hand",),
        ),
        Setting(
            f"Azure DevOps: Repos, Branches, {branch}, Branch policies",
            ("build validation: reconciler-pull-request, required, expires at once when the branch moves",),
        ),
        Setting(
            "Azure DevOps: Pipelines, Environments, each NAME, Approvals and checks",
            (f"approvals; exclusive lock; branch control: {branch} alone",),
        ),
        Setting(
            "Azure DevOps: rights of the project's build service",
            (
                "repository: Contribute to pull requests (for the comment)",
                "Boards, area path: Edit work items in this node (for the rolling work item)",
            ),
        ),
    )


def _of_gitlab(branch: str) -> tuple[Setting, ...]:
    return (
        Setting(
            "GitLab: Settings, CI/CD, Variables, GITLAB_TOKEN, without an environment scope",
            (
                "a project access token with the role Reporter and the scope api, which writes notes",
                "masked, and not protected: merge requests have to read it",
                "whoever may push can read it, so never give it the role Maintainer",
            ),
        ),
        Setting(
            "GitLab: Settings, CI/CD, Protected environments, each NAME",
            ("approval rules, and who may deploy; without them nothing that no approval covers is ever applied",),
        ),
        Setting("GitLab: Settings, Merge requests", ("pipelines must succeed",)),
        Setting("GitLab: Build, Pipeline schedules", (f"hourly, on {branch}: it looks for drift",)),
    )


_PLACES = {
    "github": "GitHub: Settings, Environments, {name}",
    "azure": "Azure DevOps: Pipelines, Library, variable group {name}",
    "gitlab": "GitLab: Settings, CI/CD, Variables with the environment scope {name}",
}
_OF_EMULATED = {
    "github": "GitHub: Settings, Environments",
    "azure": "Azure DevOps: Pipelines, each pipeline, Edit, Variables",
    "gitlab": "GitLab: Settings, CI/CD, Variables with these environment scopes",
}
_OF_FORGE = {"github": _of_github, "azure": _of_azure, "gitlab": _of_gitlab}
