"""Azure DevOps behind the protocol: REST API 7.1, as Microsoft's OpenAPI describes it. Issues are work items.

documented: https://learn.microsoft.com/rest/api/azure/devops and github.com/MicrosoftDocs/vsts-rest-api-specs. What is
inferred is marked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from reconciler.errors import AnswerLost, ApiError, LoginRefused, NotFound, ServerFault, Unreachable
from reconciler.gitops.archive import read_archive
from reconciler.gitops.event import Event
from reconciler.gitops.forge import LARGEST_ARCHIVE, LOST_STEP, Artifact, Comment, Issue, PullRequest, Reviewed, Walk
from reconciler.gitops.members import at, items, needed, number, text
from reconciler.gitops.work_items import WorkItems
from reconciler.http.api import Api, Options
from reconciler.http.client import HttpWriter, open_session
from reconciler.http.clock import Clock
from reconciler.http.connections import Connections
from reconciler.http.faults import Fault
from reconciler.http.login import FixedToken
from reconciler.http.observe import Observer
from reconciler.http.retry import RetryPolicy
from reconciler.kind.connection import Json, Params

WORK_ITEM_TYPE = "Issue"
"""documented: a type of the processes Basic, Agile and CMMI. Scrum has none of that name."""
_REQUESTS_PER_SECOND = 10.0  # inferred: the documented limit counts the load that requests make, not their number
_WRITES_PER_SECOND = 1.0
# documented: a version goes into the Accept header; what is under preview says so.
_ACCEPT = "application/json;api-version=7.1"
_PREVIEW = "7.1-preview.1"
# documented: 4 is closed: it asks nobody to resolve it, so that it never holds up a pull request.
_CLOSED, _TEXT = 4, 1
# First parents that are looked at: each is a request. Older ones count as not approved.
_LONGEST_WALK = 300
_COMMITS_ASKED = 100
_RUNS_ASKED = 50
_PERMISSION = (
    "Give the build service the right: on the repository (Contribute to pull requests), or on the area path of work "
    "items."
)
_STEPS: Mapping[type[ApiError], str] = {
    LoginRefused: "Check that this step has `env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`.",
    Unreachable: "Check the network, the proxy settings and SYSTEM_COLLECTIONURI.",
    AnswerLost: LOST_STEP,
    ServerFault: "Try again later; Azure DevOps itself is failing.",
}


@asynccontextmanager
async def open_azure_devops(
    event: Event,
    observer: Observer,
    *,
    author: str | None = None,
    work_item_type: str = WORK_ITEM_TYPE,
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[AzureDevOps]:
    """Open one repository of Azure DevOps.

    Args:
        event: what the pipeline says of itself.
        observer: told of requests and waits.
        author: ID of the identity that the token writes as; None: it is asked for.
        work_item_type: what is opened as an issue.
        policy: bounds of repeating.
        clock: where time comes from.

    Raises:
        SecretUnset: SYSTEM_ACCESSTOKEN is not set.
        ApiError: who we are cannot be asked.
    """
    options = Options(observer=observer, policy=policy or RetryPolicy(), clock=clock or Clock())
    connections = Connections()
    try:
        # Work items take JSON Patch, so they have a session of their own.
        async with (
            open_session(_api(event), options, connections) as session,
            open_session(_api(event, "application/json-patch+json"), options, connections) as patches,
        ):
            client, project = HttpWriter(session), quote(event.project or "", safe="")
            we = author or await _who_we_are(client)
            work = WorkItems(client, HttpWriter(patches), event.api_url, project, work_item_type)
            yield AzureDevOps(client, work, project, event.repository, we)
    finally:
        await connections.aclose()


def _api(event: Event, content_type: str = "application/json") -> Api:
    return Api(
        event.api_url,
        FixedToken(event.token),
        parse_fault,
        _REQUESTS_PER_SECOND,
        headers={"accept": _ACCEPT, "content-type": content_type},
        forbidden=_PERMISSION,
        questions=frozenset({"pullrequestquery", "wiql", "workitemsbatch"}),
        url_fields=("SYSTEM_COLLECTIONURI",),
        writes_per_second=_WRITES_PER_SECOND,
        steps=_STEPS,
    )


async def _who_we_are(client: HttpWriter) -> str:
    """Ask for the identity of the token. inferred: no description has this API, and every client of theirs uses it."""
    body = await client.get("_apis/connectionData", {"api-version": _PREVIEW})
    return needed(text(body, "authenticatedUser", "id"), "identity of the token")


def parse_fault(body: Json) -> Fault | None:
    """Read an error body, `{"message": …, "typeKey": …}`; None where it is none of Azure DevOps'."""
    message = text(body, "message")
    return None if message is None else Fault(message=message, code=text(body, "typeKey"))


