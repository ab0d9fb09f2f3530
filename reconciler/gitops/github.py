"""GitHub and GitHub Enterprise behind the protocol: REST API of version 2022-11-28, as GitHub's OpenAPI describes it.

documented: https://docs.github.com/rest, and the OpenAPI in npm's `@octokit/openapi`. What is inferred is marked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from reconciler.errors import (
    AnswerLost,
    ApiError,
    LoginRefused,
    NotFound,
    RateLimited,
    Rejected,
    ServerFault,
    Unreachable,
)
from reconciler.gitops.archive import read_archive
from reconciler.gitops.event import Event
from reconciler.gitops.forge import LARGEST_ARCHIVE, LOST_STEP, Artifact, Comment, Issue, PullRequest, Reviewed, Walk
from reconciler.gitops.members import at, items, needed, number, text
from reconciler.http.api import Api, Options
from reconciler.http.client import HttpWriter, open_session
from reconciler.http.clock import Clock
from reconciler.http.faults import Fault
from reconciler.http.login import FixedToken
from reconciler.http.observe import Observer
from reconciler.http.retry import Answer, RetryPolicy, retry_after
from reconciler.kind.connection import Json, Params

AUTHOR = "github-actions[bot]"
"""inferred: the account that GITHUB_TOKEN writes as. The token cannot ask who it is."""
_PAGE = 100
# Of pages, where one more would mean that something else is wrong.
_MOST_PAGES = 50
# First parents that are looked at: each is a request. Older ones count as not approved.
_LONGEST_WALK = 500
_AT_ONCE = 8
# documented: where a secondary limit says no time, wait at least a minute.
_SECONDARY_WAIT = 60.0
_REQUESTS_PER_SECOND = 10.0  # documented: 900 points a minute, a read is one
_WRITES_PER_SECOND = 1.0  # documented: "If you are making a large number of POST, PATCH, PUT, or DELETE, wait a second"
_PERMISSION = (
    "Give the job this permission in the workflow (`permissions:`); gitops needs contents, actions and pull-requests, "
    "and issues for the drift issue."
)
_STEPS: Mapping[type[ApiError], str] = {
    LoginRefused: "Check GITHUB_TOKEN of this job: is it set from `github.token`, and has the job not ended?",
    Unreachable: "Check the network, the proxy settings and GITHUB_API_URL.",
    RateLimited: "Try again later: GitHub limits requests of one token.",
    AnswerLost: LOST_STEP,
    ServerFault: "Try again later; GitHub itself is failing.",
}


@asynccontextmanager
async def open_github(
    event: Event,
    observer: Observer,
    *,
    author: str | None = None,
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[GitHub]:
    """Open one repository of GitHub.

    Args:
        event: what the pipeline says of itself.
        observer: told of requests and waits.
        author: whom the token writes as; None: GitHub Actions.
        policy: bounds of repeating.
        clock: where time comes from.

    Raises:
        SecretUnset: GITHUB_TOKEN is not set.
    """
    options = Options(observer=observer, policy=policy or RetryPolicy(), clock=clock or Clock())
    async with open_session(github_api(event), options) as session:
        yield GitHub(HttpWriter(session), event.repository, author or AUTHOR)


def github_api(event: Event) -> Api:
    """Return how GitHub is asked and told."""
    return Api(
        event.api_url,
        FixedToken(event.token),
        parse_fault,
        _REQUESTS_PER_SECOND,
        headers={"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"},
        forbidden=_PERMISSION,
        url_fields=("GITHUB_API_URL",),
        limited=limited,
        writes_per_second=_WRITES_PER_SECOND,
        steps=_STEPS,
    )


def parse_fault(body: Json) -> Fault | None:
    """Read an error body, `{"message": …, "errors": […]}`; None where it is none of GitHub's."""
    if not isinstance(body, dict) or (message := text(body, "message")) is None:
        return None
    said = [message, *(words for error in items(body, "errors") if (words := _said(error)))]
    error = RateLimited if "rate limit" in message.lower() else None
    return Fault(message=": ".join(said[:5]), error=error)


def _said(error: Any) -> str | None:
    if isinstance(error, str):
        return error
    return text(error, "message") or " ".join(filter(None, (text(error, "field"), text(error, "code")))) or None


def limited(answer: Answer, now: float) -> float | None:
    """Return how long GitHub wants to be left alone, in seconds; None where the answer is about something else.

    documented: 403 or 429; Retry-After, else x-ratelimit-reset where nothing remains, else a minute. A 403 for want of
    a permission has neither.
    """
    if answer.status not in (403, 429):
        return None
    if (asked := retry_after(answer, now)) is not None:
        return asked
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(1.0, float(reset[:12]) - now)
    return _SECONDARY_WAIT if answer.status == 429 or b"secondary rate limit" in answer.content else None


