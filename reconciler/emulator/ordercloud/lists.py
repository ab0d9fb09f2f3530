"""Lists: paging with its Meta, search, filters and sorting, as the fact sheet has them (§5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct

from reconciler.emulator.ordercloud.errors import refuse
from reconciler.emulator.ordercloud.filters import JsonObject, expression, sort_key, text_of, values_at
from reconciler.emulator.wire import Answer, Request, json_answer

_OPTIONS = ("search", "searchOn", "searchType", "sortBy", "page", "pageSize", "pageKey")


class Listing(Struct, frozen=True):
    """Query options of one list: what it filters, searches and sorts by.

    Args:
        members: names that filters may begin with; `xp` allows any path below it.
        searchable: names for `searchOn`, all of them searched where it is left out.
        sortable: names for `sortBy`.
        options: query parameters of this list's own, beside those that every list has.
        open: `searchOn` and `sortBy` take any member and any path below xp.
    """

    members: Collection[str]
    searchable: Sequence[str] = ("ID", "Name")
    sortable: Collection[str] = ("ID", "Name")
    options: Collection[str] = ()
    open: bool = False

    def filter_path(self, path: str) -> list[str]:
        """Split a path to filter by into names, the first as the API writes it.

        Raises:
            Refusal: there is no such member.
        """
        found = _path(path, self.members)
        if found is None:
            raise refuse(400, "List.InvalidProperty", f"{path} cannot be filtered by.", {"Property": path})
        return found

    def search_paths(self, search_on: str) -> list[list[str]]:
        """Return the paths to search: those of `searchOn`, or all.

        Raises:
            Refusal: there is no such member, or it cannot be searched.
        """
        asked = [name.strip() for name in search_on.split(",") if name.strip()] or list(self.searchable)
        return [self._known(name, self.searchable, "List.InvalidSearchProperty", "searched") for name in asked]

    def sort_paths(self, sort_by: str) -> list[tuple[list[str], bool]]:
        """Return the paths to sort by and whether each is descending.

        Raises:
            Refusal: there is no such member, or it cannot be sorted by.
        """
        parts = [part.strip() for part in sort_by.split(",") if part.strip()]
        return [
            (
                self._known(part.removeprefix("!"), self.sortable, "List.InvalidSortProperty", "sorted by"),
                part.startswith("!"),
            )
            for part in parts
        ]

    def _known(self, path: str, names: Collection[str], code: str, what: str) -> list[str]:
        known = {name.lower(): name.split(".") for name in names}
        found = known.get(path.lower()) or (_path(path, self.members) if self.open else None)
        if found is None:
            raise refuse(400, code, f"{path} cannot be {what}.", {"Property": path})
        return found


def _path(path: str, members: Collection[str]) -> list[str] | None:
    names = path.split(".")
    first = next((name for name in members if name.lower() == names[0].lower()), None)
    return None if first is None else [first, *names[1:]]


def read_query(request: Request, extra: Collection[str] = ()) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Read the options of a list by name, and its filters in order.

    Args:
        request: holds the query.
        extra: options beside those that every list has.
    """
    known = {name.lower(): name for name in (*_OPTIONS, *extra)}
    options: dict[str, str] = {}
    filters: list[tuple[str, str]] = []
    for name, value in request.params:
        option = known.get(name.lower())
        if option is None:
            filters.append((name, value))
        else:
            options[option] = value
    return options, filters


def list_answer(items: Iterable[JsonObject], listing: Listing, request: Request) -> Answer:
    """Answer a list with one page of the items that a request asks for, sorted by ID unless it says otherwise.

    Raises:
        Refusal: an option that does not exist or cannot be so.
    """
    options, filters = read_query(request)
    found: Iterable[JsonObject] = items
    for name, value in filters:
        found = _filtered(found, listing.filter_path(name), value)
    if options.get("search"):
        found = _searched(found, options["search"], listing.search_paths(options.get("searchOn", "")))
    ordered = sorted(found, key=lambda item: text_of(item.get("ID", "")).lower())
    # Stable sorts from the last key to the first.
    for path, descending in reversed(listing.sort_paths(options.get("sortBy", ""))):
        ordered.sort(key=partial(sort_key, path), reverse=descending)
    return page_answer(ordered, options)


def page_answer(items: Sequence[JsonObject], options: Mapping[str, str]) -> Answer:
    """Answer with the page of `items` that `page` and `pageSize` name, and its Meta."""
    page, size = read_page(options)
    start = (page - 1) * size
    shown = items[start : start + size]
    return json_answer({"Meta": page_meta(page, size, len(items), len(shown)), "Items": shown})


def read_page(options: Mapping[str, str]) -> tuple[int, int]:
    """Read page and page size.

    Raises:
        Refusal: one of them cannot be so.
    """
    page = _number(options.get("page", "1"), "List.InvalidType", "page has to be 1 or more.", 1, 2**31)
    size = _number(options.get("pageSize", "20"), "List.InvalidPageSize", "pageSize has to be 1 to 100.", 1, 100)
    return page, size


def page_meta(page: int, size: int, total: int, shown: int) -> JsonObject:
    """Return the Meta of a page."""
    start = (page - 1) * size
    return {
        "Page": page,
        "PageSize": size,
        "TotalCount": total,
        "TotalPages": -(-total // size),
        # documented: 1-based, and [1, 0] for an empty list.
        "ItemRange": [start + 1, start + shown],
        "NextPageKey": None,
    }


def _number(text: str, code: str, message: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not least <= int(text) <= most:
        raise refuse(400, code, message)
    return int(text)


def _filtered(items: Iterable[JsonObject], names: Sequence[str], text: str) -> Iterator[JsonObject]:
    test = expression(text)
    return (item for item in items if test(values_at(item, names)))


def _searched(items: Iterable[JsonObject], search: str, paths: Sequence[Sequence[str]]) -> Iterator[JsonObject]:
    wanted = search.lower()
    return (
        item
        for item in items
        if any(wanted in text_of(value).lower() for path in paths for value in values_at(item, path))
    )
