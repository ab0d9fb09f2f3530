"""A product that cannot be used is one problem: the others go through, and what the target holds of it stays."""

from __future__ import annotations

import time

import pytest

from support.checkout import Checkout
from support.syncing import Shop
from support.worked import whoever_works


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    shop = Shop(checkout)
    for number in range(4):
        shop.portal(
            "POST", "priceschedules", {"ID": f"s{number}", "Name": "S", "PriceBreaks": [{"Quantity": 1, "Price": 5}]}
        )
        product = {"ID": f"p{number}", "Name": f"Hammer {number}", "Active": True, "xp": {"SKU": f"SKU-{number}"}}
        shop.portal("POST", "products", {**product, "DefaultPriceScheduleID": f"s{number}"})
    shop.prepare()
    return shop


def rewrite(shop: Shop, find: str, put: str) -> None:
    shop.emulator.fault("rewrite", path="*/products*", count=None, replace=[{"find": find, "put": put}])


def said(shop: Shop) -> dict[str, str]:
    return {external_id: error["message"] for external_id, error in shop.log()["errors"].items()}


@pytest.mark.parametrize(
    ("find", "put", "key", "words"),
    [
        ('"Name":"Hammer 1"', r'"Name":"Ham\ud800mer"', "p1", "Name holds half a character: Ham\\ud800mer"),
        ('"ID":"p1"', '"ID":null', "(null: Hammer 1)", "it has no ID"),
        ('"ID":"p1"', '"ID":42', "(42: Hammer 1)", "its ID is no text: 42"),
        ('"ID":"p1"', '"ID":"a//b"', "(a//b: Hammer 1)", "nothing can be asked for by its ID: a//b"),
        ('"SKU":"SKU-1"', r'"SKU":"\udc00"', "p1", "xp.SKU holds half a character"),
    ],
)
@whoever_works()
def test_one_bad_product_is_one_problem_and_the_rest_goes_through(
    shop: Shop, find: str, put: str, key: str, words: str
) -> None:
    rewrite(shop, find, put)
    report = shop.synced("--full")
    assert report["records"]["held_back"] == 1
    assert set(shop.held().products) == {"p0", "p2", "p3"}
    assert set(said(shop)) == {key}
    assert words in said(shop)[key]
    listed = shop.checkout.call("sync", "errors")
    assert listed.status == 0
    assert key in listed.stdout
    shop.emulator.clear_faults()
    shop.synced("--full")
    assert set(shop.held().products) == {"p0", "p1", "p2", "p3"}
    assert said(shop) == {}


def test_control_characters_that_no_json_may_have_as_they_are_stop_no_run(shop: Shop) -> None:
    rewrite(shop, '"Name":"Hammer 1"', '"Name":"Ham\x01\tmer"')
    report = shop.synced("--full", "--patience", "5")
    assert report["state"] == "finished"
    assert set(shop.held().products) >= {"p0", "p2", "p3"}


def test_a_product_that_becomes_bad_stays_in_the_target_as_it_is(shop: Shop) -> None:
    shop.synced("--full")
    before = shop.held()
    assert len(before.products) == len(before.prices) == 4
    rewrite(shop, '"Name":"Hammer 1"', r'"Name":"Ham\ud800mer"')
    for mode in ("--full", "--verify", "--rewrite"):
        shop.synced(mode)
        assert (shop.held().products, shop.held().prices) == (before.products, before.prices)
        assert set(said(shop)) == {"p1"}


def test_where_only_prices_flow_those_of_a_bad_product_stay(shop: Shop) -> None:
    shop.synced("--full")
    before = shop.held().prices
    shop.checkout.write("shop.yaml", {**shop.data_sync(stock=None), "spec": {"currency": "GBP", "pricing": {}}})
    shop.checkout.applied()
    rewrite(shop, '"Name":"Hammer 1"', r'"Name":"Ham\ud800mer"')
    shop.synced("--full")
    assert shop.held().prices == before


