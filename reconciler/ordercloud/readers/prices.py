"""Price schedules of the products of a walk, and the assignments that bring prices of their own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import cast

from reconciler.kind.connection import Reader, Wire
from reconciler.ordercloud.lists import one_object, path_segment
from reconciler.ordercloud.readers.assignments import assignments
from reconciler.ordercloud.readers.flaws import ignored
from reconciler.ordercloud.readers.pages import Listing, by_ids
from reconciler.ordercloud.readers.records import PartyPriceSchedule, PriceSchedule
from reconciler.ordercloud.readers.streams import found_or_none
from reconciler.ordercloud.readers.walk import walk
from reconciler.ordercloud.together import together

# So many are kept. One has some 600 bytes of JSON.
_KEPT = 5_000


class PriceBook:
    """Price schedules by ID: all of them where they are few, else those that are asked for, the last ones kept.

    Args:
        reader: the connection.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        # Nothing can refer to a schedule without an ID.
        self._listing = Listing(reader, "priceschedules", {}, report=ignored)
        self._kept: OrderedDict[str, PriceSchedule | None] = OrderedDict()
        self._whole = False

    async def open(self, products: int) -> None:
        """Look how many there are, and read them all where that is cheaper than asking for this many products'."""
        first = await self._listing.page_within_cap(())
        if first is None or first.total > min(_KEPT, max(products, len(first.items))):
            return
        async with aclosing(walk(self._listing, first=first)) as pieces:
            async for piece in pieces:
                self._keep(piece.items)
        self._whole = True

    async def of(self, ids: Iterable[str | None]) -> Mapping[str, PriceSchedule]:
        """Return the schedules that have one of these IDs, as far as there are any.

        One that a product names and no list has is asked for by its ID: prices of products would go with it.
        """
        wanted = dict.fromkeys(name for name in ids if name)
        unknown = [name for name in wanted if name not in self._kept]
        missing = [] if self._whole else unknown
        found: dict[str, PriceSchedule | None] = dict.fromkeys(missing)
        found.update((str(item["ID"]), cast("PriceSchedule", item)) for item in await by_ids(self._listing, missing))
        unlisted = [name for name in unknown if found.get(name) is None]
        answers = await together(found_or_none(one_object(self._reader, _path(name))) for name in unlisted)
        found.update(zip(unlisted, cast("list[PriceSchedule | None]", answers), strict=True))
        result = {name: found[name] if name in found else self._kept.get(name) for name in wanted}
        for name, schedule in result.items():
            self._kept[name] = schedule
            self._kept.move_to_end(name)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return {name: schedule for name, schedule in result.items() if schedule is not None}

    def _keep(self, items: Iterable[Wire]) -> None:
        self._kept.update((str(item["ID"]), cast("PriceSchedule", item)) for item in items)


def _path(name: str) -> str:
    return f"priceschedules/{path_segment(name)}"


async def party_prices(reader: Reader, product_id: str | None = None) -> dict[str, list[PartyPriceSchedule]]:
    """Return the product assignments that name a price schedule, by product, without the schedules themselves.

    Args:
        reader: the connection.
        product_id: those of this product only.
    """
    params = {} if product_id is None else {"productID": product_id}
    found: dict[str, list[PartyPriceSchedule]] = {}
    for item in await assignments(reader, "products/assignments", params):
        if item.get("PriceScheduleID"):
            found.setdefault(str(item.get("ProductID")), []).append(cast("PartyPriceSchedule", item))
    return found
