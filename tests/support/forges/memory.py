"""A forge in memory, for what is decided about comments and issues; its clock is the order of its calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from reconciler.errors import NotFound
from reconciler.gitops.forge import Comment, Issue, PullRequest


@dataclass
class MemoryForge:
    """One pull request, number 1. `writes_as` is whom the token writes as; `before_write` runs before each write."""

    author: str = "us"
    writes_as: str = "us"
    head: str = "a" * 40
    talk: list[Comment] = field(default_factory=list)
    labelled: list[tuple[str, Issue]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    before_write: Callable[[], Awaitable[None]] | None = None
    _ids: int = 100

    async def may_write_as(self, author: str) -> bool:
        return author == self.writes_as

    async def pull_request(self, number: int) -> PullRequest:
        return PullRequest(number, self.head, "main", True)

    async def comments(self, number: int) -> Sequence[Comment]:
        return list(self.talk)

    async def add_comment(self, number: int, body: str) -> Comment:
        await self._writing("add")
        made = Comment(self._id(), self.writes_as, body)
        self.talk.append(made)
        return made

    async def edit_comment(self, number: int, comment: Comment, body: str) -> None:
        await self._writing("edit")
        self._find(comment)
        self.talk = [replace(each, body=body) if each.id == comment.id else each for each in self.talk]

    async def delete_comment(self, number: int, comment: Comment) -> None:
        await self._writing("delete")
        self._find(comment)
        self.talk = [each for each in self.talk if each.id != comment.id]

    async def issues(self, label: str) -> Sequence[Issue]:
        return [issue for its, issue in self.labelled if its == label]

    async def open_issue(self, title: str, body: str, label: str) -> Issue:
        await self._writing("open")
        made = Issue(self._id(), self.writes_as, title, body, True)
        self.labelled.append((label, made))
        return made

    async def edit_issue(self, issue: Issue, *, title: str, body: str, is_open: bool) -> None:
        await self._writing("edit")
        self.labelled = [
            (label, replace(each, title=title, body=body, is_open=is_open) if each.id == issue.id else each)
            for label, each in self.labelled
        ]

    def _find(self, comment: Comment) -> None:
        if all(each.id != comment.id for each in self.talk):
            raise NotFound("there is no such object", status=404)

    def _id(self) -> str:
        self._ids += 1
        return str(self._ids)

    async def _writing(self, what: str) -> None:
        if (hook := self.before_write) is not None:
            self.before_write = None
            await hook()
        self.writes.append(what)
