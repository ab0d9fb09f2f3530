"""SparkLayer's objects and whole lists: most come in one array, price lists in pages. Knows no HTTP library."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import aclosing
from urllib.parse import quote

from msgspec import Struct

from reconciler.errors import NotFound, UnexpectedAnswer
from reconciler.kind.connection import Json, Params, Reader, Wire

PRICE_LISTS = "api/v2/price-lists"
PAGE_SIZE = 250
# documented: what the older list of all price lists ends at; the limit that is published for a site is lower.
_MOST_LISTS = 25_000
_MOST_PAGES = _MOST_LISTS // PAGE_SIZE
_AHEAD = 8


async def whole(read: Awaitable[Json]) -> Json:
    """Return an answer on records, with a question mark in place of every half character.

    One text of one record, cut through an emoji perhaps, keeps nobody from reading the others: it differs from what we
    write, and is written again.

    Raises:
        UnexpectedAnswer: it is no JSON for another reason.
    """
    try:
        return await read
    except UnexpectedAnswer as error:
        if error.answer is None:
            raise
        found: Json = json.loads(json.dumps(error.answer, ensure_ascii=False).encode("utf-8", "replace"))
        return found


async def whole_list(reader: Reader, path: str, *, lenient: bool = False) -> list[Wire]:
    """Return a list that comes in one array; lenient: see `whole`.

    Raises:
        UnexpectedAnswer: the answer is no list of objects: it must not look like an empty one.
    """
    return objects(await (whole(reader.get(path)) if lenient else reader.get(path)), path)


async def one_object(reader: Reader, path: str, *, lenient: bool = False) -> Wire | None:
    """Return an object, or None where the API says that there is none; lenient: see `whole`.

    Raises:
        UnexpectedAnswer: the answer is no object.
    """
    try:
        answer = await (whole(reader.get(path)) if lenient else reader.get(path))
    except NotFound:
        return None
    if not isinstance(answer, dict):
        raise _unexpected(path, "is not an object")
    return answer


async def all_price_lists(reader: Reader) -> list[Wire]:
    """Return every price list, each slug once: page 1 says how many pages there are, the others are read a few at once.

    Raises:
        UnexpectedAnswer: an answer is no page, lists are missing although nothing failed, or there are too many.
    """
    found: dict[str, Wire] = {}
    total = 0
    async with aclosing(_pages(reader)) as pages:
        async for page in pages:
            found.update((str(item.get("slug")), item) for item in page.entries)
            total = page.total
    if len(found) < total:
        raise _unexpected(
            PRICE_LISTS, f"says it holds {total} entries and gave {len(found)}", "Run it again: it changed meanwhile."
        )
    return list(found.values())


async def price_list_slugs(reader: Reader) -> frozenset[str]:
    """Return the slugs of the price lists; some may be missing where lists are made or deleted meanwhile.

    Raises:
        UnexpectedAnswer: an answer is no page, or there are too many.
    """
    async with aclosing(_pages(reader)) as pages:
        return frozenset([str(item.get("slug")) async for page in pages for item in page.entries])


async def count_price_lists(reader: Reader) -> int:
    """Return how many price lists there are.

    Raises:
        UnexpectedAnswer: the answer does not say so.
    """
    return (await _page(reader, 1, 1)).total


class _Page(Struct, frozen=True):
    """The entries of a page, how many pages there are, and how many entries."""

    entries: list[Wire]
    pages: int
    total: int


async def _pages(reader: Reader) -> AsyncGenerator[_Page, None]:
    first = await _page(reader, 1)
    if first.pages > _MOST_PAGES:
        most = f"price lists end at {_MOST_LISTS:,}, which are {_MOST_PAGES} pages"
        raise _unexpected(PRICE_LISTS, f"says it has {first.pages:,} pages, and {most}")
    yield first
    for start in range(2, first.pages + 1, _AHEAD):
        pages = await _at_once(reader, range(start, min(start + _AHEAD, first.pages + 1)))
        for page in pages:
            yield page
        if not pages[-1].entries:
            break


async def _page(reader: Reader, number: int, size: int = PAGE_SIZE) -> _Page:
    params: Params = {"page": number, "page_size": size, "order_by": "name:asc"}
    body = await reader.get(PRICE_LISTS, params)
    about = body.get("pagination") if isinstance(body, dict) else None
    pages = count_of(about.get("total_pages")) if isinstance(about, dict) else None
    total = count_of(about.get("total")) if isinstance(about, dict) else None
    if pages is None or total is None:
        raise _unexpected(PRICE_LISTS, "is not a page with data and pagination")
    entries = objects(body.get("data"), PRICE_LISTS)
    if len(entries) > PAGE_SIZE:
        raise _unexpected(PRICE_LISTS, "is a page of more entries than were asked for")
    return _Page(entries, pages, total)


async def _at_once(reader: Reader, numbers: Iterable[int]) -> list[_Page]:
    """Read pages at once; the first that fails ends the others."""
    import asyncio  # kinds import this module, and validating them needs no event loop

    tasks = [asyncio.create_task(_page(reader, number)) for number in numbers]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def count_of(value: Json) -> int | None:
    """Return a value that counts something, or None where it does not: a boolean, a negative, no whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def path_segment(text: str) -> str:
    """Return an ID as a part of a path: escaped, whatever it holds."""
    return quote(text, safe="", errors="backslashreplace")


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
