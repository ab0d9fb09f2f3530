"""Which products a data sync is about, and what becomes of those that leave: by the system itself, not by a list."""

from __future__ import annotations

from typing import Any

import pytest

from support.checkout import Checkout
from support.syncing import Shop
from support.worked import whoever_works

Json = dict[str, Any]
ASSIGNMENTS = "catalogs/productassignments"


def product(product_id: str, **xp: Any) -> Json:
    inventory = {"Enabled": True, "QuantityAvailable": 5}
    xp = {"SKU": f"SKU-{product_id}", "weight": 100, **xp}
    return {"ID": product_id, "Name": product_id, "Active": True, "xp": xp, "Inventory": inventory}


def market(*ids: str, catalogs: dict[str, list[str]] | None = None) -> Json:
    catalogs = catalogs or {}
    rows = [{"CatalogID": name, "ProductID": each} for name, members in catalogs.items() for each in members]
    return {
        "Objects": {
            "Products": [product(each) for each in ids],
            "Catalogs": [{"ID": name, "Name": name, "Active": True} for name in catalogs],
        },
        "Assignments": {"ProductCatalogAssignment": rows},
    }


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    """Four products of the catalog retail and two that are in no catalog, synced."""
    shop = Shop(checkout)
    shop.emulator.seed_with(market(*"abcdef", catalogs={"retail": ["a", "b", "c", "d"], "trade": ["e"]}))
    shop.prepare(products={"catalogs": ["retail"]}, maxDeletePercent=50)
    shop.synced("--full")
    assert shop.held().products.keys() == {"a", "b", "c", "d"}
    shop.emulator.clear_requests()
    return shop


def leave(shop: Shop, product_id: str) -> None:
    shop.portal("DELETE", f"catalogs/retail/productassignments/{product_id}")


def discontinued(shop: Shop) -> set[str]:
    products = shop.held().products.items()
    return {key for key, each in products if {"status": "discontinued"} in each["variants"].values()}


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("how", [("--full",), ("--verify",), ()], ids=["full", "verify", "asked-for"])
def test_what_leaves_the_catalog_is_treated_as_deleted(shop: Shop, how: tuple[str, ...]) -> None:
    before = shop.held()
    leave(shop, "a")
    shop.portal("PATCH", "products/a", {"Active": False})
    if not how:
        assert shop.checkout.call("sync", "retry", "a").status == 0
    report = shop.synced(*how)
    assert report["records"]["discontinued"] == 1
    assert discontinued(shop) == {"a"}
    assert "SKU-a" not in shop.held().stock
    assert shop.wrong(before) == []
    # And back again.
    shop.portal("POST", ASSIGNMENTS, {"CatalogID": "retail", "ProductID": "a"})
    shop.synced("--full")
    assert discontinued(shop) == set()


@whoever_works()
def test_a_list_that_lags_behind_takes_nobody_out_of_the_scope(shop: Shop) -> None:
    shop.emulator.clock(frozen=True)
    leave(shop, "a")
    shop.emulator.search_lag(30)
    shop.portal("POST", ASSIGNMENTS, {"CatalogID": "retail", "ProductID": "a"})
    report = shop.synced("--full")
    assert (report["records"]["discontinued"], discontinued(shop)) == (0, set())


def test_what_was_never_in_the_catalog_is_refused_by_name(shop: Shop) -> None:
    for words in (("retry", "f"), ("run", "--explain", "f")):
        ended = shop.checkout.call("sync", *words)
        assert ended.status == 1
        assert "out-of-scope" in ended.stderr
        assert "product f" in " ".join(ended.stderr.split())
    shop.synced()
    assert shop.writes() == []


def test_an_id_that_never_existed_is_told_as_such(shop: Shop) -> None:
    for words in (("retry", "a", "ghost"), ("run", "--explain", "ghost")):
        ended = shop.checkout.call("sync", *words)
        assert ended.status == 1
        assert "no-such-record" in ended.stderr
        assert "no product ghost" in " ".join(ended.stderr.split())
    shop.synced()
    assert shop.writes() == []


def test_an_explanation_says_that_a_product_left_the_scope(shop: Shop) -> None:
    leave(shop, "a")
    said = " ".join(shop.checkout.call("sync", "run", "--explain", "a").stdout.split())
    assert "it left the scope" in said
    assert shop.checkout.call("sync", "run", "--explain", "a", "--format", "json").json["outside_scope"] is True


def test_changed_stock_outside_the_catalog_is_nobodys(shop: Shop) -> None:
    shop.emulator.clock(advance=3600)
    for name in ("a", "f"):
        shop.portal("PATCH", f"products/{name}", {"Inventory": {"QuantityAvailable": 2}})
    shop.synced()
    assert shop.writes() == ["POST batch-update-stock"]
    assert shop.wrong() == []


@pytest.mark.parametrize("unknown_catalog", ["assignments", "everywhere", "nowhere"])
@pytest.mark.parametrize("kind", ["gone", "empty"])
def test_a_catalog_that_is_gone_or_empty_stops_the_run(shop: Shop, unknown_catalog: str, kind: str) -> None:
    shop.emulator.switch(unknown_catalog=unknown_catalog)
    if kind == "gone":
        shop.portal("DELETE", "catalogs/retail")
    else:
        for name in "abcd":
            leave(shop, name)
    assert shop.checkout.call("sync", "retry", "a").status == 0
    for words in ((), ("--full",), ("--verify",)):
        ended = shop.run(*words)
        assert ended.status == 1
        assert "source-incomplete" in ended.stderr
        assert "catalog retail" in " ".join(ended.stderr.split())
    assert shop.writes() == []


@whoever_works()
def test_a_narrower_manifest_says_so_and_discontinues_under_the_limit(shop: Shop) -> None:
    shop.change(maxDeletePercent=50)
    shop.synced()
    assert len(shop.held().products) == 6
    shop.checkout.write("shop.yaml", shop.data_sync(products={"catalogs": ["trade"]}, maxDeletePercent=50))
    plan = " ".join(shop.checkout.call("plan").stdout.split())
    assert "what is in none of the catalogs trade is discontinued" in plan
    shop.change(products={"catalogs": ["trade"]}, maxDeletePercent=50)
    ended = shop.run()
    assert (ended.status, discontinued(shop)) == (3, set())
    before = shop.held()
    shop.change(products={"catalogs": ["trade", "retail"]}, maxDeletePercent=50)
    shop.synced()
    assert discontinued(shop) == {"f"}
    assert shop.wrong(before) == []


def test_the_role_is_asked_for_where_catalogs_are_named(shop: Shop) -> None:
    shop.emulator.add_client("narrow", "s", ["ProductReader", "PriceScheduleReader"])
    shop.checkout.write("environment.yaml", shop.environment(ordercloud={"clientID": "narrow", "clientSecret": "s"}))
    ended = shop.checkout.call("doctor", "--format", "json")
    assert "Give the API client the role CatalogReader." in ended.stdout
