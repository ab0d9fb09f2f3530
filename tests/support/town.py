"""A town: a shop whose users flow as customers, with prices of their own, and what the site should hold of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.checkout import document
from support.naive_customers import (
    CustomerOptions,
    Customers,
    accounting_id,
    customer_differences,
    discount,
    expected_customers,
    found_customers,
    log_differences,
    title,
)
from support.naive_prices import expected_prices, found_prices, price_differences
from support.syncing import Shop

MAPPING = {"accountingID": "xp.erpNumber", "discountPercentage": "xp.discount", "title": "xp.title"}


@dataclass
class Town:
    """A shop whose customers flow."""

    shop: Shop
    options: CustomerOptions = field(default_factory=CustomerOptions)
    rows: bool = False

    def prepare(self, customers: dict[str, Any] | None = None, **spec: Any) -> None:
        """Write the manifests with a section of customers, and apply them."""
        customers = customers or {}
        group = document("CustomerGroup", "wholesale", {"name": "Wholesale"})
        self.shop.checkout.write("groups.yaml", group)
        section = {"groups": {"approvers": "wholesale"}, "mapping": MAPPING, **customers}
        mapping = {"accountingID": accounting_id, "discountPercentage": discount, "title": title}
        self.options = CustomerOptions(customers.get("buyers"), {"approvers": "wholesale"}, mapping)
        pricing = {"partyPriceLists": True, "partyPrices": "rows" if self.rows else "rules"}
        self.shop.prepare(pricing=pricing, customers=section, **spec)

    def synced(self, *words: str) -> None:
        ended = self.shop.run(*words)
        assert ended.status == 0, str(ended)

    def held(self) -> Customers:
        return found_customers(self.shop.emulator.site(), self.told("customers"))

    def told(self, data_type: str) -> list[dict[str, Any]]:
        """Return the open problems of a data type."""
        words = ("sync", "errors", "shop", "--type", data_type, "--format", "json")
        found: list[dict[str, Any]] = self.shop.checkout.call(*words).json["problems"]
        return found

    def wrong(self, before: Customers | None = None) -> list[str]:
        """Return what the site holds otherwise than it should of customers, given what it held before."""
        wanted = expected_customers(self.shop.emulator.state()["ordercloud"], self.options, before)
        held = self.held()
        return customer_differences(wanted, held) + log_differences(self.shop.emulator.site(), held)

    def wrong_prices(self, *, new: bool = True) -> list[str]:
        """Return what customers pay otherwise than they should, by lists that are `new` or not."""
        ordercloud = self.shop.emulator.state()["ordercloud"]
        default = self.shop.held().prices
        wanted = expected_prices(ordercloud, self.shop.options, self.options, self.shop.now(), default, rows=self.rows)
        found = found_prices(self.shop.emulator.site(), self.told("party-prices"))
        return price_differences(wanted, found, new=new)
