"""A second mapping, written from docs/sync.md alone: what a site should hold after a sync, in plain code.

It shares nothing with `reconciler.sync`. `expected` reads the emulator's dump of OrderCloud, `found` that of a
SparkLayer site; where both are equal, field by field, the sync did what the page says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Json = dict[str, Any]
GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "lb": Decimal("453.59237"), "oz": Decimal("28.349523125")}


@dataclass
class Options:
    """What the DataSync says, and the currency of the price list; `sku_is_id`: the mapping `variants.sku: ID`.

    `left_out` are the IDs of products that exist and that OrderCloud's lists do not have.
    """

    locations: dict[str, str] = field(default_factory=dict)
    default_location: str | None = None
    currency: str | None = "GBP"
    list_currency: str | None = "GBP"
    price_list: str = "ordercloud-price"
    ship_weight_unit: str = "kg"
    catalogs: list[str] | None = None
    sku_is_id: bool = False
    left_out: frozenset[str] = frozenset()


@dataclass
class Content:
    """What a site holds: products by external ID, stock by SKU and location, prices by SKU and quantity, log errors."""

    products: dict[str, Json] = field(default_factory=dict)
    stock: dict[str, dict[str, Json]] = field(default_factory=dict)
    prices: dict[str, dict[int, float]] = field(default_factory=dict)
    errors: dict[str, set[str]] = field(default_factory=dict)

    def problem(self, external_id: str, message: str) -> None:
        self.errors.setdefault(external_id, set()).add(message)


NOT_LISTED = (
    "OrderCloud's lists leave the product out, or show another ID for it. "
    "They leave it out where a value in its xp has another type than that of other "
    "products: give it the same type. It is synced by its ID."
)

# What the page calls a text and a number


def text(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            return None
        value = int(value) if value == int(value) else value
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    return None


class NoNumber(Exception):
    pass


def number(value: Any) -> Decimal | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        raise NoNumber
    if isinstance(value, int | float):
        return Decimal(str(value))
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value.strip()):
        return Decimal(value.strip())
    raise NoNumber


def rounded(value: Decimal, places: str) -> Decimal:
    return value.quantize(Decimal(places), ROUND_HALF_UP)


def xp_of(record: Json) -> Json:
    xp = record.get("xp")
    return xp if isinstance(xp, dict) else {}


# What the API's lists return, put together from the dump


class Source:
    def __init__(self, ordercloud: Json) -> None:
        self.objects = ordercloud["commerce"]["objects"]
        self.schedules = {row["ID"]: row for row in self.rows("PriceSchedule", "")}

    def rows(self, resource: str, parents: str) -> list[Json]:
        rows: list[Json] = self.objects.get(resource, {}).get(parents, [])
        return sorted(rows, key=lambda row: (row.get("ID", "").lower(), row.get("ID", "")))

    def products(self, catalogs: list[str] | None) -> Iterator[Json]:
        rows = self.rows("ProductCatalogAssignment", "")
        assigned = {row["ProductID"] for row in rows if catalogs is not None and row["CatalogID"] in catalogs}
        for product in self.rows("Product", ""):
            if catalogs is None or product["ID"] in assigned:
                yield product

    def variants(self, product: Json) -> list[Json]:
        return self.rows("Variant", product["ID"])

    def records(self, product: Json, variant: Json | None) -> list[Json]:
        if variant is None:
            return self.rows("InventoryRecord", product["ID"])
        return self.rows("VariantInventoryRecord", f"{product['ID']}/{variant['ID']}")

    def schedule(self, product: Json) -> Json | None:
        return self.schedules.get(product.get("DefaultPriceScheduleID") or "")


# One record


@dataclass
class Item:
    """A variant, or the product itself where it has none."""

    product: Json
    variant: Json | None
    position: int
    sku: str | None

    @property
    def external_id(self) -> str:
        return self.product["ID"] if self.variant is None else f"{self.product['ID']}/{self.variant['ID']}"

    @property
    def own(self) -> Json:
        return self.product if self.variant is None else self.variant

    @property
    def levels(self) -> list[tuple[str, Json]]:
        """The variant, then the product, each with the external ID under which its problems are told."""
        both = [(self.external_id, self.own)]
        return both if self.variant is None else [*both, (self.product["ID"], self.product)]


def slug_of(value: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")


def sku_of(record: Json, options: Options) -> str | None:
    if options.sku_is_id:
        return text(record["ID"])
    return text(xp_of(record).get("SKU")) or text(xp_of(record).get("sku"))


def items_of(source: Source, product: Json, options: Options) -> list[Item]:
    variants = source.variants(product)
    if not variants:
        return [Item(product, None, 1, sku_of(product, options))]
    return [Item(product, variant, place, sku_of(variant, options)) for place, variant in enumerate(variants, 1)]


def weight(item: Item, options: Options, content: Content) -> tuple[int | None, bool]:
    """Return grams, and whether the variant can go through."""
    for external_id, level in item.levels:
        sent = xp_of(level).get("weight")
        try:
            grams = number(sent)
        except NoNumber:
            content.problem(external_id, f'The weight "{sent}" is no number of grams. Correct xp.weight.')
            return None, False
        if grams is not None and grams < 0:
            content.problem(external_id, "The weight is less than 0. Correct xp.weight.")
            return None, False
        if grams is not None:
            return int(rounded(grams, "1")), True
    for _, level in item.levels:
        if level.get("ShipWeight") is not None:
            return int(rounded(Decimal(str(level["ShipWeight"])) * GRAMS[options.ship_weight_unit], "1")), True
    return None, True


def image(item: Item) -> str | None:
    for _, level in item.levels:
        images = xp_of(level).get("Images")
        first = images[0] if isinstance(images, list) and images else None
        if isinstance(first, dict):
            for name in ("Url", "url", "ThumbnailUrl"):
                url = text(first.get(name))
                if isinstance(first.get(name), str) and url and url.lower().startswith(("http://", "https://")):
                    return url
    return None


def options_of(item: Item) -> list[Json]:
    if item.variant is None:
        return []
    found: dict[str, str] = {}
    for spec in item.variant.get("Specs") or []:
        group = text(spec.get("Name"))
        if group is None or group in found:
            group = text(spec.get("SpecID"))
        value = text(spec.get("Value")) or text(spec.get("OptionID"))
        if group and value and group not in found:
            found[group] = value
    return [{"group": group, "value": value} for group, value in sorted(found.items())]


def rrp(item: Item, schedule: Json | None, options: Options, content: Content) -> tuple[list[Json] | None, bool]:
    for external_id, level in item.levels:
        sent = xp_of(level).get("rrp")
        try:
            price = number(sent)
        except NoNumber:
            content.problem(external_id, f'The recommended price "{sent}" is no number. Correct xp.rrp.')
            return None, False
        if price is not None:
            currency = options.list_currency or options.currency or (schedule or {}).get("Currency")
            return [{"currency_code": currency, "price": float(price)}], currency is not None
    return None, True


def settings(product: Json, schedule: Json | None) -> list[Json] | None:
    found: Json = {}
    if (product.get("QuantityMultiplier") or 1) > 1:
        found["pack_size"] = product["QuantityMultiplier"]
    if ((schedule or {}).get("MinQuantity") or 1) > 1:
        found["min_order_quantity"] = (schedule or {})["MinQuantity"]
    if ((schedule or {}).get("MaxQuantity") or 0) >= 1:
        found["max_order_quantity"] = (schedule or {})["MaxQuantity"]
    return [{"customer_group": "base", **found}] if found else None


def body_of(item: Item, schedule: Json | None, options: Options, content: Content) -> Json | None:
    """Return the variant; None: it cannot go through, whoever else has its SKU."""
    if item.sku is None:
        content.problem(item.external_id, "The SKU is not set. Set xp.SKU in OrderCloud.")
        return None
    grams, weighs = weight(item, options, content)
    recommended, priced = rrp(item, schedule, options, content)
    if not (weighs and priced):
        return None
    active = item.product.get("Active") is True and item.own.get("Active") is True
    body = {
        "sku": item.sku,
        "weight_in_grams": grams,
        "position": item.position,
        "cart_image_url": image(item),
        "options": options_of(item) or None,
        "status": "live" if active else "suspended",
        "rrp": recommended,
        "settings": settings(item.product, schedule),
    }
    return {name: value for name, value in body.items() if value is not None}


def restock_date(item: Item, content: Content) -> str | None:
    for external_id, level in item.levels:
        sent = xp_of(level).get("restockDate")
        if sent is None or sent == "":
            continue
        day = day_of(sent)
        if day is None:
            content.problem(external_id, f'The restock date "{sent}" is no date. Write it as 2026-05-01.')
        return day
    return None


def day_of(sent: Any) -> str | None:
    if not isinstance(sent, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?", sent.strip()):
        return None
    try:
        return date.fromisoformat(sent.strip()[:10]).isoformat()
    except ValueError:
        return None


def levels(source: Source, item: Item, options: Options, content: Content) -> dict[str, Json] | None:
    """Return the level at each location; None: not to be written."""
    product, inventory = item.product, item.product.get("Inventory") or {}
    if inventory.get("Enabled") is not True:
        return {}
    tracked = inventory.get("VariantLevelTracking") is True and item.variant is not None
    owner = item.external_id if tracked else product["ID"]
    records = source.records(product, item.variant if tracked else None)
    quantities: dict[str, int] = {}
    unknown = False
    for record in records:
        location = options.locations.get(record["AddressID"])
        if location is None:
            address = record["AddressID"]
            message = f"There is stock at the address {address}, which is no stock location. Add it to stock.locations."
            content.problem(owner, message)
            unknown = True
        else:
            quantities[location] = quantities.get(location, 0) + (record.get("QuantityAvailable") or 0)
    if unknown:
        return None
    if not records:
        quantity = ((item.own if tracked else product).get("Inventory") or {}).get("QuantityAvailable")
        if quantity is None:
            return {}
        assert options.default_location, "the tests always name one"
        quantities[options.default_location] = quantity
    date = restock_date(item, content)
    dated = {} if date is None else {"restock_date": date}
    return {location: {"stock_level": quantity, **dated} for location, quantity in quantities.items()}


def moment(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def on_sale(schedule: Json, now: datetime) -> bool:
    start, end = schedule.get("SaleStart"), schedule.get("SaleEnd")
    if not start and not end:
        # The emulator's IsOnSale, which is not in its dump, is false where there is no window.
        return False
    return (not start or moment(start) <= now) and (not end or now < moment(end))


def tiers(
    item: Item, schedule: Json | None, options: Options, now: datetime, content: Content
) -> dict[int, float] | None:
    """Return price by quantity; None: not to be written."""
    if schedule is None or not schedule.get("PriceBreaks"):
        return {}
    currency = schedule.get("Currency") or options.list_currency or options.currency
    product_id = item.product["ID"]
    if currency is None:
        content.problem(product_id, f"The price has no currency. Set one at the price schedule {schedule['ID']}.")
        return None
    wanted = options.list_currency or options.currency
    if currency != wanted:
        clash = f"The price schedule {schedule['ID']} is in {currency}, the price list in {wanted}."
        content.problem(product_id, f"{clash} Give the product a default price in {wanted}.")
        return None
    found: dict[int, float] = {}
    for tier in schedule["PriceBreaks"]:
        if tier["Quantity"] in found:
            continue
        sale = tier.get("SalePrice")
        price = Decimal(str(sale if sale is not None and on_sale(schedule, now) else tier["Price"]))
        amounts, percents = [], []
        for spec in (item.variant or {}).get("Specs") or []:
            markup = Fraction(str(spec.get("PriceMarkup") or 0))
            if spec.get("PriceMarkupType") == "AmountPerQuantity":
                amounts.append(markup)
            elif spec.get("PriceMarkupType") == "Percentage":
                percents.append(markup)
        found[tier["Quantity"]] = float(with_percents(price, percents, currency) + sum(amounts))
    return found


# ISO 4217, of the currencies that tests use.
_DECIMALS = {"GBP": 2, "EUR": 2, "USD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "CLF": 4}


def with_percents(price: Decimal, percents: list[Fraction], currency: str) -> Fraction:
    """Return a price and its percentages with the fewest decimals that show all of them, in whole fractions."""
    digits = format(price, "f").partition(".")[2].rstrip("0")
    decimals = max(_DECIMALS[currency], len(digits))
    exact = Fraction(price)
    added = [exact * percent / 100 for percent in percents if exact * percent]
    while added:
        # Python rounds halves of a Fraction to even.
        shown, *less = (
            round(value, decimals) for value in (exact + sum(added), *(exact + sum(added) - a for a in added))
        )
        if (shown or not exact + sum(added)) and shown not in less:
            return shown
        decimals += 1
    return exact


# The whole site


class Owners:
    """Who has a name: whoever had it before, then the first by ID that wants it."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}

    def claim(self, name: str, owner: str) -> str:
        return self.of.setdefault(name, owner)


