"""Generated marketplaces: the same everywhere, plausible, and with the flaws that they say they have."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.emulator.app import new_state
from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.resources import RESOURCES
from reconciler.emulator.ordercloud.models import ID_PATTERN
from reconciler.emulator.ordercloud.room import OrderCloud
from reconciler.emulator.seeds.files import seed_from
from reconciler.emulator.seeds.generate import Sizes, generated
from reconciler.emulator.seeds.own_prices import PRICE_FLAWS
from reconciler.emulator.seeds.seed import FLAWS, FlawLog
from reconciler.emulator.switches import Switches
from reconciler.emulator.testing import running_emulator
from reconciler.emulator.traffic import TrafficSetting
from reconciler.errors import UsageError

DIGEST = """
import hashlib, orjson, sys
from reconciler.emulator.seeds.generate import generated
from reconciler.emulator.seeds.seed import FlawLog
print(hashlib.sha256(orjson.dumps(list(generated(int(sys.argv[1]), 7).rows(FlawLog())))).hexdigest())
"""


def planted(products: int, seed_number: int = 0) -> OrderCloud:
    room = new_state(Switches(), TrafficSetting(), generated(products, seed_number)).rooms["ordercloud"]
    assert isinstance(room, OrderCloud)
    return room


def market_of(products: int, seed_number: int = 0) -> Marketplace:
    return planted(products, seed_number).commerce.market


def dump(market: Marketplace) -> dict[str, dict[str, list[dict[str, Any]]]]:
    found: dict[str, dict[str, list[dict[str, Any]]]] = orjson.loads(orjson.dumps(market.dump()["objects"]))
    return found


@pytest.fixture(scope="module")
def shop() -> OrderCloud:
    return planted(800)


@pytest.fixture(scope="module")
def rows(shop: OrderCloud) -> dict[str, dict[str, list[dict[str, Any]]]]:
    return dump(shop.commerce.market)


@pytest.fixture(scope="module")
def products(rows: dict[str, dict[str, list[dict[str, Any]]]]) -> dict[str, dict[str, Any]]:
    return {row["ID"]: row for row in rows["Product"][""]}


@pytest.fixture(scope="module")
def flawed(shop: OrderCloud) -> dict[str, list[str]]:
    report = next(handler for _, path, handler in shop.seeding.routes() if path == "/_emulator/seed")
    answer = orjson.loads(report(None).body)  # type: ignore[arg-type]
    return {name: found["ids"] for name, found in answer["flaws"].items()}


def test_the_same_numbers_give_the_same_bytes_in_another_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST, "300"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": salt},
        ).stdout
        for salt in ("1", "2")
    }
    assert len(digests) == 1


def test_nothing_in_the_marketplace_comes_from_the_clock() -> None:
    assert orjson.dumps(market_of(120).dump()) == orjson.dumps(market_of(120).dump())


def test_another_seed_number_gives_another_marketplace() -> None:
    assert dump(market_of(40, 1))["Product"] != dump(market_of(40, 2))["Product"]


def test_a_larger_marketplace_starts_with_the_same_products() -> None:
    small, large = (dump(market_of(count))["Product"][""] for count in (60, 150))
    by_id = {row["ID"]: row for row in large}
    assert [by_id[row["ID"]] for row in small] == small


@pytest.mark.parametrize("count", [0, 1, 2, 25])
def test_any_number_of_products_works(count: int) -> None:
    assert len(dump(market_of(count)).get("Product", {"": []})[""]) == count


def test_every_kind_of_object_is_there(rows: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    rare = {"ProductFacet", "SupplierUserGroup", "SupplierUserGroupAssignment"}
    rare |= {"InventoryRecordAssignment", "VariantInventoryRecordAssignment"}
    assert set(RESOURCES) - set(rows) == rare


def test_every_id_is_one(rows: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    ids = [row["ID"] for tables in rows.values() for table in tables.values() for row in table if "ID" in row]
    assert [key for key in ids if not ID_PATTERN.match(key)] == []


def test_counts_and_sums_are_those_that_the_api_works_out(shop: OrderCloud) -> None:
    market = shop.commerce.market
    before = orjson.dumps(market.dump())
    for name in ("Product", "Variant", "Order", "Category", "Catalog", "Spec"):
        for scope in market.store.scopes(name):
            for key in list(market.store.table(name, scope).ordered()):
                market.touch(name, scope, key)
    assert orjson.dumps(market.dump()) == before


def test_stock_is_kept_in_all_the_ways_there_are(
    rows: dict[str, dict[str, list[dict[str, Any]]]], products: dict[str, dict[str, Any]]
) -> None:
    ways = Counter(
        (
            row["Inventory"]["Enabled"],
            row["Inventory"].get("VariantLevelTracking", False),
            key in rows["InventoryRecord"]
            or any(place.startswith(f"{key}/") for place in rows["VariantInventoryRecord"]),
        )
        for key, row in products.items()
    )
    assert set(ways) == {
        (False, False, False),
        (True, False, False),
        (True, False, True),
        (True, True, False),
        (True, True, True),
    }
    places = {record["AddressID"] for table in rows["InventoryRecord"].values() for record in table}
    assert {"warehouse-1", "warehouse-2", "shop-leeds"} <= places


def test_prices_have_breaks_sales_and_parties(
    rows: dict[str, dict[str, list[dict[str, Any]]]], flawed: dict[str, list[str]]
) -> None:
    schedules = {row["ID"]: row for row in rows["PriceSchedule"][""]}
    assert {len(row["PriceBreaks"]) for row in schedules.values()} == {0, 1, 2, 3}
    sales = [row for row in schedules.values() if "SaleStart" in row]
    assert {"SaleEnd" in row for row in sales} == {True, False}
    assert all(
        row["PriceBreaks"][0]["SalePrice"] < row["PriceBreaks"][0]["Price"] for row in sales if row["PriceBreaks"]
    )
    party = rows["ProductAssignment"][""]
    assert {"UserGroupID" in row for row in party} == {True, False}
    gone = {f"{row['ProductID']}/{row['BuyerID']}" for row in party if row["PriceScheduleID"] not in schedules}
    assert gone == set(flawed["price-schedule-is-gone"])


def test_orders_add_up(rows: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    statuses = {order["Status"] for order in rows["Order"][""]}
    assert {"Open", "Completed", "Unsubmitted", "Canceled"} <= statuses
    for order in rows["Order"][""]:
        lines = rows["LineItem"][order["ID"]]
        assert order["Subtotal"] == pytest.approx(sum(line["LineTotal"] for line in lines))
        if order["Status"] == "Completed":
            assert all(line["QuantityShipped"] == line["Quantity"] for line in lines)
    assert any("sparkCartId" in order.get("xp", {}) for order in rows["Order"][""])


def test_every_flaw_of_the_list_is_there_and_counted(flawed: dict[str, list[str]]) -> None:
    assert set(flawed) == set(FLAWS)
    assert all(len(set(ids)) == len(ids) for ids in flawed.values())


def test_a_few_percent_of_the_products_are_flawed(flawed: dict[str, list[str]], products: dict[str, Any]) -> None:
    share = len({key for ids in flawed.values() for key in ids if key in products}) / len(products)
    assert 0.02 < share < 0.06


def test_the_flaws_are_what_they_say(
    flawed: dict[str, list[str]],
    rows: dict[str, dict[str, list[dict[str, Any]]]],
    products: dict[str, dict[str, Any]],
) -> None:
    schedules = {row["ID"]: row for row in rows["PriceSchedule"][""]}

    def having(flaw: str) -> list[dict[str, Any]]:
        return [products[key] for key in flawed[flaw]]

    def price_of(product: dict[str, Any]) -> dict[str, Any]:
        return schedules[product["DefaultPriceScheduleID"]]

    skus = Counter(row["xp"].get("SKU") for row in products.values())
    assert skus[None] == len(flawed["no-sku"])
    assert {sku for sku, count in skus.items() if count > 1 and sku} == {
        row["xp"]["SKU"] for row in having("duplicate-sku")
    }
    variants = Counter(row["ID"] for table in rows["Variant"].values() for row in table)
    assert sum(count - 1 for count in variants.values()) == len(flawed["duplicate-variant-id"])
    assert all(isinstance(row["xp"]["weight"], str) for row in having("weight-is-text"))
    assert all(isinstance(row["xp"]["Images"], str) for row in having("images-is-text"))
    assert {key for key, row in products.items() if "DefaultPriceScheduleID" not in row} == set(
        flawed["no-price-schedule"]
    )
    assert all(price_of(row)["PriceBreaks"] == [] for row in having("no-price-breaks"))
    assert all("Currency" not in price_of(row) for row in having("no-currency"))
    assert all("<script>" in row["Name"] for row in having("html-in-name"))
    assert {key for key, row in products.items() if row["Name"] == ""} == set(flawed["empty-name"])
    assert all(7_500 < len(orjson.dumps(row["xp"])) <= 8_000 for row in having("long-xp"))
    assert {key for key, row in products.items() if not row["Active"]} == set(flawed["inactive"])
    assert all(row["ShipFromAddressID"] == "warehouse-closed" for row in having("dangling-ship-from"))
    assert all(row["Inventory"]["QuantityAvailable"] < 0 for row in having("negative-stock"))
    addresses = {f"{scope}/{row['ID']}": row for scope, table in rows["BuyerAddress"].items() for row in table}
    assert {key for key, row in addresses.items() if "Street1" not in row} == set(flawed["address-without-street"])
    ordered = {
        scope for scope, lines in rows["LineItem"].items() for line in lines if line["ProductID"] not in products
    }
    assert ordered == set(flawed["order-of-deleted-product"])
    users = {
        f"{scope}/{row['ID']}": row.get("Email", "") for scope, table in rows["BuyerUser"].items() for row in table
    }
    emails = Counter(users.values())
    assert all(emails[users[key]] > 1 for key in flawed["duplicate-email"])
    rows_of = {f"{scope}/{row['ID']}": row for scope, table in rows["BuyerUser"].items() for row in table}
    assert {key for key, row in rows_of.items() if "Email" not in row} == set(flawed["no-email"])
    assert {key for key, row in rows_of.items() if not row["Active"]} == set(flawed["inactive-user"])
    assert {key for key, email in users.items() if email.isupper()} == set(flawed["email-in-capitals"])
    assert all("<script>" in rows_of[key]["FirstName"] for key in flawed["html-in-user-name"])
    assert all(isinstance(rows_of[key]["xp"]["discount"], str) for key in flawed["discount-is-text"])
    own: dict[str, dict[str, list[dict[str, Any]]]] = {flaw: {key: [] for key in flawed[flaw]} for flaw in PRICE_FLAWS}
    for row in rows["ProductAssignment"][""]:
        key = f"{row['ProductID']}/{row['BuyerID']}"
        for flaw in PRICE_FLAWS:
            if key in own[flaw] and row["PriceScheduleID"] in schedules:
                own[flaw][key].append(schedules[row["PriceScheduleID"]])
    ambiguous = own["ambiguous-price"].values()
    assert all(len({row["PriceBreaks"][0]["Price"] for row in found}) > 1 for found in ambiguous)
    for flaw, is_so in {
        "foreign-price": lambda row: row.get("Currency") == "EUR",
        "price-without-currency": lambda row: "Currency" not in row,
        "party-quantities": lambda row: (row["MinQuantity"], row.get("MaxQuantity")) == (6, 600),
        "party-price-without-prices": lambda row: row["PriceBreaks"] == [],
    }.items():
        assert all(any(map(is_so, found)) for found in own[flaw].values()), flaw
    assert {row["ID"] for row in schedules.values() if row.get("Currency") == "EUR"} <= {
        row["ID"] for found in own["foreign-price"].values() for row in found
    }
    closed = {
        scope.partition("/")[0]
        for name in ("InventoryRecord", "VariantInventoryRecord")
        for scope, table in rows[name].items()
        for record in table
        if record["AddressID"] == "warehouse-closed"
    }
    assert closed == set(flawed["dangling-stock-address"])


def test_orders_from_sparklayer_have_carts_there_but_for_flawed_ones(
    rows: dict[str, dict[str, list[dict[str, Any]]]], flawed: dict[str, list[str]]
) -> None:
    state = new_state(Switches(), TrafficSetting(), generated(800))
    carts = orjson.loads(orjson.dumps(state.rooms["sparklayer"].dump(secrets=True)))["sites"]["demo"]["purchases"]
    named = {row["ID"]: row["xp"]["sparkCartId"] for row in rows["Order"][""] if "xp" in row}
    lost = {key for key, cart in named.items() if cart not in carts}
    assert lost == {*flawed["unknown-cart"], *flawed["cart-is-no-uuid"]}
    assert {cart["type"] for cart in carts.values()} == {"order_unconfirmed"}
    twice = Counter(named.values())
    assert {key for key, cart in named.items() if twice[cart] > 1} >= set(flawed["cart-used-twice"])
    orders = {row["ID"]: row for row in rows["Order"][""]}
    assert {key for key, row in orders.items() if row["Currency"] == "EUR"} == set(flawed["foreign-order"])


def test_a_loaded_state_has_none_of_the_carts_of_the_seed_before() -> None:
    state, empty = (new_state(Switches(), TrafficSetting(), generated(products)) for products in (100, 0))
    state.load(orjson.loads(orjson.dumps(empty.dump(secrets=True))))
    ordercloud = state.rooms["ordercloud"]
    assert isinstance(ordercloud, OrderCloud)
    assert ordercloud.seeding.carts == []
    state.reset()
    assert ordercloud.seeding.carts


def test_the_sizes_of_a_marketplace_can_be_chosen() -> None:
    seed = generated(30, 1, Sizes(buyers=12, users=60, own_prices=50, orders=9))
    counts = Counter(row[0] for row in seed.rows(FlawLog()))
    assert (counts["Buyer"], counts["Order"]) == (13, 9)
    assert counts["BuyerUser"] == 60 + 5 + 1
    assert 40 < counts["ProductAssignment"] < 70


def test_a_reset_brings_the_seed_back() -> None:
    room = planted(30)
    before = orjson.dumps(room.commerce.market.dump())
    room.commerce.market.remove(RESOURCES["Product"], (), "JKT-0000000")
    assert orjson.dumps(room.commerce.market.dump()) != before
    room.reset()
    assert orjson.dumps(room.commerce.market.dump()) == before


def test_another_seed_can_be_planted_while_it_runs_until_the_next_reset() -> None:
    with running_emulator(seed=10, seed_number=3) as emulator:
        assert emulator.seeded()["objects"]["Product"] == 10
        assert emulator.seed(products=20, seed_number=1)["objects"]["Product"] == 20
        assert emulator.seeded()["seedNumber"] == 1
        emulator.reset()
        assert (emulator.seeded()["products"], emulator.seeded()["seedNumber"]) == (10, 3)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_thousands_of_products_fit_in_little_memory() -> None:
    # Not getrusage: its peak starts at that of the process that started this one.
    program = (
        "import re\n"
        "from pathlib import Path\n"
        "from reconciler.emulator.app import new_state\n"
        "from reconciler.emulator.seeds.generate import generated\n"
        "from reconciler.emulator.switches import Switches\n"
        "from reconciler.emulator.traffic import TrafficSetting\n"
        "state = new_state(Switches(), TrafficSetting(), generated(6_000))\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()).group(1))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # Some 5 kB for each product beside 42 MB: 300,000 stay well under 2 GB.
    assert int(ended.stdout) // 1024 < 80


@pytest.mark.parametrize("products", [-1, 1_000_001, 99_999_999_999])
def test_a_number_that_is_a_slip_is_refused_at_once(products: int) -> None:
    with pytest.raises(UsageError, match="not generated") as caught:
        seed_from(products)
    assert "1,000,000" in (caught.value.next_step or "")
