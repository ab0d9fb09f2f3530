"""Drafts meet what other records have and what the target holds."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.sparklayer.records import StockLevel
from reconciler.sync.products.datatype import Products
from reconciler.sync.products.fingerprint import fingerprints, of_list, of_product
from reconciler.sync.products.mapper import draft
from reconciler.sync.products.model import Held, Name, Part, Wanted, held_from_json, held_to_json
from reconciler.sync.products.resolve import Removals, deleted, removals, settle
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.source import not_listed
from reconciler.sync.products.state import state_of
from reconciler.sync.products.target import Returned
from support.mapping_strategies import NOW, chair, mapping, settings, stool

ALL = settings()


def wanted(
    source: Any, held: Held | None = None, taken: dict[Name, str] | None = None, said: ProductSettings = ALL
) -> Wanted:
    return settle(draft(source, said, NOW, "GBP"), taken or {}, held or Held())


def codes(found: Wanted) -> list[tuple[str, str]]:
    return [(problem.external_id, problem.code) for problem in found.problems]


def statuses(found: Wanted) -> dict[str, str]:
    assert found.product is not None
    return {variant["external_id"]: variant["status"] for variant in found.product["variants"]}


def locations(found: Wanted) -> dict[tuple[str, str], int]:
    return {(level.sku, level.location): level.level for level in found.stock or ()}


def listed(found: Wanted) -> list[str]:
    return [price.sku for price in found.prices or ()]


def test_what_a_good_record_leaves_in_the_target() -> None:
    assert wanted(chair()).held == Held(
        variants=frozenset({"chair/oak", "chair/elm"}),
        skus={"CHAIR-OAK": ("warehouse-1",), "CHAIR-ELM": ("warehouse-1",)},
        priced=frozenset({"CHAIR-OAK", "CHAIR-ELM"}),
        slug="chair",
    )


def test_a_variant_that_vanished_is_discontinued_and_its_sku_goes() -> None:
    before = wanted(chair()).held
    source = chair()
    del source["Variants"][0]
    found = wanted(source, before)
    assert statuses(found) == {"chair/elm": "live", "chair/oak": "discontinued"}
    assert found.product is not None
    assert found.product["variants"][1] == {"external_id": "chair/oak", "status": "discontinued"}
    assert found.gone_skus == ("CHAIR-OAK",)
    assert set(found.held.skus) == found.held.priced == {"CHAIR-ELM"}
    again = wanted(source, found.held)
    assert (again.product, again.gone_skus) == (found.product, ())
    assert fingerprints(again) == fingerprints(found)


def test_a_variant_that_comes_back_is_on_sale_again() -> None:
    before = wanted(chair(Variants=chair()["Variants"][1:]), wanted(chair()).held).held
    assert statuses(wanted(chair(), before)) == {"chair/elm": "live", "chair/oak": "live"}


def test_a_product_that_gets_variants_discontinues_the_one_that_it_was() -> None:
    before = wanted(stool()).held
    source = stool(Variants=[{"ID": "red", "Active": True, "xp": {"SKU": "STOOL-RED"}}])
    found = wanted(source, before)
    assert statuses(found) == {"stool": "discontinued", "stool/red": "live"}
    assert found.gone_skus == ("STOOL",)


def test_a_bad_variant_is_left_out_while_the_target_does_not_hold_it() -> None:
    source = chair()
    source["Variants"][0]["xp"]["weight"] = "heavy"
    found = wanted(source)
    assert codes(found) == [("chair/oak", "weight-not-a-number")]
    assert statuses(found) == {"chair/elm": "live"}
    assert listed(found) == ["CHAIR-ELM"]
    assert set(locations(found)) == {("CHAIR-ELM", "warehouse-1")}


def test_a_bad_variant_that_is_new_does_not_keep_back_those_that_the_target_holds() -> None:
    whole = chair()
    before = wanted(chair(Variants=whole["Variants"][1:])).held
    whole["Variants"][0]["xp"]["weight"] = "heavy"
    found = wanted(whole, before)
    assert codes(found) == [("chair/oak", "weight-not-a-number")]
    assert statuses(found) == {"chair/elm": "live"}


def test_a_bad_variant_that_the_target_holds_keeps_the_product_back_but_not_the_stock_of_the_others() -> None:
    before = wanted(chair()).held
    source = chair(Name="New name")
    source["Variants"][0]["xp"]["SKU"] = None
    source["Variants"].append({"ID": "ash", "Active": True, "xp": {"SKU": "CHAIR-ASH"}})
    source["Inventory"]["QuantityAvailable"] = 3
    found = wanted(source, before)
    assert codes(found) == [("chair/oak", "no-sku")]
    assert found.product is None
    assert (found.gone_skus, found.held.variants) == ((), before.variants)
    assert locations(found) == {("CHAIR-ELM", "warehouse-1"): 3}
    assert listed(found) == ["CHAIR-ELM"]
    assert found.held.skus == before.skus
    assert removals(before, found).stock == frozenset()


def test_a_product_that_was_never_written_and_cannot_be_writes_nothing_at_all() -> None:
    found = wanted(chair(Name=None))
    assert codes(found) == [("chair", "no-name")]
    assert (found.product, found.stock, found.prices, found.held) == (None, None, None, Held())
    assert fingerprints(found) == {}


def test_a_sku_that_another_record_has_keeps_its_variant_out() -> None:
    found = wanted(chair(), taken={Name("sku", "CHAIR-OAK"): "table"})
    (problem,) = found.problems
    assert (problem.external_id, problem.code) == ("chair/oak", "duplicate-sku")
    assert problem.message == "The SKU CHAIR-OAK is already used by product table. Give one of them another SKU."
    assert statuses(found) == {"chair/elm": "live"}
    assert listed(found) == ["CHAIR-ELM"]


def test_what_the_record_itself_has_is_not_taken() -> None:
    assert wanted(chair(), taken={Name("sku", "CHAIR-OAK"): "chair", Name("slug", "chair"): "chair"}) == wanted(chair())


def test_a_slug_that_another_record_has_keeps_the_product_out() -> None:
    found = wanted(stool(), taken={Name("slug", "stool"): "STOOL"})
    assert codes(found) == [("stool", "duplicate-slug")]
    assert found.product is None


def test_the_slug_stays_what_it_was_unless_it_is_mapped() -> None:
    before = Held(variants=frozenset({"stool"}), slug="first-slug")
    kept = wanted(stool(), before)
    assert kept.product is not None
    assert kept.product["slug"] == kept.held.slug == "first-slug"
    mapped = wanted(stool(), before, said=settings(products=mapping(slug="Name")))
    assert mapped.product is not None
    assert mapped.product["slug"] == mapped.held.slug == "chair"


def test_names_are_those_it_needs_and_those_it_still_has() -> None:
    made = draft(stool(xp={"SKU": "NEW"}), settings(products=mapping(slug="Name")), NOW, "GBP")
    assert made.names == {Name("sku", "NEW"), Name("slug", "chair")}
    before = Held(frozenset({"stool"}), {"OLD": ("warehouse-1",)}, frozenset({"OLDER"}), "old-slug")
    assert made.names_for(before) == made.names | {Name("sku", "OLD"), Name("sku", "OLDER"), Name("slug", "old-slug")}
    default = draft(stool(), ALL, NOW, "GBP")
    assert default.names_for(Held(slug="old-slug")) == {Name("sku", "STOOL"), Name("slug", "old-slug")}
    assert draft(stool(), settings(products=None), NOW, "GBP").names == {Name("sku", "STOOL")}


def test_a_location_that_lost_its_record_gets_level_0_and_keeps_it() -> None:
    before = Held(frozenset({"stool"}), {"STOOL": ("warehouse-1", "warehouse-2")}, frozenset(), "stool")
    found = wanted(stool(xp={"SKU": "STOOL", "restockDate": "2026-12-24"}), before)
    assert locations(found) == {("STOOL", "warehouse-1"): 7, ("STOOL", "warehouse-2"): 0}
    assert StockLevel("STOOL", "warehouse-2", 0, None) in (found.stock or ())
    assert found.held.skus == before.skus
    assert wanted(stool(xp={"SKU": "STOOL", "restockDate": "2026-12-24"}), found.held) == found


def test_stock_that_is_counted_no_longer_is_removed_and_the_prices_stay() -> None:
    before = wanted(stool()).held
    found = wanted(stool(Inventory={"Enabled": False}), before)
    assert (found.stock, found.gone_skus, listed(found)) == ((), (), ["STOOL"])
    assert removals(before, found) == Removals(frozenset({"STOOL"}), frozenset())


def test_prices_that_there_are_no_longer_are_removed_and_the_stock_stays() -> None:
    before = wanted(stool()).held
    found = wanted(stool(DefaultPriceSchedule=None), before)
    assert (found.prices, found.gone_skus) == ((), ())
    assert removals(before, found) == Removals(frozenset(), frozenset({"STOOL"}))


def test_what_has_a_problem_is_neither_written_nor_removed() -> None:
    before = wanted(stool()).held
    source = stool(InventoryRecords=[{"AddressID": "closed", "QuantityAvailable": 1}])
    source["DefaultPriceSchedule"]["Currency"] = "EUR"
    found = wanted(source, before)
    assert {code for _, code in codes(found)} == {"unknown-location", "other-currency"}
    assert (found.stock, found.prices) == (None, None)
    assert removals(before, found) == removals(Held(), found)
    assert found.held == before


def test_a_changed_sku_takes_its_stock_and_prices_along() -> None:
    before = wanted(stool()).held
    found = wanted(stool(xp={"SKU": "STOOL-2"}), before)
    assert found.gone_skus == ("STOOL",)
    assert set(found.held.skus) == found.held.priced == {"STOOL-2"}


def test_a_record_that_left_and_came_back_is_on_sale_again() -> None:
    held = wanted(stool()).held
    gone = deleted("stool", held)
    assert gone.product == {"external_id": "stool", "variants": [{"external_id": "stool", "status": "discontinued"}]}
    assert (gone.stock, gone.prices, gone.gone_skus) == ((), (), ("STOOL",))
    assert gone.held.discontinued
    back = wanted(stool(), replace(gone.held, former=frozenset()))
    assert back == wanted(stool())
    assert not back.held.discontinued
    still_gone = wanted(stool(Name=None), gone.held)
    assert (still_gone.product, still_gone.held) == (None, gone.held)


def test_what_a_restored_site_has_again_under_a_former_sku_is_removed_unless_another_record_has_that() -> None:
    first = wanted(stool()).held
    renamed = wanted(stool(xp={"SKU": "NEW"}), first).held
    gone = deleted("stool", renamed).held
    assert (renamed.former, gone.former) == (frozenset({"STOOL"}), frozenset({"STOOL", "NEW"}))
    data, again = Products(ALL), Returned({"STOOL": ("warehouse-1",)}, frozenset({"STOOL"}))
    assert wanted(stool(), renamed).held.former == {"NEW"}
    held = data.returned(held_to_json(gone), again)
    assert set(data.held_names(held)) == {("sku", "STOOL"), ("slug", "stool")}
    removed = data.deleted("stool", {}, held, outside=False)
    assert removed.removes == {"stock", "prices"}
    assert held_from_json(removed.held(whole=True)) == gone
    theirs = data.deleted("stool", {("sku", "STOOL"): "other"}, held, outside=False)
    assert theirs.removes == frozenset()
    assert held_from_json(theirs.held(whole=True)).former == {"NEW"}


def test_prices_that_go_to_another_list_leave_those_on_the_old_one_to_be_cleared() -> None:
    one, two = Products(ALL), Products(settings(pricing={"priceList": "two"}))
    assert ALL.price_list is not None
    drafted = draft(stool(), ALL, NOW, "GBP")
    written = one.resolve(drafted, {}, {})
    moved = two.resolve(draft(stool(), two.settings, NOW, "GBP"), {}, written.held(whole=True))
    assert moved.moved == {"prices"}
    held = held_from_json(moved.held(whole=True))
    assert (held.price_list, held.priced) == ("two", {"STOOL"})
    assert held.old_prices == {ALL.price_list: {"STOOL"}}
    # It is kept of what is deleted, and taken back where the list is used again.
    assert deleted("stool", held).held.old_prices == held.old_prices
    back = one.resolve(drafted, {}, held_to_json(held))
    held = held_from_json(back.held(whole=True))
    assert (held.price_list, held.priced, held.old_prices) == (ALL.price_list, {"STOOL"}, {"two": {"STOOL"}})
    # A product that is held back keeps its old prices, and nothing is believed of the new list.
    stuck = two.resolve(draft(stool(Name=None), two.settings, NOW, "GBP"), {}, written.held(whole=True))
    held = held_from_json(stuck.held(whole=True))
    assert held.old_prices == {ALL.price_list: {"STOOL"}}
    assert stuck.moved == {"prices"}


def test_of_a_record_that_was_never_written_nothing_is_left_to_do() -> None:
    gone = deleted("stool", Held())
    assert (gone.product, gone.stock, gone.prices, gone.gone_skus) == (None, None, None, ())


def test_a_part_that_does_not_flow_is_neither_wanted_nor_forgotten() -> None:
    before = wanted(stool()).held
    found = wanted(stool(), before, said=settings(stock=None))
    assert found.stock is None
    assert found.held.skus == before.skus
    assert fingerprints(found).keys() == {Part.PRODUCT, Part.PRICES}


def test_a_fingerprint_covers_what_was_written_and_not_what_a_problem_left_as_it_was() -> None:
    before = wanted(chair()).held
    source = chair()
    source["Variants"][0]["xp"] = {"SKU": "CHAIR-OAK", "shipWeight": "heavy"}
    source["Variants"][0]["Inventory"] = {"Enabled": True, "QuantityAvailable": -1}
    found = wanted(source, before)
    if found.stock is not None:
        assert found.held.printed_stock == {level.sku for level in found.stock}
    assert found.held.printed_prices == {price.sku for price in found.prices or ()}
    assert found.held.left_prices == before.priced - found.held.printed_prices
    # A part that is not written at all keeps what its last fingerprint covers.
    again = wanted({**source, "Name": None, "DefaultPriceSchedule": None, "PriceSchedule": None}, found.held)
    assert again.held.printed_stock <= found.held.printed_stock | before.printed_stock


def test_of_a_product_that_the_target_lost_nothing_is_written_while_it_is_held_back() -> None:
    before = wanted(stool()).held
    lost = held_from_json(Products(ALL).lost(held_to_json(before)))
    found = wanted(stool(Name=None), lost)
    assert (found.product, found.stock, found.prices) == (None, None, None)
    assert found.held == lost == replace(before, variants=frozenset(), slug=None)


def test_after_a_write_of_some_of_it_the_target_may_hold_what_it_did_and_what_it_should() -> None:
    before = Held(frozenset({"old"}), {"A": ("x",), "B": ("x",)}, frozenset({"B"}), "slug-before")
    after = Held(frozenset({"new"}), {"B": ("y",), "C": ()}, frozenset({"C"}), "slug-after")
    state = state_of(Wanted("chair", None, None, None, held=after), before, None, held_back=False)
    assert state.held(whole=True) == held_to_json(after)
    assert held_from_json(state.held(whole=False)) == Held(
        frozenset({"old", "new"}), {"A": ("x",), "B": ("x", "y"), "C": ()}, frozenset({"B", "C"}), "slug-before"
    )


def test_no_fingerprint_covers_what_was_left_as_it_was() -> None:
    held = Held(skus={"A": ("x",), "B": ()}, priced=frozenset({"A", "B"}), left_stock=frozenset({"B"}))
    assert (held.printed_stock, held.printed_prices) == (frozenset({"A"}), frozenset({"A", "B"}))
    assert replace(held, left_prices=frozenset({"A"})).printed_prices == frozenset({"B"})


@pytest.mark.parametrize("odd", [2**64, float(2**64), 1e30, -1e30, 1e308, "a\ud800"])
def test_any_json_value_has_a_fingerprint(odd: Any) -> None:
    product = {"ID": "p1", "ShipWeight": odd, "xp": {"ean": odd, "rows": [{"b": odd, "a": 1}, {"a": 2}]}}
    again = {"xp": {"rows": [{"a": 2}, {"a": 1, "b": odd}], "ean": odd}, "ShipWeight": odd, "ID": "p1"}
    assert of_list(product) == of_list(again) != of_list({**product, "ShipWeight": 1})
    assert of_product(product) == of_product(again)


def test_a_product_that_is_not_listed_is_not_said_to_be_left_out_for_certain() -> None:
    assert "leave the product out, or show another ID for it." in not_listed("p7").message
