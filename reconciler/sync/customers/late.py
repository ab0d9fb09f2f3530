"""Users that a walk has to yield after others: on disk, with 40 bytes of each in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from reconciler.sync.customers.model import PARENT, Parent
from reconciler.sync.customers.spool import Groups, Marks, Numbers, Spool

_ABOVE, _RANK = "(above)", "(rank)"
_ALONE = -1
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
        # The number of the email that each shares with others.
        self._emails = array("i")

    def add(self, record: dict[str, Any], key: str, parent: str | None, shared: tuple[int, str] | None) -> None:
        """Take in a user.

        Args:
            record: the user with all that belongs to it.
            key: of it.
            parent: the customer above it; None: there is none.
            shared: the number of the email that it shares with others, and when it was made; None: it shares none.
        """
        number, made = (_ALONE, "") if shared is None else shared
        self._emails.append(number)
        if parent is not None:
            self._parents.add(parent)
        self._places.append(self._spool.put({**record, _ABOVE: parent, _RANK: [made, key]}))
        self._numbers.add(key, parent)

    def in_order(self, keys: Marks) -> Iterator[dict[str, Any]]:
        """Yield them: parents before children, and last who shares an email, of each email who was made earlier first.

        Args:
            keys: of all users, where some may be above others.
        """
        self._find_depths()
        by_email, emails, depths = Groups(), max(self._emails, default=_ALONE) + 1, set[int]()
        for number in self._by_depth():
            if self._emails[number] == _ALONE:
                yield self._record(number, keys)
            else:
                by_email.add(self._emails[number], number)
                depths.add(self._depth(number))
        for depth in sorted(depths):
            for email in range(emails):
                numbers = [number for number in by_email.of(email) if self._depth(number) == depth]
                for number in sorted(numbers, key=self._rank) if len(numbers) > 1 else numbers:
                    yield self._record(number, keys)

    def _depth(self, number: int) -> int:
        return max(self._depths[number], 0)

    def _rank(self, number: int) -> list[str]:
        found: list[str] = self._spool.get(self._places[number])[_RANK]
        return found

    def _record(self, number: int, keys: Marks) -> dict[str, Any]:
        record: dict[str, Any] = self._spool.get(self._places[number])
        del record[_RANK]
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
