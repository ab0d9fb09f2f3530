"""Mutation of a marketplace, like a day of people's work: products, prices, stocks and orders change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.ordercloud.mutate_orders import OrderChanges
from reconciler.emulator.ordercloud.sync_models import SINGLETONS
from reconciler.emulator.ordercloud.syncs import Syncs
from reconciler.emulator.seeds.words import STYLES, Dice
from reconciler.emulator.wire import Refusal, json_answer

# A round is one request, and the emulator answers nobody else meanwhile.
MUTATE_LIMIT = 1_000
_Count = Annotated[int, Field(ge=0, le=MUTATE_LIMIT)]
_PREFIX = "/integrations/"
_WORKED_OUT = ("DateCreated", "OwnerID", "SpecCount", "VariantCount", "Inventory")


class MutateSetting(BaseModel):
    """Body of `POST /_emulator/mutate`: the number of each change; `seedNumber` chooses the objects."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    products: _Count = Field(default=0, description="Products that get another name and description.")
    prices: _Count = Field(default=0, description="Price schedules whose prices change.")
    stocks: _Count = Field(default=0, description="Products of which a quantity changes, at one place.")
    create: _Count = Field(default=0, description="Products that are new, each with a price.")
    delete: _Count = Field(default=0, description="Products that go.")
    rename: _Count = Field(default=0, description="Products that get another ID.")
    amendOrders: _Count = Field(default=0, description="Open orders of which a line changes.")  # noqa: N815
    shipOrders: _Count = Field(default=0, description="Open orders of which some or all is shipped.")  # noqa: N815
    cancelOrders: _Count = Field(default=0, description="Open orders that are cancelled.")  # noqa: N815
    returnOrders: _Count = Field(default=0, description="Completed orders of which a piece comes back.")  # noqa: N815
    pause: list[str] = Field(default=[], description="Syncs to pause, e.g. productsync or entitysync/categories.")
    resume: list[str] = Field(default=[], description="Syncs to resume.")
    seedNumber: int = 0  # noqa: N815 (a name of the JSON)