def test_a_light_walk_tells_of_a_product_that_becomes_bad_and_reads_it_once(shop: Shop) -> None:
    shop.change(interval="1s", lookInterval="1s")
    shop.synced("--full")
    before = shop.held()
    rewrite(shop, '"Name":"Hammer 1"', r'"Name":"Ham\ud800mer"')
    reads = []
    for _ in range(2):
        time.sleep(1.1)
        shop.emulator.clear_requests()
        assert shop.synced()["mode"] == "light"
        assert (shop.held().products, set(said(shop))) == (before.products, {"p1"})
        reads.append([entry["path"] for entry in shop.emulator.requests() if "/ordercloud/v1/" in entry["path"]])
    assert len(reads[0]) > len(reads[1]) == 3


def problems(shop: Shop) -> list[tuple[str, str]]:
    listed = shop.checkout.call("sync", "errors", "--format", "json").json["problems"]
    return [(problem["external_id"], problem["code"]) for problem in listed]


def test_a_light_walk_sees_that_a_product_has_its_id_again(shop: Shop) -> None:
    shop.change(interval="1s", lookInterval="1s")
    shop.synced("--full")
    rewrite(shop, '"ID":"p1"', '"ID":null')
    shop.synced("--full")
    assert problems(shop) == [("p1", "bad-record"), ("(null: Hammer 1)", "no-id"), ("p1", "not-listed")]
    shop.emulator.clear_faults()
    time.sleep(1.1)
    assert shop.synced()["mode"] == "light"
    assert (problems(shop), said(shop), shop.wrong()) == ([], {}, [])


def test_what_stands_for_an_id_goes_with_the_run_that_does_not_see_it_though_it_stands_at_the_limit(shop: Shop) -> None:
    shop.change(maxDeletePercent=0)
    rewrite(shop, '"ID":"p1"', '"ID":null')
    shop.synced("--full")
    assert problems(shop) == [("(null: Hammer 1)", "no-id")]
    shop.emulator.clear_faults()
    shop.portal("DELETE", "products/p3")
    assert shop.run("--full").status == 3
    assert (problems(shop), said(shop)) == ([], {})


def test_a_product_without_an_id_that_is_asked_for_by_the_one_it_had_is_told_once(shop: Shop) -> None:
    shop.synced("--full")
    rewrite(shop, '"ID":"p1"', '"ID":null')
    assert shop.checkout.call("sync", "retry", "shop", "p1").status == 0
    shop.synced()
    assert {external_id for external_id, _ in problems(shop)} == {"p1"}
    shop.emulator.clear_faults()
    assert shop.checkout.call("sync", "retry", "shop", "p1").status == 0
    shop.synced()
    assert problems(shop) == []


@pytest.mark.parametrize(
    ("find", "put", "asked", "status", "words"),
    [
        ('"Name":"Hammer 1"', r'"Name":"Ham\ud800mer"', "p1", 0, "Name holds half a character"),
        ('"SKU":"SKU-1"', r'"SKU":"\udc00"', "p1", 0, "xp.SKU holds half a character"),
        ('"ID":"p1"', '"ID":null', "p1", 0, "asked for by its ID: it has no ID"),
        ('"ID":"p1"', '"ID":42', "p1", 0, "asked for by its ID: its ID is no text: 42"),
        ('"ID":"p1"', '"ID":42', "42", 1, "OrderCloud has no product 42"),
        ('"ID":"p1"', '"ID":42', "(42: Hammer 1)", 64, "(42: Hammer 1) is not the ID of a product"),
    ],
)
def test_a_bad_product_is_explained(shop: Shop, find: str, put: str, asked: str, status: int, words: str) -> None:
    rewrite(shop, find, put)
    ended = shop.run("--explain", asked)
    assert (ended.status, words in ended.stdout + ended.stderr) == (status, True), str(ended)


