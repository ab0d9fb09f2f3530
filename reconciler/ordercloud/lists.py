"""Reading a whole OrderCloud list, as fast as the paging rules allow. Knows no HTTP library, so kinds may use it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Json, Params, Reader, Wire

PAGE_SIZE = 100
# The vendor's advice: beyond about this page, walk by the last ID instead.
LAST_PAGE = 30


async def list_all(reader: Reader, path: str, params: Params | None = None) -> list[Wire]:
    """Return every entry of a list, each ID once.

    Page 1 says how many there are; the others are read side by side. What lies beyond page 30 is read from ID to ID,
    where entries have IDs; such a list comes back in the order of its IDs.

    Args:
        reader: the connection; its rate and its cap on what is in flight hold here too.
        path: the list's path.
        params: filters and search, without page and pageSize.

    Raises:
        Rejected: `Search.ResultSetTooLarge`: more than 100,000 entries.
        UnexpectedAnswer: an answer is no list page, or entries are missing although nothing failed.
    """
    given = dict(params or {})
    first = await Page.read(reader, path, given)
    if first.pages > LAST_PAGE and first.has_ids and "ID" not in given:
        found = await _walk(reader, path, given | {"sortBy": "ID"})
    else:
        rest = await _side_by_side(Page.read(reader, path, given, page) for page in range(2, first.pages + 1))
        found = _each_once(first, *rest)
    if len(found) < first.total:
        await _explain_shortfall(reader, path, given, len(found))
    return found


class Page:
    """One page of a list."""

    def __init__(self, path: str, body: Json) -> None:
        meta = body.get("Meta") if isinstance(body, dict) else None
        items = body.get("Items") if isinstance(body, dict) else None
        pages = meta.get("TotalPages") if isinstance(meta, dict) else None
        total = meta.get("TotalCount") if isinstance(meta, dict) else None
        if (
            not isinstance(items, list)
            or not isinstance(pages, int)
            or not isinstance(total, int)
            or not all(isinstance(item, dict) for item in items)
        ):
            raise UnexpectedAnswer(
                f"GET {path}: the answer is not a list page with Meta and Items",
                request=f"GET {path}",
                next_step="Check apiUrl, and that no proxy or gateway answers in the API's place.",
            )
        self.items: list[Wire] = items
        self.pages = pages
        self.total = total

    @classmethod
    async def read(cls, reader: Reader, path: str, params: Params, page: int = 1) -> Page:
        """Read a page of the list that `params` describe."""
        return cls(path, await reader.get(path, {**params, "page": page, "pageSize": PAGE_SIZE}))

    @property
    def has_ids(self) -> bool:
        """Whether every entry has an ID; assignments have none."""
        return all(isinstance(item.get("ID"), str) for item in self.items)


async def _walk(reader: Reader, path: str, params: Params) -> list[Wire]:
    """Read the first pages side by side and the rest from ID to ID; `params` sort by ID."""
    pages = await _side_by_side(Page.read(reader, path, params, page) for page in range(1, LAST_PAGE + 1))
    while pages[-1].items:
        last = pages[-1].items[-1].get("ID")
        page = await Page.read(reader, path, {**params, "ID": f">{last}"})
        if any(item.get("ID") == last for item in page.items):
            raise UnexpectedAnswer(
                f"GET {path}: the list does not move on past the ID it was asked to start after",
                request=f"GET {path}",
                next_step="Ask for less at once, e.g. with a filter.",
            )
        pages.append(page)
    return _each_once(*pages)


async def _explain_shortfall(reader: Reader, path: str, params: Params, found: int) -> None:
    """Fewer entries than announced: fine where some were deleted meanwhile, and an error where some were missed."""
    now = await Page.read(reader, path, params)
    if found < now.total:
        raise UnexpectedAnswer(
            f"GET {path}: the list says it holds {now.total} entries and gave {found}",
            request=f"GET {path}",
            next_step="Run it again: the list changed while it was read.",
        )


def _each_once(*pages: Page) -> list[Wire]:
    """Drop what came twice because the list moved between two pages. Entries without an ID are all kept."""
    found: dict[object, Wire] = {}
    for page in pages:
        for item in page.items:
            found.setdefault(item.get("ID") or len(found), item)
    return list(found.values())


async def _side_by_side(reads: Iterable[Coroutine[Any, Any, Page]]) -> list[Page]:
    """Run the reads at once; the first that fails ends the others."""
    tasks = [asyncio.create_task(read) for read in reads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
