"""Pages of orders, by their last change: read one after the other, from a cursor that any process can go on with."""

from __future__ import annotations

import re
from typing import Any

from reconciler.ordercloud.readers.orders import OrderReader
from reconciler.ordercloud.readers.records import Order
from reconciler.sync.orders.source import BOTH, Flawed, OrderSource
from reconciler.sync.source_page import SourcePage

_BOUND = re.compile(r"(>|!<)[0-9T:.Z+-]{10,40}")


class OrderPages(OrderSource):
    """Reads orders page by page: those that were submitted, then those that wait for approval."""

    async def page(self, cursor: Any) -> SourcePage[Order]:
        """Read a page of orders; see `ProductPages.page`."""
        number, bound = (0, None) if cursor is None else _cursor(cursor)
        flawed = Flawed()
        orders = OrderReader(self._reader, report=flawed.add)
        found, bound = await orders.page(bound, self._settings.start, filters=self._filters(BOTH[number]))
        records = await self._with_returns(found) + flawed.take()
        if bound is not None:
            return SourcePage(records, [number, bound])
        return SourcePage(records, [number + 1, None] if number + 1 < len(BOTH) else None)


def _cursor(cursor: Any) -> Any:
    match cursor:
        case [int(number), None] if number in range(len(BOTH)):
            return number, None
        case [int(number), str(bound)] if number in range(len(BOTH)) and _BOUND.fullmatch(bound):
            return number, bound
    raise ValueError("no cursor of orders")
