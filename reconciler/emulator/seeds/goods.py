"""Products of a generated marketplace, with variants, stock and prices, some with a flaw of real life."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import product as combinations
from typing import Any

from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.seeds.parties import RETAIL, SUPPLIERS, TRADE, WAREHOUSES, Company, leaf_category
from reconciler.emulator.seeds.seed import FlawLog, Row
from reconciler.emulator.seeds.words import BRANDS, SPECS, STYLES, WARES, Dice, Ware

# One product in 25 has a flaw; the flaws take turns.
FLAWED_EVERY = 25
PRODUCT_FLAWS = (
    *("no-sku", "duplicate-sku", "weight-is-text", "no-price-schedule", "html-in-name", "inactive", "no-currency"),
    *("duplicate-variant-id", "empty-name", "no-price-breaks", "dangling-stock-address", "images-is-text", "long-xp"),
    *("dangling-ship-from", "negative-stock"),
)
_STAMP = "2026-03-02T06:30:00.000+00:00"
# Windows of sales: past, long, without an end.
_SALES: Sequence[JsonObject] = (
    {"SaleStart": "2025-11-24T00:00:00.000+00:00", "SaleEnd": "2025-12-01T00:00:00.000+00:00"},
    {"SaleStart": "2026-01-01T00:00:00.000+00:00", "SaleEnd": "2036-01-01T00:00:00.000+00:00"},
    {"SaleStart": "2026-01-01T00:00:00.000+00:00"},
)
_FILLER = "Supplied in recyclable packaging; keep dry and out of direct sunlight. "


def product_id(number: int) -> str:
    """Return the ID of a product by its number. Padded, so that the last-ID walk keeps its order."""
    return f"{WARES[number % len(WARES)].code}-{number:07d}"


class Goods:
    """Products of a generated marketplace; `rows` fills `prices` and `has_variants`, by product number.

    Args:
        products: how many.
        seed_number: of the marketplace.
        companies: the buyers, of which some have prices of their own.
    """

    def __init__(self, products: int, seed_number: int, companies: Sequence[Company]) -> None:
        self.count = products
        self.prices = array("d")
        self.has_variants = bytearray()
        self._dice = Dice(seed_number, "products")
        self._companies = companies
        self._variant_id = ""

    def rows(self, flaws: FlawLog) -> Iterator[Row]:
        """Yield the rows of every product, with its variants, stock, prices and assignments."""
        for number in range(self.count):
            flaw = ""
            if number % FLAWED_EVERY == FLAWED_EVERY - 1:
                flaw = PRODUCT_FLAWS[number // FLAWED_EVERY % len(PRODUCT_FLAWS)]
                flaws.note(flaw, product_id(number))
            yield from self._product(number, flaw)

    def _product(self, number: int, flaw: str) -> Iterator[Row]:
        dice = self._dice
        ware = WARES[number % len(WARES)]
        key = product_id(number)
        low, high = ware.price
        price = round(low + (high - low) * dice.roll() ** 2) - 0.05
        in_variants = bool(ware.specs) and (dice.roll() < 0.3 or flaw == "duplicate-variant-id")
        self.prices.append(price)
        self.has_variants.append(in_variants)
        body = self._body(number, ware, flaw)
        supplier = dice.pick(SUPPLIERS) if dice.roll() < 0.15 else None
        if supplier:
            body["DefaultSupplierID"] = supplier
            yield "ProductSupplier", (key,), {"SupplierID": supplier}
        if flaw != "no-price-schedule":
            body["DefaultPriceScheduleID"] = key
            yield "PriceSchedule", (), self._schedule(key, body["Name"], price, flaw)
        variants = list(self._variants(ware, body)) if in_variants else []
        if variants:
            body["SpecCount"], body["VariantCount"] = len(ware.specs), len(variants)
            for spec in ware.specs:
                yield "SpecProductAssignment", (), {"SpecID": spec, "ProductID": key}
        if flaw == "duplicate-variant-id" and self._variant_id:
            variants[0]["ID"] = self._variant_id
        elif variants:
            self._variant_id = variants[0]["ID"]
        yield from self._stock(body, variants, flaw)
        yield "Product", (), body
        for variant in variants:
            yield "Variant", (key,), variant
        yield from self._places(key, ware, price > (low + high) / 2)
        if dice.roll() < 0.05:
            yield from self._party_price(key, price)

    def _body(self, number: int, ware: Ware, flaw: str) -> JsonObject:
        dice = self._dice
        key = product_id(number)
        brand = dice.pick(BRANDS)
        name = f"{brand} {dice.pick(STYLES)} {ware.noun} {100 + int(dice.roll() * 900)}"
        weight = dice.between(*ware.weight)
        image = f"https://images.example.com/{ware.category}/{key}"
        xp: dict[str, Any] = {
            "SKU": product_id(number - 1) if flaw == "duplicate-sku" else key,
            "Brand": brand,
            "weight": weight,
            "Images": [{"Url": f"{image}-1.jpg"}, {"Url": f"{image}-2.jpg"}],
        }
        if dice.roll() < 0.1:
            xp["restockDate"] = f"2026-{dice.between(4, 12):02d}-{dice.between(1, 28):02d}"
        body = {
            "ID": key,
            "Name": name,
            "Description": f"{name}. {_FILLER}",
            "Active": flaw != "inactive",
            "QuantityMultiplier": 1,
            "ShipWeight": round(weight / 1000, 3),
            "ShipFromAddressID": "warehouse-closed" if flaw == "dangling-ship-from" else WAREHOUSES[0],
            "SpecCount": 0,
            "VariantCount": 0,
            "Returnable": dice.roll() < 0.9,
            "DateCreated": f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}T08:00:00.000+00:00",
            "xp": xp,
        }
        match flaw:
            case "no-sku":
                del xp["SKU"]
            case "weight-is-text":
                xp["weight"] = f"ca. {weight / 1000:.1f} kg"
            case "images-is-text":
                xp["Images"] = xp["Images"][0]["Url"]
            case "html-in-name":
                body["Name"] = f"<b>{name}</b> &amp; <script>alert('x')</script>"
            case "empty-name":
                body["Name"] = ""
            case "long-xp":
                xp["Notes"] = (_FILLER * 120)[:7_600]
        return body

    def _schedule(self, key: str, name: str, price: float, flaw: str) -> JsonObject:
        dice = self._dice
        breaks: list[JsonObject] = [{"Quantity": 1, "Price": price}]
        if dice.roll() < 0.4:
            breaks += [
                {"Quantity": 10, "Price": round(price * 0.92, 2)},
                {"Quantity": 50, "Price": round(price * 0.85, 2)},
            ]
        body = {"ID": key, "Name": name, "Currency": "GBP", "MinQuantity": 1, "ApplyTax": True, "PriceBreaks": breaks}
        if dice.roll() < 0.1:
            breaks[0]["SalePrice"] = round(price * 0.8, 2)
            body |= dice.pick(_SALES)
        if flaw == "no-currency":
            del body["Currency"]
        elif flaw == "no-price-breaks":
            body["PriceBreaks"] = []
        return body

    def _variants(self, ware: Ware, product: JsonObject) -> Iterator[JsonObject]:
        """Yield some combinations of the ware's options, the first one always among them."""
        dice = self._dice
        chosen = [SPECS[spec][1][: dice.between(2, 4 if len(ware.specs) == 1 else 3)] for spec in ware.specs]
        sku = product["xp"].get("SKU")
        for options in combinations(*chosen):
            ending = "-".join(option[0] for option in options)
            variant: JsonObject = {
                "ID": f"{product['ID']}-{ending}",
                "Name": " ".join((product["Name"], *(option[1] for option in options))),
                "Active": product["Active"],
                "Specs": [
                    {"SpecID": spec, "Name": SPECS[spec][0], "OptionID": option[0], "Value": option[1]}
                    | {"PriceMarkupType": option[2], "PriceMarkup": option[3]}
                    for spec, option in zip(ware.specs, options, strict=True)
                ],
            }
            if sku:
                variant["xp"] = {"SKU": f"{sku}-{ending.upper()}"}
            yield variant

    def _stock(self, product: JsonObject, variants: Sequence[JsonObject], flaw: str) -> Iterator[Row]:
        """Yield the stock of a product or its variants: by location, in one, or untracked. Quantities are sums."""
        dice = self._dice
        key = product["ID"]
        draw = 0.9 if flaw in ("dangling-stock-address", "negative-stock") else dice.roll()
        if draw < 0.1:
            product["Inventory"] = {"Enabled": False, "LastUpdated": _STAMP}
            return
        by_variant = bool(variants) and dice.roll() < 0.4
        at_places = draw > 0.45
        total = 0
        owners = variants if by_variant else [product]
        for owner in owners:
            quantity = -4 if flaw == "negative-stock" else dice.between(0, 400)
            if at_places:
                scope = (key, owner["ID"]) if by_variant else (key,)
                name = "VariantInventoryRecord" if by_variant else "InventoryRecord"
                places = WAREHOUSES[: dice.between(1, 3)]
                if flaw == "dangling-stock-address":
                    places = ("warehouse-closed", *places)
                for place in places:
                    record = {"ID": f"{owner['ID']}-{place}", "AddressID": place, "QuantityAvailable": quantity}
                    yield name, scope, {**record, "OwnerID": None, "AllowAllBuyers": True, "LastUpdated": _STAMP}
                quantity *= len(places)
            if by_variant:
                owner["Inventory"] = {"QuantityAvailable": quantity, "LastUpdated": _STAMP}
            total += quantity
        product["Inventory"] = {
            "Enabled": True,
            "VariantLevelTracking": by_variant,
            "OrderCanExceed": dice.roll() < 0.1,
            "QuantityAvailable": total if at_places or not by_variant else None,
            "LastUpdated": _STAMP,
        }

    def _places(self, key: str, ware: Ware, high: bool) -> Iterator[Row]:
        """Yield the assignments to the shop's catalog and category, and for two in three to the trade catalog."""
        yield "ProductCatalogAssignment", (), {"CatalogID": RETAIL, "ProductID": key}
        yield (
            "CategoryProductAssignment",
            (RETAIL,),
            {"CategoryID": leaf_category(ware.category, high), "ProductID": key},
        )
        if self._dice.roll() < 0.66:
            yield "ProductCatalogAssignment", (), {"CatalogID": TRADE, "ProductID": key}

    def _party_price(self, key: str, price: float) -> Iterator[Row]:
        """Yield a price for one business customer, or for one of its groups."""
        dice = self._dice
        company = dice.pick(self._companies[1:])
        schedule = f"{key}-{company.id}"
        breaks = [{"Quantity": 1, "Price": round(price * 0.88, 2)}]
        body = {"ID": schedule, "Name": f"{key} for {company.id}", "Currency": "GBP", "MinQuantity": 1}
        yield "PriceSchedule", (), {**body, "PriceBreaks": breaks}
        assignment = {"ProductID": key, "BuyerID": company.id, "PriceScheduleID": schedule}
        if dice.roll() < 0.3:
            assignment["UserGroupID"] = company.groups[0]
        yield "ProductAssignment", (), assignment
