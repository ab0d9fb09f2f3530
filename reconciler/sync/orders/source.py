"""Source of orders: those of OrderCloud that were placed through SparkLayer, by their last change or by ID."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from reconciler.kind.connection import ClockedReader, Params, Reader
from reconciler.ordercloud.readers.flaws import BadRecord, bad_record, flaw_of, has_no_id
from reconciler.ordercloud.readers.orders import OrderReader
from reconciler.ordercloud.readers.records import Order
from reconciler.ordercloud.readers.returns import PATH as RETURNS
from reconciler.ordercloud.readers.returns import ReturnReader
from reconciler.sync.datatype import Census, Reading
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.mapping.values import Misfit, mapping, moment, text_or_none
from reconciler.sync.orders.body import value_at
from reconciler.sync.orders.model import BY_ID, FLAW, NO_ID, PART
from reconciler.sync.orders.settings import OrderSettings
from reconciler.sync.problem import RecordProblem

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

ROLES: Mapping[str, str] = {"OrderReader": "orders/Incoming", "ShipmentReader": "shipments"}
"""What the API asks for to read orders with lines and shipments (documented), and a list of each."""
LAG = timedelta(minutes=10)
"""Longer than the search index lags behind: an older order that it lacks is one that it leaves out."""
# documented: submitted orders and others are never listed together; inferred: one that waits for approval, or was
# declined, is not submitted, as it did not pass from the buyer to the seller.
_SUBMITTED: Params = {}
_WAITING: Params = {"IsSubmitted": "false", "Status": "!Unsubmitted"}
_UNSUBMITTED = "Unsubmitted"
BOTH = (_SUBMITTED, _WAITING)
_NO_RETURNS = f"{RETURNS} cannot be read here, so what came back of an order is not shown at SparkLayer"
_BESIDE = frozenset({"LineItems", "Shipments", "Returns", BY_ID})
_CHUNK = 100


class OrderSource:
    """Reads what a DataSync needs of the orders.

    Args:
        reader: the connection.
        settings: says which.
        breaker: repeats requests that failed; None: only the transport does.
    """

    def __init__(self, reader: ClockedReader, settings: OrderSettings, breaker: Breaker | None = None) -> None:
        self._connection = reader
        self._settings = settings
        self._nameless: list[Order] = []
        self._reader: Reader = reader if breaker is None else breaker.reader(reader)
        self._returns = ReturnReader(self._reader)

    @property
    def clock_offset(self) -> timedelta:
        return self._connection.clock_offset or timedelta()

    def time_at(self, moment: float) -> datetime | None:
        return self._connection.api_time(moment)

    async def census(self) -> Census:
        orders = OrderReader(self._reader)
        total = sum([await orders.total(self._settings.start, filters=self._filters(each)) for each in BOTH])
        remarks = () if await self._returns.are_readable() else (_NO_RETURNS,)
        return Census(total, remarks)

    async def everything(self) -> AsyncGenerator[list[Order], None]:
        async with aclosing(self._changed(self._settings.start)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def listed(self) -> AsyncGenerator[dict[str, bytes], None]:
        for each in BOTH:
            flawed = Flawed()
            orders = OrderReader(self._reader, report=flawed.add)
            async with aclosing(orders.plain(self._settings.start, filters=self._filters(each))) as pages:
                async for page in pages:
                    found = [cast("Order", order) for order in page]
                    yield {key_of(order): _shown(order) for order in found}
            # Of all pages at once: there are few.
            self._nameless += flawed.take()
            yield {}

    def nameless(self) -> list[Order]:
        found, self._nameless = self._nameless, []
        return found

    async def changed_since(self, moment: datetime) -> AsyncGenerator[list[Order], None]:
        start = self._settings.start
        begin = moment if start is None else max(moment, start)
        seen: set[str] = set()
        async with aclosing(self._changed(begin)) as chunks:
            async for chunk in chunks:
                seen.update(map(key_of, chunk))
                yield chunk
        returned = [order for order in await self._returns.changed(begin) if order not in seen]
        if returned:
            yield await self.some(returned)

    async def some(self, keys: Iterable[str]) -> list[Order]:
        asked = [key for key in keys if not has_no_id(key)]
        found: list[Order] = []
        for each in BOTH:
            known = set(map(key_of, found))
            missing = [key for key in asked if key not in known]
            if missing:
                flawed = Flawed()
                some = OrderReader(self._reader, report=flawed.add).some(missing, filters=self._filters(each))
                async with aclosing(some) as orders:
                    found += [order async for order in orders] + flawed.take()
        return await self._with_returns([order for order in found if self._is_inside(order)])

    async def one(self, key: str) -> Reading[Order]:
        if has_no_id(key):
            return Reading(None)
        record = (await OrderReader(self._reader).one(key)).record
        if record is None:
            return Reading(None)
        if not self._is_inside(record):
            return Reading(record, outside=True)
        [whole] = await self._with_returns([record])
        cast("dict[str, Any]", whole)[BY_ID] = True
        return Reading(whole, stale=self._is_new(record))

    async def is_listed(self, key: str) -> bool:
        """Whether lists have an order that exists."""
        return bool(await self.some([key]))

    async def _changed(self, since: datetime | None) -> AsyncGenerator[list[Order], None]:
        for each in BOTH:
            flawed = Flawed()
            orders = OrderReader(self._reader, report=flawed.add).changed(since, filters=self._filters(each))
            chunk: list[Order] = []
            async with aclosing(orders):
                async for order in orders:
                    chunk.append(order)
                    if len(chunk) >= _CHUNK:
                        yield await self._with_returns(chunk) + flawed.take()
                        chunk = []
            chunk = (await self._with_returns(chunk)) + flawed.take()
            if chunk:
                yield chunk

    def _filters(self, filters: Params) -> Params:
        """The filter that keeps orders without a cart ID from being read at all."""
        return {**filters, self._settings.cart_path: "*"}

    def _is_inside(self, order: Order) -> bool:
        """Whether an order is in the scope: it was placed through SparkLayer, and changed since the manifest's day."""
        if FLAW in order:
            return True
        start, changed = self._settings.start, _moment(order)
        has_cart = value_at(mapping(order), self._settings.cart_path) not in (None, "")
        is_late = start is None or changed is None or changed >= start
        return has_cart and is_late and order.get("Status") != _UNSUBMITTED

    def _is_new(self, order: Order) -> bool:
        """Whether an order changed so lately that the index need not have it yet."""
        changed = _moment(order)
        now = self._connection.api_time(time.monotonic())
        return changed is not None and now is not None and now - changed < LAG

    async def _with_returns(self, orders: list[Order]) -> list[Order]:
        found = await self._returns.of(map(key_of, orders)) if orders else {}
        whole: list[Order] = []
        # Of several new ones with one cart ID the first counts.
        for order in sorted(orders, key=_age):
            record = cast("Order", {**order, "Returns": None if found is None else found.get(key_of(order), [])})
            flaw = flaw_of(record, Order)
            bad = None if flaw is None else bad_record("orders", cast("dict[str, Any]", record), flaw)
            whole.append(record if bad is None else _flawed(bad))
        return whole


