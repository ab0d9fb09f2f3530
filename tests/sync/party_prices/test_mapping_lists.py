"""What stands on a price list of customers' own, and a second reckoning that reads docs/sync.md off one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.sparklayer.price_list_records import ListInfo
from reconciler.sync.mapping.values import View
from reconciler.sync.parties.combination import Combination
from reconciler.sync.parties.schedules import PartySchedules
from reconciler.sync.parties.scope import in_scope
from reconciler.sync.party_prices.mapper import ListDraft, draft
from reconciler.sync.party_prices.model import (
    Item,
    ListHeld,
    PartyList,
    Shelf,
    Ware,
    combination_of,
    held_from_json,
    held_to_json,
)
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.party_prices.state import settled
from support.party_market import assigned, schedule

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DEFAULT = ListInfo("GBP", tax_inclusive=True)
VIP = Combination("acme", ("vip",))
Json = dict[str, Any]


def ware(product: str, default: Json | None = None, *skus: str, markup: int | None = None) -> Ware:
    specs = [{"PriceMarkupType": "AmountPerQuantity", "PriceMarkup": markup}] if markup is not None else []
    items = tuple(Item(sku, View(product, {"Specs": specs})) for sku in skus)
    return Ware(product, "default", default or {}, items, b"")


def mapped(
    wares: list[Ware],
    schedules: list[Json],
    rows: list[Json],
    combination: Combination = VIP,
    *,
    by_rows: bool = False,
    unread: frozenset[str] = frozenset(),
) -> ListDraft:
    shelf = Shelf(
        {each.product: each for each in wares},
        unread,
        {each["ID"]: each for each in schedules},
        PartySchedules.of(rows),
    )
    settings = PartyPriceSettings("ordercloud-price", by_rows=by_rows)
    return draft(PartyList(combination, "Acme Ltd", shelf), settings, NOW, DEFAULT)


def prices(found: ListDraft) -> dict[str, dict[int, Decimal]]:
    return {
        sku: {tier.quantity: tier.price for tier in tiers} for of in found.rows.values() for sku, tiers in of.items()
    }


def codes(found: ListDraft) -> list[str]:
    return [problem.code for problem in found.problems]


# One by one


def test_by_rule_a_list_takes_from_the_default_list_what_has_no_schedule_of_its_own() -> None:
    found = mapped(
        [ware("hammer", schedule("d", 10), "H"), ware("saw", schedule("d", 10), "S")],
        [schedule("low", 7)],
        [assigned("hammer", "acme", "low", "vip")],
    )
    assert prices(found) == {"H": {1: Decimal(7)}}
    assert found.body["rules"][0]["source_price_list_slug"] == "ordercloud-price"
    assert found.body["tax_inclusive_display"] is True


def test_a_variant_costs_what_its_options_add() -> None:
    found = mapped([ware("hammer", None, "H", markup=2)], [schedule("low", 7.5)], [assigned("hammer", "acme", "low")])
    assert prices(found) == {"H": {1: Decimal("9.5")}}


def test_a_list_in_another_currency_has_all_its_rows_and_no_rule() -> None:
    euro = Combination("acme", ("vip",), "EUR")
    found = mapped(
        [
            ware("hammer", schedule("d", 10), "H"),
            ware("saw", schedule("d", 12, Currency="EUR"), "S"),
            ware("nail", schedule("d", 1, Currency="GBP"), "N"),
        ],
        [schedule("low", 7, Currency="EUR")],
        [assigned("hammer", "acme", "low", "vip")],
        euro,
    )
    assert prices(found)["H"] == {1: Decimal(7)}
    assert "N" not in prices(found)
    assert not found.body["rules"]
    assert found.body["currency_code"] == "EUR"
    assert found.body["name"] == "Acme Ltd: vip (EUR)"
    assert codes(found) == []


def test_a_schedule_in_another_currency_than_the_list_is_told_and_its_rows_stay() -> None:
    found = mapped(
        [ware("hammer", None, "H")], [schedule("low", 7, Currency="EUR")], [assigned("hammer", "acme", "low")]
    )
    assert (prices(found), codes(found), found.kept) == ({}, ["other-currency"], {"hammer"})
    assert "GBP" in found.problems[0].message


def test_a_schedule_that_cannot_be_read_or_has_no_breaks_is_told() -> None:
    rows = [assigned("hammer", "acme", "gone"), assigned("saw", "acme", "empty")]
    wares = [ware("hammer", schedule("d", 10), "H"), ware("saw", schedule("d", 10), "S")]
    found = mapped(wares, [schedule("empty", None)], rows)
    assert codes(found) == ["no-price-breaks", "no-price-schedule"]
    by_rows = mapped(wares, [schedule("empty", None)], rows, by_rows=True)
    assert codes(by_rows) == ["no-price-schedule"]
    assert prices(by_rows) == {}


@pytest.mark.parametrize(
    ("party", "default", "words"),
    [
        ({"MinQuantity": 10}, {}, "a least quantity of 10"),
        ({}, {"MaxQuantity": 5}, "a greatest quantity of none"),
        ({"RestrictedQuantity": True}, {}, "only the quantities of its breaks"),
        ({"MinQuantity": 1, "MaxQuantity": None, "RestrictedQuantity": False}, {}, None),
        ({"MinQuantity": 3}, {"MinQuantity": 3}, None),
    ],
)
def test_rules_on_quantities_that_a_list_has_no_place_for_are_told(
    party: Json, default: Json, words: str | None
) -> None:
    found = mapped(
        [ware("hammer", schedule("d", 10, **default), "H")],
        [schedule("low", 7, **party)],
        [assigned("hammer", "acme", "low")],
    )
    assert prices(found) == {"H": {1: Decimal(7)}}
    assert codes(found) == ([] if words is None else ["quantity-rule-lost"])
    assert words is None or words in found.problems[0].message


def test_a_list_tells_a_code_once_however_many_products_have_it() -> None:
    wares = [ware(f"p{number:02}", None, f"S{number}") for number in range(20)]
    rows = [assigned(each.product, "acme", name, "vip") for each in wares for name in ("low", "high")]
    [problem] = mapped(wares, [schedule("low", 7), schedule("high", 9)], rows).problems
    assert problem.code == "ambiguous-price"
    assert "p00: " in problem.message
    assert "19 more" in problem.message
    assert len(problem.message) < 600


def test_a_sku_of_two_products_is_on_no_list() -> None:
    rows = [assigned("hammer", "acme", "low"), assigned("saw", "acme", "low")]
    found = mapped([ware("hammer", None, "X", "H"), ware("saw", None, "X")], [schedule("low", 7)], rows)
    assert (prices(found), codes(found), found.kept) == ({}, ["duplicate-sku"], {"hammer", "saw"})


def test_a_list_is_due_when_a_sale_of_its_own_schedules_begins_or_ends() -> None:
    ends = NOW + timedelta(hours=3)
    on_sale = schedule("low", 7, SaleEnd=ends.isoformat())
    on_sale["PriceBreaks"][0]["SalePrice"] = 5
    found = mapped([ware("hammer", None, "H")], [on_sale], [assigned("hammer", "acme", "low")])
    assert (prices(found), found.due) == ({"H": {1: Decimal(5)}}, ends)


@pytest.mark.parametrize("buyer", ["Acme", "A" * 200, "", "x" * 63])
@pytest.mark.parametrize("groups", [(), ("vip",), tuple(f"group-{number:02}" for number in range(30))])
def test_names_fit_and_tell_the_lists_of_a_buyer_apart_where_they_can(buyer: str, groups: tuple[str, ...]) -> None:
    record = PartyList(Combination("acme", groups), buyer, Shelf())
    name = draft(record, PartyPriceSettings("ordercloud-price"), NOW, DEFAULT).body["name"]
    assert 0 < len(name) <= 64
    assert len(groups) != 1 or name.endswith(": vip")


# What stays


def test_rows_of_what_has_a_problem_stay_and_others_go() -> None:
    rows = [assigned("hammer", "acme", "low"), assigned("saw", "acme", "gone")]
    wares = [ware("hammer", None, "H"), ware("saw", None, "S")]
    held = ListHeld("oc-x", True, {"hammer": {"H": "1", "OLD": "2"}, "saw": {"S": "3"}, "nail": {"N": "4"}})
    state = settled(mapped(wares, [schedule("low", 7)], rows), held)
    assert state.after.skus == {"H", "S"}
    assert state.after.rows["saw"] == {"S": "3"}
    assert state.removes == {"rows"}
    assert state.after.made
    unread = settled(mapped([], [], rows, unread=frozenset({"hammer"})), held)
    assert unread.after.skus == {"H", "OLD"}


def test_a_row_that_another_product_took_over_is_that_ones() -> None:
    rows = [assigned("hammer", "acme", "low"), assigned("saw", "acme", "gone")]
    held = ListHeld("oc-x", True, {"saw": {"X": "3"}})
    state = settled(mapped([ware("hammer", None, "X"), ware("saw", None)], [schedule("low", 7)], rows), held)
    assert state.after.rows.keys() == {"hammer"}


def test_what_is_held_survives_the_ledger() -> None:
    held = ListHeld("oc-x", True, {"hammer": {"H": "1"}})
    assert held_from_json(held_to_json(held)) == held
    assert held_from_json({}) == ListHeld()


def test_keys_of_other_data_types_are_none_of_ours() -> None:
    assert combination_of("prices:acme+vip@EUR") == Combination("acme", ("vip",), "EUR")
    assert [combination_of(key) for key in ("acme", "acme.ada", "prices:", "prices:a+b+b")] == [None] * 4


@given(st.text("abA*", max_size=6), st.text("abA", max_size=6))
def test_patterns_of_buyers_are_those_of_file_names_without_regard_to_case(pattern: str, buyer: str) -> None:
    assert in_scope(buyer, [pattern]) is fnmatchcase(buyer.lower(), pattern.lower())
    assert in_scope(buyer, [])


# Everything at once, against the rules read off one by one

PRODUCTS = ("p", "q", "r")
GROUPS = ("g", "h")
breaks = st.lists(
    st.builds(lambda quantity, price: {"Quantity": quantity, "Price": price}, st.integers(1, 3), st.integers(0, 99)),
    max_size=2,
)
a_schedule = st.fixed_dictionaries(
    {"PriceBreaks": breaks, "Currency": st.sampled_from([None, "GBP", "EUR"])},
    optional={"MinQuantity": st.integers(0, 2), "RestrictedQuantity": st.booleans()},
)
markets = st.fixed_dictionaries(
    {
        "defaults": st.fixed_dictionaries(dict.fromkeys(PRODUCTS, a_schedule)),
        "skus": st.fixed_dictionaries({name: st.sets(st.sampled_from("XYZ"), max_size=2) for name in PRODUCTS}),
        "schedules": st.dictionaries(st.sampled_from("abc"), a_schedule),
        "rows": st.lists(
            st.builds(
                assigned,
                st.sampled_from([*PRODUCTS, "else"]),
                st.sampled_from(["acme", "beta"]),
                st.sampled_from(["a", "b", "c", None]),
                st.sampled_from([None, *GROUPS]),
            ),
            max_size=8,
        ),
        "groups": st.sets(st.sampled_from(GROUPS)),
        "currency": st.sampled_from([None, "GBP", "EUR"]),
        "by_rows": st.booleans(),
    }
)


def reckoned(market: Json) -> tuple[dict[str, dict[int, int]], set[str]]:
    """The rows of the list of a user in these groups of acme, and the codes of its problems."""
    currency = market["currency"] or "GBP"
    rule = not market["by_rows"] and currency == "GBP"
    found: dict[str, dict[str, dict[int, int]]] = {}
    told: set[str] = set()
    bad: set[str] = set()
    for product in PRODUCTS:
        mine = [
            row for row in market["rows"]
            if row["ProductID"] == product and row["BuyerID"] == "acme" and row["PriceScheduleID"]
        ]  # fmt: skip
        names = {row["PriceScheduleID"] for row in mine if row["UserGroupID"] in market["groups"]}
        names = names or {row["PriceScheduleID"] for row in mine if row["UserGroupID"] is None}
        default = market["defaults"][product]
        if not names:
            if not rule and (default["Currency"] or currency) == currency and default["PriceBreaks"]:
                found[product] = dict.fromkeys(market["skus"][product], _tiers(default))
            continue
        [name, *others] = names
        chosen = market["schedules"].get(name)
        if others or chosen is None:
            told.add("ambiguous-price" if others else "no-price-schedule")
            bad.add(product)
            continue
        if (chosen.get("MinQuantity") or 1) != (default.get("MinQuantity") or 1):
            told.add("quantity-rule-lost")
        if chosen.get("RestrictedQuantity", False) != default.get("RestrictedQuantity", False):
            told.add("quantity-rule-lost")
        if not chosen["PriceBreaks"]:
            if rule and default["PriceBreaks"]:
                told.add("no-price-breaks")
        elif (chosen["Currency"] or currency) != currency:
            told.add("other-currency")
        else:
            found[product] = dict.fromkeys(market["skus"][product], _tiers(chosen))
    shared = {
        product
        for product, rows in found.items()
        if any(rows.keys() & other.keys() for name, other in found.items() if name != product)
    }
    if shared:
        told.add("duplicate-sku")
    return {sku: tiers for name, rows in found.items() if name not in shared for sku, tiers in rows.items()}, told


def _tiers(chosen: Json) -> dict[int, int]:
    tiers: dict[int, int] = {}
    for each in chosen["PriceBreaks"]:
        tiers.setdefault(each["Quantity"], each["Price"])
    return tiers


@given(markets)
def test_a_list_is_what_the_rules_read_off_one_by_one_give(market: Json) -> None:
    wares = [ware(name, market["defaults"][name], *sorted(market["skus"][name])) for name in PRODUCTS]
    schedules = [{"ID": name, **found} for name, found in market["schedules"].items()]
    combination = PartySchedules.of(market["rows"]).combination("acme", market["groups"], market["currency"])
    if combination is None:
        combination = Combination("acme", (), market["currency"])
    found = mapped(wares, schedules, market["rows"], combination, by_rows=market["by_rows"])
    rows, told = reckoned(market)
    assert prices(found) == rows
    assert set(codes(found)) == told
    again = settled(replace(found, kept=frozenset()), settled(found, ListHeld()).after)
    assert again.prints == settled(found, ListHeld()).prints
