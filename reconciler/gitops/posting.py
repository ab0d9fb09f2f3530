"""Comments and issues of ours, kept: found again, written where something changed, and never by an older run.

Ours is what has our marker and our author. Anybody can write the marker.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from reconciler.errors import ApiError, NotFound, UsageError
from reconciler.gitops.comment import says_the_same
from reconciler.gitops.forge import Comment, Forge, Issue
from reconciler.gitops.issue import issue_body, issue_label, issue_title, state_of
from reconciler.reconcile.plan import DriftReport


class Did(StrEnum):
    """What became of a comment or an issue."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    REOPENED = "reopened"
    OLDER = "older"
    LEFT_CLOSED = "left closed"
    NOTHING = "nothing"


class Posted(Struct, frozen=True):
    """What became of a comment or an issue, whose it is, and where."""

    did: Did
    author: str
    where: str = ""


async def post_comment(
    forge: Forge, number: int, body: str, *, opening: str, head: str | None = None, create: bool = True
) -> Posted:
    """Write a comment of ours at a pull request, or bring the one that is there up to date.

    Args:
        forge: where it is.
        number: of the pull request.
        body: what it is to say.
        opening: how it begins, and no other comment of ours.
        head: the commit that it is about; where the pull request has another one by now, nothing is written.
        create: whether to write one where there is none.

    Raises:
        ApiError: the subclass says what happened.
    """
    mine = _ours(await forge.comments(number), forge.author, opening)
    if head is not None and (await forge.pull_request(number)).head != head:
        return Posted(Did.OLDER, forge.author)
    if not mine:
        return await _add(forge, number, body, opening) if create else Posted(Did.NOTHING, forge.author)
    return await _keep(forge, number, mine, body, forge.author, create=create)


async def _add(forge: Forge, number: int, body: str, opening: str) -> Posted:
    """Write a comment, and look whether another run did so at the same time.

    Who we are shows in what we wrote: a token of somebody's own writes as somebody.
    """
    added = await forge.add_comment(number, body)
    author = added.author or forge.author
    mine = _ours(await forge.comments(number), author, opening)
    if len(mine) < 2:
        return Posted(Did.CREATED, author, added.id)
    kept = await _keep(forge, number, mine, body, author)
    return kept if mine[0].id != added.id else Posted(Did.CREATED, author, added.id)


async def _keep(
    forge: Forge, number: int, mine: list[Comment], body: str, author: str, *, create: bool = True
) -> Posted:
    """Bring the oldest up to date, and delete the others, which runs at the same time wrote.

    Such a run may delete them, too; where the oldest itself is gone it is written anew, once.
    """
    oldest, *others = mine
    for other in others:
        try:
            await forge.delete_comment(number, other)
        except ApiError as error:
            if not _is_gone(error):
                raise
    if says_the_same(oldest.body, body):
        return Posted(Did.UNCHANGED, author, oldest.id)
    try:
        await forge.edit_comment(number, oldest, body)
    except ApiError as error:
        if not _is_gone(error):
            raise
        if not create:
            return Posted(Did.NOTHING, author)
        added = await forge.add_comment(number, body)
        return Posted(Did.CREATED, added.author or author, added.id)
    return Posted(Did.UPDATED, author, oldest.id)


def _is_gone(error: ApiError) -> bool:
    return isinstance(error, NotFound) or error.status == 410


def _ours(comments: Sequence[Comment], author: str, opening: str) -> list[Comment]:
    return [each for each in comments if each.author == author and each.body.lstrip().startswith(opening)]


async def post_issue(forge: Forge, report: DriftReport, *, url: str | None = None) -> Posted:
    """Keep the rolling issue of an environment: opened, brought up to date or closed, where something changed.

    Issues of other authors are ignored, whatever they say. What somebody closed while it drifts stays closed until
    something else drifts.

    Args:
        forge: where it is.
        report: what drift found.
        url: an https URL of the run.

    Raises:
        UsageError: the token does not write as who we are said to be.
        ApiError: the subclass says what happened.
    """
    label, title = issue_label(report.environment), issue_title(report.environment)
    body = issue_body(report, url=url)
    labelled = list(await forge.issues(label))
    mine = [issue for issue in labelled if issue.author == forge.author]
    if not mine:
        if not report.drifted:
            return Posted(Did.NOTHING, forge.author)
        marked = {issue.author: issue for issue in labelled if state_of(issue.body) is not None and issue.is_open}
        for author, issue in marked.items():
            # A stranger's is nothing to us. One that this token wrote would be opened anew by every run.
            if await forge.may_write_as(author):
                raise _other_author(issue, label)
        added = await forge.open_issue(title, body, label)
        if added.author != forge.author:
            raise _other_author(added, label)
        mine = [issue for issue in await forge.issues(label) if issue.author == forge.author] or [added]
        if mine[0].id == added.id:
            await _close_others(forge, mine)
            return Posted(Did.CREATED, forge.author, added.url or added.id)
    oldest = mine[0]
    await _close_others(forge, mine)
    where = oldest.url or oldest.id
    if state_of(oldest.body) == state_of(body):
        if oldest.is_open == report.drifted:
            return Posted(Did.UNCHANGED, forge.author, where)
        if report.drifted:
            return Posted(Did.LEFT_CLOSED, forge.author, where)
    await forge.edit_issue(oldest, title=title, body=body, is_open=report.drifted)
    if not report.drifted:
        return Posted(Did.CLOSED if oldest.is_open else Did.UPDATED, forge.author, where)
    return Posted(Did.UPDATED if oldest.is_open else Did.REOPENED, forge.author, where)


async def _close_others(forge: Forge, mine: list[Issue]) -> None:
    """Close what runs at the same time opened beside the oldest."""
    oldest, *others = mine
    for other in others:
        if other.is_open:
            body = f"Opened at the same time as {oldest.url or f'issue {oldest.id}'}, which is kept instead.\n"
            await forge.edit_issue(other, title=other.title, body=body, is_open=False)


def _other_author(issue: Issue, label: str) -> UsageError:
    return UsageError(
        f"the issue {issue.id} with the label {label} was written by {issue.author or 'nobody'}, "
        "and that is not whose issues are kept here",
        next_step=f"If the token is that account's, give --author {issue.author}; if not, take the label off it.",
    )
