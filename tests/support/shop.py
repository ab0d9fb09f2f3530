"""A client of the emulated marketplace that says what it expects: success, unless told another status."""

from __future__ import annotations

from typing import Any

import httpx


class Shop:
    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def call(self, method: str, path: str, body: Any = None, status: int | None = None, **params: Any) -> Any:
        answer = self.client.request(method, path, json=body, params=params)
        fits = answer.is_success if status is None else answer.status_code == status
        assert fits, f"{method} {path} {params} answers {answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, **params)

    def post(self, path: str, **body: Any) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, **body: Any) -> Any:
        return self.call("PUT", path, body)

    def patch(self, path: str, **body: Any) -> Any:
        return self.call("PATCH", path, body)

    def delete(self, path: str, **params: Any) -> None:
        assert self.call("DELETE", path, status=204, **params) is None

    def refused(self, method: str, path: str, body: Any = None, *, status: int = 400, **params: Any) -> str:
        """The code of the first error of a call that has to be refused."""
        return str(self.call(method, path, body, status, **params)["Errors"][0]["ErrorCode"])

    def ids(self, path: str, **params: Any) -> list[str]:
        return [item["ID"] for item in self.get(path, **params)["Items"]]


ADDRESS: dict[str, Any] = {"Street1": "Quay 1", "City": "Hamburg", "Country": "DE"}
USER: dict[str, Any] = {"FirstName": "Ada", "LastName": "Byron", "Email": "ada@example.com", "Active": True}


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
