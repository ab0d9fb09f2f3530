from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.ignite_stub import IgniteStub, ignite_stub

CART = "0b0e5a1c-7d2f-4c57-9b0e-2f7a5d1c9e10"


@pytest.fixture
def service(emulator: RunningEmulator) -> Iterator[IgniteStub]:
    with ignite_stub() as stub:
        emulator.ignite_at(stub.url, "let-me-in")
        yield stub


def product(name: str, **more: Any) -> dict[str, Any]:
    variant = {"external_id": f"{name}-v", "sku": name.upper(), "title": name}
    return {"external_id": name, "title": name.title(), "slug": name, "variants": [variant], **more}


def customer(name: str, **more: Any) -> dict[str, Any]:
    return {"external_id": name, "email": f"{name}@b.test", "first_name": "A", "last_name": "B", **more}


def test_sparklayer_connects_with_the_keys_of_the_site_and_says_who_it_is(
    emulator: RunningEmulator, service: IgniteStub
) -> None:
    assert emulator.ignite("connect")["status"] == 201
    assert emulator.ignite("connect", store_id="other", client_secret="new", env="test")["status"] == 201
    keys = {"store_id": "demo", "spark_api_client_id": "emulator", "spark_api_client_secret": "emulator"}
    assert service.asked == [
        ("POST", "/v1/live/demo", keys),
        ("POST", "/v1/test/demo", {**keys, "store_id": "other", "spark_api_client_secret": "new"}),
    ]
    assert service.tokens == ["Bearer let-me-in"] * 2


def test_a_full_sync_pages_through_every_type_and_stores_it_in_the_site(
    emulator: RunningEmulator, service: IgniteStub
) -> None:
    emulator.add_carts([CART])
    service.entities = {
        "products": {name: product(name) for name in ("axe", "bit", "cup")},
        "customers": {
            "c1": customer(
                "c1",
                addresses=[
                    {"external_id": "a1", "address_line1": "Main Street 1", "city": "Ghent", "country_code": "BE"}
                ],
            )
        },
        "purchases": {
            "o1": {
                "type": "order",
                "purchase_identifiers": {"sparklayer": CART, "platform": "o1"},
                "customer_identifiers": {},
                "dates": {},
                "packages": [],
                "accounting_files": [],
                "custom_fields": [],
            }
        },
    }
    report = emulator.ignite("full")["types"]
    assert {name: (each["pages"], each["entities"], each["problems"]) for name, each in report.items()} == {
        "products": (2, 3, []),
        "stock": (1, 0, []),
        "customers": (1, 1, []),
        "purchases": (1, 1, []),
    }
    assert report["products"]["ids"] == ["axe", "bit", "cup"]
    site = emulator.site()
    assert {each["external_id"] for each in site["products"]["records"]} == {"axe", "bit", "cup"}
    assert {each["sku"] for each in site["variants"]["records"]} == {"AXE", "BIT", "CUP"}
    assert site["customers"]["records"][0]["email"] == "c1@b.test"
    assert site["addresses"]["records"][0]["city"] == "Ghent"
    assert site["purchases"][CART]["type"] == "order"
    # A second pull changes what is there and makes nothing anew.
    service.entities["products"]["axe"] = product("axe", title="Hatchet")
    assert emulator.ignite("full", types=["products"])["types"]["products"]["problems"] == []
    again = emulator.site()["products"]["records"]
    assert len(again) == 3
    assert next(each for each in again if each["external_id"] == "axe")["title"] == "Hatchet"


@pytest.mark.parametrize("last", ["", None])
def test_a_pull_ends_at_an_empty_next_page_or_none(
    emulator: RunningEmulator, service: IgniteStub, last: str | None
) -> None:
    service.last_page = last
    assert emulator.ignite("full", types=["stock"])["types"]["stock"]["complete"] is True


def test_a_pull_that_goes_wrong_says_where_and_is_not_complete(emulator: RunningEmulator, service: IgniteStub) -> None:
    service.entities = {"products": {name: product(name) for name in ("axe", "bit", "cup")}}
    service.answers = [500]
    report = emulator.ignite("full", types=["products"])["types"]["products"]
    assert (report["complete"], report["stopped"]) == (False, "page 1 was answered 500")
    # Asked again where it was told to.
    service.answers = [500]
    assert emulator.ignite("full", types=["products"], attempts=2)["types"]["products"]["complete"] is True
    report = emulator.ignite("full", types=["products"], items="entities")["types"]["products"]
    assert report["stopped"] == "page 1 has no list entities"
    service.last_page = "2"
    assert emulator.ignite("full", types=["products"])["types"]["products"]["stopped"] == "next_page 2 came twice"
    report = emulator.ignite("full", types=["products"], url="http://127.0.0.1:9")["types"]["products"]
    assert report["stopped"].startswith("no connection")


