"""Spool of records on disk: a walk that has to see all users before it can put them in order holds none in memory."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

import orjson

_IN_MEMORY = 1024 * 1024
_MASK = (1 << 64) - 1
_BUCKETS = 256
# No text has it, or so unlikely that nobody will see it.
_NONE = 0


class Spool:
    """Records in a file of its own, which goes with it."""

    def __init__(self) -> None:
        # A small marketplace needs no disk.
        self._file = SpooledTemporaryFile(_IN_MEMORY, "w+b")  # noqa: SIM115 (closed with the spool)
        self._end = 0

    def __enter__(self) -> Spool:
        """Open it: the file is there already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the file."""
        self._file.close()

    def put(self, record: Any) -> int:
        """Take a record of JSON data, and return where it is."""
        try:
            line = orjson.dumps(record)
        except TypeError:
            # Half a character in a text, or a number of very many digits.
            line = json.dumps(record).encode()
        place = self._end
        self._file.seek(place)
        self._end = place + self._file.write(line + b"\n")
        return place

    def get(self, place: int) -> Any:
        """Return the record at a place."""
        self._file.seek(place)
        return json.loads(self._file.readline())

    def __iter__(self) -> Iterator[Any]:
        """Yield every record in the order in which they came."""
        return (record for _, record in self.placed())

    def placed(self) -> Iterator[tuple[int, Any]]:
        """Yield where each record is, and the record, in the order in which they came; others may be read meanwhile."""
        place = 0
        while place < self._end:
            self._file.seek(place)
            line = self._file.readline()
            yield place, json.loads(line)
            place += len(line)


class Filed:
    """Records by ID in a spool: in memory are 20 bytes of each, and the record that was asked for last.

    All are put before the first is asked for.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places = array("Q")
        self._marks = array("Q")
        # Numbers of the records by mark, once all are there.
        self._numbers = array("I")
        self._last: tuple[str | None, tuple[int, Any] | None] = (None, None)

    def put(self, record: Any) -> None:
        """Take a record with an `ID`."""
        self._places.append(self._spool.put(record))
        self._marks.append(_mark(str(record["ID"])))

    def get(self, name: str) -> tuple[int, Any] | None:
        """Return the number and the record of an ID; None: there is none."""
        if name != self._last[0]:
            self._last = name, self._found(name)
        return self._last[1]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        """Yield the IDs by number."""
        for place in self._places:
            yield str(self._spool.get(place)["ID"])

    def _found(self, name: str) -> tuple[int, Any] | None:
        if len(self._numbers) < len(self._places):
            self._numbers = array("I", sorted(range(len(self._places)), key=self._marks.__getitem__))
        mark = _mark(name)
        at = bisect_left(self._numbers, mark, key=self._marks.__getitem__)
        # Two IDs with one mark are next to each other.
        while at < len(self._numbers) and self._marks[number := self._numbers[at]] == mark:
            record = self._spool.get(self._places[number])
            if str(record["ID"]) == name:
                return number, record
            at += 1
        return None


class Groups:
    """Places of records in a spool by the group that each belongs to: 16 bytes a record, 8 a group."""

    def __init__(self) -> None:
        self._places = array("Q")
        # Of each record the one before it in its group, and of each group the last one; -1: there is none.
        self._before = array("q")
        self._last = array("q")

    def add(self, group: int, place: int) -> None:
        """Take in a record of a group, which is a number."""
        self._last.extend([-1] * (group + 1 - len(self._last)))
        self._before.append(self._last[group])
        self._last[group] = len(self._places)
        self._places.append(place)

    def of(self, group: int) -> list[int]:
        """Return where the records of a group are, in the order in which they came."""
        found: list[int] = []
        number = self._last[group] if group < len(self._last) else -1
        while number >= 0:
            found.append(self._places[number])
            number = self._before[number]
        return found[::-1]

    def has(self, group: int) -> bool:
        """Whether a group has any."""
        return group < len(self._last) and self._last[group] >= 0


class Numbers:
    """Numbers of texts in the order in which they came, each with another text above it: 20 bytes of both."""

    def __init__(self) -> None:
        self._marks = array("Q")
        self._above = array("Q")
        # As in `Marks`, to sort a few at a time.
        self._buckets = [array("I") for _ in range(_BUCKETS)]
        self._sorted = True

    def add(self, text: str, above: str | None) -> None:
        """Take in a text; `above` is None where none is above it."""
        mark = _mark(text)
        self._buckets[mark % _BUCKETS].append(len(self._marks))
        self._marks.append(mark)
        self._above.append(_NONE if above is None else _mark(above))
        self._sorted = False

    def above(self, number: int) -> int | None:
        """Return the number of the text above the one with a number; None: there is none, or it was not taken in."""
        if not self._sorted:
            for place, numbers in enumerate(self._buckets):
                self._buckets[place] = array("I", sorted(numbers, key=self._marks.__getitem__))
            self._sorted = True
        mark = self._above[number]
        numbers = self._buckets[mark % _BUCKETS]
        at = bisect_left(numbers, mark, key=self._marks.__getitem__)
        found = at < len(numbers) and self._marks[numbers[at]] == mark
        return numbers[at] if found and mark != _NONE else None


class Marks:
    """Set of texts by eight bytes each: a text is found, or so unlikely another one that nobody will see it."""

    def __init__(self) -> None:
        # Sorting makes an object of each number: of one bucket at a time.
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        self._sorted = True

    def add(self, text: str) -> None:
        """Take in a text."""
        mark = _mark(text)
        self._buckets[mark % _BUCKETS].append(mark)
        self._sorted = False

    def __contains__(self, text: str) -> bool:
        """Whether a text was taken in."""
        self._sort()
        mark = _mark(text)
        marks = self._buckets[mark % _BUCKETS]
        place = bisect_left(marks, mark)
        return place < len(marks) and marks[place] == mark

    def count(self, text: str) -> int:
        """Return how often a text was taken in."""
        self._sort()
        mark = _mark(text)
        marks = self._buckets[mark % _BUCKETS]
        return bisect_right(marks, mark) - bisect_left(marks, mark)

    def repeated(self) -> Repeated:
        """Return those that came more than once."""
        self._sort()
        return Repeated([_twice(marks) for marks in self._buckets])

    def _sort(self) -> None:
        if not self._sorted:
            for place, marks in enumerate(self._buckets):
                self._buckets[place] = array("Q", sorted(marks))
            self._sorted = True


class Repeated:
    """Texts that came more than once, each with a number from 0 on: eight bytes each.

    Args:
        buckets: their marks by bucket, each sorted.
    """

    def __init__(self, buckets: Sequence[array[int]]) -> None:
        self._buckets = buckets
        self._starts = list(accumulate(map(len, buckets), initial=0))

    def __len__(self) -> int:
        """Return how many there are."""
        return self._starts[-1]

    def number(self, text: str) -> int | None:
        """Return the number of a text; None: it did not."""
        mark = _mark(text)
        bucket = mark % _BUCKETS
        marks = self._buckets[bucket]
        place = bisect_left(marks, mark)
        return self._starts[bucket] + place if place < len(marks) and marks[place] == mark else None

    def __contains__(self, text: str) -> bool:
        """Whether a text did."""
        return self.number(text) is not None


def _twice(marks: array[int]) -> array[int]:
    """Return what comes more than once in a sorted array, each once."""
    found = array("Q")
    for one, next_one in pairwise(marks):
        if one == next_one and (not found or found[-1] != one):
            found.append(one)
    return found


def _mark(text: str) -> int:
    return hash(text) & _MASK
