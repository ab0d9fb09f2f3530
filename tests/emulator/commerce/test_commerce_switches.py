"""Switches of what a marketplace tells of its people and orders."""

from __future__ import annotations

from reconciler.emulator.testing import RunningEmulator
from support.shop import Shop

CLIENT = {"ID": "web", "AppName": "Storefront", "Active": True, "DefaultContextUserName": "anonymous"}


def test_the_users_of_all_buyers_are_one_list_or_none(emulator: RunningEmulator, stocked: Shop) -> None:
    assert stocked.ids("/buyerusers") == ["u"]
    emulator.switch(user_list="per_buyer")
    assert stocked.refused("GET", "/buyerusers", status=404) == "NotFound"
    assert stocked.ids("/buyers/acme/users") == ["u"]


def test_api_clients_name_their_default_user_unless_they_may_not_be_read(emulator: RunningEmulator, shop: Shop) -> None:
    emulator.seed_with({"Objects": {"ApiClients": [{**CLIENT, "ClientSecret": "hidden"}]}})
    (found,) = shop.get("/apiclients")["Items"]
    assert found.items() >= CLIENT.items()
    assert "ClientSecret" not in found
    assert shop.get("/apiclients/web") == found
    emulator.switch(default_users="forbidden")
    assert shop.refused("GET", "/apiclients", status=403) == "Auth.InsufficientRoles"


def test_a_partial_shipment_moves_last_updated_of_its_order_or_not(emulator: RunningEmulator, stocked: Shop) -> None:
    stocked.delete("/shipments/sh/items/o/l")
    for value in ("yes", "no"):
        emulator.switch(shipment_touches_order=value)
        before = stocked.get("/orders/incoming/o")["LastUpdated"]
        emulator.clock(advance=60)
        stocked.post("/shipments/sh/items", OrderID="o", LineItemID="l", QuantityShipped=1)
        assert (stocked.get("/orders/incoming/o")["LastUpdated"] > before) == (value == "yes")
        stocked.delete("/shipments/sh/items/o/l")


def test_a_line_that_changes_moves_last_updated_of_its_order_whatever_it_costs(
    emulator: RunningEmulator, stocked: Shop
) -> None:
    for change in ({"UnitPrice": 0}, {"Quantity": 3}, {"xp": {"note": "soon"}}):
        before = stocked.get("/orders/incoming/o")["LastUpdated"]
        emulator.clock(advance=60)
        stocked.patch("/orders/incoming/o/lineitems/l", **change)
        assert stocked.get("/orders/incoming/o")["LastUpdated"] > before


def test_a_record_that_changes_moves_the_stamp_of_its_product_always_with_its_sum_or_never(
    emulator: RunningEmulator, shop: Shop
) -> None:
    record = {"ProductID": "p", "ID": "r", "AddressID": "here", "QuantityAvailable": 3}
    product = {"ID": "p", "Name": "P", "Inventory": {"Enabled": True, "QuantityAvailable": 3}}
    emulator.seed_with({"Objects": {"Products": [product], "InventoryRecords": [record]}})
    for value, moves in (("every_change", (True, True)), ("sums", (False, True)), ("never", (False, False))):
        emulator.switch(stock_stamp=value)
        found = []
        for change in ({"xp": {"bin": value}}, {"QuantityAvailable": len(value)}):
            before = shop.get("/products/p")["Inventory"]["LastUpdated"]
            emulator.clock(advance=60)
            shop.patch("/products/p/inventoryrecords/r", **change)
            after = shop.get("/products/p")["Inventory"]
            found.append(after["LastUpdated"] > before)
        assert (tuple(found), after["QuantityAvailable"]) == (moves, len(value))
