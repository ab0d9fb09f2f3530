"""What nobody but a person can set in a forge: the list that `init` ends with and `doctor --forge` checks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.gitops.init.identities import Identity, identities
from reconciler.gitops.init.needs import Needs
from reconciler.gitops.init.pipelines import CI, REQUIREMENTS


@dataclass(frozen=True, slots=True)
class Setting:
    """Something to set by hand: where, and what."""

    where: str
    what: tuple[str, ...]


REACH = (
    "Whoever may push a branch can run a pipeline of their own in it, and so reach all that the identities NAME-plan "
    "have: the login of the API client (OrderCloud has no roles that only read, so it can write) and a ledger login. "
    "Give NAME-plan an API client of its own, and a ledger login that may only SELECT. Target secrets, and what "
    "applies, are with NAME and NAME-drift, for the default branch alone: keep both so."
)


def settings(ci: CI, needs: Sequence[Needs], branch: str, *, installs: bool) -> tuple[Setting, ...]:
    """Return what to set where.

    Args:
        ci: the forge's pipelines.
        needs: of each environment.
        branch: the default branch.
        installs: whether it is known what pipelines install.
    """
    found = [] if installs else [Setting(REQUIREMENTS, ("where pipelines install reconciler from: one line for pip",))]
    found += [Setting(_PLACES[ci].format(name=one.name), _of_identity(one, branch)) for one in identities(needs)]
    elsewhere = [f"{need.name}: {one}" for need in needs for one in need.elsewhere]
    if elsewhere:
        found.append(Setting("Secrets that pipelines cannot hand over: bring them into the jobs", tuple(elsewhere)))
    return (*found, *_OF_FORGE[ci](branch))


def _of_identity(one: Identity, branch: str) -> tuple[str, ...]:
    guard = {
        (False, False): "open to every branch, without reviewers",
        (True, True): f"for the branch {branch} alone, with reviewers",
        (True, False): f"for the branch {branch} alone, without reviewers",
    }[(one.default_branch, one.reviewers)]
    lines = [f"{one.purpose}; {guard}"]
    if one.variables:
        lines.append(f"variables: {', '.join(one.variables)}")
    lines.append(f"secrets: {', '.join(one.secrets)}")
    lines.append(f"RECONCILER_LEDGER: postgresql://…, a login that may {one.ledger}")
    return tuple(lines)


def _of_github(branch: str) -> tuple[Setting, ...]:
    return (
        Setting(
            f"GitHub: Settings, Rules, a ruleset for {branch}",
            ("require a pull request", "require the check `reconciler` (it reports in the merge queue too)"),
        ),
    )


_PLACES = {"github": "GitHub: Settings, Environments, {name}"}
_OF_FORGE = {"github": _of_github}
