"""GitLab behind the protocol: REST API v4. Pull requests are merge requests, comments are notes; there is no issue.

documented: https://docs.gitlab.com/api. What is inferred is marked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn
from urllib.parse import quote

from msgspec.structs import replace

from reconciler.errors import (
    AnswerLost,
    ApiError,
    LoginRefused,
    NotFound,
    RateLimited,
    ServerFault,
    Unreachable,
    UsageError,
)
from reconciler.gitops.event import GATE_NEEDS, GATE_TOKEN, TOKEN, Event
from reconciler.gitops.forge import LARGEST_ARCHIVE, LOST_STEP, Artifact, Comment, Issue, PullRequest, Reviewed, Walk
from reconciler.gitops.forge_names import ForgeName
from reconciler.gitops.members import at, items, needed, number, text
from reconciler.http.api import Api, Options
from reconciler.http.client import HttpWriter, open_session
from reconciler.http.clock import Clock
from reconciler.http.faults import Fault
from reconciler.http.login import FixedToken
from reconciler.http.observe import Observer
from reconciler.http.retry import RetryPolicy
from reconciler.kind.connection import Json, Params

_PAGE = 100
_MOST_PAGES = 50
# First parents that are looked at: each is a request. Older ones count as not approved.
_LONGEST_WALK = 500
_AT_ONCE = 8
_REQUESTS_PER_SECOND = 10.0  # documented: 2,000 requests a minute of one user at gitlab.com
_WRITES_PER_SECOND = 1.0  # documented: 60 notes a minute
# By the variable that holds the token.
_NEEDS: Mapping[str, str] = {
    TOKEN[ForgeName.GITLAB]: "the role Reporter and the scope api",
    GATE_TOKEN[ForgeName.GITLAB]: GATE_NEEDS[ForgeName.GITLAB],
}
_STEPS: Mapping[type[ApiError], str] = {
    Unreachable: "Check the network, the proxy settings and CI_API_V4_URL.",
    RateLimited: "Try again later: GitLab limits requests of one user.",
    AnswerLost: LOST_STEP,
    ServerFault: "Try again later; GitLab itself is failing.",
}


@asynccontextmanager
async def open_gitlab(
    event: Event,
    observer: Observer,
    *,
    author: str | None = None,
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[GitLab]:
    """Open one project of GitLab.

    Args:
        event: what the pipeline says of itself.
        observer: told of requests and waits.
        author: name of the user that the token writes as; None: it is asked for.
        policy: bounds of repeating.
        clock: where time comes from.

    Raises:
        SecretUnset: the token is not set.
        ApiError: who we are cannot be asked.
    """
    variable = event.token.reference
    expired = f"Check {variable}: a project access token with {_NEEDS[variable]}, which may have expired."
    api = Api(
        event.api_url,
        FixedToken(event.token),
        parse_fault,
        _REQUESTS_PER_SECOND,
        forbidden=f"Give the token of {variable} {_NEEDS[variable]}.",
        url_fields=("CI_API_V4_URL",),
        writes_per_second=_WRITES_PER_SECOND,
        steps={**_STEPS, LoginRefused: expired},
    )
    options = Options(observer=observer, policy=policy or RetryPolicy(), clock=clock or Clock())
    async with open_session(api, options) as session:
        client = HttpWriter(session)
        we = author or needed(text(await client.get("user"), "username"), "user of the token")
        yield GitLab(client, event.repository, we)


def parse_fault(body: Json) -> Fault | None:
    """Read an error body, `{"message": …}` or `{"error": …}`; None where it is none of GitLab's."""
    message = at(body, "message")
    if isinstance(message, Mapping):
        listed = (f"{name}: {'; '.join(map(str, why))}" for name, why in message.items() if isinstance(why, list))
        return Fault(message=", ".join(listed))
    said = text(body, "message") or text(body, "error_description") or text(body, "error")
    return None if said is None else Fault(message=said)


