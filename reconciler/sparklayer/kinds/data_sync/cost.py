"""Cost of a data sync in requests, and the records that a change of it sends again. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import timedelta

from msgspec import Struct

WHOLE_EVERY = 7
"""Of so many walks one reads all stock by place, whatever stamps say."""
_DAY = timedelta(days=1)
_PAGE = 100
# As measured on the emulator: 203 requests for 10,000 products.
_COUNTS = 3
# Of stock or prices that one request writes, as sparklayer/batches.py sends them.
ROWS = 500
# Records that a run looks at, at most; see sync/run/preflight.py. Of products few are read by their IDs.
_LOOKED_AT, _BY_ID = 30, 5
# Of a run that finds nothing, by data type, as measured on the emulator: what it asks anyhow (logins, what changed, the
# sync log), what it reads of each record that it looks at to see that the target is as it was left, and of how many.
_RUN: Mapping[str, tuple[int, int, int]] = {
    "products": (8, 1, _BY_ID),
    # Parts of products, each by itself where SparkLayer pulls the rest: reckoned as they are.
    "prices": (8, 1, _BY_ID),
    "stock": (8, 1, _BY_ID),
    "party-prices": (5, 2, _LOOKED_AT),
    "customers": (6, 1, _LOOKED_AT),
    "orders": (10, 1, _LOOKED_AT),
}


def run_cost(data_type: str, records: int = _LOOKED_AT) -> int:
    """Return about how many requests a run makes that finds nothing.

    Args:
        data_type: of the run.
        records: how many there are; left out: many.
    """
    anyhow, each, most = _RUN[data_type]
    return anyhow + each * min(records, most)


def look_cost(data_type: str, pages: int, walk: int) -> int:
    """Return about how many requests a light walk makes, as long as none was made.

    Args:
        data_type: of the run.
        pages: requests that list the records.
        walk: requests that the last walk made.
    """
    # No list has price lists: a light walk reads who has which prices, as a walk does.
    return walk if data_type == "party-prices" else pages


class Cost(Struct, frozen=True):
    """Requests a day of a data sync where nothing changes.

    Args:
        runs: how many there are a day that read what is known to have changed.
        looks: how many there are a day that list everything.
        walks: how many there are a day that read everything.
        per_look: requests to list everything.
        per_walk: requests to read everything, but for stock that did not move.
    """

    runs: float
    looks: float
    walks: float
    per_look: int
    per_walk: int

    @property
    def a_day(self) -> int:
        """All of them, of products."""
        return self.with_runs_of(run_cost("products"))

    def with_runs_of(self, requests: float) -> int:
        """Return all of them, where a run that finds nothing makes this many itself."""
        total = self.runs + self.looks + self.walks
        return round(total * requests + self.looks * self.per_look + self.walks * self.per_walk)


def cost_of(
    interval: timedelta, look_interval: timedelta, walk_interval: timedelta, products: int, with_parts: int
) -> Cost:
    """Return what a data sync costs.

    Args:
        interval: between the end of a run and the start of the next.
        look_interval: how often everything is listed.
        walk_interval: how often everything is read.
        products: how many there are.
        with_parts: lists to be read of single products: one for each with variants.
    """
    pages = math.ceil(products / _PAGE)
    walks = _DAY / walk_interval
    # Every walk is a look, and every look is a run.
    looks = max(_DAY / look_interval, walks)
    runs = max(_DAY / interval, looks)
    # A look: the pages of products and of price schedules, and how many there are. A walk: those with records as well.
    return Cost(runs - looks, looks - walks, walks, 2 * pages + _COUNTS, 3 * pages + _COUNTS + with_parts)


PARTY_PRICES = "partyPrices"
"""What stands for price lists of the customers' own among the sections: it is a part of `pricing`."""
_SECTIONS = frozenset({"products", "stock", "pricing"})
_ALL = _SECTIONS | {PARTY_PRICES, "customers", "orders"}
# What a change of a field may change in the target, by the longest beginning that fits.
_TOUCHES: Mapping[str, frozenset[str]] = {
    # What was written is remembered by it: under another name everything is new.
    "integration": _ALL,
    "products": frozenset({"products"}),
    "products.catalogs": _SECTIONS | {PARTY_PRICES},
    # SKUs are what stock and prices are written under.
    "products.mapping.variants.sku": _SECTIONS | {PARTY_PRICES, "orders"},
    "products.mapping.variants.restockDate": frozenset({"stock"}),
    "products.recordUrl": frozenset(),
    "stock": frozenset({"stock"}),
    "pricing": frozenset({"pricing"}),
    "pricing.priceList": frozenset({"pricing", PARTY_PRICES}),
    # Which list a customer has is the customer's.
    "pricing.partyPriceLists": frozenset({PARTY_PRICES, "customers"}),
    "pricing.partyPrices": frozenset({PARTY_PRICES}),
    "customers": frozenset({"customers"}),
    # Lists are for those that flow.
    "customers.buyers": frozenset({"customers", PARTY_PRICES}),
    "customers.where": frozenset({"customers", PARTY_PRICES}),
    "customers.mapping.email": frozenset({"customers", PARTY_PRICES}),
    # What becomes of what goes, not of what is there.
    "customers.onDelete": frozenset(),
    "customers.groupPriceLists": frozenset(),
    "customers.walkInterval": frozenset(),
    "customers.recordUrl": frozenset(),
    "orders": frozenset({"orders"}),
    "orders.recordUrl": frozenset(),
    # Who brings them, not what they are.
    "mode": frozenset(),
    # Recommended prices are the product's.
    "currency": frozenset({"products", "pricing", "orders"}),
}


def touched(changed: Collection[str]) -> frozenset[str]:
    """Return the sections of a DataSync whose records may become others by changed fields: they are sent anew."""
    found: set[str] = set()
    for path in changed:
        fits = [begin for begin in _TOUCHES if path == begin or path.startswith(f"{begin}.")]
        found |= _TOUCHES[max(fits, key=len)] if fits else frozenset()
    return frozenset(found)


class Resend(Struct, frozen=True):
    """Records that are read and sent again when a DataSync changes: at most, as only what differs is sent.

    Args:
        records: how many there are.
        reads: requests to read them, and one or two more for each that has variants or stock by place.
        writes: requests to write all of them.
    """

    records: int
    reads: int
    writes: int


_ONE_BY_ONE = frozenset({"products", PARTY_PRICES, "customers", "orders"})
"""What is written by a request for each record, or by one at least."""


def resend_of(records: int, sections: Collection[str]) -> Resend:
    """Return what is sent again.

    Args:
        records: how many there are.
        sections: of the DataSync whose records may become others.
    """
    # A product is one request; stock and prices go in batches, here of one row for each record.
    each = records if frozenset(sections) & _ONE_BY_ONE else 0
    batches = len(frozenset(sections) & {"stock", "pricing"}) * math.ceil(records / ROWS)
    return Resend(records, 3 * math.ceil(records / _PAGE), each + batches)
