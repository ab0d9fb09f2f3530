"""Relations of products: those that a write to assignments, prices, specs or categories touches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.models import JsonObject

# A message of a product shows these, so their change is one of the product. inferred: of variants and specs.
_MEMBER_NAMES_IT = frozenset(
    {"ProductAssignment", "ProductCatalogAssignment", "CategoryProductAssignment", "SpecProductAssignment"}
)
_PARENT_IS_IT = frozenset({"Variant", "ProductSupplier"})
PRICE_SCHEDULE = "PriceSchedule"
_OF_PRICES = ("DefaultPriceScheduleID", "PriceScheduleID")


class Relations:
    """Relations of other rows to products.

    Args:
        market: where they are.
    """

    def __init__(self, market: Marketplace) -> None:
        self._market = market
        self._priced: dict[str, set[str]] | None = None

    def forget(self) -> None:
        """Forget all relations: the marketplace was replaced."""
        self._priced = None

    def learn(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Note the price schedules that a row names."""
        if self._priced is None or name not in ("Product", "ProductAssignment", "ProductSupplier"):
            return
        product = key if name == "Product" else row.get("ProductID") or (scope[0] if scope else "")
        for member in _OF_PRICES:
            if row.get(member):
                self._priced.setdefault(row[member], set()).add(product)

    def products_of(self, name: str, scope: Scope, key: str, row: JsonObject) -> Iterable[str]:
        """Return the products whose messages show a row of another resource."""
        if name in _MEMBER_NAMES_IT:
            return (row["ProductID"],)
        if name in _PARENT_IS_IT:
            return (scope[0],)
        if name == PRICE_SCHEDULE:
            return self._with_price(key)
        if name in ("Spec", "SpecOption"):
            return self._with_spec(key if name == "Spec" else scope[0])
        return ()

    def products_below(self, name: str, scope: Scope, key: str, row: JsonObject) -> Iterator[str]:
        """Yield the products that a write to a catalog as a whole is about, such as the assignment of a buyer to it.

        documented: such changes reach products by pause and resume only; inferred: that edits of categories are alike.
        """
        if name == "CatalogAssignment":
            table, scope, first = "ProductCatalogAssignment", (), row["CatalogID"]
        elif name in ("CategoryAssignment", "Category"):
            table, first = "CategoryProductAssignment", row.get("CategoryID", key)
        else:
            return
        for pair in self._market.store.table(table, scope).starting_with(f"{first}/"):
            yield pair.split("/")[1]

    def _with_spec(self, spec_id: str) -> list[str]:
        pairs = self._market.store.table("SpecProductAssignment")
        return [pair.split("/")[0] for pair in pairs if pair.endswith(f"/{spec_id}")]

    def _with_price(self, schedule_id: str) -> set[str]:
        """The products that may have a price schedule; some may have had it only once."""
        if self._priced is None:
            self._priced = {}
            for schedule, product in self._all_prices():
                self._priced.setdefault(schedule, set()).add(product)
        return self._priced.get(schedule_id, set())

    def _all_prices(self) -> Iterator[tuple[str, str]]:
        """Every pair of price schedule and product. Text is searched, which is many times quicker than reading it."""
        store = self._market.store
        default = re.compile(rb'"DefaultPriceScheduleID":"([^"]+)"')
        own = re.compile(rb'"PriceScheduleID":"([^"]+)"')
        for key, text in store.table("Product").texts():
            for found in default.findall(text):
                yield found.decode(), key
        for key, text in store.table("ProductAssignment").texts():
            for found in own.findall(text):
                yield found.decode(), key.split("/")[0]
        for scope in store.scopes("ProductSupplier"):
            for _, text in store.table("ProductSupplier", scope).texts():
                for found in default.findall(text):
                    yield found.decode(), scope[0]