class AzureDevOps:
    """One repository of Azure DevOps.

    Args:
        client: the connection.
        work: work items of its project.
        project: name or ID, for a path.
        repository: its ID.
        author: ID of the identity that the token writes as.
    """

    def __init__(self, client: HttpWriter, work: WorkItems, project: str, repository: str, author: str) -> None:
        self._client = client
        self._work = work
        self._apis = f"{project}/_apis"
        self._repository = repository
        self._base = f"{self._apis}/git/repositories/{quote(repository, safe='')}"
        self._author = author
        self._pipelines: dict[int, str] = {}

    @property
    def author(self) -> str:
        """ID of the identity that the token writes as."""
        return self._author

    async def may_write_as(self, author: str) -> bool:
        return author == await _who_we_are(self._client)

    async def pull_request(self, number: int) -> PullRequest:
        return _pull(await self._client.get(f"{self._base}/pullrequests/{number}"))

    async def merged(self, since: str | None, until: str, branch: str | None) -> Walk:
        walked, told = await self._first_parents(since, until)
        places = {commit: place for place, commit in enumerate(walked)}
        numbers: set[int] = set()
        for start in range(0, len(walked), _COMMITS_ASKED):
            asked: list[Json] = list(walked[start : start + _COMMITS_ASKED])
            queries: list[Json] = [{"type": kind, "items": asked} for kind in ("lastMergeCommit", "commit")]
            answer = await self._client.query(f"{self._base}/pullrequestquery", {"queries": queries})
            numbers.update(_pulls_named(items(answer, "results")))
        pulls = [await self.pull_request(each) for each in sorted(numbers)]
        # inferred: once completed, lastMergeCommit is the merge, the squash, or the rebased branch's last commit.
        found = [pull for pull in pulls if pull.merge_commit in places and pull.base == (branch or pull.base)]
        found.sort(key=lambda pull: -places[pull.merge_commit or ""])
        return Walk(found, told)

    async def artifacts(self, name: str, pull: PullRequest, workflow: Sequence[str]) -> Sequence[Artifact]:
        asked: Params = {
            "branchName": f"refs/pull/{pull.number}/merge",
            "reasonFilter": "pullRequest",
            "repositoryId": self._repository,
            "repositoryType": "TfsGit",
            "queryOrder": "queueTimeDescending",
            "$top": _RUNS_ASKED,
        }
        found = []
        for run in items(await self._client.get(f"{self._apis}/build/builds", asked), "value"):
            identity = number(run, "id")
            if identity is None or not await self._has_artifact(identity, name):
                continue
            refused = await self._refused(run, pull, workflow)
            found.append(Artifact(f"{identity}/{name}", str(identity), refused))
        return found

    async def download(self, artifact: Artifact) -> bytes:
        """Download the plan in an artifact. documented: the answer may be a zip.

        inferred: `$format=zip` asks for that, and its files lie in a folder of the artifact's name.
        """
        run, _, name = artifact.id.partition("/")
        asked: Params = {"artifactName": name, "$format": "zip"}
        path = f"{self._apis}/build/builds/{run}/artifacts"
        return read_archive(await self._client.download(path, LARGEST_ARCHIVE, asked), folder=name)

    async def comments(self, number: int) -> Sequence[Comment]:
        """List the comments that open a thread: what others answer in it is theirs."""
        body = await self._client.get(f"{self._base}/pullRequests/{number}/threads")
        found = [_comment(thread) for thread in items(body, "value") if at(thread, "isDeleted") is not True]
        return [comment for comment in found if comment is not None]

    async def add_comment(self, number: int, body: str) -> Comment:
        first: Json = {"parentCommentId": 0, "content": body, "commentType": _TEXT}
        thread: Json = {"comments": [first], "status": _CLOSED}
        made = await self._client.post(f"{self._base}/pullRequests/{number}/threads", thread)
        return needed(_comment(made), "comment of the thread")

    async def edit_comment(self, number: int, comment: Comment, body: str) -> None:
        await self._client.patch(self._path_of(number, comment), {"content": body})

    async def delete_comment(self, number: int, comment: Comment) -> None:
        await self._client.delete(self._path_of(number, comment))

    async def issues(self, label: str) -> Sequence[Issue]:
        return await self._work.tagged(label)

    async def open_issue(self, title: str, body: str, label: str) -> Issue:
        return await self._work.open(title, body, label)

    async def edit_issue(self, issue: Issue, *, title: str, body: str, is_open: bool) -> None:
        await self._work.edit(issue, title=title, body=body, is_open=is_open)

    async def reviewed(self, environment: str) -> Reviewed:
        """Ask for the approvals check of an environment, with approvers, that is not disabled."""
        try:
            checks = await self._checks(environment)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return Reviewed(False, f"Azure DevOps does not tell this token about the environment {environment}")
        if checks is None:
            return Reviewed(False, f"Azure DevOps has no environment {environment}, or does not show it to this token")
        for check in checks:
            is_approval = text(check, "type", "name") == "Approval" and at(check, "isDisabled") is not True
            if is_approval and items(check, "settings", "approvers"):
                return Reviewed(True, f"the environment {environment} has an approvals check")
        return Reviewed(False, f"the environment {environment} of Azure DevOps has no approvals check with approvers")

    async def _checks(self, environment: str) -> list[Any] | None:
        """List the checks of an environment; None where there is no such environment."""
        asked: Params = {"name": environment, "api-version": _PREVIEW}
        body = await self._client.get(f"{self._apis}/distributedtask/environments", asked)
        # inferred: the name is a prefix.
        named = [number(each, "id") for each in items(body, "value") if text(each, "name") == environment]
        if not named or named[0] is None:
            return None
        asked = {"resourceType": "environment", "resourceId": named[0], "$expand": "settings", "api-version": _PREVIEW}
        return items(await self._client.get(f"{self._apis}/pipelines/checks/configurations", asked), "value")

    async def _first_parents(self, since: str | None, until: str) -> tuple[list[str], list[str]]:
        """Walk from a commit along first parents back to another; the newest first."""
        if since is None:
            return [until], []
        walked: list[str] = []
        commit: str | None = until
        while commit is not None and commit != since:
            if len(walked) == _LONGEST_WALK:
                words = f"of the commits since {since[:12]} only the newest {_LONGEST_WALK} are looked at"
                return walked, [words]
            walked.append(commit)
            body = await self._client.get(f"{self._base}/commits/{commit}")
            parents = [parent for parent in items(body, "parents") if isinstance(parent, str)]
            commit = parents[0] if parents else None
        if commit is None:
            words = f"the commit that was applied last ({since[:12]}) is not in the history of {until[:12]}"
            return [until], [f"{words}: only the pull request of {until[:12]} is looked at"]
        return walked, []

    async def _has_artifact(self, run: int, name: str) -> bool:
        try:
            body = await self._client.get(f"{self._apis}/build/builds/{run}/artifacts")
        except NotFound:  # the run was deleted meanwhile
            return False
        return any(text(artifact, "name") == name for artifact in items(body, "value"))

    async def _refused(self, run: Any, pull: PullRequest, workflow: Sequence[str]) -> str | None:
        """Return why a run's artifacts do not count for a pull request; None: they do.

        inferred: the members `pr.sourceSha` and `pr.isFork` of triggerInfo, which the description leaves open.
        """
        if text(run, "reason") != "pullRequest" or text(run, "sourceBranch") != f"refs/pull/{pull.number}/merge":
            return "its run was not started by this pull request"
        if (text(run, "repository", "id") or "").lower() != self._repository.lower():
            return "its run is of another repository"
        if (text(run, "triggerInfo", "pr.isFork") or "false").lower() != "false":
            return "its run is of a fork"
        if text(run, "triggerInfo", "pr.sourceSha") != pull.head:
            return "its run is of another commit than the pull request's last one"
        if not await self._is_of(run, workflow):
            return "its run is of another pipeline"
        return None

    async def _is_of(self, run: Any, workflow: Sequence[str]) -> bool:
        """Whether a run is of one of the pipelines, each named by its ID or by the path of its file."""
        identity = needed(number(run, "definition", "id"), "pipeline of the run")
        if str(identity) in workflow:
            return True
        if identity not in self._pipelines:
            try:
                body = await self._client.get(f"{self._apis}/build/definitions/{identity}")
            except NotFound:  # the pipeline was deleted meanwhile
                return False
            self._pipelines[identity] = (text(body, "process", "yamlFilename") or "").lstrip("/")
        return self._pipelines[identity] in {path.lstrip("/") for path in workflow}

    def _path_of(self, number: int, comment: Comment) -> str:
        return f"{self._base}/pullRequests/{number}/threads/{comment.thread}/comments/{comment.id}"