def test_what_the_sites_own_api_refuses_of_an_entity_is_reported_with_its_id(
    emulator: RunningEmulator, service: IgniteStub
) -> None:
    twin = product("cup") | {"slug": "axe"}
    service.entities = {"products": {"axe": product("axe"), "cup": twin, "": {"title": "nobody"}}}
    report = emulator.ignite("full", types=["products"])["types"]["products"]
    assert (report["entities"], report["refused"]) == (3, 2)
    assert [(each["id"], each["status"]) for each in report["problems"]] == [("cup", 409), ("", 0)]


def test_stock_and_prices_of_a_product_come_along_or_alone(emulator: RunningEmulator, service: IgniteStub) -> None:
    held = emulator.site()
    held["locations"] = {"number": 1, "records": [{"id": "l1", "external_id": "main", "name": "Main"}]}
    held["price_lists"] = {"b2b": {"slug": "b2b", "name": "B2B"}}
    emulator.load_site(held)
    level = {"stock_location_external_id": "main", "stock_level": 4}
    prices = [{"sku": "AXE", "price_list_slug": "b2b", "pricing": [{"quantity": 1, "price": 2.5}]}]
    rows = [{"sku": "AXE", **level}]
    service.entities = {
        "products": {"axe": product("axe", stock=rows, pricing=prices)},
        "stock": {"BIT": {"sku": "BIT", "stock_levels": [level]}, "AXE": {"sku": "AXE", "stock_levels": []}},
    }
    report = emulator.ignite("full", types=["products"])["types"]["products"]
    assert report["problems"] == []
    assert emulator.site()["stock"]["AXE"] == {"l1": {"stock_level": 4}}
    assert emulator.site()["prices"]["b2b"]["AXE"]["pricing"] == [{"quantity": 1, "price": 2.5}]
    assert emulator.ignite("full", types=["stock"])["types"]["stock"]["problems"] == []
    assert emulator.site()["stock"] == {"BIT": {"l1": {"stock_level": 4}}}


def test_one_entity_is_fetched_with_the_payload_that_came_with_the_change(
    emulator: RunningEmulator, service: IgniteStub
) -> None:
    service.entities = {"products": {"a b": product("a-b", external_id="a b")}}
    told = emulator.ignite("entity", type="products", id="a b", payload="p")
    assert (told["status"], told["problems"]) == (200, [])
    assert service.asked[-1] == ("POST", "/v1/live/demo/sync/products/a b", {"payload": "p"})
    assert emulator.ignite("entity", type="products", id="none")["status"] == 404


def test_trigger_verify_metafields_and_disconnect_are_reported_as_they_were_answered(
    emulator: RunningEmulator, service: IgniteStub
) -> None:
    assert emulator.ignite("trigger", type="customer_groups")["status"] == 201
    assert service.asked[-1] == ("POST", "/v1/live/demo/status/customer_groups", None)
    assert emulator.ignite("verify", data="c1") == {
        "status": 200,
        "body": {"customer_external_id": "c1"},
        "error": None,
        "customer": "c1",
        "known": False,
    }
    service.entities = {"customers": {"c1": customer("c1")}}
    emulator.ignite("full", types=["customers"])
    assert emulator.ignite("verify", data="c1")["known"] is True
    assert emulator.ignite("metafields")["body"] == []
    assert emulator.ignite("disconnect")["status"] == 204
    assert emulator.ignite("disconnect", token=None)["status"] == 204
    assert service.tokens[-2:] == ["Bearer let-me-in", None]


def test_sparklayer_calls_this_machine_alone_and_says_when_it_does_not_know_where(emulator: RunningEmulator) -> None:
    for asked, why in (({}, "where is the Ignite service"), ({"url": "https://93.184.216.34"}, "another machine")):
        with pytest.raises(OSError, match=why):
            emulator.ignite("connect", **asked)
    with pytest.raises(OSError, match="there is no site"):
        emulator.ignite("connect", "nowhere", url="http://127.0.0.1:1")
