"""Orders with their lines and shipments: by their last change from the oldest to the latest, or by ID."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Literal, cast

from msgspec import Struct

from reconciler.errors import NotFound, UnexpectedAnswer
from reconciler.kind.connection import Params, Reader, Wire
from reconciler.ordercloud.bounds import PAGE_SIZE, WalkBound, count_of
from reconciler.ordercloud.lists import Page, one_object, path_segment
from reconciler.ordercloud.readers.assignments import assignments
from reconciler.ordercloud.readers.flaws import Report, usable
from reconciler.ordercloud.readers.pages import Listing, by_ids, id_chunks, instant, moment_of
from reconciler.ordercloud.readers.records import Freshness, Order, Reading
from reconciler.ordercloud.readers.streams import found_or_none, mapped, read_ahead
from reconciler.ordercloud.readers.walk import list_of, walk
from reconciler.ordercloud.together import together

Direction = Literal["Incoming", "Outgoing", "All"]
_AHEAD = 32


class _OrderPage(Struct, frozen=True):
    """A page of orders by `LastUpdated`: as it came, and what of it can be used."""

    items: list[Wire]
    orders: list[Wire]
    total: int

    @property
    def reaches_end(self) -> bool:
        """Whether nothing came after it."""
        return len(self.items) >= self.total

    @property
    def last(self) -> str:
        """When the last one changed."""
        return str(self.items[-1]["LastUpdated"])

    @property
    def earlier(self) -> list[Wire]:
        """Those that changed before the last one, of whose moment there may be more."""
        return [order for order in self.orders if order.get("LastUpdated") != self.last]

    @property
    def is_of_one_moment(self) -> bool:
        """Whether all of it changed at once, so that there may be more than a page of that."""
        return all(order.get("LastUpdated") == self.last for order in self.items)

    @property
    def following(self) -> str:
        """Where the next page begins."""
        return f">{self.last}" if self.is_of_one_moment else f"!<{self.last}"


class OrderReader:
    """Reads submitted orders.

    Args:
        reader: the connection.
        direction: seen from the marketplace: Incoming are those of buyers.
        report: is told of orders that cannot be used; None: they are an error.
    """

    def __init__(self, reader: Reader, direction: Direction = "Incoming", report: Report | None = None) -> None:
        self._reader = reader
        self._report = report
        self._path = f"orders/{direction}"
        self._lines_path = f"lineitems/{direction}"

    async def changed(
        self, since: datetime | None = None, *, filters: Params | None = None
    ) -> AsyncGenerator[Order, None]:
        """Read the orders that changed at or after a moment (timezone-aware), or all, in order of `LastUpdated`.

        Every such order comes. One that changes while it is read comes again, later, as it is then: the last one that
        came counts. The list comes from the search index and lags, so let `since` overlap with the read before.
        Close it (`contextlib.aclosing`) where you do not read it to its end.

        Args:
            since: the moment.
            filters: further filters of the orders list, e.g. `{"xp.sparklayerCartID": "*"}`.

        Raises:
            ApiError: a request failed: what comes after was not read.
        """
        async with aclosing(self._whole(self._pages(since, filters or {}))) as orders:
            async for order in orders:
                yield order

    async def some(self, order_ids: Iterable[str], *, filters: Params | None = None) -> AsyncGenerator[Order, None]:
        """Read the orders that have one of these IDs, as far as the list, and so the search index, knows them.

        Args:
            order_ids: IDs.
            filters: further filters of the orders list.

        Raises:
            ApiError: a request failed.
        """
        listing = Listing(self._reader, self._path, filters or {}, report=self._report)
        async with aclosing(self._whole(_at_once(await by_ids(listing, order_ids)))) as orders:
            async for order in orders:
                yield order

    async def plain(
        self, since: datetime | None = None, *, filters: Params | None = None
    ) -> AsyncGenerator[list[Wire], None]:
        """Yield the orders as their list alone has them, without lines and shipments; see `changed`."""
        async with aclosing(read_ahead(self._pages(since, filters or {}))) as pages:
            async for page in pages:
                yield page

    async def total(self, since: datetime | None = None, *, filters: Params | None = None) -> int:
        """Count the orders that `changed` would read."""
        params = {**(filters or {}), **_since(since)}
        return (await Page.read(self._reader, self._path, params, lenient=True)).total

    async def one(self, order_id: str) -> Reading[Order]:
        """Read an order by ID, submitted or not, as the system itself has it.

        Raises:
            ApiError: a request failed.
        """
        # documented: one request has the order and all of its lines; inferred: no search index answers it.
        path = f"{self._path}/{path_segment(order_id)}/worksheet"
        try:
            sheet = await one_object(self._reader, path)
        except NotFound:
            return Reading(None, Freshness.CURRENT)
        order, lines = sheet.get("Order"), sheet.get("LineItems") or []
        if (
            not isinstance(order, dict)
            or not isinstance(lines, list)
            or not all(isinstance(one, dict) for one in lines)
        ):
            raise UnexpectedAnswer(f"GET {path}: the answer is not an order with its lines", request=f"GET {path}")
        usable(path, [order], None)
        return Reading(await self._shipped({**order, "LineItems": lines}), Freshness.CURRENT)

    async def _whole(self, pages: AsyncGenerator[list[Wire], None]) -> AsyncGenerator[Order, None]:
        """Add lines and shipments."""
        async with aclosing(mapped(read_ahead(self._with_lines(pages)), self._shipped, _AHEAD)) as orders:
            async for order in orders:
                if order is not None:
                    yield order

    async def page(
        self, bound: str | None, since: datetime | None = None, *, filters: Params | None = None
    ) -> tuple[list[Order], str | None]:
        """Read a page of the orders by `LastUpdated`, and return it with where the next one begins; None: nowhere.

        Args:
            bound: where it begins, as the page before said; None: at the beginning.
            since: the moment that the beginning is; None: of all.
            filters: further filters of the orders list.

        Raises:
            ApiError: a request failed.
        """
        start = bound or _since(since).get("LastUpdated")
        latest = None if start is None else moment_of(str(start).lstrip("!<>"))
        filters = filters or {}
        page = await self._page(start, filters)
        orders, following = page.orders, None
        if not page.reaches_end:
            _latest(self._path, page.items, latest, beyond=str(start).startswith(">"))
            orders, following = page.earlier, page.following
            if page.is_of_one_moment:
                orders = [order async for piece in self._at(page.last, filters) for order in piece]
        async with aclosing(self._whole(_at_once(orders))) as whole:
            return [order async for order in whole], following

    async def _pages(self, since: datetime | None, filters: Params) -> AsyncGenerator[list[Wire], None]:
        """Orders by LastUpdated, a page at a time; several may have the same."""
        bound = _since(since).get("LastUpdated")
        latest, beyond = None, False
        limit: WalkBound | None = None
        while True:
            page = await self._page(bound, filters)
            limit = limit or WalkBound(self._path, page.total)
            limit.page()
            limit.take(len(page.items))
            if page.reaches_end:
                yield page.orders
                return
            latest = _latest(self._path, page.items, latest, beyond=beyond)
            beyond = page.is_of_one_moment
            bound = page.following
            if not beyond:
                yield page.earlier
                continue
            async with aclosing(self._at(page.last, filters)) as pieces:
                async for orders in pieces:
                    yield orders

    async def _page(self, bound: Any, filters: Params) -> _OrderPage:
        params = {**filters, "sortBy": "LastUpdated", **({"LastUpdated": bound} if bound else {})}
        page = await Page.read(self._reader, self._path, params, lenient=self._report is not None)
        return _OrderPage(page.items, usable(self._path, page.items, self._report), page.total)

    async def _at(self, moment: str, filters: Params) -> AsyncGenerator[list[Wire], None]:
        """Orders of one moment, e.g. of an import, by their IDs: there may be more than a page of them."""
        at_once = Listing(self._reader, self._path, {**filters, "LastUpdated": moment}, report=self._report)
        async with aclosing(walk(at_once, searched=True)) as pieces:
            async for piece in pieces:
                yield piece.items

    async def _with_lines(self, pages: AsyncGenerator[list[Wire], None]) -> AsyncGenerator[Wire, None]:
        async with aclosing(read_ahead(pages)) as ahead:
            async for orders in ahead:
                lines: dict[str, list[Wire]] = {}
                for found in await together(self._lines(chunk) for chunk in _chunks(orders)):
                    lines |= found
                for order in orders:
                    known: list[Wire] | None = lines.get(str(order["ID"]), [])
                    if order.get("LineItemCount") != len(known or ()):
                        # Many lines, or a search index that does not know them all yet.
                        known = await found_or_none(self._lines_of(str(order["ID"])))
                    if known is not None:
                        yield {**order, "LineItems": known}

    async def _lines(self, order_ids: Sequence[str]) -> dict[str, list[Wire]]:
        """The lines of some orders, as far as a page holds them."""
        page = await Page.read(self._reader, self._lines_path, {"Order.ID": "|".join(order_ids)})
        found: dict[str, list[Wire]] = {}
        for line in page.items:
            plain = {name: value for name, value in line.items() if name not in ("OrderID", "Order")}
            found.setdefault(str(line.get("OrderID")), []).append(plain)
        return found

    async def _lines_of(self, order_id: str) -> list[Wire]:
        listing = Listing(self._reader, f"{self._path}/{path_segment(order_id)}/lineitems", {})
        return await list_of(listing, searched=True)

    async def _shipped(self, order: Wire) -> Order | None:
        """The order with its shipments, or None where it was deleted; nothing is asked where no line was shipped."""
        shipments: list[Wire] | None = []
        if any(line.get("QuantityShipped") for line in order["LineItems"]):
            path = f"{self._path}/{path_segment(str(order['ID']))}/shipments"
            shipments = await found_or_none(list_of(Listing(self._reader, path, {})))
        if shipments is None:
            return None
        paths = [f"shipments/{path_segment(str(shipment['ID']))}/items" for shipment in shipments]
        items = await together(found_or_none(assignments(self._reader, path)) for path in paths)
        pairs = zip(shipments, items, strict=True)
        filled = [{**shipment, "Items": found} for shipment, found in pairs if found is not None]
        return cast("Order", {**order, "Shipments": filled})


async def _at_once(orders: list[Wire]) -> AsyncGenerator[list[Wire], None]:
    yield orders


def _since(moment: datetime | None) -> dict[str, str]:
    return {} if moment is None else {"LastUpdated": f"!<{instant(moment)}"}


def _latest(path: str, orders: Sequence[Wire], since: datetime | None, *, beyond: bool) -> datetime:
    """Return when the last order of a page changed.

    Args:
        path: the list.
        orders: a page that the list goes on after.
        since: the moment it was asked to start at; None: any.
        beyond: it was asked to start after it.

    Raises:
        UnexpectedAnswer: they do not come in order of that, so reading them by it would never end.
    """
    moments = [moment_of(order.get("LastUpdated")) for order in orders]
    known = [moment for moment in moments if moment is not None]
    what = None
    if not known or len(known) < len(moments):
        what = "a page is empty although the list goes on, or its orders have no LastUpdated"
    elif known != sorted(known) or (since is not None and (known[0] <= since if beyond else known[0] < since)):
        what = "the list does not move on by LastUpdated"
    if what is not None:
        raise UnexpectedAnswer(
            f"GET {path}: {what}",
            request=f"GET {path}",
            next_step="Run it again; if it stays so, orders cannot be read by their last change here.",
        )
    return known[-1]


def _chunks(orders: Iterable[Wire]) -> Iterator[Sequence[str]]:
    """IDs of orders whose lines fit a page together, in as many as one request can ask for."""
    waiting: list[str] = []
    lines = 0
    for order in orders:
        count = count_of(order.get("LineItemCount")) or 0
        if not 0 < count <= PAGE_SIZE:
            continue
        if lines + count > PAGE_SIZE:
            yield from id_chunks(waiting)
            waiting, lines = [], 0
        waiting.append(str(order["ID"]))
        lines += count
    yield from id_chunks(waiting)