@pytest.mark.parametrize("put", ["null", "42", '"a//b"'])
def test_a_product_that_loses_its_id_stops_no_run_and_stays_in_the_target(shop: Shop, put: str) -> None:
    shop.synced("--full")
    before = shop.held()
    rewrite(shop, '"ID":"p1"', f'"ID":{put}')
    for words in (("--full",), ("--verify",)):
        shop.synced(*words)
        assert (shop.held().products, shop.held().prices) == (before.products, before.prices)
    assert shop.checkout.call("sync", "retry", "shop", "p1").status == 0
    shop.synced()
    shop.emulator.clear_faults()
    shop.synced("--full")
    assert (shop.wrong(before), said(shop)) == ([], {})


@pytest.mark.parametrize(
    ("path", "find", "put"),
    [
        ("*/sparklayer/*/products/*", '"title":"Hammer 2"', r'"title":"Ham\ud800mer"'),
        ("*/sparklayer/*/pricing", '"sku":"SKU-2"', r'"sku":"SKU\ud800"'),
        ("*/batch-fetch-stock", '"sku":"SKU-2"', r'"sku":"SKU\ud800"'),
    ],
)
def test_half_a_character_at_the_target_stops_no_run(shop: Shop, path: str, find: str, put: str) -> None:
    shop.portal("PATCH", "products/p2", {"Inventory": {"Enabled": True, "QuantityAvailable": 2}})
    shop.synced("--full")
    # What a product's write answers is as it was written.
    method = "GET" if path.endswith("/products/*") else "*"
    shop.emulator.fault("rewrite", path=path, method=method, count=None, replace=[{"find": find, "put": put}])
    assert shop.synced("--verify")["records"]["written"] == 1
    assert shop.synced()["state"] == "finished"
    shop.emulator.clear_faults()
    shop.synced("--verify")
    assert shop.wrong() == []


def test_a_verify_writes_what_cannot_be_read_of_the_price_list(shop: Shop) -> None:
    shop.synced("--full")
    unknown = "so what the price list holds is not known: a verify writes all prices"
    cases = (
        # Each of them, what is put in its place, how many records are written for it, and what is said.
        (r"\]$", "", 4, f"the answer ends in the middle of a list, {unknown}"),
        (r"^.*$", "<html>", 4, f"the answer is not a list of objects, {unknown}"),
        (r'(?<="sku":"SKU-2","quantity":1,"price":)[0-9.]+', '"cheap"', 1, ""),
        # The list changed while it was read.
        (r"\[", '[{"sku":"SKU-2","quantity":1,"price":7},', 1, ""),
    )
    for find, put, written, told in cases:
        shop.emulator.clear_faults()
        shop.emulator.fault("rewrite", path="*/pricing", count=None, replace=[{"find": find, "put": put}])
        shop.emulator.clear_requests()
        report = shop.synced("--verify")
        assert (find, report["records"]["written"]) == (find, written)
        assert {line.split()[1] for line in shop.writes()} == {"batch-update-pricing"}
        assert told in " ".join(report["remarks"])
        assert bool(told) == bool(report["remarks"])
        assert shop.wrong() == []
    shop.emulator.clear_faults()
    shop.emulator.fault("truncated", path="*/pricing", count=2)
    shop.emulator.clear_requests()
    report = shop.synced("--verify")
    assert shop.writes() == []
    assert "is not known" not in " ".join(report["remarks"])


def test_a_price_list_that_is_always_cut_off_stops_no_run(shop: Shop) -> None:
    shop.synced("--full")
    shop.emulator.fault("truncated", path="*/pricing", count=None)
    told = " ".join(shop.synced("--patience", "5")["remarks"])
    assert "so this run did not look whether the prices that it knows are there" in told
    assert "did not answer" not in told
    report = shop.synced("--verify", "--patience", "5")
    assert report["records"]["written"] == 4
    assert "the connection broke" in " ".join(report["remarks"])
    assert "a verify writes all prices" in " ".join(report["remarks"])
    assert shop.wrong() == []
