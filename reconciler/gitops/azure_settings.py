"""Settings of a project of Azure DevOps that `init` asks somebody to make: build validation, and rights of the token.

documented: https://learn.microsoft.com/rest/api/azure/devops, Git Policy Configurations, Permissions (Has Permissions),
Classification Nodes; the namespaces and bits of rights in "Security namespace and permission reference". It only reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from reconciler.errors import ApiError
from reconciler.gitops.azure_devops import parse_fault
from reconciler.gitops.event import Event
from reconciler.gitops.members import at, items, needed, text
from reconciler.http.api import Api, Options
from reconciler.http.client import HttpReader, open_session
from reconciler.http.login import FixedToken
from reconciler.http.observe import Observer
from reconciler.reconcile.doctor import Finding, Verdict

_REQUESTS_PER_SECOND = 10.0
_BUILD_POLICY = "0609b952-1397-4640-95ec-e00a01b2c241"
# Namespace of rights, and the bit of one.
_CONTRIBUTE_TO_PULL_REQUESTS = ("2e9eb7ed-3c0a-47d4-87c1-0ffdf275fd87", 16384)
_EDIT_WORK_ITEMS = ("83e28ad4-2d72-4ceb-97b0-c7726d5502c3", 32)


@asynccontextmanager
async def open_azure_settings(event: Event, observer: Observer) -> AsyncIterator[AzureSettings]:
    """Open the settings of the repository that an event names.

    Raises:
        SecretUnset: SYSTEM_ACCESSTOKEN is not set.
    """
    api = Api(
        event.api_url,
        FixedToken(event.token),
        parse_fault,
        _REQUESTS_PER_SECOND,
        headers={"accept": "application/json;api-version=7.1"},
        url_fields=("SYSTEM_COLLECTIONURI",),
    )
    async with open_session(api, Options(observer=observer)) as session:
        yield AzureSettings(HttpReader(session), quote(event.project or "", safe=""), event.repository)


class AzureSettings:
    """Settings of one repository and its project."""

    def __init__(self, client: HttpReader, project: str, repository: str) -> None:
        self._client = client
        self._project = project
        self._repository = repository

    async def findings(self, branch: str) -> Sequence[Finding]:
        """Find out whether pull requests are validated, and whether the token may write what pipelines write.

        Args:
            branch: the default branch.
        """
        found = [await self._validation(branch)]
        try:
            project = needed(text(await self._client.get(f"_apis/projects/{self._project}"), "id"), "ID of the project")
            areas = await self._client.get(f"{self._project}/_apis/wit/classificationnodes/areas")
            area = needed(text(areas, "identifier"), "ID of the area")
            repository = f"repoV2/{project}/{self._repository}"
            found.append(await self._right("Contribute to pull requests", _CONTRIBUTE_TO_PULL_REQUESTS, repository))
            node = f"vstfs:///Classification/Node/{area}"
            found.append(await self._right("Edit work items in this node", _EDIT_WORK_ITEMS, node))
        except ApiError as error:
            found.append(_untold("rights of the build service", error))
        return found

    async def _validation(self, branch: str) -> Finding:
        subject = f"branch {branch}"
        asked = {
            "repositoryId": self._repository,
            "refName": f"refs/heads/{branch}",
            "policyType": _BUILD_POLICY,
        }
        try:
            body = await self._client.get(f"{self._project}/_apis/git/policy/configurations", asked)
        except ApiError as error:
            return _untold(subject, error)
        if any(at(one, "isEnabled") is True and at(one, "isBlocking") is True for one in items(body, "value")):
            return Finding("forge", subject, Verdict.OK, "requires a build validation")
        step = f"In Repos, Branches, {branch}, Branch policies, require the pipeline reconciler-pull-request."
        return Finding("forge", subject, Verdict.FAILED, "requires no build validation, so nothing is planned", step)

    async def _right(self, name: str, right: tuple[str, int], token: str) -> Finding:
        namespace, bit = right
        body = await self._client.get(f"_apis/permissions/{namespace}/{bit}", {"tokens": token})
        if items(body, "value") == [True]:
            return Finding("forge", name, Verdict.OK, "the account of this token may")
        step = "Give it to the project's build service; run this in a pipeline to see what that one may."
        return Finding("forge", name, Verdict.FAILED, "the account of this token may not", step)


def _untold(subject: str, error: ApiError) -> Finding:
    """Say what is not told; what has nothing to do with rights is an error still."""
    if error.status not in (403, 404):
        raise error
    step = "Look at it yourself, or ask with a token that may read it."
    return Finding("forge", subject, Verdict.NOTE, f"Azure DevOps does not tell this token ({error.status})", step)
