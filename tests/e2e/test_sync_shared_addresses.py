"""Several inventory records of a product or variant may share an address: what is at a location is their sum."""

from __future__ import annotations

from support.checkout import Checkout
from support.syncing import Shop
from support.worked import whoever_works


@whoever_works(cheap=True)
def test_records_that_share_an_address_are_added_up_as_they_come_change_and_go(checkout: Checkout) -> None:
    shop = Shop(checkout)
    portal = shop.portal
    inventory = {"Enabled": True, "VariantLevelTracking": False}
    portal("POST", "products", {"ID": "p", "Name": "P", "Active": True, "xp": {"SKU": "S"}, "Inventory": inventory})
    address = {"Street1": "1 High St", "City": "Leeds", "Zip": "LS1", "State": "-", "Country": "GB"}
    for name in ("main", "warehouse-1"):
        portal("POST", "addresses", {"ID": name, "CompanyName": name, **address})
    for number, (name, quantity) in enumerate((("main", 5), ("main", 7), ("warehouse-1", 1))):
        body = {"ID": f"r{number}", "AddressID": name, "QuantityAvailable": quantity}
        portal("POST", "products/p/inventoryrecords", body)
    shop.prepare(pricing=None)
    shop.synced("--full")
    assert shop.wrong() == []
    assert levels(shop) == {"main": 12, "warehouse-1": 1}
    portal("PATCH", "products/p/inventoryrecords/r1", {"QuantityAvailable": 1})
    shop.synced()
    assert levels(shop) == {"main": 6, "warehouse-1": 1}
    portal("DELETE", "products/p/inventoryrecords/r0")
    shop.synced("--full")
    assert levels(shop) == {"main": 1, "warehouse-1": 1}


def levels(shop: Shop) -> dict[str, int]:
    return {place: level["stock_level"] for place, level in shop.held().stock["S"].items()}