class GitLab:
    """One project of GitLab.

    Args:
        client: the connection.
        project: its ID, or its path.
        author: name of the user that the token writes as.
    """

    def __init__(self, client: HttpWriter, project: str, author: str) -> None:
        self._client = client
        self._project = project
        self._base = f"projects/{quote(project, safe='')}"
        self._author = author

    @property
    def author(self) -> str:
        """Name of the user that the token writes as."""
        return self._author

    async def may_write_as(self, author: str) -> bool:
        return text(await self._client.get("user"), "username") == author

    async def pull_request(self, number: int) -> PullRequest:
        return _pull(await self._client.get(f"{self._base}/merge_requests/{number}"))

    async def merged(self, since: str | None, until: str, branch: str | None) -> Walk:
        walked, told = await self._first_parents(since, until)
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def requests_of(commit: str) -> list[Any]:
            async with at_once:
                return await self._pages(f"{self._base}/repository/commits/{commit}/merge_requests")

        found: dict[int, PullRequest] = {}
        places = {commit: place for place, commit in enumerate(walked)}
        listed = await asyncio.gather(*(requests_of(commit) for commit in walked))
        for commit, bodies in zip(walked, listed, strict=True):
            for body in bodies:
                pull = _pull(body)
                if pull.merge_commit not in places and _is_fast_forward(body):
                    # inferred: GitLab rebased it on the way, and lists it by the last commit that came of it.
                    pull = replace(pull, merge_commit=commit)
                if pull.merge_commit in places and pull.base == (branch or pull.base):
                    found.setdefault(pull.number, pull)
        return Walk(sorted(found.values(), key=lambda pull: -places[pull.merge_commit or ""]), told)

    async def artifacts(self, name: str, pull: PullRequest, workflow: Sequence[str]) -> Sequence[Artifact]:  # noqa: ARG002
        """List the jobs that made a plan. A project has one pipeline file, so no other workflow is asked for.

        A job is known by the name of its artifacts or by its own, `plan-ENVIRONMENT`, and keeps the plan as
        `plans/ENVIRONMENT/plan.json`, as `init` writes it.
        """
        environment = name.removeprefix("reconciler-plan-").removesuffix(f"-{pull.head}")
        pipelines = await self._pages(f"{self._base}/merge_requests/{pull.number}/pipelines")
        pipelines.sort(key=lambda body: number(body, "id") or 0, reverse=True)
        found = []
        for pipeline in pipelines:
            identity = needed(number(pipeline, "id"), "number of the pipeline")
            refused = await self._refused(pipeline, pull)
            if refused == _OF_FORK:
                # Its jobs are in another project.
                found.append(Artifact("", str(identity), refused))
                continue
            try:
                jobs = await self._pages(f"{self._base}/pipelines/{identity}/jobs")
            except NotFound:  # the pipeline was deleted meanwhile
                continue
            for job in jobs:
                kept = text(job, "artifacts_file", "filename")
                if kept is not None and (kept == f"{name}.zip" or text(job, "name") == f"plan-{environment}"):
                    found.append(Artifact(f"{number(job, 'id')}/{environment}", str(identity), refused))
        return found

    async def download(self, artifact: Artifact) -> bytes:
        """Download the plan alone: documented, a file of an artifact by its path."""
        job, _, environment = artifact.id.partition("/")
        path = f"{self._base}/jobs/{job}/artifacts/plans/{quote(environment, safe='')}/plan.json"
        return await self._client.download(path, LARGEST_ARCHIVE)

    async def comments(self, number: int) -> Sequence[Comment]:
        asked = {"sort": "asc", "order_by": "created_at"}
        notes = await self._pages(f"{self._base}/merge_requests/{number}/notes", asked)
        return [_comment(note) for note in notes if at(note, "system") is not True]

    async def add_comment(self, number: int, body: str) -> Comment:
        return _comment(await self._client.post(f"{self._base}/merge_requests/{number}/notes", {"body": body}))

    async def edit_comment(self, number: int, comment: Comment, body: str) -> None:
        await self._client.put(f"{self._base}/merge_requests/{number}/notes/{comment.id}", {"body": body})

    async def delete_comment(self, number: int, comment: Comment) -> None:
        await self._client.delete(f"{self._base}/merge_requests/{number}/notes/{comment.id}")

    async def issues(self, label: str) -> Sequence[Issue]:  # noqa: ARG002
        _no_issue()

    async def open_issue(self, title: str, body: str, label: str) -> Issue:  # noqa: ARG002
        _no_issue()

    async def edit_issue(self, issue: Issue, *, title: str, body: str, is_open: bool) -> None:  # noqa: ARG002
        _no_issue()

    async def reviewed(self, environment: str) -> Reviewed:
        """Ask for the approval rules of a protected environment, which the plans Premium and Ultimate have.

        inferred: it is told to the role Maintainer alone, so the token has to be the one of the gate.
        """
        path = f"{self._base}/protected_environments/{quote(environment, safe='')}"
        try:
            body = await self._client.get(path)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return Reviewed(
                False,
                f"GitLab has no protected environment {environment}, or does not show it to the token of "
                f"{GATE_TOKEN[ForgeName.GITLAB]}, which needs {GATE_NEEDS[ForgeName.GITLAB]}",
            )
        rules = items(body, "approval_rules")
        if any(number(rule, "required_approvals") for rule in rules) or number(body, "required_approval_count"):
            return Reviewed(True, f"the protected environment {environment} requires approvals")
        return Reviewed(False, f"the protected environment {environment} of GitLab requires no approvals")

    async def _first_parents(self, since: str | None, until: str) -> tuple[list[str], list[str]]:
        """List the first parents from a commit back to another; the newest first. documented: ranges, first_parent."""
        if since is None:
            return [until], []
        if since == until:
            return [], []
        asked = {"ref_name": f"{since}..{until}", "first_parent": "true"}
        try:
            await self._client.get(f"{self._base}/repository/commits/{since}")
            bodies = await self._pages(f"{self._base}/repository/commits", asked, _LONGEST_WALK // _PAGE)
        except NotFound:
            words = f"the commit that was applied last ({since[:12]}) is not in this repository any more"
            return [until], [f"{words}: only the merge request of {until[:12]} is looked at"]
        walked = [commit for body in bodies if (commit := text(body, "id")) is not None]
        if len(walked) < _LONGEST_WALK:
            return walked, []
        return walked, [f"of the commits since {since[:12]} only the newest {_LONGEST_WALK} are looked at"]

    async def _refused(self, pipeline: Any, pull: PullRequest) -> str | None:
        """Return why what a pipeline's jobs made does not count for a merge request; None: it does."""
        ref, commit = text(pipeline, "ref") or "", text(pipeline, "sha")
        if not pull.is_ours or (self._project.isdigit() and str(number(pipeline, "project_id")) != self._project):
            return _OF_FORK
        if ref not in (f"refs/merge-requests/{pull.number}/head", f"refs/merge-requests/{pull.number}/merge"):
            return "its pipeline was not started by this merge request"
        if commit == pull.head:
            return None
        # documented: a pipeline for merged results is of a commit that merges head and target.
        if ref.endswith("/merge") and commit is not None:
            try:
                merge = await self._client.get(f"{self._base}/repository/commits/{commit}")
            except NotFound:  # commits of merged results are swept up some time
                return "the commit of its pipeline is not there any more"
            if pull.head in items(merge, "parent_ids"):
                return None
        return "its pipeline is of another commit than the merge request's last one"

    async def _pages(self, path: str, params: Mapping[str, str] | None = None, most: int = _MOST_PAGES) -> list[Any]:
        found: list[Any] = []
        for page in range(1, most + 1):
            asked: Params = {**(params or {}), "per_page": _PAGE, "page": page}
            listed = items(await self._client.get(path, asked))
            found += listed
            if len(listed) < _PAGE:
                break
        return found


_OF_FORK = "its pipeline is of a fork"


def _no_issue() -> NoReturn:
    raise UsageError(
        "there is no rolling issue at GitLab", next_step="Read the drift report in the job, or in its artifacts."
    )


def _is_fast_forward(body: Any) -> bool:
    made = text(body, "merge_commit_sha") or text(body, "squash_commit_sha")
    return text(body, "state") == "merged" and made is None


def _pull(body: Any) -> PullRequest:
    head = needed(text(body, "sha"), "head of the merge request")
    # documented: which of them there is depends on the project's way to merge; a fast-forward makes none.
    became = text(body, "merge_commit_sha") or text(body, "squash_commit_sha") or head
    return PullRequest(
        number=needed(number(body, "iid"), "number of the merge request"),
        head=head,
        base=needed(text(body, "target_branch"), "target of the merge request"),
        is_ours=at(body, "source_project_id") == at(body, "target_project_id"),
        merge_commit=became if text(body, "state") == "merged" else None,
        title=text(body, "title") or "",
        url=text(body, "web_url") or "",
    )


def _comment(note: Any) -> Comment:
    return Comment(
        str(needed(number(note, "id"), "number of the note")),
        text(note, "author", "username") or "",
        text(note, "body") or "",
    )
