from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from emulator_contract import Contract
from shop import Shop

from reconciler.emulator.testing import RunningEmulator


@pytest.fixture
def shop(emulator: RunningEmulator, token: str, contract: Contract) -> Iterator[Shop]:
    """A client for the marketplace, every read held against the OpenAPI file."""

    def check(response: httpx.Response) -> None:
        if response.request.method == "GET" and contract.knows(response.request.url.path, "get"):
            contract.check(response)

    with httpx.Client(
        base_url=emulator.ordercloud_url,
        headers={"Authorization": f"Bearer {token}"},
        event_hooks={"response": [check]},
        trust_env=False,
    ) as client:
        yield Shop(client)


ADDRESS: dict[str, Any] = {"Street1": "Quay 1", "City": "Hamburg", "Country": "DE"}
USER: dict[str, Any] = {"FirstName": "Ada", "LastName": "Byron", "Email": "ada@example.com", "Active": True}


@pytest.fixture(scope="session")
def _kept() -> dict[str, Any]:
    return {}


@pytest.fixture
def stocked(emulator: RunningEmulator, shop: Shop, _kept: dict[str, Any]) -> Shop:
    """A small marketplace with one of everything; built over HTTP once, then loaded."""
    if _kept:
        state = emulator.state(secrets=True)
        state["ordercloud"]["commerce"] = _kept
        emulator.load(state)
    else:
        build(shop)
        _kept.update(emulator.state(secrets=True)["ordercloud"]["commerce"])
    return shop


def build(shop: Shop) -> None:
    shop.post("/priceschedules", ID="ps", Name="Prices", PriceBreaks=[{"Quantity": 1, "Price": 10}])
    shop.post("/addresses", ID="wh", **ADDRESS)
    shop.post("/suppliers", ID="sup", Name="Supplier", Active=True)
    shop.post("/suppliers/sup/users", ID="su", Username="su", **USER)
    shop.post("/suppliers/sup/usergroups", ID="sg", Name="Group")
    shop.post("/suppliers/sup/usergroups/assignments", UserGroupID="sg", UserID="su")
    shop.post("/suppliers/sup/addresses", ID="sa", **ADDRESS)
    shop.post("/adminusers", ID="au", Username="au", **USER)
    tracked = {"Enabled": True, "VariantLevelTracking": True}
    shop.post("/products", ID="shirt", Name="Shirt", Active=True, DefaultPriceScheduleID="ps", Inventory=tracked)
    shop.post("/products", ID="mug", Name="Mug", Active=True, DefaultPriceScheduleID="ps", Inventory={"Enabled": True})
    shop.post("/products/mug/inventoryrecords", ID="r", AddressID="wh", QuantityAvailable=7)
    shop.post("/specs", ID="size", Name="Size", DefinesVariant=True)
    for option in ("s", "m"):
        shop.post("/specs/size/options", ID=option, Value=option.upper())
    shop.post("/specs/productassignments", SpecID="size", ProductID="shirt")
    shop.post("/products/shirt/variants/generate")
    shop.post("/products/shirt/variants/shirt-s/inventoryrecords", ID="rs", AddressID="wh", QuantityAvailable=3)
    shop.post("/catalogs", ID="cat", Name="Catalog", Active=True)
    shop.post("/catalogs/cat/categories", ID="top", Name="Top", Active=True)
    shop.post("/catalogs/cat/categories", ID="below", Name="Below", Active=True, ParentID="top")
    shop.post("/catalogs/productassignments", CatalogID="cat", ProductID="shirt")
    shop.post("/catalogs/cat/categories/productassignments", CategoryID="below", ProductID="shirt")
    shop.post("/buyers", ID="acme", Name="Acme", Active=True)
    shop.post("/buyers/acme/users", ID="u", Username="u", **USER)
    shop.post("/buyers/acme/usergroups", ID="g", Name="Group")
    shop.post("/buyers/acme/usergroups/assignments", UserGroupID="g", UserID="u")
    shop.post("/buyers/acme/addresses", ID="a", **ADDRESS)
    shop.post("/catalogs/assignments", CatalogID="cat", BuyerID="acme", ViewAllProducts=True)
    shop.post("/products/assignments", ProductID="shirt", BuyerID="acme", PriceScheduleID="ps")
    shop.post("/orders/Incoming", ID="o", FromCompanyID="acme", FromUserID="u", BillingAddressID="a")
    shop.post("/orders/incoming/o/lineitems", ID="l", ProductID="mug", Quantity=2, ShippingAddressID="a")
    shop.post("/orders/incoming/o/submit")
    shop.post("/shipments", ID="sh", BuyerID="acme")
    shop.post("/shipments/sh/items", OrderID="o", LineItemID="l", QuantityShipped=1)
