from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import NotFound, ServerFault
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.ordercloud.readers.records import Freshness, Reading
from support.readers_helpers import Dump, by_id, check_same, connected, plain


def streamed(market: RunningEmulator, name: str, *arguments: Any) -> list[Any]:
    async def read() -> list[Any]:
        async with connected(market) as reader, aclosing(getattr(PartyReader(reader), name)(*arguments)) as records:
            return [record async for record in records]

    return asyncio.run(read())


def called(market: RunningEmulator, name: str, *arguments: Any) -> Any:
    async def read() -> Any:
        async with connected(market) as reader:
            return await getattr(PartyReader(reader), name)(*arguments)

    return asyncio.run(read())


def keyed(rows: list[Any]) -> dict[str, Any]:
    return {row["ID"]: plain(row) for row in rows}


@pytest.fixture
def dump(market: RunningEmulator) -> Dump:
    market.seed(1_200)
    return Dump(market)


def test_buyers_and_all_that_is_theirs(market: RunningEmulator, dump: Dump) -> None:
    check_same(by_id(streamed(market, "buyers")), keyed(dump.rows("Buyer")))
    for buyer in [row["ID"] for row in dump.rows("Buyer")][:6]:
        check_same(by_id(streamed(market, "users", buyer)), keyed(dump.rows("BuyerUser", buyer)))
        groups = by_id(streamed(market, "user_groups", buyer))
        check_same(groups, keyed(dump.rows("UserGroup", buyer)))
        addresses = by_id(streamed(market, "addresses", buyer))
        check_same(addresses, keyed(dump.rows("BuyerAddress", buyer)))
        members = called(market, "memberships", buyer)
        assert plain(members) == plain(dump.rows("UserGroupAssignment", buyer))
        assigned = called(market, "address_assignments", buyer)
        wanted = dump.rows("AddressAssignment", buyer)
        ties = ("AddressID", "UserID", "UserGroupID")
        assert {tuple(a.get(k) for k in ties) for a in assigned} == {tuple(a.get(k) for k in ties) for a in wanted}


def test_some_buyers_by_pattern(market: RunningEmulator, dump: Dump) -> None:
    first = dump.rows("Buyer")[0]["ID"]
    found = by_id(streamed(market, "buyers", [f"{first[:-1]}*", "not-there"]))
    assert set(found) == {row["ID"] for row in dump.rows("Buyer") if row["ID"].startswith(first[:-1])}


def test_users_of_all_buyers_come_from_one_list(market: RunningEmulator) -> None:
    buyers = [{"ID": f"b{number}", "Name": f"B {number}"} for number in range(8)]
    users = [
        {"ID": f"u{number:03}", "BuyerID": buyer["ID"], "Username": f"{buyer['ID']}-{number}", "Active": True}
        | {"FirstName": "F", "LastName": "L", "Email": "f@example.com"}
        for buyer in buyers
        for number in range(70)
    ]
    market.seed_with({"Objects": {"Buyers": buyers, "Users": users}})
    market.clear_requests()
    found = streamed(market, "users_of_all_buyers")
    assert len(found) == 560
    assert {(user["CompanyID"], user["ID"]) for user in found} == {(user["BuyerID"], user["ID"]) for user in users}
    paths = [entry["path"] for entry in market.requests() if entry["method"] == "GET"]
    assert set(paths) == {"/ordercloud/v1/buyerusers"}


def test_catalogs_and_their_whole_category_trees(market: RunningEmulator, dump: Dump) -> None:
    check_same(by_id(streamed(market, "catalogs")), keyed(dump.rows("Catalog")))
    for catalog in dump.scopes("Category"):
        rows = dump.rows("Category", catalog)
        check_same(by_id(streamed(market, "categories", catalog)), keyed(rows))
        assigned = called(market, "category_products", catalog)
        wanted = dump.rows("CategoryProductAssignment", catalog)
        pairs = {(row["CategoryID"], row["ProductID"]) for row in wanted}
        assert sorted((row["CategoryID"], row["ProductID"]) for row in assigned) == sorted(pairs)


def test_the_places_of_the_seller(market: RunningEmulator, dump: Dump) -> None:
    check_same(by_id(streamed(market, "seller_addresses")), keyed(dump.rows("AdminAddress")))


def test_one_by_id(market: RunningEmulator, dump: Dump) -> None:
    buyer = dump.rows("Buyer")[0]["ID"]
    reading = called(market, "buyer", buyer)
    assert reading.freshness is Freshness.CURRENT
    assert reading.record["ID"] == buyer
    scope = dump.scopes("BuyerUser")[0]
    user = dump.rows("BuyerUser", scope)[0]["ID"]
    assert called(market, "user", scope, user).record["ID"] == user
    assert called(market, "user_group", buyer, "none") == Reading(None, Freshness.CURRENT)
    assert called(market, "address", "none", "none") == Reading(None, Freshness.CURRENT)


def test_a_buyer_that_is_not_there_has_no_empty_list_of_users(market: RunningEmulator) -> None:
    with pytest.raises(NotFound):
        streamed(market, "users", "nobody")


def test_assignments_that_cannot_be_read_fail(market: RunningEmulator, dump: Dump) -> None:
    catalog = max(dump.scopes("Category"), key=lambda name: len(dump.rows("CategoryProductAssignment", name)))
    market.fault("status", path="*/productassignments", nth=3, status=503, count=None)
    with pytest.raises(ServerFault):
        called(market, "category_products", catalog)
