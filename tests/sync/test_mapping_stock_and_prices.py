"""How much is where, and what it costs: today, in a sale, and with options."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from msgspec.structs import replace

from reconciler.sparklayer.prices import _body
from reconciler.sparklayer.records import StockLevel, Tier
from reconciler.sync.products.fingerprint import of_prices
from reconciler.sync.products.mapper import draft
from reconciler.sync.products.model import Held, Wanted
from reconciler.sync.products.resolve import settle
from reconciler.sync.products.settings import ProductSettings
from support.mapping_strategies import NOW, chair, mapping, settings, stool

ONLY_STOCK = settings(products=None, pricing=None)
ONLY_PRICES = settings(products=None, stock=None)


def wanted(source: Any, said: ProductSettings, currency: str | None = "GBP", now: datetime = NOW) -> Wanted:
    return settle(draft(source, said, now, currency), {}, Held())


def stock(source: Any, said: ProductSettings = ONLY_STOCK) -> dict[tuple[str, str], int] | None:
    found = wanted(source, said)
    assert found.problems == ()
    return None if found.stock is None else {(level.sku, level.location): level.level for level in found.stock}


def tiers(source: Any, now: datetime = NOW, said: ProductSettings = ONLY_PRICES) -> dict[int, Decimal]:
    found = wanted(source, said, "GBP", now)
    assert found.problems == ()
    assert found.prices is not None
    return {tier.quantity: tier.price for price in found.prices[:1] for tier in price.tiers}


def codes(found: Wanted) -> list[tuple[str, str]]:
    return [(problem.external_id, problem.code) for problem in found.problems]


def record(address: Any, quantity: Any) -> Any:
    return {"AddressID": address, "QuantityAvailable": quantity}


TRACKED = {"Enabled": True, "VariantLevelTracking": True, "QuantityAvailable": 99}
WHOLE = {"Enabled": True, "VariantLevelTracking": False, "QuantityAvailable": 7}


# Stock


@pytest.mark.parametrize(
    "inventory", [None, "much", {}, {"Enabled": False, "QuantityAvailable": 7}, {"Enabled": "yes"}]
)
def test_what_is_not_counted_has_no_levels(inventory: Any) -> None:
    assert stock(stool(Inventory=inventory, InventoryRecords=[record("main", 5)])) == {}


def test_a_quantity_without_records_is_at_the_default_location() -> None:
    assert stock(stool()) == {("STOOL", "warehouse-1"): 7}
    assert stock(stool(Inventory={"Enabled": True, "QuantityAvailable": None})) == {}
    assert stock(stool(Inventory={"Enabled": True, "QuantityAvailable": -4})) == {("STOOL", "warehouse-1"): -4}


def test_records_of_addresses_of_one_location_are_added_up() -> None:
    records = [record("main", 5), record("annex", -2), record("north", None), record("main", 1), "junk"]
    assert stock(stool(InventoryRecords=records)) == {("STOOL", "warehouse-1"): 4, ("STOOL", "warehouse-2"): 0}


def test_several_records_of_one_address_are_added_up_at_products_and_at_variants() -> None:
    twice = [record("main", 5), record("main", 7), record("north", 1), record("main", None), record("north", -3)]
    assert stock(stool(InventoryRecords=twice)) == {("STOOL", "warehouse-1"): 12, ("STOOL", "warehouse-2"): -2}
    shared = chair(InventoryRecords=twice)
    assert stock(shared) == {
        (sku, place): level
        for sku in ("CHAIR-OAK", "CHAIR-ELM")
        for place, level in (("warehouse-1", 12), ("warehouse-2", -2))
    }
    own = chair(Inventory=TRACKED)
    own["Variants"][0]["InventoryRecords"] = twice
    own["Variants"][1]["InventoryRecords"] = [record("annex", 2), record("main", 2), record("annex", 2)]
    assert stock(own) == {
        ("CHAIR-OAK", "warehouse-1"): 12,
        ("CHAIR-OAK", "warehouse-2"): -2,
        ("CHAIR-ELM", "warehouse-1"): 6,
    }


def test_with_records_the_sum_that_stands_beside_them_counts_for_nothing() -> None:
    """It is OrderCloud's own sum; it would be counted twice where the default location has records too."""
    whole = {"Enabled": True, "VariantLevelTracking": False, "QuantityAvailable": 12}
    assert stock(stool(Inventory=whole, InventoryRecords=[record("main", 5), record("main", 7)])) == {
        ("STOOL", "warehouse-1"): 12
    }


