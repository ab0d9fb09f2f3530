"""The script that a team would write: `plain_script.py URL PLACE…` copies every product, one request after the other.

It is here to be compared with, not to be used: it writes everything every time, stops at the first error, and knows
nothing of problems, variants that vanish, sales, or where it was when it was stopped.
"""

from __future__ import annotations

import sys
from typing import Any

import httpx

Json = dict[str, Any]


class OrderCloud:
    """The source."""

    def __init__(self, url: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
        token = httpx.post(f"{url}/ordercloud/oauth/token", data=form).json()["access_token"]
        self._client = httpx.Client(base_url=f"{url}/ordercloud/v1", headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **params: Any) -> Json:
        answer = self._client.get(path, params=params)
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def pages(self, path: str) -> list[Json]:
        items: list[Json] = []
        page, pages = 1, 1
        while page <= pages:
            listed = self.get(path, page=page, pageSize=100)
            items += listed["Items"]
            page, pages = page + 1, listed["Meta"]["TotalPages"]
        return items


class SparkLayer:
    """The target."""

    def __init__(self, url: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
        base, site = f"{url}/sparklayer/api", {"Site-Id": "demo"}
        token = httpx.post(f"{base}/auth/token", json=form, headers=site).json()["access_token"]
        self._client = httpx.Client(base_url=base, headers={**site, "Authorization": f"Bearer {token}"})

    def send(self, method: str, path: str, body: Any) -> None:
        self._client.request(method, path, json=body).raise_for_status()


def copy(source: OrderCloud, target: SparkLayer, product: Json, places: list[str]) -> None:
    """Bring one product over."""
    path = f"/products/{product['ID']}"
    variants = source.pages(f"{path}/variants") if product["VariantCount"] else [product]
    with_sku = [each for each in variants if (each.get("xp") or {}).get("SKU")]
    if not with_sku or not product["Name"]:
        return
    body = {"external_id": product["ID"], "title": product["Name"], "slug": product["ID"].lower()}
    body["variants"] = [
        {
            "external_id": each["ID"] if each is product else f"{product['ID']}/{each['ID']}",
            "sku": each["xp"]["SKU"],
            "status": "live" if each["Active"] else "suspended",
        }
        for each in with_sku
    ]
    target.send("POST", "/v1/products", body)
    inventory = product["Inventory"] or {}
    if inventory.get("Enabled") and not inventory.get("VariantLevelTracking"):
        records = [one for one in source.pages(f"{path}/inventoryrecords") if one["AddressID"] in places]
        rows = [
            {"sku": each["xp"]["SKU"], "stock_location_external_id": one["AddressID"]}
            | {"stock_level": one["QuantityAvailable"]}
            for each in with_sku
            for one in records
        ]
        if rows:
            target.send("POST", "/v1/batch-update-stock", rows)
    if product["DefaultPriceScheduleID"]:
        schedule = source.get(f"/priceschedules/{product['DefaultPriceScheduleID']}")
        tiers = [{"quantity": one["Quantity"], "price": one["Price"]} for one in schedule["PriceBreaks"]]
        rows = [{"sku": each["xp"]["SKU"], "pricing": tiers} for each in with_sku]
        target.send("PATCH", "/v1/price-lists/ordercloud-price/pricing", rows)


def main() -> None:
    """Copy everything."""
    url, *places = sys.argv[1:]
    source, target = OrderCloud(url), SparkLayer(url)
    for place in places:
        target.send("POST", "/v1/stock-locations", {"external_id": place, "name": place})
    price_list = {"slug": "ordercloud-price", "name": "OrderCloud Price", "currency_code": "GBP"}
    target.send("POST", "/v1/price-lists", price_list)
    for product in source.pages("/products"):
        copy(source, target, product, places)


if __name__ == "__main__":
    main()