def live_variants(product: Json) -> dict[str, Json]:
    return {name: item for name, item in product["variants"].items() if item["status"] != "discontinued"}


def expected(ordercloud: Json, options: Options, now: datetime, before: Content | None = None) -> Content:
    """Return what the site should hold.

    Args:
        ordercloud: the emulator's dump of it.
        options: the DataSync.
        now: the source's time.
        before: what the site held before the run; nothing where it is left out.
    """
    source = Source(ordercloud)
    before = before or Content()
    content = Content()
    everything = {
        product["ID"]: items_of(source, product, options)
        for product in source.products(options.catalogs)
        if product["ID"] not in options.left_out or is_known(product["ID"], before)
    }
    skus, slugs = owners(source, everything, options, before)
    for product_id, items in everything.items():
        record = Record(source, items, options, before.products.get(product_id))
        record.judge(skus, slugs, content)
        record.product_into(content)
        record.stock_and_prices_into(content, before, now)
        if product_id in options.left_out:
            content.problem(product_id, NOT_LISTED)
    for product_id, product in before.products.items():
        if product_id not in everything:
            gone = {name: {"status": "discontinued"} for name in product["variants"]}
            content.products[product_id] = {**product, "variants": gone}
    return content


def is_known(product_id: str, before: Content) -> bool:
    """Whether a run that does not find a product in the lists asks for it by its ID."""
    held = before.products.get(product_id)
    has_problem = any(external_id.split("/")[0] == product_id for external_id in before.errors)
    return has_problem or (held is not None and bool(live_variants(held)))


