"""Changes of records: each write to the marketplace is observed, and the records of syncs that it touched are kept."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.deliveries.records import PRODUCT_SYNC, Record, record_of
from reconciler.emulator.ordercloud.deliveries.relations import PRICE_SCHEDULE, Relations
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.state import State


class Changes:
    """Records that were touched since the last `taken`, each once, in the order of their first touch.

    Args:
        state: for the switches.
        market: what is observed.
        syncs: the configured syncs by path; while there is none, nothing is noted.
    """

    def __init__(self, state: State, market: Marketplace, syncs: Mapping[str, JsonObject]) -> None:
        self._state = state
        self._market = market
        self._syncs = syncs
        self._relations = Relations(market)
        self._touched: dict[Record, JsonObject | None] = {}
        market.observer = self

    def changed(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Note a row that was stored."""
        self._relations.learn(name, scope, key, row)
        if not self._syncs:
            return
        record = record_of(name, scope, key)
        if record is not None and record.sync in self._syncs:
            self._touched.setdefault(record, None)
        self._touch_products(name, scope, key, row)

    def removed(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Note a row that was removed."""
        if not self._syncs:
            return
        record = record_of(name, scope, key)
        if record is not None and record.sync in self._syncs:
            self._touched[record] = row
        self._touch_products(name, scope, key, row)

    def renamed(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Note that a row has another ID now; `key` and `row` are those before."""
        if self._state.switches.delivery_rename == "deleted_and_updated":
            self.removed(name, scope, key, row)

    def replaced(self) -> None:
        """Remove all: the marketplace is another one."""
        self._touched.clear()
        self._relations.forget()

    def taken(self) -> list[tuple[Record, JsonObject | None]]:
        """Return the touched records, and begin anew. With each record that is gone comes what it was; else None."""
        touched, self._touched = self._touched, {}
        found: list[tuple[Record, JsonObject | None]] = []
        for record, before in touched.items():
            if record.key in self._market.store.table(record.name, record.scope):
                found.append((record, None))
            elif before is not None:
                found.append((record, before))
        return found

    def _touch_products(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        sync = self._syncs.get(PRODUCT_SYNC)
        if sync is None or name == "Product" or (name == PRICE_SCHEDULE and sync.get("ExcludePriceSchedules")):
            return
        for product in self._relations.products_of(name, scope, key, row):
            self._touched.setdefault(Record(PRODUCT_SYNC, "Product", (), product), None)
        if sync.get("Paused"):
            for product in self._relations.products_below(name, scope, key, row):
                self._touched.setdefault(Record(PRODUCT_SYNC, "Product", (), product), None)
