"""A desk: a shop of which orders alone flow, and what the site should hold of them."""

from __future__ import annotations

from typing import Any

from support.checkout import document
from support.naive_orders import Purchases, expected_purchases, found_purchases, purchase_differences, read_orders
from support.syncing import Shop


def let_orders_flow(shop: Shop, **spec: Any) -> None:
    """Write the manifests of a shop of which orders alone flow, and apply them; `spec` is that of the DataSync."""
    checkout = shop.checkout
    checkout.write("environment.yaml", shop.environment())
    checkout.write("store.yaml", document("Store", "store", {"baseCurrency": "GBP"}))
    price_list = {"slug": "list", "name": "List", "currencyCode": "GBP", "source": "integration"}
    checkout.write("list.yaml", document("PriceList", "list", price_list))
    checkout.write("shop.yaml", document("DataSync", "shop", spec))
    checkout.applied()


class Desk:
    """A shop of which orders alone flow."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def prepare(self) -> None:
        """Write the manifests and apply them."""
        let_orders_flow(self.shop, orders={"since": "2025-01-01"}, currency="GBP")

    def synced(self, *words: str) -> None:
        ended = self.shop.run(*words)
        assert ended.status == 0, str(ended)

    def found(self) -> Purchases:
        told = self.shop.checkout.call("sync", "errors", "shop", "--format", "json").json["problems"]
        return found_purchases(self.shop.emulator.site(), told)

    def wrong(self) -> list[str]:
        """Return what the site holds otherwise than it should."""
        purchases = self.shop.emulator.site()["purchases"]
        carts = {cart: each["purchase_identifiers"].get("platform") for cart, each in purchases.items()}
        orders = read_orders(self.shop.portal)
        return purchase_differences(expected_purchases(orders, self.shop.options, carts, {"GBP"}), self.found())

    def assert_right(self) -> None:
        wrong = self.wrong()
        assert not wrong, "\n".join(wrong)

    def writes(self) -> list[str]:
        return [line for line in self.shop.writes() if "purchases/" in line]
