"""Marketplaces full of oddities: records as nobody would write them, and as every marketplace has them. Repeatable."""

from __future__ import annotations

import random
import re
from typing import Any

Json = dict[str, Any]
SECTIONS = ("Products", "Variants", "PriceSchedules", "InventoryRecords", "VariantInventoryRecords")
ADDRESSES = ("main", "warehouse-1", "warehouse-2")
# IDs of which several give the same slug, or none.
ODD_IDS = ("odd_one", "odd-one", "__", "123", "x", "x-")


class Marketplace:
    """Products with all that belongs to them, each of which can be made anew.

    Args:
        count: how many products.
        seed: the same seed gives the same marketplace and the same history.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._dice = random.Random(seed)
        self._shares = True
        ids = [*ODD_IDS, *(f"p{number:04d}" for number in range(count - len(ODD_IDS)))]
        self.products = {product_id: self._product(product_id) for product_id in ids}
        self._shares = False

    def age(self, changed: int, gone: int, new: int) -> None:
        """Let some products be others, some be gone, and some be new."""
        for product_id in self._dice.sample(sorted(self.products), changed):
            self.products[product_id] = self._product(product_id)
        for product_id in self._dice.sample(sorted(self.products), gone):
            del self.products[product_id]
        for _ in range(new):
            product_id = f"n{self._dice.randrange(10_000):04d}"
            self.products[product_id] = self._product(product_id)

    def seed(self) -> Json:
        """Return it in the format of the vendor's seeding tool."""
        return {"Objects": {name: [row for one in self.products.values() for row in one[name]] for name in SECTIONS}}

    # One product

    def _pick(self, *choices: Any) -> Any:
        return self._dice.choice(choices)

    def _product(self, product_id: str) -> Json:
        found: Json = {name: [] for name in SECTIONS}
        variants = [self._variant(product_id, number) for number in range(self._pick(0, 0, 1, 2, 3))]
        product: Json = {
            "ID": product_id,
            "Name": self._pick(
                *([f"Product {product_id}"] * 12), "", "   ", "<b>Bold</b> &amp; more", " spaced ", "Käse ☕"
            ),
            "Active": self._pick(True, True, True, False),
            "QuantityMultiplier": self._pick(1, 1, 6),
            "xp": self._xp(product_id),
        }
        if self._dice.random() < 0.5:
            product["ShipWeight"] = self._pick(0, 0.25, 1.0005, 2, 12.3456)
        inventory = self._pick(None, {"Enabled": False}, {"Enabled": True}, {"Enabled": True}, {"Enabled": True})
        if inventory is not None:
            product["Inventory"] = inventory
        if inventory and inventory["Enabled"]:
            # Whether stock of nobody is worth a word where there is no SKU either, nobody has decided.
            has_sku = any((product["xp"] or {}).get(name) for name in ("SKU", "sku"))
            inventory["VariantLevelTracking"] = self._pick(True, False) and (bool(variants) or has_sku)
            self._stock(product, variants, found)
        schedule = self._schedule(product_id)
        if schedule is not None:
            found["PriceSchedules"].append(schedule)
            product["DefaultPriceScheduleID"] = schedule["ID"]
        found["Products"].append(product)
        found["Variants"] += variants
        return found

    def _variant(self, product_id: str, number: int) -> Json:
        # The same variant IDs in every product.
        variant = {
            "ProductID": product_id,
            "ID": f"v{number}",
            "Name": f"Variant {number}",
            "Active": self._pick(True, True, True, False),
            "xp": self._xp(f"{product_id}-{number}"),
            "Specs": [self._spec(place) for place in range(self._pick(0, 1, 2, 3))],
        }
        if self._dice.random() < 0.2:
            variant["ShipWeight"] = self._pick(0.1, 3)
        return variant

    def _spec(self, place: int) -> Json:
        spec = {"SpecID": f"spec-{place}", "OptionID": f"option-{place}", "Name": self._pick("Size", "Colour", "Fit")}
        if self._dice.random() < 0.8:
            spec["Value"] = self._pick("Small", "Large", "Red", " padded ")
        spec["PriceMarkupType"] = self._pick("NoMarkup", "AmountPerQuantity", "AmountTotal", "Percentage")
        spec["PriceMarkup"] = self._pick(0.5, 1, 3.333, 12.5, 0.005, 0.1, 0.2)
        if spec["PriceMarkupType"] == "Percentage":
            spec["PriceMarkup"] = self._pick(0.01, 0.5, 3.3, 12.5, -5)
        return spec

    def _xp(self, base: str) -> Any:
        if self._dice.random() < 0.05:
            return self._pick(None, {}, {"weight": 3})
        digits = re.sub("[^0-9]", "", base)
        sku = self._pick(*([f"S-{base}"] * 14), f" {base} ", int(f"{ord(base[0])}{digits}"), "", None)
        if self._shares and digits and self._dice.random() < 0.1:
            # Never more than two want the same: which of several waiting ones is next, nobody can tell.
            sku = f"shared-{int(digits) // 2}"
        xp: Json = {self._pick("SKU", "SKU", "SKU", "sku"): sku}
        if self._dice.random() < 0.4:
            xp["weight"] = self._pick(250, 0, 0.5, 1.5, 2.5, "1250", " 12.50 ", "", None, "ca. 1.2 kg", "1,5", -3, "-1")
        if self._dice.random() < 0.3:
            xp["Images"] = self._pick(
                [{"Url": f"https://images.example.com/{base}.jpg"}],
                [{"url": f"HTTP://images.example.com/{base}.jpg"}, {"Url": "https://images.example.com/2.jpg"}],
                [{"Url": "", "ThumbnailUrl": "https://images.example.com/t.jpg"}],
                [{"Url": "//images.example.com/x.jpg"}],
                [], "https://images.example.com/text.jpg", [None], ["https://images.example.com/in-list.jpg"],
            )  # fmt: skip
        if self._dice.random() < 0.2:
            xp["rrp"] = self._pick(19.99, "24.50", 0, "n/a", "", None)
        if self._dice.random() < 0.2:
            xp["restockDate"] = self._pick(
                "2026-05-01", "2026-05-01T10:00:00+02:00", "2026-05-01 10:00", "soon", "2026-13-01", "", None
            )
        return xp

    def _stock(self, product: Json, variants: list[Json], found: Json) -> None:
        at_places = self._pick(True, False)
        owners = [(product, None)]
        if product["Inventory"]["VariantLevelTracking"]:
            owners += [(variant, variant["ID"]) for variant in variants]
        for owner, variant_id in owners:
            quantity = self._pick(0, 1, 7, 250, -4)
            if at_places and self._dice.random() < 0.8:
                places = self._dice.sample([*ADDRESSES, *ADDRESSES, self._pick("gone", "main")], self._pick(1, 2, 3))
                for number, address in enumerate(places):
                    record = {"ID": f"r{number}", "AddressID": address, "QuantityAvailable": quantity + number}
                    ids = {"ProductID": product["ID"]} | ({} if variant_id is None else {"VariantID": variant_id})
                    section = "InventoryRecords" if variant_id is None else "VariantInventoryRecords"
                    found[section].append({**ids, **record})
            elif self._dice.random() < 0.9:
                owner.setdefault("Inventory", {})["QuantityAvailable"] = quantity

    def _schedule(self, product_id: str) -> Json | None:
        if self._dice.random() < 0.1:
            return None
        schedule: Json = {"ID": f"price-{product_id}", "Name": product_id}
        if self._dice.random() < 0.8:
            schedule["Currency"] = self._pick(*(["GBP"] * 8), "EUR")
        price = self._dice.randrange(1, 20_000) / self._pick(100, 100, 100, 10_000)
        breaks = [{"Quantity": 1, "Price": price}, {"Quantity": 10, "Price": round(price * 0.9, 3)}]
        schedule["PriceBreaks"] = self._pick([], breaks[:1], breaks, [*breaks, {"Quantity": 10, "Price": 1}])
        for each in schedule["PriceBreaks"]:
            if self._dice.random() < 0.3:
                each["SalePrice"] = round(price * 0.7, 2)
        schedule.update(
            self._pick(
                {},
                {"SaleStart": "2026-01-01T00:00:00Z"},
                {"SaleEnd": "2026-01-01T00:00:00Z"},
                {"SaleStart": "2026-01-01T00:00:00Z", "SaleEnd": "2090-01-01T00:00:00Z"},
                {"SaleStart": "2090-01-01T00:00:00Z"},
            )
        )
        schedule.update(self._pick({}, {}, {"MinQuantity": 3}, {"MinQuantity": 1, "MaxQuantity": 40}))
        return schedule
