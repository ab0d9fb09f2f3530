"""A second reckoning of customers' prices, written from docs/sync.md alone: what each user pays, in plain code.

It shares nothing with `reconciler.sync`. It looks at what a site makes of a customer's price lists, not at how they
are called or cut: only what somebody pays matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from support.naive import Content, Options, Source, items_of, tiers
from support.naive_customers import CustomerOptions, Parties, flows

Json = dict[str, Any]
Prices = dict[str, dict[int, float]]
"""By SKU and quantity."""


@dataclass
class PriceLists:
    """What each customer pays by its own list (None: the default prices), and problems.

    Problems stand under the key of their list: the code, and the first product that has it. `unsure`, by customer
    and key: SKUs of products with a problem, whose rows stay what they were on a list that is not new.
    """

    by_customer: dict[str, Prices | None] = field(default_factory=dict)
    unsure: dict[str, set[str]] = field(default_factory=dict)
    problems: dict[str, dict[str, str]] = field(default_factory=dict)

    def problem(self, key: str, code: str, product_id: str) -> None:
        self.problems.setdefault(key, {}).setdefault(code, product_id)


def expected_prices(
    ordercloud: Json, options: Options, people: CustomerOptions, now: datetime, default: Prices, *, rows: bool
) -> PriceLists:
    """Return what users pay, given the rows of the default list; for lists that are new.

    Args:
        ordercloud: the dump.
        options: of the products.
        people: say which users flow.
        now: decides about sales.
        default: rows of the default list.
        rows: whether lists have all rows, not a rule.
    """
    source, parties = Source(ordercloud), Parties(ordercloud)
    products = {product["ID"]: product for product in source.products(options.catalogs)}
    assigned: dict[tuple[str, str | None], dict[str, set[str]]] = {}
    for row in parties.rows("ProductAssignment"):
        if row.get("PriceScheduleID"):
            party = (row["BuyerID"], row.get("UserGroupID") or None)
            assigned.setdefault(party, {}).setdefault(row["ProductID"], set()).add(row["PriceScheduleID"])
    found = PriceLists()
    by_key: dict[str, Prices] = {}
    for user, buyer in parties.users(people.buyers):
        if not flows(user, buyer, people, parties):
            continue
        groups = [group for group in parties.groups_of(buyer["ID"], user["ID"]) if (buyer["ID"], group) in assigned]
        customer = f"{buyer['ID']}.{user['ID']}"
        if not groups and (buyer["ID"], None) not in assigned:
            found.by_customer[customer] = None
            continue
        key = "prices:" + "+".join([buyer["ID"], *groups])
        if key in by_key:
            found.by_customer[customer] = by_key[key]
            found.unsure[customer] = found.unsure[key]
            continue
        own: dict[str, set[str]] = {}
        for product_id in products:
            of_groups = [assigned[buyer["ID"], group].get(product_id, set()) for group in groups]
            of_buyer = assigned.get((buyer["ID"], None), {}).get(product_id, set())
            own[product_id] = set().union(*of_groups) or of_buyer
        found.unsure[customer] = found.unsure[key] = set()
        by_key[key] = _complete(source, products, own, options, now, default, found, key, rows=rows)
        found.by_customer[customer] = by_key[key]
    return found


def _complete(
    source: Source,
    products: dict[str, Json],
    own: dict[str, set[str]],
    options: Options,
    now: datetime,
    default: Prices,
    found: PriceLists,
    key: str,
    *,
    rows: bool,
) -> Prices:
    """Return all prices of one combination."""

    def held_back(code: str, product_id: str) -> None:
        found.problem(key, code, product_id)
        items = items_of(source, products[product_id], options)
        found.unsure[key] |= {item.sku for item in items if item.sku is not None}

    prices: Prices = {} if rows else dict(default)
    holders: dict[str, str] = {}
    rows_of: dict[str, tuple[str, dict[int, float]]] = {}
    shared = set()
    for product_id, product in sorted(products.items()):
        schedules = own[product_id]
        if len(schedules) > 1:
            held_back("ambiguous-price", product_id)
            continue
        if not schedules and not rows:
            continue
        schedule_id = next(iter(schedules), product.get("DefaultPriceScheduleID"))
        schedule = source.schedules.get(schedule_id or "")
        if schedule is None:
            if schedules:
                held_back("no-price-schedule", product_id)
            continue
        usual = source.schedules.get(product.get("DefaultPriceScheduleID") or "") or {}
        if not schedule.get("PriceBreaks"):
            if schedules and not rows and usual.get("PriceBreaks"):
                held_back("no-price-breaks", product_id)
            continue
        if schedule.get("Currency") not in (None, options.list_currency):
            if schedules:
                held_back("other-currency", product_id)
            continue
        if schedules and _quantities(schedule) != _quantities(usual):
            found.problem(key, "quantity-rule-lost", product_id)
        for item in items_of(source, product, options):
            row = tiers(item, schedule, options, now, Content())
            if item.sku is None or not row:
                continue
            if holders.setdefault(item.sku, product_id) != product_id:
                shared.add(item.sku)
            rows_of[item.sku] = (product_id, row)
    for sku, (_, row) in rows_of.items():
        if sku not in shared:
            prices[sku] = row
    return prices


def _quantities(schedule: Json) -> tuple[Any, Any, bool]:
    return (schedule.get("MinQuantity") or 1, schedule.get("MaxQuantity"), bool(schedule.get("RestrictedQuantity")))


def found_prices(site: Json, problems: list[Json]) -> PriceLists:
    """Return what the lists of customers say that they pay: the rows of a list, over those that its rules take.

    Args:
        site: the dump.
        problems: those of the data type, as `sync errors --format json` tells them.
    """
    found = PriceLists()
    for problem in problems:
        found.problem(problem["external_id"], problem["code"], problem["message"].partition(":")[0])
    by_slug: dict[str, Prices] = {}
    for record in site["customers"]["records"]:
        lists = record.get("price_lists") or []
        assert len(lists) <= 1, f"{record['external_id']} has {lists}"
        if lists and lists[0] not in by_slug:
            by_slug[lists[0]] = _of_list(site, lists[0])
        found.by_customer[record.get("external_id", "")] = by_slug[lists[0]] if lists else None
    return found


def _of_list(site: Json, slug: str) -> Prices:
    prices: Prices = {}
    for rule in site["price_lists"][slug]["rules"]:
        assert not rule.get("adjustment_percentage"), rule
        prices |= _of_list(site, rule["source_price_list_slug"])
    own = {
        sku: {tier["quantity"]: tier["price"] for tier in entry["pricing"]}
        for sku, entry in site["prices"].get(slug, {}).items()
    }
    return prices | own


def price_differences(wanted: PriceLists, found: PriceLists, *, new: bool = True) -> list[str]:
    """Return where they differ, for the customers that the site has, one line each; `new`: the lists are."""
    lines = []
    for customer, have in sorted(found.by_customer.items()):
        want = wanted.by_customer.get(customer)
        if want is None or have is None:
            if want is not have:
                lines.append(f"{customer}: wanted {'the default' if want is None else 'a list of its own'}")
            continue
        lines += [
            f"{customer} {sku}: wanted {want.get(sku)}, found {have.get(sku)}"
            for sku in sorted({*want, *have} - (set() if new else wanted.unsure[customer]))
            if want.get(sku) != have.get(sku)
        ]
    lines += [
        f"{key}: wanted {wanted.problems.get(key)}, found {found.problems.get(key)}"
        for key in sorted({*wanted.problems, *found.problems})
        if wanted.problems.get(key) != found.problems.get(key)
    ]
    return lines