class Mutation:
    """Round of changes, the same for the same marketplace and setting.

    Args:
        market: what is changed.
        syncs: what is paused and resumed.
        setting: how much of it.
    """

    def __init__(self, market: Marketplace, syncs: Syncs, setting: MutateSetting) -> None:
        self._market = market
        self._syncs = syncs
        self._setting = setting
        self._dice = Dice("mutate", setting.seedNumber)
        self._products = self._shuffled(market.store.table("Product").ordered())

    def carry_out(self) -> dict[str, Any]:
        """Make the changes and return the IDs of changed objects. No product is changed in two ways.

        Raises:
            Refusal: there is no such sync, it has no pause, or is not configured; then nothing was changed.
        """
        setting = self._setting
        paused, resumed = ([self._sync(name) for name in names] for names in (setting.pause, setting.resume))
        report = {
            "deleted": [self._delete(key) for key in self._next(setting.delete)],
            "renamed": [self._rename(key) for key in self._next(setting.rename)],
            "products": [self._edit(key) for key in self._next(setting.products)],
            "stocks": list(self._restock(setting.stocks)),
            "prices": list(self._reprice(setting.prices)),
            "created": [self._create(number) for number in range(setting.create)],
            "paused": paused,
            "resumed": resumed,
        }
        report |= self._change_orders()
        for paths, value in ((paused, True), (resumed, False)):
            for path in paths:
                self._syncs.stored[_PREFIX + path]["Paused"] = value
        return report

    def _change_orders(self) -> dict[str, Any]:
        setting = self._setting
        if not (setting.amendOrders or setting.shipOrders or setting.cancelOrders or setting.returnOrders):
            return {}
        orders = self._shuffled(self._market.store.table("Order").ordered())
        changes = OrderChanges(self._market, self._dice, orders)
        return {
            "amendedOrders": list(changes.amend(setting.amendOrders)),
            "shippedOrders": list(changes.ship(setting.shipOrders)),
            "canceledOrders": list(changes.cancel(setting.cancelOrders)),
            "returnedOrders": list(changes.send_back(setting.returnOrders)),
        }

    def _shuffled(self, choices: Sequence[str]) -> Iterator[str]:
        pool = list(choices)
        while pool:
            place = int(self._dice.roll() * len(pool))
            pool[place], pool[-1] = pool[-1], pool[place]
            yield pool.pop()

    def _next(self, count: int) -> list[str]:
        return [key for _, key in zip(range(count), self._products, strict=False)]

    def _sync(self, name: str) -> str:
        """Return the path of a sync that can be paused, as its API writes it."""
        paths = {each.path.lower(): each.path for each in SINGLETONS if "Paused" in each.model.members}
        path = paths.get(_PREFIX + name.lower())
        if path is None or path not in self._syncs.stored:
            known = ", ".join(sorted(each.removeprefix(_PREFIX) for each in paths.values()))
            why = "is not configured" if path else f"cannot be paused; there are {known}"
            raise Refusal(json_answer({"error": f"the sync {name} {why}"}, 400))
        return path.removeprefix(_PREFIX)

    def _delete(self, key: str) -> str:
        self._market.remove(self._market.resources["Product"], (), key)
        return key

    def _rename(self, key: str) -> JsonObject:
        product = self._market.existing("Product", (), key)
        new = self._free_id("Product", f"{key[:90]}-new")
        self._market.save(self._market.resources["Product"], (), {**product, "ID": new}, product)
        return {"from": key, "to": new}

    def _edit(self, key: str) -> str:
        product = self._market.existing("Product", (), key)
        name = product.get("Name", "")
        base, _, edition = name.rpartition(" mk ")
        # A mark is added in each round, so that the name always differs.
        changed = f"{base} mk {int(edition) + 1}" if base and edition.isdigit() else f"{name[:85]} mk 2"
        note = f"{self._dice.pick(STYLES)} edition."
        self._market.update("Product", (), key, {"Name": changed, "Description": note})
        return key

    def _restock(self, count: int) -> Iterator[JsonObject]:
        """Change the stock of some products, where it stands: at a location, on a variant, on the product."""
        done = 0
        while done < count and (key := next(self._products, None)) is not None:
            found = self._stocks_of(key)
            if found:
                done += 1
                name, scope, row_key = self._dice.pick(found)
                yield {"productID": key, **self._set_quantity(name, scope, row_key)}

    def _stocks_of(self, key: str) -> list[tuple[str, Scope, str]]:
        store = self._market.store
        inventory = self._market.existing("Product", (), key)["Inventory"]
        if not inventory.get("Enabled"):
            return []
        variants = list(store.table("Variant", (key,)).ordered())
        places: list[tuple[str, Scope]] = [("InventoryRecord", (key,))]
        places += [("VariantInventoryRecord", (key, variant)) for variant in variants]
        records = [(name, scope, record) for name, scope in places for record in store.table(name, scope).ordered()]
        if records:
            return records
        if inventory.get("VariantLevelTracking"):
            return [("Variant", (key,), variant) for variant in variants]
        return [("Product", (), key)]

    def _set_quantity(self, name: str, scope: Scope, key: str) -> JsonObject:
        row = self._market.existing(name, scope, key)
        of_record = name.endswith("Record")
        held = row if of_record else row.get("Inventory") or {}
        before = held.get("QuantityAvailable") or 0
        step = self._dice.between(1, 40)
        quantity = before - step if before >= step and self._dice.roll() < 0.6 else before + step
        changes: JsonObject = {"QuantityAvailable": quantity}
        if not of_record:
            stock = {member: value for member, value in held.items() if member != "LastUpdated"}
            changes = {"Inventory": {**stock, **changes}}
        self._market.update(name, scope, key, changes)
        touched: JsonObject = {"quantityAvailable": quantity}
        if name.startswith("Variant"):
            touched["variantID"] = scope[1] if of_record else key
        if of_record:
            touched["inventoryRecordID"] = key
        return touched

    def _reprice(self, count: int) -> Iterator[str]:
        done = 0
        schedules = self._shuffled(self._market.store.table("PriceSchedule").ordered())
        while done < count and (key := next(schedules, None)) is not None:
            breaks = self._market.existing("PriceSchedule", (), key).get("PriceBreaks")
            if breaks:
                done += 1
                factor = 1 + self._dice.pick((-0.1, -0.05, 0.03, 0.05, 0.1))
                changed = [{**each, "Price": _moved(each["Price"], factor)} for each in breaks]
                self._market.update("PriceSchedule", (), key, {"PriceBreaks": changed})
                yield key

    def _create(self, number: int) -> str:
        """Create a product like another one, with a price, in the same catalogs."""
        market = self._market
        key = self._free_id("Product", f"NEW-{self._setting.seedNumber}-{number:04d}")
        pattern_id = next(self._products, None)
        pattern = {} if pattern_id is None else market.existing("Product", (), pattern_id)
        kept = {member: value for member, value in pattern.items() if member not in _WORKED_OUT}
        price = {"ID": key, "Name": key, "Currency": "GBP", "MinQuantity": 1}
        breaks = [{"Quantity": 1, "Price": self._dice.between(300, 9_900) / 100}]
        market.insert("PriceSchedule", (), {**price, "PriceBreaks": breaks})
        body = {**kept, "ID": key, "Name": f"New {number + 1}: {pattern.get('Name', 'product')}"[:100], "Active": True}
        if "xp" in kept:
            body["xp"] = {**kept["xp"], "SKU": key}
        market.insert("Product", (), {**body, "DefaultPriceScheduleID": key})
        for assignment in market.store.holding("ProductCatalogAssignment", (), "ProductID", pattern_id or ""):
            market.insert("ProductCatalogAssignment", (), {**assignment[1], "ProductID": key})
        return key

    def _free_id(self, name: str, wanted: str) -> str:
        table = self._market.store.table(name)
        number, key = 1, wanted
        while key in table:
            number += 1
            key = f"{wanted}-{number}"
        return key


def _moved(price: float, factor: float) -> float:
    """Return another price, never the same one."""
    moved = round(price * factor, 2)
    return moved if moved != price else round(price + 0.01, 2)