def test_variants_share_the_products_stock_unless_each_is_counted() -> None:
    source = chair(InventoryRecords=[record("north", 3)])
    assert stock(source) == {("CHAIR-OAK", "warehouse-2"): 3, ("CHAIR-ELM", "warehouse-2"): 3}
    source = chair(Inventory=TRACKED, InventoryRecords=[record("north", 3)])
    source["Variants"][0]["InventoryRecords"] = [record("main", 1)]
    source["Variants"][1]["Inventory"] = {"QuantityAvailable": 2}
    assert stock(source) == {("CHAIR-OAK", "warehouse-1"): 1, ("CHAIR-ELM", "warehouse-1"): 2}


def test_a_product_without_variants_has_its_own_stock_whatever_it_says() -> None:
    assert stock(stool(Inventory=TRACKED)) == {("STOOL", "warehouse-1"): 99}


def test_an_address_that_is_no_location_keeps_the_stock_of_its_skus_back() -> None:
    source = chair(Inventory=TRACKED)
    source["Variants"][0]["InventoryRecords"] = [record("closed", 1), record("main", 2)]
    source["Variants"][1]["InventoryRecords"] = [record("main", 3)]
    found = wanted(source, ONLY_STOCK)
    assert codes(found) == [("chair/oak", "unknown-location")]
    assert "the address closed," in found.problems[0].message
    assert found.stock == (StockLevel("CHAIR-ELM", "warehouse-1", 3, date(2026, 12, 24)),)
    found = wanted(chair(InventoryRecords=[record("closed", 1), record(None, 1)]), ONLY_STOCK)
    assert (codes(found), found.stock) == ([("chair", "unknown-location")], None)


def test_stock_without_an_address_needs_a_default_location() -> None:
    said = settings(products=None, pricing=None, stock={"locations": {"main": "warehouse-1"}})
    assert codes(wanted(stool(), said)) == [("stool", "unknown-location")]
    assert stock(stool(Inventory={"Enabled": True}), said) == {}


@pytest.mark.parametrize("quantity", [1.5, "4", True, [3]])
def test_stock_that_is_no_whole_number_is_told_and_is_not_none(quantity: Any) -> None:
    for source in (
        stool(InventoryRecords=[record("main", 2), record("main", quantity)]),
        stool(Inventory={"Enabled": True, "QuantityAvailable": quantity}),
    ):
        found = wanted(source, ONLY_STOCK)
        assert (codes(found), found.stock) == ([("stool", "stock-not-a-number")], None)
        assert json.dumps(quantity) in found.problems[0].message


def test_a_level_beyond_32_bits_is_over_the_limit() -> None:
    found = wanted(stool(InventoryRecords=[record("main", 2**31 - 1), record("annex", 1)]), ONLY_STOCK)
    assert (codes(found), found.stock) == ([("stool", "over-limit")], None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-05-01", date(2026, 5, 1)),
        (" 2026-05-01T23:00:00+09:00", date(2026, 5, 1)),
        ("2026-05-01 08:00", date(2026, 5, 1)),
        ("", None),
        (None, None),
    ],
)
def test_the_restock_date_is_the_date_that_stands_there(text: Any, day: date | None) -> None:
    found = wanted(stool(xp={"SKU": "A", "restockDate": text}), ONLY_STOCK)
    assert found.problems == ()
    assert [level.restock_date for level in found.stock or ()] == [day]


@pytest.mark.parametrize("text", ["soon", "2026-02-30", "20260501", "2026-05-01x", 20260501, ["2026-05-01"]])
def test_a_restock_date_that_is_none_costs_the_date_and_not_the_level(text: Any) -> None:
    found = wanted(stool(xp={"SKU": "A", "restockDate": text}), ONLY_STOCK)
    assert codes(found) == [("stool", "date-not-a-date")]
    assert [(level.level, level.restock_date) for level in found.stock or ()] == [(7, None)]