class Flawed:
    """Takes the records of one stream that cannot be used, each once: the mapper tells what is wrong with them."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._waiting: list[Order] = []

    def add(self, record: BadRecord) -> None:
        """Take a record."""
        if record.key not in self._seen:
            self._seen.add(record.key)
            self._waiting.append(_flawed(record))

    def take(self) -> list[Order]:
        """Return those that came since this was asked last, in place of the orders."""
        taken, self._waiting = self._waiting, []
        return taken


def not_listed(key: str) -> RecordProblem:
    """Return what a merchant is told of an order that lists leave out; see docs/sync.md."""
    message = (
        "OrderCloud's lists leave the order out, perhaps because a value in its xp has another type than that of other "
        "orders. It is synced by its ID, and changes of it are noticed late."
    )
    return RecordProblem(key, PART, "not-listed", message)


def key_of(order: Order) -> str:
    """Return the ID of an order."""
    return text_or_none(mapping(order).get("ID")) or NO_ID


def look_of(order: Order) -> bytes | None:
    """Return the fingerprint of what lists show of an order; None: not known."""
    return None if FLAW in order else _shown(order)


def _shown(order: Order) -> bytes:
    return digest_of({name: value for name, value in order.items() if name not in _BESIDE})


def _flawed(record: BadRecord) -> Order:
    return cast("Order", {"ID": record.key, FLAW: record})


def _age(order: Order) -> tuple[datetime, str]:
    """When an order was placed, and its ID: by that the orders of one chunk are put in order."""
    fields = mapping(order)
    for name in ("DateSubmitted", "DateCreated"):
        with suppress(Misfit):
            if (placed := moment(fields.get(name))) is not None:
                return placed, key_of(order)
    return datetime.max.replace(tzinfo=UTC), key_of(order)


def _moment(order: Order) -> datetime | None:
    try:
        return moment(order.get("LastUpdated"))
    except Misfit:
        return None
