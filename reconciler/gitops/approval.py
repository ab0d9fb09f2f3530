"""Which plans count as approved: those of the pull requests that were merged, one artifact for each environment.

What counts is what a run for the pull request's last commit left, of our workflow, in our repository. Everything else
is told and left out, so that nothing is applied that was not there to be reviewed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import orjson
from msgspec import Struct

from reconciler.errors import ApiError, GuardrailBreach, PlanFileError, StalePlan, UnexpectedAnswer
from reconciler.gitops.event import Event
from reconciler.gitops.forge import Artifact, Forge, PullRequest, Walk
from reconciler.gitops.forge_names import ForgeName
from reconciler.gitops.members import text
from reconciler.reconcile.approval import check_approval
from reconciler.reconcile.digests import signed
from reconciler.reconcile.plan import Plan
from reconciler.reconcile.planread import json_from_text, plan_from_json

PULL_REQUEST_WORKFLOW = {
    ForgeName.GITHUB: ".github/workflows/reconciler-pull-request.yml",
    ForgeName.AZURE: "azure-pipelines/reconciler-pull-request.yml",
}
"""The workflow of pull requests that `init` writes; a project of GitLab has one file for everything."""
# Problems of one pull request's artifacts that are told.
_TOLD = 3


class Approved(Struct, frozen=True):
    """A plan that a merged pull request approves; `content` is its file, byte for byte."""

    number: int
    content: bytes


class Gathered(Struct, frozen=True):
    """The approvals for one environment.

    Args:
        environment: its name.
        plans: those that count, in the order in which they were merged.
        told: why others do not, one sentence each without a full stop.
    """

    environment: str
    plans: tuple[Approved, ...]
    told: tuple[str, ...]


def artifact_name(environment: str, head: str) -> str:
    """Return the name of the artifact with an environment's plan for a pull request's last commit."""
    return f"reconciler-plan-{environment}-{head}"


def workflows(event: Event, named: Sequence[str]) -> tuple[str, ...]:
    """Return the paths of the workflows whose artifacts count; none for a project of GitLab, which has one file.

    Args:
        event: what the pipeline says of itself: its own file counts where it is told, and the one that `init` writes
            for pull requests.
        named: what somebody named instead.
    """
    if named:
        return tuple(named)
    written = PULL_REQUEST_WORKFLOW.get(event.forge)
    return tuple(dict.fromkeys(filter(None, (event.workflow, written))))


async def gather(
    forge: Forge,
    environment: str,
    walk: Walk,
    paths: Sequence[str],
    now: datetime,
    key: str | None = None,
) -> Gathered:
    """Gather what merged pull requests approve for an environment.

    Args:
        forge: where it is asked.
        environment: its name.
        walk: the pull requests that were merged.
        paths: of the workflows whose artifacts count.
        now: what time it is.
        key: what the plans that count are signed with, now that it is known where they come from: a job for a pull
            request has no key. None or empty: they stay as they are.

    Raises:
        ApiError: the forge did not answer as it should; what a plan is not there for is told instead.
    """
    plans: list[Approved] = []
    told = list(walk.told)
    for pull in walk.pulls:
        try:
            plans.append(Approved(pull.number, await _approval(forge, environment, pull, paths, now, key)))
        except _NotApprovedError as reason:
            told.append(f"pull request {pull.number}: {reason}")
    if not walk.pulls and not walk.told:
        told.append("no pull request was merged with these commits")
    return Gathered(environment, tuple(plans), tuple(told))


class _NotApprovedError(Exception):
    """Why a pull request approves nothing for an environment."""


async def _approval(
    forge: Forge, environment: str, pull: PullRequest, paths: Sequence[str], now: datetime, key: str | None
) -> bytes:
    if not pull.is_ours:
        raise _NotApprovedError("it comes from a fork, whose runs have no secrets and make no plan")
    name = artifact_name(environment, pull.head)
    artifact = _counting(await forge.artifacts(name, pull, paths), name)
    try:
        content = await forge.download(artifact)
        plan = _checked(content, environment, pull, now)
    except ApiError as error:
        if isinstance(error, UnexpectedAnswer) and error.is_too_large:
            raise _NotApprovedError(f"{name} does not count: too large") from None
        if error.status not in (404, 410):
            raise
        raise _NotApprovedError(f"{name} is not there any more") from None
    except (PlanFileError, StalePlan, GuardrailBreach) as error:
        raise _NotApprovedError(f"{name}: {error.message}") from None
    return _signed(content, plan, key) if key else content


def _signed(content: bytes, plan: Plan, key: str) -> bytes:
    document = cast("dict[str, object]", json_from_text(content))  # it was read as a plan
    return orjson.dumps({**document, "signature": signed(plan, key).signature}, option=orjson.OPT_INDENT_2)


def _counting(found: Sequence[Artifact], name: str) -> Artifact:
    """Return the newest artifact that counts."""
    for artifact in found:
        if artifact.refused is None:
            return artifact
    if not found:
        raise _NotApprovedError(f"there is no artifact {name}")
    reasons = dict.fromkeys(artifact.refused or "" for artifact in found)
    raise _NotApprovedError(f"{name} does not count: {'; '.join(list(reasons)[:_TOLD])}")


def _checked(content: bytes, environment: str, pull: PullRequest, now: datetime) -> Plan:
    """Return the plan of a file; one that approves nothing is refused, and need not be carried any further."""
    document = json_from_text(content)
    plan = plan_from_json(document)
    commit = text(document, "commit")
    if plan.environment != environment:
        raise PlanFileError(f"it is a plan for the environment {plan.environment}")
    if commit is not None and commit != pull.head:
        raise PlanFileError(f"it is a plan of the commit {commit[:12]}, not of the pull request's last one")
    check_approval(plan, now)
    return plan
