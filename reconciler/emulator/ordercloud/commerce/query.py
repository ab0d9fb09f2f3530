"""Queries of a list: by ID from the sorted index; all else is worked out once and kept.

The next write to the table drops what is kept, so a walk over a filtered list scans the rows once, not per page.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from reconciler.emulator.ordercloud.commerce.resource import Entry, Preset
from reconciler.emulator.ordercloud.commerce.search import searcher
from reconciler.emulator.ordercloud.commerce.table import KEPT_RESULTS, fold
from reconciler.emulator.ordercloud.errors import refuse
from reconciler.emulator.ordercloud.filters import expression, sort_key, text_of, values_at
from reconciler.emulator.ordercloud.lists import Listing, page_meta, read_page
from reconciler.emulator.ordercloud.models import JsonObject

# documented: the cap and the codes; inferred: what it stops, see the switch large_lists.
RESULT_CAP = 100_000
FoundT = TypeVar("FoundT")
Filters = Sequence[tuple[str, str]]


class Source(Protocol):
    """Rows in order of ID."""

    results: dict[Hashable, Any] | None

    def ordered(self) -> Sequence[Entry]:
        """Return all entries in order of ID."""

    def load(self, entry: Entry) -> JsonObject:
        """Return the row of an entry."""


class Listed(Struct, frozen=True, dict=True):
    """List: its source of rows, and how it is read.

    Args:
        source: the rows.
        listing: what can be asked for.
        show: returns the object of an entry as reads show it.
        id_of: returns the ID of an entry.
        searched: the list comes from a search index.
        has_id: its objects have an ID to filter and sort by.
        numbers: IDs that look like numbers sort as numbers (in searched lists).
    """

    source: Source
    listing: Listing
    show: Callable[[Entry], JsonObject]
    id_of: Callable[[Entry], str] = str
    searched: bool = False
    has_id: bool = True
    numbers: bool = True


class Selection:
    """Selection of a request from a list, in its order.

    Args:
        listed: the list.
        options: the request's options.
        filters: the request's filters.
        presets: further conditions.

    Raises:
        Refusal: an option or a filter that there is not, or that cannot be so.
    """

    def __init__(
        self, listed: Listed, options: Mapping[str, str], filters: Filters, presets: Sequence[Preset] = ()
    ) -> None:
        self._listed = listed
        listing = listed.listing
        paths = [(listing.filter_path(name), text) for name, text in filters]
        id_filters = [text for path, text in paths if path == ["ID"] and listed.has_id]
        conditions = [(path, text) for path, text in paths if path != ["ID"] or not listed.has_id]
        search, search_on, kind = (options.get(name, "") for name in ("search", "searchOn", "searchType"))
        matches = searcher(search, listing.search_paths(search_on), kind, listed.searched)
        sort = listing.sort_paths(options.get("sortBy", ""))
        asked = (tuple((".".join(path), text) for path, text in conditions), search, search_on, kind)
        preset_keys = tuple(preset.key for preset in presets)
        self.key: Hashable = (asked, tuple(id_filters), options.get("sortBy", ""), preset_keys)

        def matching() -> Sequence[Entry]:
            tests = [(path, expression(text)) for path, text in conditions]
            return [entry for entry in self._preset(presets) if self._fits(entry, tests, matches)]

        found = listed.source.ordered()
        if conditions or search or presets:
            found = self._kept(("matching", asked, preset_keys), matching)
        # A window on what was found: cutting pieces out of 300,000 entries would cost more than all else.
        self._found, self._start, self._end = found, 0, len(found)
        for text in id_filters:
            self._narrow(text)
        if (sort and sort != [(["ID"], False)]) or self._numbers_out_of_order():
            self._choose(self._kept(("sorted", self.key), partial(self._sorted, sort)))

    def __len__(self) -> int:
        return self._end - self._start

    def entries(self, start: int, size: int) -> Sequence[Entry]:
        """Return entries from a position on."""
        return self._found[self._start + start : min(self._start + start + size, self._end)]

    def kept(self, name: str, make: Callable[[], FoundT]) -> FoundT:
        """Return the result of `make` for this selection, made once until the next write."""
        return self._kept((name, self.key), make)

    def objects(self, start: int, size: int) -> list[JsonObject]:
        """Return objects from a position on."""
        return [self._listed.show(entry) for entry in self.entries(start, size)]

    def facets(self, facets: Sequence[JsonObject]) -> list[JsonObject]:
        """Count the values of each facet in the selected objects, the most frequent first."""
        counts: list[Counter[str]] = [Counter() for _ in facets]
        paths = [["xp", *(facet.get("XpPath") or facet["ID"]).split(".")] for facet in facets]
        for entry in self.entries(0, len(self)):
            row = self._listed.source.load(entry)
            for count, path in zip(counts, paths, strict=True):
                count.update({text_of(value) for value in values_at(row, path)})
        return [
            {
                "Name": facet["Name"],
                "XpPath": ".".join(path[1:]),
                "Values": [
                    {"Value": value, "Count": number}
                    for value, number in count.most_common()
                    if number >= facet.get("MinCount", 1)
                ],
                "xp": facet.get("xp"),
            }
            for facet, path, count in zip(facets, paths, counts, strict=True)
        ]

    def _kept(self, key: Hashable, make: Callable[[], FoundT]) -> FoundT:
        source = self._listed.source
        results = source.results
        if results is None:
            results = {}
            # An empty list is shared by all that are empty.
            if source.ordered():
                source.results = results
        if key not in results:
            while len(results) >= KEPT_RESULTS:
                del results[next(iter(results))]
            results[key] = make()
        found: FoundT = results[key]
        return found

    def _preset(self, presets: Sequence[Preset]) -> Sequence[Entry]:
        found = self._listed.source.ordered()
        # Those that do without the row go first.
        for preset in sorted(presets, key=lambda preset: preset.reads_rows):
            test = preset.make()
            load = self._listed.source.load if preset.reads_rows else _no_row
            found = [entry for entry in found if test(entry, load(entry))]
        return found

    def _fits(
        self,
        entry: Entry,
        tests: Sequence[tuple[list[str], Callable[[list[Any]], bool]]],
        matches: Callable[[JsonObject], bool] | None,
    ) -> bool:
        if not tests and matches is None:
            return True
        shown = self._listed.show(entry)
        return all(test(values_at(shown, path)) for path, test in tests) and (matches is None or matches(shown))

    def _choose(self, chosen: Sequence[Entry]) -> None:
        self._found, self._start, self._end = chosen, 0, len(chosen)

    def _order(self, entry: Entry) -> tuple[str, str]:
        return fold(self._listed.id_of(entry))

    def _position(self, cut: Callable[..., int], text: str) -> int:
        return cut(self._found, fold(text), self._start, self._end, key=self._order)

    def _narrow(self, text: str) -> None:
        """Narrow entries, which are in order of ID, by a filter on the ID."""
        parts = text.split("|")
        if len(parts) == 1 and text[:1] == ">":
            self._start = self._position(bisect_right, text[1:])
        elif len(parts) == 1 and text[:1] == "<":
            self._end = self._position(bisect_left, text[1:])
        elif len(parts) == 1 and text[:2] == "!<":
            self._start = self._position(bisect_left, text[2:])
        elif len(parts) == 1 and text[:2] == "!>":
            self._end = self._position(bisect_right, text[2:])
        elif any(part[:1] in ("!", "<", ">") or "*" in part for part in parts):
            test = expression(text)
            self._choose([entry for entry in self.entries(0, len(self)) if test([self._listed.id_of(entry)])])
        else:
            self._choose(
                [entry for wanted in sorted({part.lower() for part in parts}) for entry in self._named(wanted)]
            )

    def _named(self, wanted: str) -> Iterator[Entry]:
        """Return the entries of an ID, whatever its case."""
        position = bisect_left(self._found, (wanted, ""), self._start, self._end, key=self._order)
        while position < self._end and self._order(self._found[position])[0] == wanted:
            yield self._found[position]
            position += 1

    def _numbers_out_of_order(self) -> bool:
        """Return whether some IDs look like numbers and differ in length, in a list that sorts those by number."""
        if not (self._listed.searched and self._listed.numbers):
            return False

        def mixed() -> bool:
            entries = self._listed.source.ordered()
            return len({len(name) for name in map(self._listed.id_of, entries) if name.isdigit()}) > 1

        return self._kept("numbers", mixed)

    def _sorted(self, sort: Sequence[tuple[list[str], bool]]) -> Sequence[Entry]:
        numbers = self._numbers_out_of_order()

        def by_id(entry: Entry) -> Any:
            name = self._listed.id_of(entry)
            return _as_number(name) if numbers else fold(name)

        found = self.entries(0, len(self))
        ordered = sorted(found, key=by_id) if numbers else list(found)
        # Stable sorts from the last key to the first.
        for path, descending in reversed(sort):
            if path == ["ID"] and self._listed.has_id:
                ordered.sort(key=by_id, reverse=descending)
            else:
                ordered.sort(key=partial(self._member, path), reverse=descending)
        return ordered

    def _member(self, path: list[str], entry: Entry) -> tuple[int, float, str]:
        return sort_key(path, self._listed.show(entry))


def _no_row(_entry: Entry) -> JsonObject:
    return {}


def _as_number(text: str) -> tuple[int, int, tuple[str, str]]:
    """documented: IDs that look numeric sort by number type in searched lists. inferred: before all others."""
    return (0, int(text), fold(text)) if text.isascii() and text.isdigit() else (1, 0, fold(text))


def page_of(selection: Selection, options: Mapping[str, str], *, searched: bool, capped: bool) -> JsonObject:
    """Answer with the page of a selection that `page` and `pageSize` name, and its Meta.

    Args:
        selection: what was selected.
        options: the request's options.
        searched: the list comes from a search index; its refusals have codes of their own.
        capped: TotalCount never says more than the cap.

    Raises:
        Refusal: the page cannot be so, or lies beyond the cap.
    """
    page, size = read_page(options)
    start = (page - 1) * size
    total = len(selection)
    if start + size > RESULT_CAP and total > RESULT_CAP:
        code = "Search.ResultSetTooLarge" if searched else "List.ResultSetTooLarge"
        raise refuse(400, code, f"Only the first {RESULT_CAP} items can be paged to; filter by ID to get further.")
    items = selection.objects(start, size)
    return {"Meta": page_meta(page, size, min(total, RESULT_CAP) if capped else total, len(items)), "Items": items}
