"""What a change costs, and what becomes of records that go, come, clash or are refused. Counted at the site."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.emulator.sparklayer import synclog
from reconciler.sync.products.datatype import Products
from support.checkout import Checkout
from support.syncing import LOG, Portal, Shop

Json = dict[str, Any]


def product(product_id: str, sku: str | None = "", **members: Any) -> Json:
    """Return a product that goes through: a price and 5 in stock."""
    xp = {} if sku is None else {"SKU": sku or f"SKU-{product_id}"}
    inventory = {"Enabled": True, "QuantityAvailable": 5}
    whole = {"ID": product_id, "Name": product_id.title(), "Active": True, "xp": xp, "Inventory": inventory}
    return {**whole, "DefaultPriceScheduleID": product_id, **members}


def market(*products: Json, **sections: list[Json]) -> Json:
    prices = [{"Quantity": 1, "Price": 10.0}]
    schedules = [
        {"ID": one["ID"], "Name": one["ID"], "Currency": "GBP", "PriceBreaks": prices}
        for one in products
        if one.get("DefaultPriceScheduleID") == one["ID"]
    ]
    return {"Objects": {"Products": list(products), "PriceSchedules": schedules, **sections}}


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    return Shop(checkout)


@pytest.fixture
def small(shop: Shop) -> Shop:
    """Ten good products, synced; nothing in the request log."""
    shop.emulator.seed_with(market(*(product(f"p{number}") for number in range(10))))
    shop.prepare()
    shop.synced("--full")
    assert len(shop.held().products) == 10
    shop.emulator.clear_requests()
    return shop


def logged(shop: Shop) -> dict[str, str]:
    return {external_id: error["message"] for external_id, error in shop.log()["errors"].items()}


def status_of(shop: Shop) -> str:
    return " ".join(shop.checkout.call("sync", "status").stdout.split())


# What a change costs


@pytest.mark.usefixtures("on_both")
def test_a_change_of_k_products_costs_k_writes(shop: Shop) -> None:
    shop.emulator.seed(100, 3)
    shop.prepare()
    shop.synced("--full")
    before = shop.held()
    touched = [one for one in shop.emulator.mutate(products=7)["products"] if one in before.products]
    assert touched
    shop.emulator.clear_requests()
    shop.synced("--full")
    assert sorted(shop.writes()) == sorted(f"PATCH products/{one}" for one in touched)
    assert shop.wrong(before) == []


def test_a_price_and_a_stock_change_cost_two_writes(small: Shop) -> None:
    small.portal("PATCH", "priceschedules/p3", {"PriceBreaks": [{"Quantity": 1, "Price": 12.5}]})
    small.portal("PATCH", "products/p7", {"Inventory": {"QuantityAvailable": 2}})
    before = small.held()
    small.synced("--full")
    assert sorted(small.writes()) == ["PATCH batch-update-pricing", "POST batch-update-stock"]
    assert small.wrong(before) == []
    assert (small.held().prices["SKU-p3"], small.held().stock["SKU-p7"]["main"]["stock_level"]) == ({1: 12.5}, 2)


@pytest.mark.usefixtures("on_both")
def test_an_incremental_run_finds_changed_stock_by_its_date_and_asks_for_nothing_else(small: Shop) -> None:
    small.emulator.clock(advance=3600)
    small.portal("PATCH", "products/p7", {"Inventory": {"QuantityAvailable": 2}})
    small.synced()
    assert small.writes() == ["POST batch-update-stock"]
    listed = [one for one in small.emulator.requests() if one["path"].startswith("/ordercloud/v1/products/")]
    assert len(listed) <= 2
    # It wrote, so the log says when.
    assert "last_partial_sync" in small.log()


@pytest.mark.usefixtures("on_both")
def test_a_changed_mapping_is_a_full_sync_that_writes_what_it_changes(small: Shop) -> None:
    small.change(products={"mapping": {"title": "join(' ', ['New', Name])"}})
    report = small.synced()
    assert report["mode"] == "full"
    assert sorted(small.writes()) == sorted(f"PATCH products/p{number}" for number in range(10))


# The target is not as it was left


def test_an_emptied_site_is_noticed_and_filled(small: Shop) -> None:
    before = small.held()
    held = small.emulator.site()
    for table in ("products", "variants"):
        held[table]["records"] = []
    held["stock"], held["prices"], held["logs"] = {}, {}, {}
    small.emulator.load_site(held)
    report = small.synced()
    assert small.held().products.keys() == before.products.keys()
    assert small.wrong() == []
    assert any("sync log" in remark for remark in report["remarks"])


@pytest.mark.usefixtures("on_both")
def test_a_site_restored_to_yesterday_is_noticed_and_repaired(small: Shop) -> None:
    yesterday = small.emulator.site()
    small.emulator.mutate(products=4, prices=3)
    small.synced("--full")
    today = small.held()
    small.emulator.load_site(yesterday)
    assert small.wrong(today) != []
    small.synced()
    assert small.wrong(today) == []


def test_a_hand_edit_of_many_is_noticed_by_the_next_run(small: Shop) -> None:
    before = small.held()
    held = small.emulator.site()
    for record in held["products"]["records"]:
        record["title"] = "By hand"
    small.emulator.load_site(held)
    small.synced()
    assert small.wrong(before) == []


@pytest.mark.parametrize("part", ["title", "variant", "stock", "price", "gone_price", "foreign_stock"])
def test_verify_repairs_an_edit_by_hand(small: Shop, part: str) -> None:
    before = small.held()
    held = small.emulator.site()
    location = next(iter(held["stock"]["SKU-p4"]))
    match part:
        case "title":
            held["products"]["records"][4]["title"] = "By hand"
        case "variant":
            held["variants"]["records"][4]["weight_in_grams"] = 12
        case "stock":
            held["stock"]["SKU-p4"][location]["stock_level"] = 99
        case "price":
            held["prices"]["ordercloud-price"]["SKU-p4"]["pricing"][0]["price"] = 0.01
        case "gone_price":
            del held["prices"]["ordercloud-price"]["SKU-p4"]
        case "foreign_stock":
            held["stock"]["SKU-p4"][location]["restock_date"] = "2030-01-01"
    small.emulator.load_site(held)
    assert small.wrong(before) != []
    small.synced("--verify")
    assert small.wrong(before) == []
    # Nothing else was written.
    assert len(small.writes()) == 1
    small.emulator.clear_requests()
    small.synced("--verify")
    assert small.writes() == []


@pytest.mark.parametrize("mode", ["--verify", "--rewrite"])
def test_what_a_restored_site_has_again_under_a_former_sku_is_removed(small: Shop, mode: str) -> None:
    yesterday = small.emulator.site()
    small.portal("PATCH", "products/p4", {"xp": {"SKU": "NEW"}})
    small.portal("DELETE", "products/p5")
    small.synced("--full")
    today = small.held()
    small.emulator.load_site(
        {**small.emulator.site(), **{name: yesterday[name] for name in yesterday if name != "logs"}}
    )
    assert {"SKU-p4", "SKU-p5"} <= small.held().stock.keys() & small.held().prices.keys()
    small.synced(mode)
    assert small.wrong(today) == []
    assert not {"SKU-p4", "SKU-p5"} & (small.held().stock.keys() | small.held().prices.keys())


@pytest.mark.parametrize("mode", ["--verify", "--rewrite"])
def test_skus_that_a_restored_ledger_knows_nothing_of_are_removed_unless_another_has_them(
    small: Shop, mode: str
) -> None:
    yesterday = small.checkout.ledger.with_suffix(".yesterday")
    assert small.checkout.call("ledger", "backup", str(yesterday)).status == 0
    for key in ("p3", "p4"):
        small.portal("PATCH", f"products/{key}", {"xp": {"SKU": f"LOST-{key}"}})
    small.synced("--full")
    shutil.copy(yesterday, small.checkout.ledger)
    # The one is used by nobody now, the other by another product.
    for key, sku in (("p3", "NEW"), ("p4", "SKU-p4"), ("p6", "LOST-p4")):
        small.portal("PATCH", f"products/{key}", {"xp": {"SKU": sku}})
    small.synced(mode)
    assert small.wrong() == []
    small.synced("--verify")
    assert small.wrong() == []


def test_rewrite_sends_everything(small: Shop) -> None:
    small.synced("--rewrite")
    assert sum(line.startswith("PATCH products/") for line in small.writes()) == 10
    assert small.wrong() == []


# What goes


@pytest.mark.usefixtures("on_both")
def test_a_deleted_product_is_discontinued_and_its_stock_and_prices_go(small: Shop) -> None:
    before = small.held()
    small.portal("DELETE", "products/p5")
    report = small.synced("--full")
    held = small.held()
    assert held.products["p5"]["variants"] == {"p5": {"status": "discontinued"}}
    assert "SKU-p5" not in held.stock
    assert "SKU-p5" not in held.prices
    assert small.wrong(before) == []
    assert report["records"]["discontinued"] == 1
    small.emulator.clear_requests()
    small.synced("--full")
    assert small.writes() == []


@pytest.mark.usefixtures("on_both")
def test_a_deleted_product_that_comes_back_is_live_again(small: Shop) -> None:
    first = small.held()
    small.portal("DELETE", "products/p5")
    small.synced("--full")
    small.portal("POST", "products", product("p5"))
    small.synced("--full")
    assert small.held().products == first.products


def test_a_product_that_only_lags_in_the_search_index_is_not_discontinued(small: Shop) -> None:
    """The index does not know it again for an hour; a read by its ID does."""
    small.emulator.search_lag(3600)
    small.portal("PATCH", "products/p5", {"ID": "p5-new"})
    small.portal("PATCH", "products/p5-new", {"ID": "p5"})
    # As after an hour in which it was away: the lists do not have it, the system does.
    small.emulator.search_lag(0)
    small.portal("DELETE", "products/p5")
    small.emulator.search_lag(3600)
    small.portal("POST", "products", product("p5"))
    report = small.synced("--full")
    assert {"status": "discontinued"} not in small.held().products["p5"]["variants"].values()
    assert any("still exist" in remark for remark in report["remarks"])


def test_more_deletes_than_the_manifest_allows_stop_the_run(small: Shop) -> None:
    before = small.held()
    for number in (1, 2):
        small.portal("DELETE", f"products/p{number}")
    ended = small.run("--full")
    assert ended.status == 3, str(ended)
    assert "maxDeletePercent" in ended.stdout
    assert small.held().products == before.products
    assert "last_full_sync" not in small.log()
    assert "raise maxDeletePercent" in status_of(small)
    small.change(maxDeletePercent=20)
    small.synced("--full")
    assert small.wrong(before) == []
    assert "last_full_sync" in small.log()


def test_a_site_without_its_locations_stops_the_run_and_status_says_what_helps(small: Shop) -> None:
    small.emulator.empty_site()
    ended = small.run()
    assert ended.status == 1, str(ended)
    assert "target-incomplete" in ended.stderr
    said = status_of(small)
    assert "its last run was stopped" in said
    assert "limit" not in said
    assert "`reconciler apply` creates" in said
    assert "sync errors" not in said


def test_a_vanished_variant_is_discontinued_and_the_others_stay(shop: Shop) -> None:
    one = product("shirt")
    variants = [{"ProductID": "shirt", "ID": size, "Active": True, "xp": {"SKU": f"SKU-{size}"}} for size in "SML"]
    shop.emulator.seed_with(market(one, Variants=variants))
    shop.prepare()
    shop.synced("--full")
    before = shop.held()
    shop.emulator.seed_with(market(one, Variants=variants[:2]))
    shop.synced("--full")
    assert shop.held().products["shirt"]["variants"]["shirt/L"] == {"status": "discontinued"}
    assert "SKU-L" not in shop.held().stock
    assert shop.wrong(before) == []


# Problems, and how they end


@pytest.mark.usefixtures("on_both")
def test_a_duplicate_sku_resolves_when_the_other_product_is_mended(shop: Shop) -> None:
    shop.emulator.seed_with(market(product("first", "SAME"), product("second", "SAME"), product("third")))
    shop.prepare()
    shop.synced("--full")
    assert logged(shop) == {"second": "The SKU SAME is already used by product first. Give one of them another SKU."}
    assert sorted(shop.held().products) == ["first", "third"]
    before = shop.held()
    shop.portal("PATCH", "products/first", {"xp": {"SKU": "OWN"}})
    shop.synced("--full")
    assert logged(shop) == {}
    assert sorted(shop.held().products) == ["first", "second", "third"]
    assert shop.wrong(before) == []


@pytest.mark.usefixtures("on_both")
def test_a_missing_sku_shows_up_in_the_log_and_resolves_when_mended(shop: Shop) -> None:
    shop.emulator.seed_with(market(product("good"), product("bad", None)))
    shop.prepare()
    shop.synced("--full")
    error = shop.log()["errors"]["bad"]
    assert error["message"] == "The SKU is not set. Set xp.SKU in OrderCloud."
    assert error["external_url"].startswith("http")
    assert "bad" in error["external_url"]
    shop.emulator.clear_requests()
    shop.portal("PATCH", "products/bad", {"xp": {"SKU": "NOW"}})
    shop.synced("--full")
    assert shop.log()["errors"] == {}
    assert shop.wrong() == []
    assert shop.writes().count("POST products") == 1


def test_a_product_that_turns_bad_is_held_back_and_keeps_what_it_has(small: Shop) -> None:
    before = small.held()
    small.portal("PATCH", "products/p2", {"xp": {"SKU": None}, "Name": "Other"})
    small.synced("--full")
    assert logged(small) == {"p2": "The SKU is not set. Set xp.SKU in OrderCloud."}
    assert small.held().products["p2"] == before.products["p2"]
    assert small.held().stock["SKU-p2"] == before.stock["SKU-p2"]
    assert small.writes() == []


def test_stock_at_an_unknown_location_is_told_and_everything_else_goes_through(small: Shop) -> None:
    before = small.held()
    record = {"ProductID": "p6", "ID": "r", "AddressID": "moon", "QuantityAvailable": 3}
    products = [product(f"p{number}") for number in range(10)]
    small.emulator.seed_with(market(*products, InventoryRecords=[record]))
    small.synced("--full")
    wanted = "There is stock at the address moon, which is no stock location. Add it to stock.locations."
    assert logged(small) == {"p6": wanted}
    assert small.held().stock["SKU-p6"] == before.stock["SKU-p6"]
    small.change(stock={"locations": {"moon": "warehouse-1"}, "default": "main"})
    small.synced("--full")
    assert logged(small) == {}
    assert small.held().stock["SKU-p6"]["warehouse-1"] == {"stock_level": 3}
    assert small.wrong(before) == []


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_refusal_of_one_record_is_its_problem_and_no_other_ones(shop: Shop, status: int) -> None:
    shop.emulator.seed_with(market(*(product(f"p{number}") for number in range(6))))
    shop.prepare()
    shop.emulator.fault(
        "status", method="POST", path="*/products", contains='"p3"', status=status, message="Not this one.", count=None
    )
    shop.synced("--full")
    assert list(logged(shop)) == ["p3"]
    assert "Not this one." in logged(shop)["p3"]
    assert sorted(shop.held().products) == ["p0", "p1", "p2", "p4", "p5"]
    assert "SKU-p3" not in shop.held().stock
    shop.emulator.clear_faults()
    shop.synced("--full")
    assert logged(shop) == {}
    assert shop.wrong() == []


def test_a_refusal_without_a_word_is_told_in_plain_words(shop: Shop) -> None:
    shop.emulator.seed_with(market(product("p0"), product("p1")))
    shop.prepare()
    shop.emulator.fault("status", method="POST", path="*/products", contains='"p1"', status=422, count=None)
    shop.synced("--full")
    assert logged(shop) == {"p1": "SparkLayer refused the product: it does not say why (HTTP 422)"}


def test_only_what_a_run_finds_first_is_new(shop: Shop) -> None:
    shop.emulator.seed_with(market(product("p0"), product("p1", sku=None), product("p2", sku=None)))
    shop.prepare()
    assert shop.synced("--full")["problems"] == {"open": 2, "logged": 2, "new": 2, "resolved": 0}
    shop.portal("PATCH", "products/p0", {"xp": {"SKU": None}})
    shop.portal("PATCH", "products/p1", {"xp": {"SKU": "SKU-p1"}})
    report = shop.synced("--full")
    assert report["problems"] == {"open": 2, "logged": 2, "new": 1, "resolved": 0}
    assert sum(count for name, count in report["records"].items() if name != "seen") == report["records"]["seen"] == 3


def test_a_refused_row_of_stock_or_prices_is_its_products_problem(small: Shop) -> None:
    small.emulator.fault(
        "status", path="*/batch-update-stock", contains='"SKU-p1"', status=400, message="No.", count=None
    )
    for number in range(4):
        small.portal("PATCH", f"products/p{number}", {"Inventory": {"QuantityAvailable": 8}})
    small.synced("--full")
    assert list(logged(small)) == ["p1"]
    levels = {sku: at["main"]["stock_level"] for sku, at in small.held().stock.items()}
    assert [levels[f"SKU-p{number}"] for number in range(4)] == [8, 5, 8, 8]
    small.emulator.clear_faults()
    small.synced("--full")
    assert logged(small) == {}
    assert small.wrong() == []


def test_the_log_holds_the_first_of_more_problems_than_it_takes_and_the_rest_is_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Products.log
    assert log is not None
    assert synclog.MOST_ERRORS == log.most == 5_000
    most, bad, good = 250, 265, 40
    monkeypatch.setattr(synclog, "MOST_ERRORS", most)
    monkeypatch.setattr(Products, "log", replace(log, most=most))
    products = [product(f"b{number:05d}", None, DefaultPriceScheduleID=None) for number in range(bad)]
    products += [product(f"g{number:05d}") for number in range(good)]
    shop.emulator.seed_with(market(*products))
    shop.prepare(maxOpenProblems=10_000)
    ended = shop.run("--full")
    assert ended.status == 0, str(ended)
    assert len(shop.log()["errors"]) == most
    assert len(shop.held().products) == good
    assert ended.json["problems"]["open"] == bad
    assert ended.json["problems"]["logged"] == most
    assert f"{bad} of {bad + good} records" in shop.checkout.call("sync", "status", "shop").stdout
    # 20 are mended: others take their places in the log.
    for one in products[:20]:
        one["xp"] = {"SKU": f"SKU-{one['ID']}"}
    shop.emulator.seed_with(market(*products))
    shop.synced("--full")
    errors = shop.log()["errors"]
    assert len(errors) == bad - 20
    assert not errors.keys() & {one["ID"] for one in products[:20]}


def test_a_log_that_somebody_cleared_is_noticed(small: Shop) -> None:
    held = small.emulator.site()
    del held["logs"][LOG]
    small.emulator.load_site(held)
    report = small.synced()
    assert any("sync log" in remark for remark in report["remarks"])
    assert "last_full_sync" in small.log()
    assert small.writes() == []


@pytest.mark.usefixtures("on_both")
def test_a_portal_that_is_a_portal(small: Shop) -> None:
    """The tests' own hand at OrderCloud writes there, and nowhere else."""
    portal = Portal(small.emulator)
    portal("PATCH", "products/p0", {"Name": "Renamed"})
    assert portal("GET", "products/p0")["Name"] == "Renamed"
    assert small.all_writes() == []