def owners(
    source: Source, everything: dict[str, list[Item]], options: Options, before: Content
) -> tuple[Owners, Owners]:
    """Return who has which SKU and slug.

    A record keeps what it has in the target while it still wants it, or is held back; a slug it keeps for ever. What
    becomes free by that may let another record through, so this is asked again until nothing changes.
    """
    kept = {
        product_id: {variant["sku"] for variant in live_variants(product).values()}
        for product_id, product in before.products.items()
        if product_id in everything
    }
    while True:
        skus, slugs = Owners(), Owners()
        for product_id, product in before.products.items():
            slugs.claim(product["slug"], product_id)
        for product_id, names in kept.items():
            for sku in names:
                skus.claim(sku, product_id)
        for product_id, items in everything.items():
            if product_id not in before.products:
                slugs.claim(slug_of(product_id), product_id)
            for item in items:
                if item.sku is not None:
                    skus.claim(item.sku, product_id)
        freed = False
        for product_id, names in kept.items():
            items = everything[product_id]
            record = Record(source, items, options, before.products[product_id])
            record.judge(skus, slugs, Content())
            unwanted = names - {item.sku for item in items}
            if unwanted and not record.held_back:
                names -= unwanted
                freed = True
        if not freed:
            return skus, slugs


class Record:
    """A product with its variants on their way into the site.

    Args:
        source: where it comes from.
        items: its variants.
        options: the DataSync.
        held: what the site has of it.
    """

    def __init__(self, source: Source, items: list[Item], options: Options, held: Json | None) -> None:
        self.source, self.items, self.options, self.held = source, items, options, held
        self.product = items[0].product
        self.id = self.product["ID"]
        self.schedule = source.schedule(self.product)
        self.title = text(self.product.get("Name"))
        self.slug = held["slug"] if held is not None else slug_of(self.id)
        self.held_back = False
        self.bodies: dict[str, Json] = {}
        self.good: list[Item] = []

    def judge(self, skus: Owners, slugs: Owners, content: Content) -> None:
        """Find out what goes through, and note what does not."""
        self.judge_product(slugs, content)
        seen: dict[str, str] = {}
        for item in self.items:
            body = body_of(item, self.schedule, self.options, content)
            if body is not None and (body["sku"] in seen or skus.of[body["sku"]] != self.id):
                user = f"product {skus.of[body['sku']]}"
                if body["sku"] in seen:
                    user = f"the variant {seen[body['sku']]} of this product"
                message = f"The SKU {body['sku']} is already used by {user}. Give one of them another SKU."
                content.problem(item.external_id, message)
                body = None
            if item.sku is not None:
                seen.setdefault(item.sku, item.own["ID"])
            if body is not None:
                self.bodies[item.external_id] = body
                self.good.append(item)
            elif self.held is not None and item.external_id in self.held["variants"]:
                self.held_back = True
        if not self.bodies:
            self.held_back = True

    def judge_product(self, slugs: Owners, content: Content) -> None:
        problems = []
        if self.title is None:
            problems.append("The product has no name. Give it one in OrderCloud.")
        elif len(self.title) > 255:
            problems.append("The title is longer than 255 characters. Shorten it.")
        if not self.slug:
            problems.append(f"No slug can be made from {self.id}. Map slug to something with letters or digits.")
        elif slugs.of[self.slug] != self.id:
            taken = f"The slug {self.slug} is already used by product {slugs.of[self.slug]}."
            problems.append(f"{taken} Rename one of them, or map slug to something unique.")
        for problem in problems:
            content.problem(self.id, problem)
            self.held_back = True

    def product_into(self, content: Content) -> None:
        if not self.held_back:
            there = {item.external_id for item in self.items}
            known = [] if self.held is None else self.held["variants"]
            gone = {name: {"status": "discontinued"} for name in known if name not in there}
            content.products[self.id] = {"title": self.title, "slug": self.slug, "variants": {**gone, **self.bodies}}
        elif self.held is not None:
            content.products[self.id] = self.held

    def stock_and_prices_into(self, content: Content, before: Content, now: datetime) -> None:
        for item in self.items:
            prices = tiers(item, self.schedule, self.options, now, content)
            if item.sku is None:
                self.note_stock_of_product(item, content)
                continue
            wanted = levels(self.source, item, self.options, content)
            if item not in self.good:
                continue
            had, had_prices = before.stock.get(item.sku), before.prices.get(item.sku)
            # While it is held back, only SKUs that the target knows of are written.
            waits = self.held_back and had is None and had_prices is None
            if wanted is None or waits:
                put(content.stock, item.sku, had)
            else:
                zeros = {name: {"stock_level": 0} for name in had or {} if wanted and name not in wanted}
                put(content.stock, item.sku, {**wanted, **zeros})
            if prices is None or waits:
                put(content.prices, item.sku, had_prices)
            else:
                put(content.prices, item.sku, prices)
        # A bad SKU is never removed; one that no variant has any longer is, unless the product is held back.
        present, good = {item.sku for item in self.items}, {item.sku for item in self.good}
        for variant in live_variants(self.held).values() if self.held is not None else ():
            sku = variant["sku"]
            if sku not in good and (self.held_back or sku in present):
                put(content.stock, sku, before.stock.get(sku))
                put(content.prices, sku, before.prices.get(sku))

    def note_stock_of_product(self, item: Item, content: Content) -> None:
        """What is wrong with the product's own stock is the product's problem, whatever its variants lack."""
        told = Content()
        levels(self.source, item, self.options, told)
        for message in told.errors.get(self.id, ()):
            if message.startswith("There is stock"):
                content.problem(self.id, message)


