"""The protocol of a forge, where pull requests live, and the values that go through it.

What people read is by its author: `approval.py` decides which plans count, `comment.py` and `issue.py` which text is
written. A forge only asks and tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

LARGEST_ARCHIVE = 64 * 2**20
"""Bytes that an artifact's archive may have."""
LOST_STEP = "Run this step again: it looks for what is there already before it writes."
"""What to do where the answer to a write was lost."""


class PullRequest(Struct, frozen=True):
    """A pull request (GitLab: merge request).

    Args:
        number: as people write it.
        head: the full ID of its last commit.
        base: the branch that it is to go into, or went into.
        is_ours: whether its commits come from this repository, and not from a fork.
        merge_commit: the commit that it became on its base: the merge, the squash, the last one of a rebase; None:
            it is not merged.
        title: text of its author.
        url: of its page.
    """

    number: int
    head: str
    base: str
    is_ours: bool
    merge_commit: str | None = None
    title: str = ""
    url: str = ""


class Artifact(Struct, frozen=True):
    """A file that a run of a pipeline left.

    Args:
        id: what the forge calls it.
        run: what the forge calls the run that made it.
        refused: why it does not count, in one sentence without a full stop; None: it does.
    """

    id: str
    run: str
    refused: str | None = None


class Comment(Struct, frozen=True):
    """A comment at a pull request: `thread` is the discussion that it opens, where the forge has those."""

    id: str
    author: str
    body: str
    thread: str = ""


class Issue(Struct, frozen=True):
    """An issue, or a work item."""

    id: str
    author: str
    title: str
    body: str
    is_open: bool
    url: str = ""


class Reviewed(Struct, frozen=True):
    """Whether somebody has to agree before a job of an environment starts; `why` says how that is known, or not."""

    is_certain: bool
    why: str


class Walk(Struct, frozen=True):
    """What was merged since a commit.

    Args:
        pulls: the pull requests that became commits of the branch, the oldest first.
        told: what is not known, one sentence each; what it is about counts as not approved.
    """

    pulls: Sequence[PullRequest]
    told: Sequence[str] = ()


class Forge(Protocol):
    """One repository at a forge. Every method raises `ApiError`, whose subclass says what happened."""

    @property
    def author(self) -> str:
        """Who we are there: whose comments and issues are ours."""
        ...

    async def may_write_as(self, author: str) -> bool:
        """Ask whether an account may be the one that the token writes as, whoever we are said to be."""
        ...

    async def pull_request(self, number: int) -> PullRequest:
        """Ask for a pull request as it is now.

        Raises:
            NotFound: there is none, or we may not see it.
        """
        ...

    async def merged(self, since: str | None, until: str, branch: str | None) -> Walk:
        """Gather the pull requests that were merged into a branch after one commit, up to another.

        Args:
            since: the commit that was applied last; None: only `until` itself is looked at.
            until: the commit that is being applied.
            branch: the branch; None: the repository's own.
        """
        ...

    async def artifacts(self, name: str, pull: PullRequest, workflow: Sequence[str]) -> Sequence[Artifact]:
        """List the artifacts of a name, those that do not count for a pull request too, the newest first.

        Args:
            name: of the artifact, exactly.
            pull: the pull request whose last head it has to be made for.
            workflow: paths of the pipelines that may have made it; GitLab, which has one file, asks for none.
        """
        ...

    async def download(self, artifact: Artifact) -> bytes:
        """Download the plan in an artifact, whose archive has at most `LARGEST_ARCHIVE` bytes.

        Raises:
            PlanFileError: there is no plan in it, or something else as well.
        """
        ...

    async def comments(self, number: int) -> Sequence[Comment]:
        """List the comments at a pull request, the oldest first."""
        ...

    async def add_comment(self, number: int, body: str) -> Comment:
        """Write a comment at a pull request."""
        ...

    async def edit_comment(self, number: int, comment: Comment, body: str) -> None:
        """Replace the text of a comment."""
        ...

    async def delete_comment(self, number: int, comment: Comment) -> None:
        """Delete a comment."""
        ...

    async def issues(self, label: str) -> Sequence[Issue]:
        """List the issues with a label, open and closed, the oldest first."""
        ...

    async def open_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue with a label."""
        ...

    async def edit_issue(self, issue: Issue, *, title: str, body: str, is_open: bool) -> None:
        """Replace title, text and state of an issue in one write."""
        ...

    async def reviewed(self, environment: str) -> Reviewed:
        """Ask whether an environment of the forge has reviewers, without whom none of its jobs start."""
        ...