def test_the_restock_date_of_the_variant_goes_before_that_of_the_product() -> None:
    source = chair()
    source["Variants"][0]["xp"]["restockDate"] = "2027-01-02"
    dates = {level.sku: level.restock_date for level in wanted(source, ONLY_STOCK).stock or ()}
    assert dates == {"CHAIR-OAK": date(2027, 1, 2), "CHAIR-ELM": date(2026, 12, 24)}
    said = settings(products=mapping(variants_restockDate="Product.xp.back"), pricing=None)
    found = wanted(stool(xp={"SKU": "A", "back": "2027-03-04"}), said)
    assert [level.restock_date for level in found.stock or ()] == [date(2027, 3, 4)]


# Prices


def schedule(*breaks: Any, **members: Any) -> Any:
    return {"ID": "S", "Currency": "GBP", "PriceBreaks": list(breaks), **members}


def price(quantity: Any, amount: Any, sale: Any = None) -> Any:
    return {"Quantity": quantity, "Price": amount, "SalePrice": sale}


def test_breaks_are_tiers_in_order_and_exact() -> None:
    source = stool(DefaultPriceSchedule=schedule(price(10, 0.1), price(1, 19.999), price(10, 5)))
    assert tiers(source) == {1: Decimal("19.999"), 10: Decimal("0.1")}


@pytest.mark.parametrize("bad", [None, "S", {}, {"PriceBreaks": None}, {"PriceBreaks": [], "Currency": "EUR"}])
def test_without_a_schedule_or_breaks_there_are_no_prices_and_that_is_no_problem(bad: Any) -> None:
    found = wanted(stool(DefaultPriceSchedule=bad), ONLY_PRICES)
    assert (found.prices, found.problems) == ((), ())


@pytest.mark.parametrize(
    "bad",
    [price(1, None), price(1, "80"), price(1, True), price(0, 1), price(1.5, 1), price(None, 1)],
)
def test_a_break_without_a_price_or_quantity_keeps_the_prices_back(bad: Any) -> None:
    found = wanted(stool(DefaultPriceSchedule=schedule(price(1, 2), bad)), ONLY_PRICES)
    assert (codes(found), found.prices) == ([("stool", "price-not-a-number")], None)


@pytest.mark.parametrize("bad", [price(1, -0.01), price(1, 1e9), price(2**31, 1)])
def test_a_price_over_a_limit_keeps_the_prices_back(bad: Any) -> None:
    found = wanted(stool(DefaultPriceSchedule=schedule(bad)), ONLY_PRICES)
    assert (codes(found), found.prices) == ([("stool", "over-limit")], None)


@pytest.mark.parametrize(
    ("own", "listed", "stores", "code"),
    [
        ("GBP", "GBP", None, None),
        ("gbp", "GBP", "EUR", None),
        (None, "GBP", None, None),
        (None, None, "EUR", None),
        ("EUR", None, "EUR", None),
        ("EUR", None, None, None),
        (None, None, None, "no-currency"),
        ("EUR", "GBP", "EUR", "other-currency"),
        ("EUR", None, "GBP", "other-currency"),
    ],
)
def test_the_currency_is_the_schedules_else_the_lists_else_the_stores(
    own: str | None, listed: str | None, stores: str | None, code: str | None
) -> None:
    said = settings(products=None, stock=None, currency=stores)
    found = wanted(stool(DefaultPriceSchedule=schedule(price(1, 5), Currency=own)), said, listed)
    assert codes(found) == ([("stool", code)] if code else [])
    assert (found.prices is None) is (code is not None)


