"""Where a product can be missing although it exists, and what says for certain that it is there or gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.emulator.ordercloud.commerce.clashes import clashing
from reconciler.emulator.testing import RunningEmulator
from support.shop import Shop

ASSIGNMENTS = "/catalogs/productassignments"


def assigned(shop: Shop, **params: str) -> list[tuple[str, str]]:
    return [(item["CatalogID"], item["ProductID"]) for item in shop.get(ASSIGNMENTS, **params)["Items"]]


def test_a_product_whose_xp_clashes_is_in_no_list_and_answers_by_id(emulator: RunningEmulator, shop: Shop) -> None:
    for number in range(4):
        shop.post("/products", ID=f"p{number}", Name="P", xp={"Weight": 1.5 + number, "Tags": ["a"], "Size": {"W": 1}})
    everything = ["p0", "p1", "p2", "p3"]
    shop.patch("/products/p0", xp={"Weight": "heavy"})
    assert shop.ids("/products") == everything
    emulator.switch(clashing_xp="left_out")
    assert shop.ids("/products") == ["p1", "p2", "p3"]
    assert shop.get("/products")["Meta"]["TotalCount"] == 3
    assert shop.ids("/products", search="P", searchOn="Name") == ["p1", "p2", "p3"]
    assert shop.ids("/products", ID="p0|p1") == ["p1"]
    assert shop.ids("/products", ID=">p1", sortBy="ID") == ["p2", "p3"]
    assert shop.get("/products/p0")["xp"]["Weight"] == "heavy"
    # Deeper, and inside lists; null is nothing that could clash, and neither is a list of what is usual.
    shop.patch("/products/p1", xp={"Size": {"W": "1"}})
    shop.patch("/products/p2", xp={"Tags": [7]})
    shop.patch("/products/p3", xp={"Tags": None, "Size": [{"W": 2}]})
    assert shop.ids("/products") == ["p3"]
    for name in ("p0", "p1", "p2"):
        shop.patch(f"/products/{name}", xp={"Weight": 2, "Size": {"W": 1}, "Tags": ["b"]})
    assert shop.ids("/products") == everything


def test_the_type_that_most_have_is_the_usual_one() -> None:
    def left_out(*values: Any) -> list[str]:
        return sorted(clashing((str(number), {"xp": {"a": value}}) for number, value in enumerate(values)))

    assert left_out(1, 2.5, "3", None) == ["2"]
    assert left_out("3", 1, 2) == ["0"]
    assert left_out(True, 1) == ["1"]
    assert left_out({"b": 1}, "x", {}) == ["1"]
    assert left_out() == left_out(None, None) == []
    assert clashing([("p", {}), ("q", {"xp": None})]) == frozenset()


def test_flaws_of_a_generated_marketplace_clash(emulator: RunningEmulator, shop: Shop) -> None:
    emulator.seed(900, 1)
    flaws = emulator.seeded()["flaws"]
    before = walked(shop)
    emulator.switch(clashing_xp="left_out")
    gone = set(before) - set(walked(shop))
    assert gone == {name for flaw in ("weight-is-text", "images-is-text") for name in flaws[flaw]["ids"]}
    assert gone


def walked(shop: Shop) -> list[str]:
    found: list[str] = []
    while ids := shop.ids("/products", sortBy="ID", pageSize=100, ID=f">{found[-1] if found else ''}"):
        found += ids
    return found


def test_assignments_to_catalogs_come_from_the_system_itself(emulator: RunningEmulator, stocked: Shop) -> None:
    assert assigned(stocked, catalogID="cat", productID="shirt") == [("cat", "shirt")]
    assert assigned(stocked, catalogID="cat", productID="mug") == []
    assert assigned(stocked, productID="shirt") == [("cat", "shirt")]
    emulator.clock(frozen=True)
    emulator.search_lag(30)
    stocked.delete("/catalogs/cat/productassignments/shirt")
    stocked.post(ASSIGNMENTS, CatalogID="cat", ProductID="mug")
    # The list of products knows it as late as anything else; that one is missing there proves nothing.
    assert assigned(stocked, catalogID="cat") == [("cat", "mug")]
    assert stocked.ids("/products", catalogID="cat") == ["shirt"]
    emulator.clock(advance=29)
    assert stocked.ids("/products", catalogID="cat") == ["shirt"]
    emulator.clock(advance=1)
    assert stocked.ids("/products", catalogID="cat") == ["mug"]


def test_products_of_a_category_lag_as_well(emulator: RunningEmulator, stocked: Shop) -> None:
    emulator.clock(frozen=True)
    emulator.search_lag(30)
    path = "/catalogs/cat/categories/productassignments"
    stocked.post(path, CategoryID="below", ProductID="mug")
    asked = {"catalogID": "cat", "categoryID": "below"}
    assert stocked.ids("/products", **asked) == ["shirt"]
    emulator.search_lag(0)
    assert stocked.ids("/products", **asked) == ["mug", "shirt"]


def test_lists_by_a_catalog_that_there_is_not(emulator: RunningEmulator, stocked: Shop) -> None:
    for value, statuses in (("assignments", (404, 200)), ("everywhere", (404, 404)), ("nowhere", (200, 200))):
        emulator.switch(unknown_catalog=value)
        answers = [
            stocked.client.get(
                path, params={"catalogID": "none", "productID": "shirt"} if path == ASSIGNMENTS else asked
            )
            for path, asked in ((ASSIGNMENTS, {}), ("/products", {"catalogID": "none"}))
        ]
        assert tuple(answer.status_code for answer in answers) == statuses
        assert all(answer.status_code == 404 or answer.json()["Items"] == [] for answer in answers)
    emulator.switch(unknown_catalog="assignments")
    refused = stocked.client.get(ASSIGNMENTS, params={"catalogID": "none"}).json()["Errors"][0]
    assert (refused["ErrorCode"], refused["Data"]) == ("NotFound", {"ObjectType": "Catalog", "ObjectID": "none"})


@pytest.mark.parametrize(
    ("roles", "status"), [(["CatalogReader"], 200), (["CatalogAdmin"], 200), (["ProductReader", "CategoryReader"], 403)]
)
def test_assignments_to_catalogs_need_a_role_of_catalogs(
    emulator: RunningEmulator, login: Callable[..., httpx.Response], stocked: Shop, roles: list[str], status: int
) -> None:
    emulator.add_client("narrow", "s", roles)
    stocked.client.headers["Authorization"] = f"Bearer {login(emulator, 'narrow', 's').json()['access_token']}"
    answer = stocked.client.get(ASSIGNMENTS, params={"catalogID": "cat", "productID": "shirt"})
    assert answer.status_code == status


def test_records_of_one_product_may_share_an_address(stocked: Shop) -> None:
    for product in ("/products/mug", "/products/shirt/variants/shirt-s"):
        path = f"{product}/inventoryrecords"
        before = stocked.get(product)["Inventory"]["QuantityAvailable"]
        stocked.post(path, ID="again", AddressID="wh", QuantityAvailable=5)
        assert [item["AddressID"] for item in stocked.get(path)["Items"]] == ["wh", "wh"]
        assert stocked.get(product)["Inventory"]["QuantityAvailable"] == before + 5
        stocked.put(f"{path}/third", AddressID="wh", QuantityAvailable=1)
        stocked.delete(f"{path}/again")
        assert stocked.get(product)["Inventory"]["QuantityAvailable"] == before + 1
    assert stocked.ids("/products", **{"InventoryRecords.AddressID": "wh"}) == ["mug", "shirt"]
