"""Reading SparkLayer's objects and whole lists: most come in one array, price lists in pages. Knows no HTTP library."""

from __future__ import annotations

import asyncio

from reconciler.errors import NotFound, UnexpectedAnswer
from reconciler.kind.connection import Json, Params, Reader, Wire

PRICE_LISTS = "api/v2/price-lists"
PAGE_SIZE = 250


async def whole_list(reader: Reader, path: str) -> list[Wire]:
    """Return a list that comes in one array.

    Raises:
        UnexpectedAnswer: the answer is no list of objects: it must not look like an empty one.
    """
    return objects(await reader.get(path), path)


async def one_object(reader: Reader, path: str) -> Wire | None:
    """Return an object, or None where the API says that there is none.

    Raises:
        UnexpectedAnswer: the answer is no object.
    """
    try:
        answer = await reader.get(path)
    except NotFound:
        return None
    if not isinstance(answer, dict):
        raise _unexpected(path, "is not an object")
    return answer


async def all_price_lists(reader: Reader) -> list[Wire]:
    """Return every price list, each slug once: page 1 says how many pages there are, the others are read at once.

    Raises:
        UnexpectedAnswer: an answer is no page, or lists are missing although nothing failed.
    """
    first, pages, _ = await _page(reader, 1)
    rest = await asyncio.gather(*(_page(reader, number) for number in range(2, pages + 1)))
    found = {str(item.get("slug")): item for items in (first, *(page[0] for page in rest)) for item in items}
    _, _, total = rest[-1] if rest else (first, pages, len(first))
    if len(found) < total:
        raise _unexpected(
            PRICE_LISTS, f"says it holds {total} entries and gave {len(found)}", "Run it again: it changed meanwhile."
        )
    return list(found.values())


async def _page(reader: Reader, number: int) -> tuple[list[Wire], int, int]:
    """Return the entries of a page, how many pages there are, and how many entries."""
    params: Params = {"page": number, "page_size": PAGE_SIZE, "order_by": "name:asc"}
    body = await reader.get(PRICE_LISTS, params)
    about = body.get("pagination") if isinstance(body, dict) else None
    pages = about.get("total_pages") if isinstance(about, dict) else None
    total = about.get("total") if isinstance(about, dict) else None
    if not isinstance(pages, int) or not isinstance(total, int):
        raise _unexpected(PRICE_LISTS, "is not a page with data and pagination")
    return objects(body.get("data"), PRICE_LISTS), pages, total


def objects(answer: Json, path: str) -> list[Wire]:
    """Return an answer that has to be a list of objects.

    Raises:
        UnexpectedAnswer: it is not.
    """
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise _unexpected(path, "is not a list of objects")
    return answer


def _unexpected(path: str, what: str, step: str | None = None) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"GET {path}: the answer {what}",
        request=f"GET {path}",
        next_step=step or "Check stage or url, and that no proxy or gateway answers in the API's place.",
    )
