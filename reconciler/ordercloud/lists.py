"""Whole OrderCloud lists, read as fast as the paging rules allow. Knows no HTTP library, so kinds may use it."""

from __future__ import annotations

from urllib.parse import quote

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Json, Params, Reader, Wire
from reconciler.ordercloud.bounds import MOST_PAGES, PAGE_SIZE, WalkBound, ascend, count_of
from reconciler.ordercloud.together import together

# The vendor's advice: beyond about this page, walk by the last ID instead.
LAST_PAGE = 30
_AHEAD = 16


async def list_all(reader: Reader, path: str, params: Params | None = None) -> list[Wire]:
    """Return every entry of a list, each ID once.

    Page 1 says how many there are; the others are read side by side, a few at once, until one is empty. What lies
    beyond page 30 is read from ID to ID, where entries have IDs; such a list comes back in the order of its IDs.

    Args:
        reader: the connection; its rate and its cap on what is in flight hold here too.
        path: the list's path.
        params: filters and search, without page and pageSize.

    Raises:
        Rejected: `Search.ResultSetTooLarge`: more than 100,000 entries.
        UnexpectedAnswer: an answer is no list page, entries are missing although nothing failed, there is no end, or
            more than 100,000 entries are announced.
    """
    given = dict(params or {})
    first = await Page.read(reader, path, given)
    if first.total > (most := MOST_PAGES * PAGE_SIZE):
        raise UnexpectedAnswer(
            f"GET {path}: the list says it has {first.total:,} entries, and {most:,} is the most that one can have",
            request=f"GET {path}",
            next_step="Ask for less at once, e.g. with a filter.",
        )
    if first.pages > LAST_PAGE and first.has_ids and "ID" not in given:
        found = await _walk(reader, path, given | {"sortBy": "ID"}, WalkBound(path, first.total))
    else:
        found = _each_once(first, *await _rest(reader, path, given, first.pages))
    if len(found) < first.total:
        await _explain_shortfall(reader, path, given, len(found))
    return found


async def list_by_id(reader: Reader, path: str, params: Params | None = None) -> dict[str, Wire]:
    """Return every entry of a list of objects by its ID; arguments and errors as for `list_all`.

    Raises:
        UnexpectedAnswer: besides, an object has no ID.
    """
    entries = await list_all(reader, path, params)
    if not all(isinstance(entry.get("ID"), str) and entry["ID"] for entry in entries):
        raise UnexpectedAnswer(
            f"GET {path}: an object of the list has no ID",
            request=f"GET {path}",
            next_step="Look at the list in the portal, and mend the object.",
        )
    return {entry["ID"]: entry for entry in entries}


async def one_object(reader: Reader, path: str) -> Wire:
    """Return an object.

    Raises:
        NotFound: there is none.
        UnexpectedAnswer: the answer is no object.
    """
    answer = await reader.get(path)
    if not isinstance(answer, dict):
        raise UnexpectedAnswer(
            f"GET {path}: the answer is not an object",
            request=f"GET {path}",
            next_step="Check apiUrl, and that no proxy or gateway answers in the API's place.",
        )
    return answer


def path_segment(text: str) -> str:
    """Return an ID as a part of a path: escaped, whatever it holds."""
    return quote(text, safe="", errors="backslashreplace")


class Page:
    """One page of a list."""

    def __init__(self, path: str, body: Json) -> None:
        meta = body.get("Meta") if isinstance(body, dict) else None
        items = body.get("Items") if isinstance(body, dict) else None
        pages = count_of(meta.get("TotalPages")) if isinstance(meta, dict) else None
        total = count_of(meta.get("TotalCount")) if isinstance(meta, dict) else None
        if (
            not isinstance(items, list)
            or pages is None
            or total is None
            or len(items) > PAGE_SIZE
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
    async def read(cls, reader: Reader, path: str, params: Params, page: int = 1, *, lenient: bool = False) -> Page:
        """Read a page of the list that `params` describe.

        Args:
            reader: the connection.
            path: the list's path.
            params: filters and search.
            page: which, from 1.
            lenient: take texts that hold half a character as they are; the caller finds whose they are.
        """
        try:
            return cls(path, await reader.get(path, {**params, "page": page, "pageSize": PAGE_SIZE}))
        except UnexpectedAnswer as error:
            if not lenient or error.answer is None:
                raise
            return cls(path, error.answer)

    @property
    def has_ids(self) -> bool:
        """Whether every entry has an ID; assignments have none."""
        return all(isinstance(item.get("ID"), str) for item in self.items)


async def _rest(reader: Reader, path: str, params: Params, pages: int) -> list[Page]:
    """Read the pages after the first, as far as there are any: how many are announced makes no requests."""
    if pages > MOST_PAGES:
        raise UnexpectedAnswer(
            f"GET {path}: the list says it has {pages:,} pages, and {MOST_PAGES:,} is the most that one can have",
            request=f"GET {path}",
            next_step="Ask for less at once, e.g. with a filter.",
        )
    found: list[Page] = []
    for start in range(2, pages + 1, _AHEAD):
        numbers = range(start, min(start + _AHEAD, pages + 1))
        found += await together(Page.read(reader, path, params, number) for number in numbers)
        if not found[-1].items:
            break
    return found


async def _walk(reader: Reader, path: str, params: Params, bound: WalkBound) -> list[Wire]:
    """Read the first pages side by side and the rest from ID to ID; `params` sort by ID."""
    pages = await together(Page.read(reader, path, params, page) for page in range(1, LAST_PAGE + 1))
    bound.take(sum(len(page.items) for page in pages))
    while pages[-1].items:
        last = str(pages[-1].items[-1].get("ID"))
        page = await Page.read(reader, path, {**params, "ID": f">{last}"})
        names = [str(item.get("ID")) for item in page.items]
        if last in names or not page.has_ids or not ascend([last, *names]):
            raise UnexpectedAnswer(
                f"GET {path}: the list does not move on past the ID it was asked to start after",
                request=f"GET {path}",
                next_step="Ask for less at once, e.g. with a filter.",
            )
        bound.take(len(names), goes_on=page.total > len(names) > 0)
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
    found: dict[str | int, Wire] = {}
    for page in pages:
        for item in page.items:
            name = item.get("ID")
            found.setdefault(name if isinstance(name, str) and name else len(found), item)
    return list(found.values())
