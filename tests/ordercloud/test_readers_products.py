from __future__ import annotations

import asyncio
import os
import re
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.seeds import files
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import LoginRefused, MissingRole, ServerFault
from reconciler.kind.connection import Wire
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product, Reading
from reconciler.ordercloud.readers.spans import spans
from support.readers_helpers import Dump, by_id, check_same, connected, plain

VENDORS = sorted(Path(files.__file__).parent.glob("*.yaml"))
LARGE = int(os.environ.get("RECONCILER_TEST_PRODUCTS", "0"))


def walked(market: RunningEmulator, **options: Any) -> list[Product]:
    async def read() -> list[Product]:
        async with connected(market) as reader, aclosing(ProductReader(reader).walk(**options)) as products:
            return [product async for product in products]

    return asyncio.run(read())


def one(market: RunningEmulator, product_id: str, **options: Any) -> Reading[Product]:
    async def read() -> Reading[Product]:
        async with connected(market) as reader:
            return await ProductReader(reader).one(product_id, **options)

    return asyncio.run(read())


def expected(market: RunningEmulator) -> dict[str, Any]:
    return {name: plain(row) for name, row in Dump(market).products().items()}


def gets(market: RunningEmulator) -> list[str]:
    return [entry["path"] for entry in market.requests() if entry["method"] == "GET"]