class GitHub:
    """One repository of GitHub.

    Args:
        client: the connection.
        repository: `owner/name`.
        author: whom the token writes as.
    """

    def __init__(self, client: HttpWriter, repository: str, author: str) -> None:
        self._client = client
        self._repository = repository
        self._base = f"repos/{repository}"
        self._author = author

    @property
    def author(self) -> str:
        """Whom the token writes as."""
        return self._author

    async def may_write_as(self, author: str) -> bool:
        """Ask whether an account may be the token's. inferred: a job's token and an app's may not ask, and are bots."""
        try:
            return text(await self._client.get("user"), "login") == author
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return author.endswith("[bot]")

    async def pull_request(self, number: int) -> PullRequest:
        return self._pull(await self._client.get(f"{self._base}/pulls/{number}"))

    async def merged(self, since: str | None, until: str, branch: str | None) -> Walk:
        walked, told = [until], []
        if since is not None and since != until:
            try:
                compared = await self._compared(since, until)
                walked = _first_parents(compared, until)
                if not compared:
                    told.append(f"{until[:12]} is no newer than the commit that was applied last ({since[:12]})")
                elif not walked:
                    walked = [until]
                    told.append(f"too much was merged since {since[:12]}: only {until[:12]} itself is looked at")
            except NotFound:
                told.append(
                    f"the commit that was applied last ({since[:12]}) is not in this repository any more: "
                    f"only the pull request of {until[:12]} is looked at"
                )
        elif since == until:
            walked = []
            told.append(f"{until[:12]} is what was applied last")
        if len(walked) > _LONGEST_WALK:
            told.append(
                f"of {len(walked)} commits since {(since or '')[:12]} only the newest {_LONGEST_WALK} are looked at"
            )
            walked = walked[:_LONGEST_WALK]
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def pulls_of(commit: str) -> list[Any]:
            async with at_once:
                return await self._pages(f"{self._base}/commits/{commit}/pulls")

        found: dict[int, PullRequest] = {}
        places = {commit: place for place, commit in enumerate(walked)}
        for pulls in await asyncio.gather(*(pulls_of(commit) for commit in walked)):
            for body in pulls:
                pull = self._pull(body)
                # documented: once merged, merge_commit_sha is the merge, the squash, or the rebased branch's last one.
                if pull.merge_commit in places and pull.base == (branch or _default_branch(body) or pull.base):
                    found[pull.number] = pull
        oldest_first = sorted(found.values(), key=lambda pull: -places[pull.merge_commit or ""])
        return Walk(oldest_first, told)

    async def artifacts(self, name: str, pull: PullRequest, workflow: Sequence[str]) -> Sequence[Artifact]:
        listed = await self._pages(f"{self._base}/actions/artifacts", "artifacts", {"name": name})
        # The newest first: a run that is started again, or another one for the same head, overwrites.
        named = [body for body in listed if text(body, "name") == name and number(body, "id") is not None]
        named.sort(key=lambda body: (text(body, "created_at") or "", number(body, "id")), reverse=True)
        return [await self._artifact(body, pull, workflow) for body in named]

    async def download(self, artifact: Artifact) -> bytes:
        path = f"{self._base}/actions/artifacts/{artifact.id}/zip"
        return read_archive(await self._client.download(path, LARGEST_ARCHIVE))

    async def comments(self, number: int) -> Sequence[Comment]:
        return [_comment(body) for body in await self._pages(f"{self._base}/issues/{number}/comments")]

    async def add_comment(self, number: int, body: str) -> Comment:
        return _comment(await self._client.post(f"{self._base}/issues/{number}/comments", {"body": body}))

    async def edit_comment(
        self,
        number: int,  # noqa: ARG002 - comments have IDs of their own
        comment: Comment,
        body: str,
    ) -> None:
        await self._client.patch(f"{self._base}/issues/comments/{comment.id}", {"body": body})

    async def delete_comment(
        self,
        number: int,  # noqa: ARG002
        comment: Comment,
    ) -> None:
        await self._client.delete(f"{self._base}/issues/comments/{comment.id}")

    async def issues(self, label: str) -> Sequence[Issue]:
        asked = {"labels": label, "state": "all", "sort": "created", "direction": "asc"}
        listed = await self._pages(f"{self._base}/issues", params=asked)
        # documented: pull requests are in that list, too.
        return [_issue(body) for body in listed if at(body, "pull_request") is None]

    async def open_issue(self, title: str, body: str, label: str) -> Issue:
        # inferred: a label that does not exist yet is made with the issue.
        made = await self._client.post(f"{self._base}/issues", {"title": title, "body": body, "labels": [label]})
        return _issue(made)

    async def edit_issue(self, issue: Issue, *, title: str, body: str, is_open: bool) -> None:
        state: dict[str, Json] = {"state": "open"} if is_open else {"state": "closed", "state_reason": "completed"}
        await self._client.patch(f"{self._base}/issues/{issue.id}", {"title": title, "body": body, **state})

    async def reviewed(self, environment: str) -> Reviewed:
        """Ask for an environment's protection rules.

        documented: the rule `required_reviewers` lists users and teams. inferred: where the plan of a private
        repository has no such rules, none is listed, or the environment is not found.
        """
        try:
            body = await self._client.get(f"{self._base}/environments/{quote(environment, safe='')}")
        except NotFound:
            return Reviewed(False, f"GitHub has no environment {environment}, or does not show it to this token")
        except Rejected as error:
            if error.status != 403:
                raise
            return Reviewed(False, f"GitHub does not tell this token about the environment {environment}")
        for rule in items(body, "protection_rules"):
            if text(rule, "type") == "required_reviewers" and items(rule, "reviewers"):
                return Reviewed(True, f"the environment {environment} has required reviewers")
        return Reviewed(False, f"the environment {environment} of GitHub has no required reviewers")

    async def _compared(self, since: str, until: str) -> list[Any]:
        """List the commits that are in the history of one commit and not of another."""
        return await self._pages(f"{self._base}/compare/{since}...{until}", "commits")

    async def _pages(self, path: str, member: str | None = None, params: Mapping[str, str] | None = None) -> list[Any]:
        found: list[Any] = []
        for page in range(1, _MOST_PAGES + 1):
            asked: Params = {**(params or {}), "per_page": _PAGE, "page": page}
            body = await self._client.get(path, asked)
            listed = items(body) if member is None else items(body, member)
            found += listed
            if len(listed) < _PAGE:
                break
        return found

    async def _artifact(self, body: Any, pull: PullRequest, workflow: Sequence[str]) -> Artifact:
        run = number(body, "workflow_run", "id")
        found = Artifact(str(number(body, "id")), str(run))
        if at(body, "expired") is True:
            return Artifact(found.id, found.run, "it has expired")
        if run is None:
            return Artifact(found.id, found.run, "GitHub does not say which run made it")
        try:
            refused = self._refused(await self._client.get(f"{self._base}/actions/runs/{run}"), pull, workflow)
        except NotFound:
            refused = "its run is not there any more"
        return Artifact(found.id, found.run, refused)

    def _refused(self, run: Any, pull: PullRequest, workflow: Sequence[str]) -> str | None:
        """Return why a run's artifacts do not count for a pull request; None: they do."""
        source = text(run, "head_repository", "full_name") or ""
        # inferred: the path may carry the ref after an @, as in the OpenAPI's example.
        path = (text(run, "path") or "").partition("@")[0]
        if text(run, "event") != "pull_request":
            return "its run was not started by a pull request"
        if source.lower() != self._repository.lower():
            return "its run is of a fork"
        if text(run, "head_sha") != pull.head:
            return "its run is of another commit than the pull request's last one"
        if path not in workflow:
            return "its run is of another workflow"
        return None

    def _pull(self, body: Any) -> PullRequest:
        source = text(body, "head", "repo", "full_name") or ""
        return PullRequest(
            number=needed(number(body, "number"), "number of the pull request"),
            head=needed(text(body, "head", "sha"), "head of the pull request"),
            base=needed(text(body, "base", "ref"), "base of the pull request"),
            is_ours=source.lower() == self._repository.lower(),
            # inferred: the head of a merged pull request stays, whatever is pushed to its branch afterwards.
            merge_commit=text(body, "merge_commit_sha") if text(body, "merged_at") else None,
            title=text(body, "title") or "",
            url=text(body, "html_url") or "",
        )


def _first_parents(commits: Sequence[Any], until: str) -> list[str]:
    """Walk from a commit along first parents through the commits of a comparison; the newest first."""
    parents = {text(commit, "sha"): text(next(iter(items(commit, "parents")), None), "sha") for commit in commits}
    walked: list[str] = []
    commit: str | None = until
    while commit is not None and commit in parents:
        walked.append(commit)
        commit = parents.pop(commit)
    return walked


def _default_branch(body: Any) -> str | None:
    return text(body, "base", "repo", "default_branch")


def _comment(body: Any) -> Comment:
    return Comment(
        str(needed(number(body, "id"), "number of the comment")),
        text(body, "user", "login") or "",
        text(body, "body") or "",
    )


def _issue(body: Any) -> Issue:
    return Issue(
        str(needed(number(body, "number"), "number of the issue")),
        text(body, "user", "login") or "",
        text(body, "title") or "",
        text(body, "body") or "",
        text(body, "state") != "closed",
        text(body, "html_url") or "",
    )
