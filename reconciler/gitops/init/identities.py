"""The three identities of each environment in a forge: what each may reach, and from where. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.gitops.init.needs import Needs

LEDGER = "RECONCILER_LEDGER"
PLAN, DRIFT = "-plan", "-drift"


class Identity(Struct, frozen=True):
    """One identity: an environment of the forge, with its own values.

    Args:
        name: such as `production-plan`.
        environment: the Environment that it is for.
        variables: names of its variables, which may be seen.
        secrets: names of its secrets.
        default_branch: whether jobs of other branches have to be kept from it.
        reviewers: whether somebody has to agree before a job gets it.
        purpose: what it is there for.
        ledger: what its login at the ledger may do.
    """

    name: str
    environment: str
    variables: tuple[str, ...]
    secrets: tuple[str, ...]
    default_branch: bool
    reviewers: bool
    purpose: str
    ledger: str


def identities(needs: Iterable[Needs]) -> tuple[Identity, ...]:
    """Return the identities of all environments; the emulator needs none that anybody sets up."""
    return tuple(identity for need in needs if not need.emulated for identity in _of(need))


def _of(need: Needs) -> tuple[Identity, ...]:
    access, everything = (*need.access, LEDGER), (*need.secrets, LEDGER)
    return (
        Identity(
            f"{need.name}{PLAN}",
            need.name,
            need.variables,
            access,
            default_branch=False,
            reviewers=False,
            purpose="plans pull requests",
            ledger="SELECT alone",
        ),
        Identity(
            need.name,
            need.name,
            need.variables,
            everything,
            default_branch=True,
            reviewers=True,
            purpose="applies what was merged",
            ledger="read and write",
        ),
        Identity(
            f"{need.name}{DRIFT}",
            need.name,
            need.variables,
            everything,
            default_branch=True,
            reviewers=False,
            purpose="looks for drift and heals; waits for nobody",
            ledger="read and write",
        ),
    )
