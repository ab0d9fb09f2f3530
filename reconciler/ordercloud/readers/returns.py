"""Returns of orders, as far as a marketplace lets them be read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from reconciler.errors import MissingRole, NotFound
from reconciler.kind.connection import Params, Reader
from reconciler.ordercloud.readers.flaws import ignored
from reconciler.ordercloud.readers.pages import Listing, id_chunks, instant
from reconciler.ordercloud.readers.records import OrderReturn
from reconciler.ordercloud.readers.walk import list_of
from reconciler.ordercloud.together import together

# The one place of what is inferred: the SDKs have path and members. That its members filter like those of other lists,
# that what reads orders may read it, and what 403 and 404 mean is not published.
PATH = "orderreturns"


class ReturnReader:
    """Reads returns of orders.

    Args:
        reader: the connection.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of(self, order_ids: Iterable[str]) -> dict[str, list[OrderReturn]] | None:
        """Return the returns of orders by the order's ID, whatever has become of them; None: they cannot be read.

        Raises:
            ApiError: a request failed for another reason.
        """
        try:
            found = await together(self._listed({"OrderID": "|".join(chunk)}) for chunk in id_chunks(order_ids))
        except (NotFound, MissingRole):
            return None
        by_order: dict[str, list[OrderReturn]] = {}
        for one in (each for some in found for each in some):
            by_order.setdefault(str(one.get("OrderID")), []).append(one)
        return by_order

    async def changed(self, since: datetime) -> list[str]:
        """Return the IDs of orders of which a return changed at or after a moment; none where they cannot be read.

        Raises:
            ApiError: a request failed for another reason.
        """
        try:
            found = await self._listed({"LastUpdated": f"!<{instant(since)}"})
        except (NotFound, MissingRole):
            return []
        return list(dict.fromkeys(str(one["OrderID"]) for one in found if one.get("OrderID")))

    async def are_readable(self) -> bool:
        """Whether they can be read.

        Raises:
            ApiError: the request failed for another reason.
        """
        return await self.of(["none"]) is not None

    async def _listed(self, filters: Params) -> list[OrderReturn]:
        return cast("list[OrderReturn]", await list_of(Listing(self._reader, PATH, filters, report=ignored)))
