"""Connections of a provider: to read, or to read and write. Planning gets the first, by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

Json = Any
Wire = dict[str, Any]
Params = Mapping[str, str | int | Sequence[str]]
"""Query parameters. Several values under one name send it as often: in OrderCloud's lists all of them have to hold."""


class Reader(Protocol):
    """A connection that can only read. Planning gets nothing else."""

    async def get(self, path: str, params: Params | None = None) -> Json:
        """GET `path` (relative to the API's base) and return the decoded JSON body.

        Raises:
            ApiError: a subclass that says what happened; `NotFound` for a 404.
        """
        ...


class ClockedReader(Reader, Protocol):
    """A connection that can only read and knows the API's clock."""

    @property
    def clock_offset(self) -> timedelta | None:
        """The API's clock minus ours, by most of its answers; None where that is not known."""
        ...

    def api_time(self, moment: float) -> datetime | None:
        """Return what the API's clock showed at a moment of `time.monotonic()`; None where that is not known."""
        ...


class RowTaker(Protocol):
    """Takes the rows of a list as they come."""

    def take(self, rows: Sequence[Wire]) -> None:
        """Take some rows, in their order."""
        ...


TakerT = TypeVar("TakerT", bound=RowTaker)


class RowReader(Reader, Protocol):
    """A connection that can only read, also a list that is too long for memory."""

    async def rows(self, path: str, begin: Callable[[], TakerT], largest: int | None = None) -> TakerT:
        """GET a list that comes in one array of objects, row by row, and return the taker that got all of them.

        Args:
            path: relative to the API's base.
            begin: makes a taker for each attempt; one whose attempt failed is dropped.
            largest: bytes that it may have, decoded, where that is less than the bound of every list.

        Raises:
            ApiError: a subclass that says what happened; `UnexpectedAnswer` where the list is not whole.
        """
        ...


class Querier(RowReader, Protocol):
    """A connection that can only read, also what an API answers to a POST."""

    async def query(self, path: str, body: Json = None) -> Json:
        """POST a question that changes nothing, and return the decoded answer.

        Raises:
            ValueError: the API's description does not have this path among its questions.
            ApiError: a subclass that says what happened.
        """
        ...


class Writer(Querier, Protocol):
    """A connection that can write as well. Only apply gets one.

    Every write returns the decoded body, or None for an empty one, and raises `AnswerLost` where its outcome is not
    known: the caller reads back before it writes again.
    """

    async def post(self, path: str, body: Json = None) -> Json: ...

    async def put(self, path: str, body: Json) -> Json: ...

    async def patch(self, path: str, body: Json) -> Json: ...

    async def delete(self, path: str) -> None: ...
