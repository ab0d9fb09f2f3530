"""Store of the marketplace's rows: tables by resource and parent, and the search index that may lag behind them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import orjson

from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.commerce.table import EMPTY, JsonObject, Table, fold

Place = tuple[str, Scope]


class SearchIndex:
    """Search index: the tables as they were `lag` seconds ago, for searched lists.

    Without lag it is empty: lists see the tables themselves.

    Args:
        timestamp: tells the time.
    """

    def __init__(self, timestamp: Callable[[], float]) -> None:
        self._timestamp = timestamp
        self._caught_up = 0
        self.clear()

    def clear(self) -> None:
        """Catch up, and have no lag."""
        self._caught_up += 1
        self._lag = 0.0
        self._views: dict[Place, Table] = {}
        self._due: deque[tuple[float, Place, str, bytes | None]] = deque()
        self._waiting: Counter[Place] = Counter()

    @property
    def lag(self) -> float:
        """Return the seconds until a write is seen."""
        return self._lag

    @lag.setter
    def lag(self, seconds: float) -> None:
        """Set the lag. What waits already is seen at once."""
        self.clear()
        self._lag = seconds

    def written(self, place: Place, table: Table, key: str, text: bytes | None) -> None:
        """Note a write (None: a removal) before it is carried out."""
        if not self._lag:
            return
        self._catch_up()
        if place not in self._views:
            self._views[place] = table.copy()
        self._due.append((self._timestamp() + self._lag, place, key, text))
        self._waiting[place] += 1

    def view(self, place: Place, table: Table) -> Table:
        """Return the table as searches see it."""
        if not self._views:
            return table
        self._catch_up()
        return self._views.get(place, table)

    def version(self) -> int:
        """Return a number that changes whenever searches come to see what they did not see before."""
        self._catch_up()
        return self._caught_up

    def _catch_up(self) -> None:
        now = self._timestamp()
        while self._due and self._due[0][0] <= now:
            _, place, key, text = self._due.popleft()
            self._caught_up += 1
            if text is None:
                self._views[place].remove(key)
            else:
                self._views[place].put(key, text)
            self._waiting[place] -= 1
            if not self._waiting[place]:
                del self._waiting[place], self._views[place]


class Store:
    """Store of all rows, by resource and the IDs of their parents.

    Args:
        searched: names of the resources that the search index knows.
        timestamp: tells the time.
    """

    def __init__(self, searched: frozenset[str], timestamp: Callable[[], float]) -> None:
        self._searched = searched
        self.search = SearchIndex(timestamp)
        self.versions: Counter[str] = Counter()
        self.clear()

    def clear(self) -> None:
        """Remove all rows."""
        self._tables: dict[str, dict[Scope, Table]] = {}
        # They never go back: what was worked out under one of before must not be taken for what comes now.
        self.versions.update(dict.fromkeys(self.versions, 1))
        self._across: dict[str, tuple[int, Across]] = {}
        self.search.clear()

    def table(self, name: str, scope: Scope = ()) -> Table:
        """Return the table of a resource within a parent. Not to be written to."""
        return self._tables.get(name, {}).get(scope, EMPTY)

    def seen(self, name: str, scope: Scope = ()) -> Table:
        """Return the table as the search index sees it."""
        return self.search.view((name, scope), self.table(name, scope))

    def scopes(self, name: str) -> Sequence[Scope]:
        """Return all parents that have, or had, such rows."""
        return list(self._tables.get(name, ()))

    def row(self, name: str, scope: Scope, key: str) -> JsonObject | None:
        """Return a row, or None."""
        text = self.table(name, scope).get(key)
        if text is None:
            return None
        row: JsonObject = orjson.loads(text)
        return row

    def rows(self, name: str, scope: Scope = ()) -> Iterator[JsonObject]:
        """Yield the rows within a parent, in the order of their keys."""
        table = self.table(name, scope)
        return (table.load(key) for key in list(table.ordered()))

    def put(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Add or replace a row. Members without a value are left out."""
        # orjson hands out buffers of 1 KiB and more; a copy is as long as the text.
        text = bytes(memoryview(orjson.dumps({member: value for member, value in row.items() if value is not None})))
        table = self._tables.setdefault(name, {}).setdefault(scope, Table())
        if name in self._searched:
            self.search.written((name, scope), table, key, text)
        table.put(key, text)
        self.versions[name] += 1

    def drop(self, name: str, scope: Scope, key: str) -> None:
        """Remove a row; with the last one the table goes."""
        table = self.table(name, scope)
        if key not in table:
            return
        if name in self._searched:
            self.search.written((name, scope), table, key, None)
        table.remove(key)
        if not table:
            del self._tables[name][scope]
        self.versions[name] += 1

    def move(self, name: str, old: Scope, new: Scope) -> None:
        """Move the rows of one parent to another."""
        tables = self._tables.get(name, {})
        if old in tables:
            tables[new] = tables.pop(old)
            self.versions[name] += 1

    def holding(self, name: str, scope: Scope, member: str, value: str) -> list[tuple[str, JsonObject]]:
        """Return keys and rows within a parent whose `member` is the ID `value`."""
        wanted = f'"{member}":"{value}"'.encode()
        table = self.table(name, scope)
        found = [(key, orjson.loads(text)) for key, text in table.texts() if wanted in text]
        return [(key, row) for key, row in found if row.get(member) == value]

    def across(self, name: str) -> Across:
        """Return the rows of all parents as one list, as the search index sees them."""
        version = self.versions[name]
        kept = self._across.get(name)
        if kept is not None and kept[0] == version and not self.search.lag:
            return kept[1]
        tables = {scope: self.seen(name, scope) for scope in self.scopes(name)}
        found = Across(tables)
        self._across[name] = (version, found)
        return found

    def dump(self) -> dict[str, dict[str, list[orjson.Fragment]]]:
        """Return all rows by resource and parents (IDs joined with a slash)."""
        return {
            name: {
                "/".join(scope): [orjson.Fragment(text) for _, text in sorted(table.texts())]
                for scope, table in sorted(tables.items())
            }
            for name, tables in sorted(self._tables.items())
            if tables
        }


class Across:
    """Rows of one resource whatever their parents; an entry is an ID and the parents."""

    def __init__(self, tables: dict[Scope, Table]) -> None:
        self._tables = tables
        entries = [(key, scope) for scope, table in tables.items() for key in table]
        self._order = sorted(entries, key=lambda entry: (fold(entry[0]), entry[1]))
        self.results: dict[Hashable, Any] | None = None

    id_of = staticmethod(itemgetter(0))

    def ordered(self) -> Sequence[tuple[str, Scope]]:
        """Return the entries in order of ID."""
        return self._order

    def load(self, entry: tuple[str, Scope]) -> JsonObject:
        """Return the row of an entry."""
        return self._tables[entry[1]].load(entry[0])