START, END = "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("members", "now", "amount", "due"),
    [
        ({"SaleStart": START, "SaleEnd": END}, "2026-11-19T23:59:59Z", 10, START),
        ({"SaleStart": START, "SaleEnd": END}, START, 8, END),
        ({"SaleStart": START, "SaleEnd": END}, "2026-11-26T23:59:59Z", 8, END),
        ({"SaleStart": START, "SaleEnd": END}, END, 10, None),
        ({"SaleStart": START}, "2036-01-01T00:00:00Z", 8, None),
        ({"SaleEnd": END}, "2016-01-01T00:00:00Z", 8, END),
        ({"SaleStart": "2026-11-20T00:00:00"}, "2026-11-20T00:00:00Z", 8, None),
        ({"SaleStart": END, "SaleEnd": START}, "2026-11-22T00:00:00Z", 10, END),
        ({}, START, 8, None),
        ({"IsOnSale": True}, START, 8, None),
        ({"IsOnSale": False}, START, 10, None),
        ({"SaleStart": START, "SaleEnd": END, "IsOnSale": True}, END, 10, None),
    ],
)
def test_the_sale_price_counts_while_the_sale_is_on(members: Any, now: str, amount: int, due: str | None) -> None:
    source = stool(DefaultPriceSchedule=schedule(price(1, 10, 8), price(5, 9), **members))
    assert tiers(source, at(now)) == {1: amount, 5: 9}
    assert wanted(source, ONLY_PRICES, now=at(now)).due == (None if due is None else at(due))


def test_without_a_sale_price_no_date_matters() -> None:
    source = stool(DefaultPriceSchedule=schedule(price(1, 10), SaleStart="whenever", SaleEnd=END))
    assert tiers(source) == {1: 10}
    assert wanted(source, ONLY_PRICES).due is None


def test_a_sale_date_that_is_none_keeps_the_prices_back() -> None:
    found = wanted(stool(DefaultPriceSchedule=schedule(price(1, 10, 8), SaleStart="soon")), ONLY_PRICES)
    assert (codes(found), found.prices, found.due) == ([("stool", "date-not-a-date")], None, None)


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Sydney", "UTC"])
@pytest.mark.parametrize(
    "change",
    [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)],
)
def test_windows_across_a_clock_change_are_as_long_as_their_offsets_say(zone: str, change: datetime) -> None:
    """The same moments, whatever offset the source or our clock shows them in."""
    start, end = change - timedelta(minutes=30), change + timedelta(minutes=30)
    shown = [moment.astimezone(ZoneInfo(zone)).isoformat() for moment in (start, end)]
    source = stool(DefaultPriceSchedule=schedule(price(1, 10, 8), SaleStart=shown[0], SaleEnd=shown[1]))
    for minutes, amount in ((-31, 10), (-30, 8), (0, 8), (29, 8), (30, 10)):
        now = (change + timedelta(minutes=minutes)).astimezone(ZoneInfo("America/Sao_Paulo"))
        assert tiers(source, now) == {1: amount}, minutes
    assert wanted(source, ONLY_PRICES, now=change).due == end


def spec(kind: Any, markup: Any) -> Any:
    return {"SpecID": f"s-{kind}", "Name": f"n-{kind}", "Value": "v", "PriceMarkupType": kind, "PriceMarkup": markup}


@pytest.mark.parametrize(
    ("specs", "amount"),
    [
        ([spec("AmountPerQuantity", 1.005)], "11.006"),
        ([spec("AmountPerQuantity", -2)], "8.001"),
        ([spec("Percentage", 2.55)], "10.256"),
        ([spec("Percentage", 10), spec("Percentage", 10), spec("AmountPerQuantity", 1)], "13.001"),
        ([spec("AmountTotal", 5), spec("NoMarkup", 5), spec(None, 5), spec("Percentage", None)], "10.001"),
        ([spec("Percentage", "10"), spec("Percentage", 0), "junk"], "10.001"),
    ],
)
def test_options_add_to_the_price_of_their_variant(specs: Any, amount: str) -> None:
    variant = {"ID": "v", "xp": {"SKU": "A"}, "Specs": specs}
    source = chair(DefaultPriceSchedule=schedule(price(1, 10.001)), Variants=[variant])
    assert tiers(source) == {1: Decimal(amount)}


