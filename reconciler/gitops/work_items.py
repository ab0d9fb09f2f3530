"""Work items of Azure DevOps as issues: found by a tag, open or closed by the category of their state.

documented: Work Item Tracking 7.1, and 7.2 for Markdown in fields. What is inferred is marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from reconciler.errors import NotFound, UsageError
from reconciler.gitops.forge import Issue
from reconciler.gitops.members import items, needed, number, text
from reconciler.http.client import HttpWriter
from reconciler.kind.connection import Json

COMPLETED = "Completed"
"""documented: the category of every state that ends an item, whatever a process calls it."""
_GONE = frozenset({COMPLETED, "Removed"})
# Which states an item that is opened again may have, the best first.
_OPEN = ("Proposed", "InProgress", "Resolved")
# documented: of one request.
_MOST_ITEMS = 200
_FIELDS = (
    "System.Id",
    "System.Title",
    "System.Description",
    "System.State",
    "System.Tags",
    "System.CreatedBy",
    "System.WorkItemType",
)


class WorkItems:
    """Work items of one project.

    Args:
        client: the connection.
        patches: the same for bodies that are JSON Patch.
        url: the organization's.
        project: name or ID, for a path.
        kind: the type of the items that are opened.
    """

    def __init__(self, client: HttpWriter, patches: HttpWriter, url: str, project: str, kind: str) -> None:
        self._client = client
        self._patches = patches
        self._page = f"{url}/{project}/_workitems/edit"
        self._base = f"{project}/_apis/wit"
        self._kind = kind
        self._kinds: dict[str, str] = {}
        self._states: dict[str, Sequence[tuple[str, str]]] = {}

    async def tagged(self, tag: str) -> list[Issue]:
        """List the items with a tag, open and closed, the oldest first."""
        # A tag is made of letters, digits and dashes: nothing in it ends the text of the query.
        wanted = f"[System.TeamProject] = @project AND [System.Tags] CONTAINS '{tag.replace(chr(39), '')}'"
        query = f"SELECT [System.Id] FROM WorkItems WHERE {wanted} ORDER BY [System.Id]"  # noqa: S608
        answer = await self._client.query(f"{self._base}/wiql", {"query": query})
        named = [found for each in items(answer, "workItems") if (found := number(each, "id")) is not None]
        asked: list[Json] = list(sorted(named)[:_MOST_ITEMS])
        if not asked:
            return []
        body: Json = {"ids": asked, "fields": list(_FIELDS), "errorPolicy": "omit"}
        answer = await self._client.query(f"{self._base}/workitemsbatch", body)
        # inferred: CONTAINS finds longer tags, too.
        listed = [item for item in items(answer, "value") if tag in _tags(item)]
        return sorted([await self._issue(item) for item in listed], key=lambda issue: int(issue.id))

    async def open(self, title: str, body: str, tag: str) -> Issue:
        """Open an item with a tag.

        Raises:
            UsageError: the project has no such type.
        """
        await self._states_of(self._kind)
        fields = {"System.Title": title, "System.Description": body, "System.Tags": tag}
        path = f"{self._base}/workitems/${quote(self._kind, safe='')}"
        return await self._issue(await self._patches.post(path, _patch(fields)))

    async def edit(self, issue: Issue, *, title: str, body: str, is_open: bool) -> None:
        """Replace title, text and, where it is not as it should be, state of an item in one write."""
        fields = {"System.Title": title, "System.Description": body}
        if is_open != issue.is_open:
            kind = self._kinds.get(issue.id, self._kind)
            fields["System.State"] = await self._state(kind, _OPEN if is_open else (COMPLETED,))
        await self._patches.patch(f"{self._base}/workitems/{issue.id}", _patch(fields))

    async def _issue(self, item: Any) -> Issue:
        identity = str(needed(number(item, "id"), "number of the work item"))
        kind = text(item, "fields", "System.WorkItemType") or self._kind
        self._kinds[identity] = kind
        categories = dict(await self._states_of(kind))
        state = text(item, "fields", "System.State") or ""
        return Issue(
            identity,
            text(item, "fields", "System.CreatedBy", "id") or "",
            text(item, "fields", "System.Title") or "",
            text(item, "fields", "System.Description") or "",
            categories.get(state) not in _GONE,
            f"{self._page}/{identity}",
        )

    async def _state(self, kind: str, categories: Sequence[str]) -> str:
        states = await self._states_of(kind)
        for category in categories:
            for name, its in states:
                if its == category:
                    return name
        raise UsageError(
            f"the work item type {kind} has no state of the category {categories[0]}",
            next_step="Name another type with --work-item-type.",
        )

    async def _states_of(self, kind: str) -> Sequence[tuple[str, str]]:
        """Return the states of a type, each with its category, in the order of the process."""
        if kind not in self._states:
            try:
                body = await self._client.get(f"{self._base}/workitemtypes/{quote(kind, safe='')}/states")
            except NotFound:
                raise UsageError(
                    f"the project has no work item type {kind}", next_step="Name one with --work-item-type."
                ) from None
            listed = items(body, "value")
            self._states[kind] = [(text(each, "name") or "", text(each, "category") or "") for each in listed]
        return self._states[kind]


def _tags(item: Any) -> set[str]:
    return {tag.strip() for tag in (text(item, "fields", "System.Tags") or "").split(";")}


def _patch(fields: dict[str, str]) -> list[Json]:
    """Return fields as JSON Patch. inferred: servers that know no Markdown in fields ignore its last member."""
    written: list[Json] = [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in fields.items()]
    return [*written, {"op": "add", "path": "/multilineFieldsFormat/System.Description", "value": "markdown"}]
