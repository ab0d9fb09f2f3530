"""Users that a walk has to yield after others: on disk, with 36 bytes of each in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from reconciler.sync.customers.model import PARENT, Parent
from reconciler.sync.customers.spool import Marks, Numbers, Spool

_ABOVE = "(above)"
_UNKNOWN, _IN_CYCLE = -1, -2


class Late:
    """Users that have a parent, or share an email with a user that was made earlier.

    Args:
        spool: takes them.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places = array("Q")
        self._numbers = Numbers()
        # How many that are late too are above each, once all are there.
        self._depths = array("i")
        self._parents = Marks()
        # Few share an email: when they were made, and their keys, by number.
        self._made: dict[int, tuple[str, str]] = {}

    def add(self, record: dict[str, Any], key: str, parent: str | None, made: str) -> None:
        """Take in a user.

        Args:
            record: the user with all that belongs to it.
            key: of it.
            parent: the customer above it; None: there is none.
            made: when it was made, where it shares an email with others; else empty.
        """
        if made:
            self._made[len(self._places)] = made, key
        if parent is not None:
            self._parents.add(parent)
        self._places.append(self._spool.put({**record, _ABOVE: parent}))
        self._numbers.add(key, parent)

    def in_order(self, keys: Marks) -> Iterator[dict[str, Any]]:
        """Yield them: parents before children, and who shares an email last, earlier ones before later ones.

        Args:
            keys: of all users, where some may be above others.
        """
        self._find_depths()
        shared = sorted(self._made, key=lambda number: (max(self._depths[number], 0), self._made[number]))
        for number in self._by_depth():
            if number not in self._made:
                yield self._record(number, keys)
        for number in shared:
            yield self._record(number, keys)

    def _record(self, number: int, keys: Marks) -> dict[str, Any]:
        record: dict[str, Any] = self._spool.get(self._places[number])
        if (parent := record.pop(_ABOVE)) is not None:
            in_cycle = self._depths[number] == _IN_CYCLE
            record[PARENT] = Parent(parent, parent in keys, in_cycle, self._parents.count(parent))
        return record

    def _find_depths(self) -> None:
        """Find out how many are above each."""
        self._depths = array("i", [_UNKNOWN]) * len(self._places)
        for number in range(len(self._places)):
            path: list[int] = []
            steps: dict[int, int] = {}
            at: int | None = number
            while at is not None and self._depths[at] == _UNKNOWN and at not in steps:
                steps[at] = len(path)
                path.append(at)
                at = self._numbers.above(at)
            if at in steps:
                for each in path[steps[at] :]:
                    self._depths[each] = _IN_CYCLE
                del path[steps[at] :]
            depth = -1 if at is None else max(self._depths[at], 0)
            for each in reversed(path):
                depth += 1
                self._depths[each] = depth

    def _by_depth(self) -> array[int]:
        """Return the numbers by depth, in the order in which they came: sorted without an object of each."""
        starts = array("I", [0]) * (max(0, max(self._depths, default=0)) + 2)
        for depth in self._depths:
            starts[max(depth, 0) + 1] += 1
        for depth in range(1, len(starts)):
            starts[depth] += starts[depth - 1]
        found = array("I", [0]) * len(self._depths)
        for number, depth in enumerate(self._depths):
            found[starts[max(depth, 0)]] = number
            starts[max(depth, 0)] += 1
        return found