def write(market: RunningEmulator, method: str, path: str, body: Wire | None = None) -> None:
    import httpx

    form = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
    token = httpx.post(market.ordercloud_auth_url, data=form, trust_env=False).json()["access_token"]
    answer = httpx.request(
        method,
        f"{market.ordercloud_url}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    assert answer.status_code < 300, answer.text


def test_a_walk_gives_exactly_the_marketplace(market: RunningEmulator) -> None:
    market.seed(1_500)
    check_same(by_id(walked(market)), expected(market))


@pytest.mark.parametrize("seed", VENDORS, ids=lambda path: path.stem)
def test_a_walk_gives_exactly_what_a_seed_file_holds(market: RunningEmulator, seed: Path) -> None:
    import yaml

    market.seed_with(yaml.safe_load(seed.read_text()))
    assert expected(market)
    check_same(by_id(walked(market)), expected(market))


@pytest.mark.skipif(not LARGE, reason="RECONCILER_TEST_PRODUCTS=30000 (or 300000) walks a marketplace of that size")
def test_a_walk_gives_exactly_a_large_marketplace(market: RunningEmulator) -> None:
    market.seed(LARGE)
    check_same(by_id(walked(market)), expected(market))


def test_stock_stands_at_the_product_where_it_tracks_variants_and_has_none(market: RunningEmulator) -> None:
    product = {"ID": "one", "Name": "One", "Inventory": {"Enabled": True, "VariantLevelTracking": True}}
    record = {"ProductID": "one", "ID": "here", "AddressID": "warehouse", "QuantityAvailable": 3}
    market.seed_with({"Objects": {"Products": [product], "InventoryRecords": [record]}})
    (read,) = walked(market)
    assert [found["AddressID"] for found in read["InventoryRecords"]] == ["warehouse"]


def test_no_request_is_sent_that_a_list_can_spare(market: RunningEmulator) -> None:
    market.seed(1_500)
    products = Dump(market).products()
    market.clear_requests()
    walked(market)
    lists = -(-len(products) // 100)
    schedules = len({row.get("DefaultPriceScheduleID") for row in products.values()} - {None})
    flagged = [
        row
        for row in products.values()
        if row["InventoryRecords"] or any(variant["InventoryRecords"] for variant in row["Variants"])
    ]
    tracked = [row for row in flagged if row["Inventory"].get("VariantLevelTracking")]
    own = sum(1 for row in products.values() if row["Variants"])
    own += len(flagged) - len(tracked) + sum(len(row["Variants"]) for row in tracked)
    least = lists + -(-schedules // 100) + own
    # The check for numbers, the size of the list of those with stock, that list, and the size of the price list.
    assert len(gets(market)) <= least + 3 + -(-len(flagged) // 100) + 1
    assert len(gets(market)) <= 1.05 * least


def test_parts_that_are_not_asked_for_cost_nothing(market: RunningEmulator) -> None:
    market.seed(300)
    market.clear_requests()
    products = walked(market, parts=Parts(variants=False, stock=False, prices=False))
    assert len(products) == len(Dump(market).products())
    assert set(gets(market)) == {"/ordercloud/v1/products"}
    assert "Variants" not in products[0]
    assert "DefaultPriceSchedule" not in products[0]


def test_catalogs_are_asked_of_the_products_list(market: RunningEmulator) -> None:
    market.seed(400)
    dump = Dump(market)
    assigned: dict[str, set[str]] = {}
    for row in dump.rows("ProductCatalogAssignment"):
        assigned.setdefault(row["CatalogID"], set()).add(row["ProductID"])
    names = sorted(assigned, key=lambda name: len(assigned[name]))[-2:]
    for chosen in (names[:1], names):
        found = by_id(walked(market, catalogs=chosen, parts=Parts(variants=False, stock=False, prices=False)))
        assert set(found) == set().union(*(assigned[name] for name in chosen)) & set(dump.products())


def test_party_prices_come_with_their_products(market: RunningEmulator) -> None:
    market.seed(300)
    dump = Dump(market)
    schedules = {row["ID"]: row for row in dump.rows("PriceSchedule")}
    rows = [row for row in dump.rows("ProductAssignment") if row.get("PriceScheduleID")]
    wanted: dict[str, list[Any]] = {}
    for row in rows:
        wanted.setdefault(row["ProductID"], []).append({**row, "PriceSchedule": schedules.get(row["PriceScheduleID"])})
    assert wanted
    parts = Parts(variants=False, stock=False, prices=False, party_prices=True)
    found = {product["ID"]: product["PartyPriceSchedules"] for product in walked(market, parts=parts)}
    check_same({name: plain(held) for name, held in found.items() if held}, {n: plain(w) for n, w in wanted.items()})
    name = next(iter(wanted))
    record = one(market, name, parts=parts).record
    assert record is not None
    assert plain(record["PartyPriceSchedules"]) == plain(found[name])


def test_some_products_are_read_a_hundred_at_a_time(market: RunningEmulator) -> None:
    market.seed(400)
    wanted = dict(list(expected(market).items())[::3])

    async def read() -> list[Product]:
        async with connected(market) as reader:
            ids = [*wanted, "not-there"]
            async with aclosing(ProductReader(reader).some(ids, parts=Parts(variants=False, stock=False))) as found:
                return [product async for product in found]

    market.clear_requests()
    found = by_id(asyncio.run(read()))
    assert set(found) == set(wanted)
    assert gets(market).count("/ordercloud/v1/products") == -(-(len(wanted) + 1) // 100)


@pytest.mark.parametrize("kept", [5_000, 0])
def test_a_schedule_that_no_list_has_is_read_by_its_id(
    market: RunningEmulator, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All schedules are read, or only those that products name.
    monkeypatch.setattr("reconciler.ordercloud.readers.prices._KEPT", kept)
    market.seed(60)
    wanted = expected(market)
    names = [name for row in wanted.values() if (name := row.get("DefaultPriceScheduleID"))][:2]
    hidden = [{"find": f'"ID":"{re.escape(name)}"', "put": '"ID":"another"'} for name in names]
    market.fault("rewrite", path="*/priceschedules", count=None, replace=hidden)
    check_same(by_id(walked(market)), wanted)
    market.clear_requests()
    market.fault("status", status=404, path="*/priceschedules/*", count=None)
    found = by_id(walked(market))
    without = {key for key, row in wanted.items() if row.get("DefaultPriceScheduleID") in names}
    priced = {key for key, row in wanted.items() if row.get("DefaultPriceSchedule")}
    assert {key for key in priced if not found[key].get("DefaultPriceSchedule")} == without


def test_faults_of_every_kind_change_nothing(market: RunningEmulator) -> None:
    market.seed(400)
    wanted = expected(market)
    for number, effect in enumerate(("status", "reset", "too_many", "truncated", "broken_json")):
        settings: dict[str, Any] = {"seconds": 0} if effect == "too_many" else {}
        if effect != "broken_json":
            market.fault(effect, path="*/products*", count=None, probability=0.04, seed=number, **settings)
    market.fault("slow_body", path="*/products", nth=2, count=2, seconds=0.1)
    check_same(by_id(walked(market)), wanted)
    assert all(fault["fired"] for fault in market.faults())


@pytest.mark.parametrize("path", ["*/products", "*/variants", "*/inventoryrecords", "*/priceschedules"])
def test_a_list_that_fails_for_good_fails_the_walk(market: RunningEmulator, path: str) -> None:
    market.seed(200)
    market.fault("status", path=path, status=503, count=None)
    with pytest.raises(ServerFault):
        walked(market)


def test_a_missing_role_is_no_empty_marketplace(market: RunningEmulator) -> None:
    market.seed(10)
    market.add_client("emulator", "emulator", ["ProductReader"])
    with pytest.raises((MissingRole, LoginRefused)):
        walked(market)


def test_products_that_are_there_all_the_time_come_once_while_others_change(market: RunningEmulator) -> None:
    market.seed(1_200)
    before = set(Dump(market).products())
    found: list[str] = []

    async def read() -> None:
        async with connected(market) as reader, aclosing(ProductReader(reader).walk()) as products:
            number = 0
            async for product in products:
                found.append(product["ID"])
                if len(found) % 60 == 0:
                    number += 1
                    change = {"products": 3, "prices": 3, "stocks": 3, "create": 4, "delete": 4, "rename": 2}
                    await asyncio.to_thread(market.mutate, seedNumber=number, **change)

    asyncio.run(read())
    after = set(Dump(market).products())
    assert len(found) == len(set(found))
    assert before & after <= set(found)


def test_a_product_that_is_deleted_while_its_parts_are_read_does_not_come(market: RunningEmulator) -> None:
    market.seed(60)
    gone = next(name for name, row in Dump(market).products().items() if row["Variants"])
    market.search_lag(3_600)
    write(market, "DELETE", f"products/{gone}")
    assert gone not in by_id(walked(market))


class TestOne:
    def test_it_is_what_the_walk_gives(self, market: RunningEmulator) -> None:
        market.seed(120)
        for name, row in list(expected(market).items())[::11]:
            reading = one(market, name)
            assert reading.record is not None
            check_same(by_id([reading.record]), {name: row})
            assert reading.freshness is Freshness.CACHED

    def test_none_where_there_is_none(self, market: RunningEmulator) -> None:
        assert one(market, "nothing") == Reading(None, Freshness.CURRENT)

    def test_what_was_just_created_exists_though_it_cannot_be_read_yet(self, market: RunningEmulator) -> None:
        market.search_lag(60)
        write(market, "POST", "products", {"ID": "new", "Name": "New"})
        assert one(market, "new") == Reading(None, Freshness.STALE)
        market.clock(advance=61)
        assert one(market, "new").freshness is Freshness.CACHED

    def test_what_was_just_deleted_is_gone_though_it_can_still_be_read(self, market: RunningEmulator) -> None:
        market.seed(20)
        gone = next(iter(Dump(market).products()))
        market.search_lag(60)
        write(market, "DELETE", f"products/{gone}")
        assert one(market, gone) == Reading(None, Freshness.CURRENT)

    def test_a_sum_that_is_not_that_of_the_records_is_stale(self, market: RunningEmulator) -> None:
        market.seed(200)
        name, row = next((name, row) for name, row in Dump(market).products().items() if row["InventoryRecords"])
        record = row["InventoryRecords"][0]
        market.search_lag(60)
        more = {"QuantityAvailable": record["QuantityAvailable"] + 7}
        write(market, "PATCH", f"products/{name}/inventoryrecords/{record['ID']}", more)
        reading = one(market, name)
        assert reading.freshness is Freshness.STALE
        assert reading.record is not None
        quantities = {held["ID"]: held["QuantityAvailable"] for held in reading.record["InventoryRecords"]}
        assert quantities[record["ID"]] == more["QuantityAvailable"]


def test_products_whose_stock_changed_are_found_by_its_date(market: RunningEmulator) -> None:
    market.seed(150)
    now = datetime.now(UTC) + timedelta(hours=1)
    market.clock(now=now.isoformat(), frozen=True)
    rows = [row for row in Dump(market).products().values() if row["InventoryRecords"]][:3]
    for row in rows:
        record = row["InventoryRecords"][0]
        more = {"QuantityAvailable": record["QuantityAvailable"] + 1}
        write(market, "PATCH", f"products/{row['ID']}/inventoryrecords/{record['ID']}", more)

    async def read() -> set[str]:
        async with connected(market) as reader:
            stream = ProductReader(reader).stock_changed_since(now, parts=Parts(variants=False, prices=False))
            async with aclosing(stream) as products:
                return {product["ID"] async for product in products}

    assert asyncio.run(read()) == {row["ID"] for row in rows}


def test_numeric_ids_of_several_lengths_all_come(market: RunningEmulator) -> None:
    products = [{"ID": str(number), "Name": f"No. {number}"} for number in [*range(7, 150), *range(9_980, 10_030)]]
    products += [{"ID": f"p-{number}", "Name": f"P {number}"} for number in range(60)]
    market.seed_with({"Objects": {"Products": products}})
    for order in ("as_numbers", "as_text"):
        market.switch(number_ids=order)
        found = by_id(walked(market))
        assert set(found) == {product["ID"] for product in products}
        apart = [name for span in spans(["p-3", "p-70"]) for name in by_id(walked(market, within=span))]
        assert sorted(apart) == sorted(found)