@pytest.mark.parametrize(
    ("currency", "amount", "specs", "shown"),
    [
        ("GBP", 0.0039, [spec("Percentage", 10)], b"0.0043"),
        ("KWD", 1.125, [spec("AmountPerQuantity", 0.25)], b"1.375"),
        ("JPY", 1500, [spec("Percentage", 3.3)], b"1550"),
        ("GBP", 0.1, [spec("AmountPerQuantity", 0.2)], b"0.3"),
        # Halves to even: 10.05 and a tenth are 11.055, 10.25 and a tenth 11.275, 10.45 and a tenth 11.495.
        ("GBP", 10.05, [spec("Percentage", 10)], b"11.06"),
        ("GBP", 10.25, [spec("Percentage", 10)], b"11.28"),
        ("GBP", 10.45, [spec("Percentage", 10)], b"11.5"),
        ("GBP", 10.45, [spec("Percentage", 10), spec("AmountPerQuantity", 0.0001)], b"11.5001"),
        ("JPY", 15, [spec("Percentage", 10)], b"16"),
        ("KWD", 1.005, [spec("Percentage", 10)], b"1.106"),
        ("CLF", 1, [spec("Percentage", 0.555)], b"1.0056"),
        # Nothing vanishes, neither the price nor what is added, also beside something larger.
        ("GBP", 0.01, [spec("Percentage", -60)], b"0.004"),
        ("GBP", 0.01, [spec("Percentage", -99.9)], b"0.00001"),
        ("GBP", 0.01, [spec("Percentage", -100)], b"0"),
        ("GBP", 10, [spec("Percentage", 0.01)], b"10.001"),
        ("GBP", 1, [spec("Percentage", 10), spec("Percentage", 0.1)], b"1.101"),
        ("GBP", 1, [spec("Percentage", 10), spec("Percentage", -10)], b"1"),
        ("JPY", 0, [spec("Percentage", 10)], b"0"),
        ("GBP", 1e-7, [spec("AmountPerQuantity", 1e-8)], b"1.1e-7"),
        # Nothing is known of the currency.
        ("XTS", 1.5, [spec("Percentage", 0.5)], b"1.51"),
    ],
)
def test_money_is_decimal_and_rounded_as_its_currency_is(currency: str, amount: Any, specs: Any, shown: bytes) -> None:
    variant = {"ID": "v", "xp": {"SKU": "A"}, "Specs": specs}
    said = settings(products=None, stock=None)
    source = chair(DefaultPriceSchedule=schedule(price(1, amount), Currency=currency), Variants=[variant])
    (sent,) = wanted(source, said, currency).prices or ()
    assert orjson.dumps(_body(sent)["pricing"]) == b'[{"quantity":1,"price":%s}]' % shown


def test_a_price_of_more_digits_than_json_carries_compares_equal_to_what_a_read_gives() -> None:
    """Else every verify would write it again."""
    variant = {"ID": "v", "xp": {"SKU": "A"}, "Specs": [spec("AmountPerQuantity", 1e-9)]}
    source = chair(DefaultPriceSchedule=schedule(price(1, 123456789.12)), Variants=[variant])
    (sent,) = wanted(source, ONLY_PRICES).prices or ()
    (read,) = orjson.loads(orjson.dumps(_body(sent)))["pricing"]
    assert of_prices([replace(sent, tiers=(Tier(1, Decimal(str(read["price"]))),))]) == of_prices([sent])


def test_the_places_are_those_of_the_prices_own_currency_whoever_names_it() -> None:
    variant = {"ID": "v", "xp": {"SKU": "A"}, "Specs": [spec("Percentage", 3.3)]}
    source = chair(DefaultPriceSchedule=schedule(price(1, 1499), Currency=None), Variants=[variant])
    for listed, stores in (("jpy", None), (None, "JPY"), ("JPY", "GBP")):
        found = wanted(source, settings(products=None, stock=None, currency=stores), listed)
        assert [tier.price for each in found.prices or () for tier in each.tiers] == [1548]


def test_a_variant_whose_price_is_out_of_range_keeps_only_its_own_prices_back() -> None:
    source = chair(DefaultPriceSchedule=schedule(price(1, 10)))
    source["Variants"][0]["Specs"] = [spec("AmountPerQuantity", -11)]
    found = wanted(source, ONLY_PRICES)
    assert codes(found) == [("chair/oak", "over-limit")]
    assert [listed.sku for listed in found.prices or ()] == ["CHAIR-ELM"]


def test_markups_are_added_to_the_sale_price() -> None:
    variant = {"ID": "v", "xp": {"SKU": "A"}, "Specs": [spec("Percentage", 50)]}
    source = chair(DefaultPriceSchedule=schedule(price(1, 10, 8), SaleStart=START, SaleEnd=END), Variants=[variant])
    assert tiers(source, at(START)) == {1: Decimal(12)}
