"""Changing a marketplace like a person: what was asked for is touched, told, and the same every time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from reconciler.emulator.testing import RunningEmulator, running_emulator
from support.forked import reconciler

ALL: dict[str, Any] = {"products": 6, "prices": 5, "stocks": 7, "create": 3, "delete": 4, "rename": 2}
Objects = dict[str, dict[str, dict[str, dict[str, Any]]]]


@pytest.fixture(scope="module")
def _shared() -> Iterator[RunningEmulator]:
    with running_emulator(seed=260, seed_number=2) as emulator:
        yield emulator


@pytest.fixture
def shop(_shared: RunningEmulator) -> RunningEmulator:
    _shared.reset()
    return _shared


def objects(emulator: RunningEmulator) -> Objects:
    dumped = emulator.state()["ordercloud"]["commerce"]["objects"]
    return {
        name: {
            scope: {row.get("ID", orjson.dumps(row).decode()): row for row in rows} for scope, rows in tables.items()
        }
        for name, tables in dumped.items()
    }


def changed(before: Objects, after: Objects, name: str) -> set[str]:
    found = set()
    for scope in {*before.get(name, {}), *after.get(name, {})}:
        old, new = (each.get(name, {}).get(scope, {}) for each in (before, after))
        found |= {key for key in {*old, *new} if old.get(key) != new.get(key)}
    return found


def test_what_is_told_is_what_changed_and_nothing_else(shop: RunningEmulator) -> None:
    before = objects(shop)
    report = shop.mutate(**ALL)
    after = objects(shop)
    stocked = {each["productID"] for each in report["stocks"]}
    renamed = {name for each in report["renamed"] for name in (each["from"], each["to"])}
    touched = {*report["products"], *report["created"], *report["deleted"], *stocked, *renamed}
    assert changed(before, after, "Product") == touched
    assert changed(before, after, "PriceSchedule") == {*report["prices"], *report["created"]}
    assert {name: len(report[name]) for name in ("products", "prices", "stocks")} == {
        "products": 6,
        "prices": 5,
        "stocks": 7,
    }
    assert (len(report["created"]), len(report["deleted"]), len(report["renamed"])) == (3, 4, 2)


def test_orders_are_amended_shipped_cancelled_and_returned_each_in_one_way(shop: RunningEmulator) -> None:
    before = objects(shop)
    asked = {"amendOrders": 2, "shipOrders": 2, "cancelOrders": 1, "returnOrders": 2}
    report = shop.mutate(**asked)
    after = objects(shop)
    shipped, returned = ({each["orderID"] for each in report[name]} for name in ("shippedOrders", "returnedOrders"))
    changes = [set(report["amendedOrders"]), shipped, set(report["canceledOrders"]), returned]
    assert [len(each) for each in changes] == [2, 2, 1, 2]
    assert len(set().union(*changes)) == 7
    orders = after["Order"][""]
    assert {orders[key]["Status"] for key in report["canceledOrders"]} == {"Canceled"}
    assert changed(before, after, "Order") == {*report["amendedOrders"], *shipped, *report["canceledOrders"]}
    assert changed(before, after, "Shipment") == {each["shipmentID"] for each in report["shippedOrders"]}
    assert changed(before, after, "OrderReturn") == {each["orderReturnID"] for each in report["returnedOrders"]}
    shop.reset()
    assert shop.mutate(**asked) == report


def test_no_product_is_touched_in_two_ways(shop: RunningEmulator) -> None:
    report = shop.mutate(**ALL)
    touched = [
        *report["products"],
        *report["deleted"],
        *(each["from"] for each in report["renamed"]),
        *(each["productID"] for each in report["stocks"]),
    ]
    assert len(touched) == len(set(touched))


def test_the_same_numbers_do_the_same_and_another_seed_number_something_else(shop: RunningEmulator) -> None:
    first = shop.mutate(**ALL, seedNumber=1)
    shop.reset()
    assert shop.mutate(**ALL, seedNumber=1) == first
    shop.reset()
    assert shop.mutate(**ALL, seedNumber=2) != first


def test_a_second_round_changes_things_again(shop: RunningEmulator) -> None:
    setting = {"products": 260, "prices": 400, "stocks": 0}
    shop.mutate(**setting)
    before = objects(shop)
    report = shop.mutate(**setting)
    assert changed(before, objects(shop), "Product") == set(report["products"])
    assert changed(before, objects(shop), "PriceSchedule") == set(report["prices"])


def test_stock_changes_where_it_stands_and_the_sum_follows(shop: RunningEmulator) -> None:
    report = shop.mutate(stocks=60)
    after = objects(shop)
    kinds = set()
    for each in report["stocks"]:
        product, variant, record = each["productID"], each.get("variantID"), each.get("inventoryRecordID")
        kinds.add((variant is not None, record is not None))
        if record is not None:
            name, scope = (
                ("VariantInventoryRecord", f"{product}/{variant}") if variant else ("InventoryRecord", product)
            )
            assert after[name][scope][record]["QuantityAvailable"] == each["quantityAvailable"]
        elif variant is not None:
            assert after["Variant"][product][variant]["Inventory"]["QuantityAvailable"] == each["quantityAvailable"]
        else:
            assert after["Product"][""][product]["Inventory"]["QuantityAvailable"] == each["quantityAvailable"]
    assert kinds == {(False, False), (False, True), (True, False), (True, True)}
    for product, row in after["Product"][""].items():
        records = list(after["InventoryRecord"].get(product, {}).values())
        if records:
            assert row["Inventory"]["QuantityAvailable"] == sum(record["QuantityAvailable"] for record in records)


def test_a_renamed_product_takes_along_what_belongs_to_it(shop: RunningEmulator) -> None:
    before = objects(shop)
    for pair in shop.mutate(rename=40)["renamed"]:
        after = objects(shop)
        old, new = pair["from"], pair["to"]
        assert old not in after["Product"][""]
        assert new in after["Product"][""]
        assert after["Variant"].get(new) == before["Variant"].get(old)
        assert after["InventoryRecord"].get(new) == before["InventoryRecord"].get(old)


def test_a_deleted_product_takes_its_assignments_along(shop: RunningEmulator) -> None:
    gone = set(shop.mutate(delete=30)["deleted"])
    after = objects(shop)
    for name in ("ProductCatalogAssignment", "SpecProductAssignment", "CategoryProductAssignment", "ProductAssignment"):
        assert not gone & {row["ProductID"] for table in after[name].values() for row in table.values()}


def test_more_than_there_is_touches_what_there_is(shop: RunningEmulator) -> None:
    report = shop.mutate(delete=500, products=5)
    assert (len(report["deleted"]), report["products"]) == (260, [])


def test_an_empty_marketplace_can_be_filled() -> None:
    with running_emulator() as emulator:
        report = emulator.mutate(create=2, products=1)
        assert (len(report["created"]), report["products"]) == (2, [])


def configure(emulator: RunningEmulator, sync: str) -> None:
    login = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
    token = httpx.post(emulator.ordercloud_auth_url, data=login, trust_env=False).json()["access_token"]
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, trust_env=False) as client:
        target = {"Http": {"Endpoint": "https://hooks.example.com", "Secret": "s"}}
        config = {"ID": "hook", "Name": "Hook", "Enabled": True, "DeliveryTargets": target}
        client.post(f"{emulator.ordercloud_url}/integrations/deliveryconfig", json=config)
        body = {"DeliveryConfigID": "hook", "SyncEntityChanged": True, "SyncEntityDeleted": True}
        client.put(f"{emulator.ordercloud_url}/integrations/{sync}", json=body).raise_for_status()


def test_a_sync_is_paused_and_resumed_as_in_the_portal(shop: RunningEmulator) -> None:
    configure(shop, "entitysync/categories")
    path = "/integrations/entitysync/categories"
    assert shop.mutate(pause=["EntitySync/Categories"])["paused"] == ["entitysync/categories"]
    assert shop.state()["ordercloud"]["syncs"][path]["Paused"] is True
    assert shop.mutate(resume=["entitysync/categories"])["resumed"] == ["entitysync/categories"]
    assert shop.state()["ordercloud"]["syncs"][path]["Paused"] is False


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"pause": ["productsync"]}, "productsync is not configured"),
        ({"pause": ["OrderSync"]}, "OrderSync cannot be paused; there are entitysync/adminusers"),
        ({"products": -1}, "products"),
        ({"create": 200_000}, "create: Input should be less than or equal to 1000"),
        ({"rename": 1_001}, "rename: Input should be less than or equal to 1000"),
        ({"produkts": 1}, "produkts"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_changed(
    shop: RunningEmulator, setting: dict[str, Any], message: str
) -> None:
    before = objects(shop)
    answer = httpx.post(f"{shop.url}/_emulator/mutate", json={"delete": 3, **setting}, trust_env=False)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert objects(shop) == before


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return reconciler("emulate", "mutate", *words)


def test_the_command_changes_a_running_emulator_and_tells_what(shop: RunningEmulator) -> None:
    ended = command("--url", shop.url, "--products", "2", "--rename", "1", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    shop.reset()
    assert json.loads(ended.stdout) == shop.mutate(products=2, rename=1)
    shop.reset()
    told = command("--url", f"{shop.url}/", "--products", "2", "--stocks", "1", "--rename", "1").stdout
    report = json.loads(ended.stdout)
    assert report["renamed"][0]["to"] in told
    assert all(key in told for key in report["products"])
    assert [line.split()[0] for line in told.splitlines()] == ["renamed", "products", "stocks"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([], 64, "say what to change"),
        (["--products", "1", "--url", "http://127.0.0.1:9"], 1, "no emulator"),
        (["--seed-number", "1"], 64, "say what to change"),
    ],
)
def test_the_command_says_what_is_wrong(words: list[str], status: int, message: str) -> None:
    ended = command(*words)
    assert (ended.returncode, message in ended.stderr) == (status, True), ended.stderr


def test_the_command_passes_on_why_the_emulator_refused(shop: RunningEmulator) -> None:
    ended = command("--url", shop.url, "--pause", "productsync")
    assert ended.returncode == 1
    assert "the sync productsync is not configured" in " ".join(ended.stderr.split())


def test_the_command_asks_for_the_root_where_it_was_given_a_path(shop: RunningEmulator) -> None:
    ended = command("--url", shop.ordercloud_url, "--products", "1")
    assert ended.returncode == 1
    assert "the emulator's root" in " ".join(ended.stderr.split())
