"""Assignment lists: no IDs, no order that is promised, nothing to filter by but keys."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Params, Reader, Wire
from reconciler.ordercloud.bounds import MOST_PAGES
from reconciler.ordercloud.lists import Page
from reconciler.ordercloud.readers.streams import mapped

_READS = 3
_PAGES_AHEAD = 16


async def assignments(reader: Reader, path: str, params: Params | None = None) -> list[Wire]:
    """Return every assignment of a list, each once.

    Such a list can only be read page by page, so one that changes meanwhile is read again, up to three times in all.
    Then what any of the reads saw is returned: nothing that was there all the time is missing unless each read missed
    it, and what was removed meanwhile may be among it.

    Args:
        reader: the connection.
        path: the list's path.
        params: keys to filter by.

    Raises:
        ApiError: a page failed.
        UnexpectedAnswer: the list announces more than a list can hold.
    """
    found: dict[Hashable, Wire] = {}
    for _ in range(_READS):
        seen: dict[Hashable, Wire] = {}
        totals: set[int] = set()
        first = await Page.read(reader, path, params or {})
        async with aclosing(_pages(reader, path, params or {}, first)) as pages:
            async for page in pages:
                totals.add(page.total)
                seen.update((_key(item), item) for item in page.items)
        if totals == {len(seen)}:
            return list(seen.values())
        found |= seen
    return list(found.values())


async def _pages(reader: Reader, path: str, params: Params, first: Page) -> AsyncGenerator[Page, None]:
    """Yield the pages until one is empty, and no more than there can be, whatever is announced."""
    if first.pages > MOST_PAGES:
        raise UnexpectedAnswer(
            f"GET {path}: the list says it has {first.pages:,} pages, and {MOST_PAGES:,} is the most that one can have",
            request=f"GET {path}",
            next_step="Run it again; if it stays so, these assignments cannot be read.",
        )

    async def numbers() -> AsyncGenerator[int, None]:
        for number in range(2, first.pages + 1):
            yield number

    async def read(number: int) -> Page:
        return await Page.read(reader, path, params, number)

    yield first
    async with aclosing(mapped(numbers(), read, _PAGES_AHEAD)) as rest:
        async for page in rest:
            yield page
            if not page.items:
                return


def _key(item: Wire) -> Hashable:
    """The IDs that it ties together; PriceScheduleID and flags are what it says about them."""
    return tuple(sorted((name, value) for name, value in item.items() if isinstance(value, str)))