def test_a_price_list_that_is_gone_stops_the_run_until_apply_makes_it_and_all_prices_come_back(small: Shop) -> None:
    small.synced("--full")
    site = small.emulator.site()
    slug = "ordercloud-price"
    small.emulator.load_site({**site, "price_lists": {}, "prices": {}})
    small.emulator.clear_requests()
    ended = small.run()
    assert ended.status != 0
    assert f"no price list {slug}" in ended.stderr
    assert small.writes() == []
    small.checkout.applied()
    report = small.synced()
    assert report["mode"] == "verify"
    assert small.wrong() == []


# What lists leave out


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize(
    ("how", "ledger_url"),
    [("--full", "sqlite"), ("--verify", "sqlite"), pytest.param("asked-for", "postgres", marks=pytest.mark.postgres)],
    indirect=["ledger_url"],
)
def test_a_product_that_lists_leave_out_is_synced_by_its_id_and_the_merchant_told_why(small: Shop, how: str) -> None:
    """OrderCloud leaves a product whose xp types clash out of lists, and answers it by its ID (documented)."""
    small.emulator.switch(clashing_xp="left_out")
    before = small.held()
    small.portal("PATCH", "products/p5", {"Name": "Clashing", "xp": {"SKU": 5}})
    words = () if how == "asked-for" else (how,)
    if how == "asked-for":
        assert small.checkout.call("sync", "retry", "p5").status == 0
    report = small.synced(*words)
    assert report["records"]["discontinued"] == 0
    assert (small.held().products["p5"]["title"], small.wrong(before)) == ("Clashing", [])
    assert "lists leave the product out" in logged(small)["p5"]
    listed = small.checkout.call("sync", "errors", "--code", "not-listed", "--format", "json").json["problems"]
    assert [each["record"] for each in listed] == ["p5"]
    assert "not-listed" in small.checkout.call("sync", "run", "--explain", "p5").stdout
    small.portal("PATCH", "products/p5", {"xp": {"SKU": "five"}})
    small.synced("--full")
    assert (logged(small), small.wrong()) == ({}, [])


def test_a_flawed_product_that_lists_leave_out_stops_nobody(small: Shop) -> None:
    """By its ID it comes with the flaw that makes it unusable, which is a problem of it alone."""
    small.emulator.switch(clashing_xp="left_out")
    small.portal("PATCH", "products/p5", {"xp": {"SKU": 5}})
    small.portal("PATCH", "products/p6", {"Name": "Sixth"})
    small.emulator.fault(
        "rewrite", path="*/products/p5", count=None, replace=[{"find": '"Name":"P5"', "put": '"Name":7'}]
    )
    small.synced("--full")
    assert small.held().products["p6"]["title"] == "Sixth"
    assert "cannot be used: Name is not text" in logged(small)["p5"]
    small.emulator.clear_faults()
    put = r'"Name":"Ham\ud800mer"'
    small.emulator.fault("rewrite", path="*/products/p5", count=None, replace=[{"find": '"Name":"P5"', "put": put}])
    small.synced("--full")
    assert "half a character" in logged(small)["p5"]
