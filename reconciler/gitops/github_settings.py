"""Settings of a GitHub repository that `init` asks somebody to make: environments, their values, required checks.

documented: https://docs.github.com/rest/deployments/environments, /rest/actions/secrets, /rest/actions/variables and
/rest/repos/rules. It only reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from reconciler.errors import ApiError, NotFound
from reconciler.gitops.event import Event
from reconciler.gitops.github import github_api
from reconciler.gitops.init.identities import LEDGER, Identity
from reconciler.gitops.members import at, items, text
from reconciler.http.api import Options
from reconciler.http.client import HttpReader, open_session
from reconciler.http.observe import Observer
from reconciler.kind.connection import Json
from reconciler.reconcile.doctor import Finding, Verdict

CHECK = "reconciler"


@asynccontextmanager
async def open_settings(event: Event, observer: Observer) -> AsyncIterator[GitHubSettings]:
    """Open the settings of the repository that an event names.

    Raises:
        SecretUnset: GITHUB_TOKEN is not set.
    """
    async with open_session(github_api(event), Options(observer=observer)) as session:
        yield GitHubSettings(HttpReader(session), event.repository)


class GitHubSettings:
    """Settings of one repository, compared with what its pipelines rely on."""

    def __init__(self, client: HttpReader, repository: str) -> None:
        self._client = client
        self._base = f"repos/{repository}"

    async def identity(self, one: Identity, branch: str) -> Sequence[Finding]:
        """Compare an environment with what an identity is to be.

        Args:
            one: the identity.
            branch: the default branch.
        """
        where = f"Settings, Environments, {one.name}"
        path = f"{self._base}/environments/{quote(one.name, safe='')}"
        try:
            body = await self._client.get(path)
        except NotFound:
            step = f"Make it in {where}: {one.purpose}."
            return (Finding("forge", one.name, Verdict.FAILED, "GitHub has no such environment", step),)
        except ApiError as error:
            return (_untold(one.name, "the environment", error),)
        found = [*_reviewers(one, body, where), *await self._branches(one, body, path, branch, where)]
        for kind, wanted in (("secrets", one.secrets), ("variables", one.variables)):
            found += await self._values(one, path, kind, wanted, where)
        return found or (Finding("forge", one.name, Verdict.OK, "is as it has to be"),)

    async def _branches(self, one: Identity, body: Json, path: str, branch: str, where: str) -> list[Finding]:
        policy = at(body, "deployment_branch_policy")
        # Who may protect a branch may set this up as well.
        if not one.default_branch or at(policy, "protected_branches") is True:
            return []
        if at(policy, "custom_branch_policies") is True:
            listed = await self._client.get(f"{path}/deployment-branch-policies")
            names = [text(each, "name") for each in items(listed, "branch_policies")]
            if names == [branch]:
                return []
        step = f"In {where}, limit deployments to selected branches: {branch} alone."
        words = "jobs of other branches get it" if policy is None else f"its branches are not {branch} alone"
        return [Finding("forge", one.name, Verdict.FAILED, words, step)]

    async def _values(self, one: Identity, path: str, kind: str, wanted: Sequence[str], where: str) -> list[Finding]:
        if not wanted:
            return []
        try:
            listed = await self._client.get(f"{path}/{kind}", {"per_page": 100})
        except ApiError as error:
            return [_untold(one.name, f"its {kind}", error)]
        # documented: GitHub keeps their names in capitals, and does not tell them apart by case.
        there = {(text(each, "name") or "").upper() for each in items(listed, kind)}
        found = []
        for name in wanted:
            if name.upper() not in there:
                use = f": postgresql://…, a login that may {one.ledger}" if name == LEDGER else ""
                step = f"Add it in {where}{use}."
                found.append(Finding("forge", one.name, Verdict.FAILED, f"has no {kind[:-1]} {name}", step))
        if kind == "secrets":
            more = sorted(there - {"", *(name.upper() for name in wanted)})
            if more and not one.default_branch:
                words = f"has secrets that no plan needs: {', '.join(more)}"
                step = "Take them out: whoever may push can reach them."
                found.append(Finding("forge", one.name, Verdict.FAILED, words, step))
        return found

    async def check(self, branch: str) -> Finding:
        """Find out whether a branch takes nothing without our check."""
        step = f"In Settings, Rules, require the check `{CHECK}` for {branch}."
        try:
            rules = await self._client.get(f"{self._base}/rules/branches/{quote(branch, safe='')}")
            if any(CHECK in _contexts(rule) for rule in items(rules)):
                return Finding("forge", f"branch {branch}", Verdict.OK, f"requires the check {CHECK}")
            body = await self._client.get(f"{self._base}/branches/{quote(branch, safe='')}")
        except ApiError as error:
            return _untold(f"branch {branch}", "its rules", error)
        if CHECK in [str(one) for one in items(body, "protection", "required_status_checks", "contexts")]:
            return Finding("forge", f"branch {branch}", Verdict.OK, f"requires the check {CHECK}")
        return Finding("forge", f"branch {branch}", Verdict.FAILED, f"does not require the check {CHECK}", step)


def _reviewers(one: Identity, body: Json, where: str) -> list[Finding]:
    """Say where reviewers are missing, or would keep a job waiting that waits for nobody."""
    rules = items(body, "protection_rules")
    there = any(text(rule, "type") == "required_reviewers" and items(rule, "reviewers") for rule in rules)
    if one.reviewers and not there:
        step = f"Add required reviewers in {where}; without them, apply what nobody approved by its digest."
        return [Finding("forge", one.name, Verdict.FAILED, "has no required reviewers", step)]
    if there and one.default_branch and not one.reviewers:
        step = f"Take them out in {where}: healing would wait for somebody."
        return [Finding("forge", one.name, Verdict.FAILED, "has reviewers", step)]
    return []


def _contexts(rule: Json) -> list[str | None]:
    """Return the checks that a rule requires."""
    return [text(each, "context") for each in items(rule, "parameters", "required_status_checks")]


def _untold(subject: str, what: str, error: ApiError) -> Finding:
    """Say what is not told; what has nothing to do with rights is an error still."""
    if error.status not in (403, 404):
        raise error
    step = "Ask with a token that may read the repository's administration and environments, such as `gh auth token`."
    return Finding(
        "forge", subject, Verdict.NOTE, f"GitHub does not tell this token about {what} ({error.status})", step
    )
