"""One page of an OrderCloud list, and the ways to name the IDs that it should hold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from reconciler.errors import Rejected, UnexpectedAnswer
from reconciler.kind.connection import Json, Params, Reader, Wire
from reconciler.ordercloud.bounds import MOST_PAGES, PAGE_SIZE, WalkBound
from reconciler.ordercloud.lists import Page, one_object
from reconciler.ordercloud.readers.flaws import Report, usable
from reconciler.ordercloud.together import together

# The vendor's own library keeps URLs below 2,000 characters and 100 IDs; base URL, path and other filters need theirs.
_ID_CHARACTERS = 1_700
_ID_COUNT = 100
# As it is in a URL.
_OR = len("%7C")
# documented: that there is a cap and its codes; unknown: whether page 1 of a larger list is refused as well.
_TOO_LARGE = ("Search.ResultSetTooLarge", "List.ResultSetTooLarge")


def identity(item: Wire) -> Hashable:
    """Return what tells an object from the others in most lists: its ID."""
    return str(item["ID"])


def in_company(item: Wire) -> Hashable:
    """Return what tells a user from those of all buyers: IDs are unique within a buyer only."""
    return item.get("CompanyID"), str(item["ID"])


class Part(Struct, frozen=True):
    """A page of objects and its place in the list.

    Args:
        items: the objects, in the list's order.
        start: how many objects of the list are before it.
        total: how many the list had at that moment.
        bad: how many more objects came on it that cannot be used.
    """

    items: list[Wire]
    start: int
    total: int
    bad: int = 0

    @property
    def left(self) -> int:
        """How many objects came after it at that moment."""
        return max(0, self.total - self.start - len(self.items) - self.bad)

    @property
    def reaches_end(self) -> bool:
        """Whether nothing came after it at that moment."""
        return not self.left

    @property
    def first_id(self) -> str:
        """The ID of its first object."""
        return str(self.items[0]["ID"])

    @property
    def last_id(self) -> str:
        """The ID of its last object."""
        return str(self.items[-1]["ID"])


class Listing(Struct, frozen=True):
    """A list of objects with IDs, sorted by them.

    Args:
        reader: the connection.
        path: the list's path.
        params: filters and search that hold for every page.
        key: tells its objects apart.
        bound: ends a walk that would have no end; None where it is no walk.
        report: is told of objects that cannot be used; None: they are an error.
    """

    reader: Reader
    path: str
    params: Params
    key: Callable[[Wire], Hashable] = identity
    bound: WalkBound | None = None
    report: Report | None = None

    @property
    def shares_ids(self) -> bool:
        """Whether several objects may have the same ID."""
        return self.key is not identity

    async def page(self, where: Sequence[str] = (), number: int = 1) -> Part:
        """Read a page of the objects whose ID fits every expression of `where`.

        Raises:
            UnexpectedAnswer: it is no page, or nothing of it can be used although the list goes on, or an object
                cannot and nobody is to be told.
        """
        if self.bound is not None:
            self.bound.page()
        ids: Params = {"ID": where} if where else {}
        params = {**self.params, **ids, "sortBy": "ID"}
        page = await Page.read(self.reader, self.path, params, number, lenient=self.report is not None)
        items = usable(self.path, page.items, self.report)
        part = Part(items, (number - 1) * PAGE_SIZE, page.total, len(page.items) - len(items))
        if not items and not part.reaches_end:
            raise self.broken("a page is empty although the list goes on, or its entries have no ID")
        return part

    async def page_within_cap(self, where: Sequence[str], number: int = 1) -> Part | None:
        """Read a page, or return None where the API refuses it because there are too many objects."""
        try:
            return await self.page(where, number)
        except Rejected as refusal:
            if refusal.vendor_code in _TOO_LARGE:
                return None
            raise

    def took(self, objects: int, *, goes_on: bool = False) -> None:
        """Count objects of a walk; `goes_on`: they are a page that is not the last.

        Raises:
            UnexpectedAnswer: more came than there can be.
        """
        if self.bound is not None:
            self.bound.take(objects, goes_on=goes_on)

    def broken(self, what: str) -> UnexpectedAnswer:
        """Return the error for a list that contradicts itself."""
        return UnexpectedAnswer(
            f"GET {self.path}: {what}",
            request=f"GET {self.path}",
            next_step="Run it again; if it stays so, the API does not filter and sort by ID as it is documented to.",
        )


async def one_record(reader: Reader, path: str) -> Wire:
    """Return an object by its ID.

    Raises:
        NotFound: there is none.
        UnexpectedAnswer: the answer is no object with an ID.
    """
    found = await one_object(reader, path)
    usable(path, [found], None)
    return found


def instant(moment: datetime) -> str:
    """Return a moment (timezone-aware) as filters take it, rounded down to what the API's dates show."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: Json) -> datetime | None:
    """Return a moment as the API writes it, timezone-aware, or None for what is none."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def id_chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the IDs in chunks that one request can ask for."""
    chunk: list[str] = []
    size = 0
    for name in dict.fromkeys(ids):
        if chunk and (len(chunk) >= _ID_COUNT or size + len(name) + _OR > _ID_CHARACTERS):
            yield chunk
            chunk, size = [], 0
        chunk.append(name)
        size += len(name) + _OR
    if chunk:
        yield chunk


async def by_ids(listing: Listing, ids: Iterable[str]) -> list[Wire]:
    """Return the objects that have one of these IDs, as far as the list knows them.

    Raises:
        ApiError: a page failed.
    """
    found = await together(_chunk(listing, chunk) for chunk in id_chunks(ids))
    return [item for items in found for item in items]


async def _chunk(listing: Listing, ids: Sequence[str]) -> list[Wire]:
    part = await listing.page(("|".join(ids),))
    if part.reaches_end:
        return part.items
    if len(ids) > 1:
        halves = (ids[: len(ids) // 2], ids[len(ids) // 2 :])
        return [item for items in await together(_chunk(listing, half) for half in halves) for item in items]
    # One ID that more than a page of objects have: the same user ID in many buyers.
    items = {listing.key(item): item for item in part.items}
    while not part.reaches_end:
        number = part.start // PAGE_SIZE + 2
        seen = len(items)
        part = await listing.page(ids, number)
        items.update((listing.key(item), item) for item in part.items)
        if not listing.shares_ids or len(items) == seen or number >= MOST_PAGES:
            raise listing.broken(f"more and more entries come for one ID, {ids[0]}")
    return list(items.values())
