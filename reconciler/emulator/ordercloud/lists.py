"""Lists: paging with its Meta, search, filters and sorting, as the fact sheet has them (§5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache, partial
from typing import Any

from reconciler.emulator.ordercloud.errors import refuse
from reconciler.emulator.wire import Answer, Request, json_answer

JsonObject = dict[str, Any]
Predicate = Callable[[Any], bool]
_OPTIONS = {
    name.lower(): name for name in ("search", "searchOn", "searchType", "sortBy", "page", "pageSize", "pageKey")
}


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list can be asked for.

    Args:
        members: names that filters may begin with; `xp` allows any path below it.
        searchable: names for `searchOn`, all of them searched where it is left out.
        sortable: names for `sortBy`.
    """

    members: Collection[str]
    searchable: Sequence[str] = ("ID", "Name")
    sortable: Collection[str] = ("ID", "Name")


def list_answer(items: Iterable[JsonObject], listing: Listing, request: Request) -> Answer:
    """Return one page of the items that the request asks for, sorted by ID unless it says otherwise.

    Raises:
        Refusal: an option that does not exist or cannot be so.
    """
    options: dict[str, str] = {}
    filters: list[tuple[str, str]] = []
    for name, value in request.params:
        option = _OPTIONS.get(name.lower())
        if option is None:
            filters.append((name, value))
        else:
            options[option] = value
    found: Iterable[JsonObject] = items
    for name, value in filters:
        found = _filtered(found, name, value, listing)
    if options.get("search"):
        found = _searched(found, options["search"], options.get("searchOn", ""), listing)
    return page_answer(_sorted(found, options.get("sortBy", ""), listing), options)


def page_answer(items: Sequence[JsonObject], options: dict[str, str]) -> Answer:
    """Return the page of `items` that `page` and `pageSize` name, with its Meta."""
    page = _number(options.get("page", "1"), "List.InvalidType", "page has to be 1 or more.", 1, 2**31)
    size = _number(options.get("pageSize", "20"), "List.InvalidPageSize", "pageSize has to be 1 to 100.", 1, 100)
    start = (page - 1) * size
    shown = items[start : start + size]
    meta = {
        "Page": page,
        "PageSize": size,
        "TotalCount": len(items),
        "TotalPages": -(-len(items) // size),
        # documented: 1-based, and [1, 0] for an empty list.
        "ItemRange": [start + 1, start + len(shown)],
        "NextPageKey": None,
    }
    return json_answer({"Meta": meta, "Items": shown})


def _number(text: str, code: str, message: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not least <= int(text) <= most:
        raise refuse(400, code, message)
    return int(text)


def _filtered(items: Iterable[JsonObject], path: str, expression: str, listing: Listing) -> Iterator[JsonObject]:
    names = path.split(".")
    known = {name.lower(): name for name in listing.members}
    if names[0].lower() not in known:
        raise refuse(400, "List.InvalidProperty", f"{path} cannot be filtered by.", {"Property": path})
    names[0] = known[names[0].lower()]
    test = _expression(expression)
    return (item for item in items if test(_values(item, names)))


def _values(value: Any, names: Sequence[str]) -> list[Any]:
    """Everything that a dotted path leads to; lists on the way are looked through."""
    for index, name in enumerate(names):
        if isinstance(value, list):
            return [found for item in value for found in _values(item, names[index:])]
        if not isinstance(value, dict):
            return []
        value = value[name] if name in value else _ignoring_case(value, name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _ignoring_case(value: JsonObject, name: str) -> Any:
    return next((held for key, held in value.items() if key.lower() == name.lower()), None)


@lru_cache(maxsize=256)
def _expression(text: str) -> Callable[[list[Any]], bool]:
    """Compile a filter: `a|b` or, `!a` not, `>a` `<a`, `!<a` at least, `!*` no value, `*` any characters."""
    tests = [_single(part) for part in text.split("|")]
    return lambda values: any(test(values) for test in tests)


def _single(text: str) -> Callable[[list[Any]], bool]:
    if text == "!*":
        return lambda values: not values
    negated = text.startswith("!")
    test = _value_test(text.removeprefix("!"))
    if negated:
        return lambda values: bool(values) and not any(test(value) for value in values)
    return lambda values: any(test(value) for value in values)


def _value_test(text: str) -> Predicate:
    if text[:1] in (">", "<"):
        greater, limit = text[0] == ">", text[1:]
        return lambda value: _compare(value, limit) == (1 if greater else -1)
    if "*" in text:
        # Only * is special here; fnmatch knows ? and [ as well.
        pattern = re.compile(translate(text.replace("[", "[[]").replace("?", "[?]")), re.IGNORECASE)
        return lambda value: pattern.match(_text(value)) is not None
    wanted = text.lower()
    return lambda value: _text(value).lower() == wanted or _compare(value, text) == 0


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _compare(value: Any, limit: str) -> int | None:
    """-1, 0 or 1; numbers as numbers, everything else as text without regard to case; None: cannot be compared."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(limit)
        except ValueError:
            return None
        return (value > number) - (value < number)
    left, right = _text(value).lower(), limit.lower()
    return (left > right) - (left < right)


def _searched(items: Iterable[JsonObject], search: str, search_on: str, listing: Listing) -> Iterator[JsonObject]:
    known = {name.lower(): name for name in listing.searchable}
    asked = [name.strip() for name in search_on.split(",") if name.strip()] or list(listing.searchable)
    for name in asked:
        if name.lower() not in known:
            raise refuse(400, "List.InvalidSearchProperty", f"{name} cannot be searched.", {"Property": name})
    paths = [known[name.lower()].split(".") for name in asked]
    wanted = search.lower()
    return (
        item for item in items if any(wanted in _text(value).lower() for path in paths for value in _values(item, path))
    )


def _sorted(items: Iterable[JsonObject], sort_by: str, listing: Listing) -> list[JsonObject]:
    known = {name.lower(): name for name in listing.sortable}
    result = sorted(items, key=lambda item: _text(item.get("ID", "")).lower())
    # Stable sorts from the last key to the first.
    for part in reversed([part.strip() for part in sort_by.split(",") if part.strip()]):
        name = known.get(part.removeprefix("!").lower())
        if name is None:
            raise refuse(400, "List.InvalidSortProperty", f"{part} cannot be sorted by.", {"Property": part})
        path = name.split(".")
        result.sort(key=partial(_sort_key, path), reverse=part.startswith("!"))
    return result


def _sort_key(path: Sequence[str], item: JsonObject) -> tuple[int, float, str]:
    """Nothing first, then numbers, then text."""
    values = _values(item, path)
    if not values:
        return (0, 0, "")
    value = values[0]
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (2, 0, str(value).lower())
