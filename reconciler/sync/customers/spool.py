"""Spool of records on disk: a walk that has to see all users before it can put them in order holds none in memory."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

import orjson

_IN_MEMORY = 1024 * 1024
_MASK = (1 << 64) - 1
_BUCKETS = 256


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
        """Yield every record in the order in which they came; nothing may be put meanwhile."""
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)


class Filed:
    """Records by ID in a spool: in memory are the IDs, and the record that was asked for last."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places: dict[str, int] = {}
        self._last: tuple[str, Any] = ("", None)

    def put(self, name: str, record: Any) -> None:
        """Take a record."""
        self._places[name] = self._spool.put(record)

    def get(self, name: str) -> Any:
        """Return the record of an ID; None: there is none."""
        if name != self._last[0] and name in self._places:
            self._last = name, self._spool.get(self._places[name])
        return self._last[1] if name in self._places else None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        """Yield the IDs."""
        return iter(self._places)


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

    def repeated(self) -> Repeated:
        """Return those that came more than once."""
        self._sort()
        return Repeated(one for marks in self._buckets for one, next_one in pairwise(marks) if one == next_one)

    def _sort(self) -> None:
        if not self._sorted:
            for place, marks in enumerate(self._buckets):
                self._buckets[place] = array("Q", sorted(marks))
            self._sorted = True


class Repeated:
    """Texts that came more than once."""

    def __init__(self, marks: Iterable[int]) -> None:
        self._marks = frozenset(marks)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._marks)

    def __contains__(self, text: str) -> bool:
        """Whether a text did."""
        return _mark(text) in self._marks


def _mark(text: str) -> int:
    return hash(text) & _MASK