def _pulls_named(results: Sequence[Any]) -> Iterable[int]:
    for result in results:
        for pulls in result.values() if isinstance(result, Mapping) else ():
            for pull in pulls if isinstance(pulls, list) else ():
                if (identity := number(pull, "pullRequestId")) is not None:
                    yield identity


def _pull(body: Any) -> PullRequest:
    merge = text(body, "lastMergeCommit", "commitId") if text(body, "status") == "completed" else None
    return PullRequest(
        number=needed(number(body, "pullRequestId"), "number of the pull request"),
        head=needed(text(body, "lastMergeSourceCommit", "commitId"), "head of the pull request"),
        base=needed(text(body, "targetRefName"), "base of the pull request").removeprefix("refs/heads/"),
        # documented: only a pull request from a fork has this member.
        is_ours=at(body, "forkSource") is None,
        merge_commit=merge,
        title=text(body, "title") or "",
        url=text(body, "url") or "",
    )


def _comment(thread: Any) -> Comment | None:
    """Return the comment that opens a thread; None where it was deleted or is the forge's own."""
    first = next(iter(items(thread, "comments")), None)
    if first is None or at(first, "isDeleted") is True or text(first, "commentType") == "system":
        return None
    return Comment(
        str(needed(number(first, "id"), "number of the comment")),
        text(first, "author", "id") or "",
        text(first, "content") or "",
        str(needed(number(thread, "id"), "number of the thread")),
    )