def put(table: dict[str, Any], sku: str, value: Any) -> None:
    if value:
        table[sku] = value


# What a site holds, in the same form

_SPARKLAYERS_OWN = {"id", "external_id", "product_id", "created_at", "updated_at"}


def found(site: Json, options: Options, log: str = "ordercloud/products") -> Content:
    """Return what the emulator's dump of a site says."""
    content = Content()
    variants = {variant["id"]: variant for variant in site["variants"]["records"]}
    names = {location["id"]: location["external_id"] for location in site["locations"]["records"]}
    for product in site["products"]["records"]:
        own = [variants[each] for each in product["variant_ids"]]
        content.products[product["external_id"]] = {
            "title": product["title"],
            "slug": product["slug"],
            "variants": {variant["external_id"]: _variant(variant) for variant in own},
        }
    for sku, at in site["stock"].items():
        put(content.stock, sku, {names[location]: level for location, level in at.items()})
    for sku, entry in site["prices"].get(options.price_list, {}).items():
        put(content.prices, sku, {tier["quantity"]: float(tier["price"]) for tier in entry["pricing"]})
    for external_id, error in site["logs"].get(log, {"errors": {}})["errors"].items():
        content.errors[external_id] = {error["message"]}
    return content


def _variant(variant: Json) -> Json:
    if variant["status"] == "discontinued":
        return {"status": "discontinued"}
    shown = {name: value for name, value in variant.items() if name not in _SPARKLAYERS_OWN and value not in (None, [])}
    if "options" in shown:
        shown["options"] = sorted(shown["options"], key=lambda option: option["group"])
    return shown


def differences(wanted: Content, held: Content) -> list[str]:
    """Return what differs, one line each, most telling first; empty: all is right."""
    lines = [
        *_compared("product", wanted.products, held.products),
        *_compared("stock of", wanted.stock, held.stock),
        *_compared("prices of", wanted.prices, held.prices),
    ]
    for external_id in sorted(wanted.errors.keys() | held.errors.keys()):
        said = " ".join(held.errors.get(external_id, ()))
        rest = said
        for message in sorted(wanted.errors.get(external_id, ()), key=len, reverse=True):
            if message not in rest:
                lines.append(f"log: {external_id} should say: {message} It says: {said or 'nothing'}")
            rest = rest.replace(message, "", 1)
        if rest.strip(" \n;,.") != "":
            lines.append(f"log: {external_id} should not say: {rest}")
    return lines


def _compared(what: str, wanted: dict[str, Any], held: dict[str, Any]) -> Iterator[str]:
    for key in sorted(wanted.keys() | held.keys()):
        if wanted.get(key) != held.get(key):
            yield f"{what} {key}: wanted {wanted.get(key)}, found {held.get(key)}"
