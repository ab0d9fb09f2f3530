from __future__ import annotations

from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.shop import Shop

USER = {"FirstName": "Ada", "LastName": "Byron", "Email": "ada@example.com", "Active": True}
ADDRESS = {"Street1": "Quay 1", "City": "Hamburg", "Country": "DE"}


def test_a_buyer_brings_its_catalog(shop: Shop) -> None:
    assert shop.post("/buyers", ID="acme", Name="Acme", Active=True)["DefaultCatalogID"] == "acme"
    assert shop.get("/catalogs/acme")["Name"] == "Acme"
    assert shop.post("/buyers", ID="b", Name="B", DefaultCatalogID="acme")["DefaultCatalogID"] == "acme"
    assert shop.ids("/catalogs") == ["acme"]
    assert shop.refused("POST", "/buyers", {"Name": "C", "DefaultCatalogID": "x"}, status=404) == "NotFound"


def test_stock_is_the_sum_of_its_records(emulator: RunningEmulator, stocked: Shop) -> None:
    def quantity(path: str) -> Any:
        return stocked.get(path)["Inventory"]["QuantityAvailable"]

    # Seven, of which an order took two.
    assert quantity("/products/mug") == 5
    stocked.patch("/products/mug", Inventory={"QuantityAvailable": 100})
    assert quantity("/products/mug") == 5
    stocked.post("/products/mug/inventoryrecords", ID="r2", AddressID="sa", QuantityAvailable=5)
    assert quantity("/products/mug") == 10
    stocked.patch("/products/mug/inventoryrecords/r2", QuantityAvailable=1)
    stocked.delete("/products/mug/inventoryrecords/r")
    assert quantity("/products/mug") == 1
    path = "/products/shirt/variants/shirt-m/inventoryrecords"
    stocked.post(path, ID="rm", AddressID="wh", QuantityAvailable=4)
    assert quantity("/products/shirt/variants/shirt-m") == 4
    assert quantity("/products/shirt") == 7
    stocked.put(f"{path}/rm", AddressID="wh", QuantityAvailable=0)
    assert quantity("/products/shirt") == 3


def test_records_are_of_the_product_or_of_its_variants(stocked: Shop) -> None:
    record = {"AddressID": "wh", "QuantityAvailable": 1}
    assert stocked.refused("POST", "/products/shirt/inventoryrecords", record) == "InventoryRecord.InvalidLevel"
    stocked.put("/products/plain", Name="Plain", Inventory={"VariantLevelTracking": False})
    stocked.post("/specs/productassignments", SpecID="size", ProductID="plain")
    stocked.post("/products/plain/variants/generate")
    path = "/products/plain/variants/plain-s/inventoryrecords"
    assert stocked.refused("POST", path, record) == "InventoryRecord.InvalidLevel"
    stocked.post("/products/plain/inventoryrecords", **record)
    stocked.patch("/products/plain", Inventory={"VariantLevelTracking": True})
    assert stocked.refused("POST", path, record) == "InventoryRecord.InvalidLevel"
    assert stocked.refused("POST", path, {"AddressID": "nowhere"}, status=404) == "NotFound"


def test_a_record_shows_its_address(stocked: Shop) -> None:
    assert stocked.get("/products/mug/inventoryrecords/r")["Address"]["City"] == "Hamburg"
    stocked.patch("/addresses/wh", ID="warehouse")
    record = stocked.get("/products/mug/inventoryrecords/r")
    assert (record["AddressID"], record["Address"]["ID"]) == ("warehouse", "warehouse")


def test_ids(shop: Shop) -> None:
    made = shop.post("/products", Name="Without")
    assert len(made["ID"]) > 10
    shop.post("/products", ID="a", Name="A")
    assert shop.refused("POST", "/products", {"ID": "a", "Name": "B"}, status=409) == "IdExists"
    for bad in ("a b", "ä", "a/b", "x" * 101, ""):
        if bad:
            assert shop.refused("POST", "/products", {"ID": bad, "Name": "B"}) == "ValidationFailure"
    assert shop.refused("PUT", "/products/a%20b", {"Name": "B"}) == "ValidationFailure"
    assert shop.refused("POST", "/products", {"ID": 7, "Name": "B"}) == "Request.InvalidRequestBody"
    # Buyers' things are unique within the buyer only.
    for buyer in ("one", "two"):
        shop.post("/buyers", ID=buyer, Name=buyer)
        shop.post(f"/buyers/{buyer}/usergroups", ID="g", Name="G")
    assert shop.refused("POST", "/buyers/one/usergroups", {"ID": "g", "Name": "G"}, status=409) == "IdExists"


def test_usernames_are_unique_across_the_marketplace(shop: Shop) -> None:
    shop.post("/buyers", ID="b", Name="B")
    shop.post("/buyers/b/users", ID="u", Username="Ada", **USER)
    taken = {"Username": "ADA", **USER}
    assert shop.refused("POST", "/adminusers", taken, status=409) == "User.UsernameMustBeUnique"
    shop.put("/buyers/b/users/u", Username="ada", **USER)
    shop.patch("/buyers/b", ID="renamed")
    shop.patch("/buyers/renamed/users/u", ID="v", Phone="1")
    assert shop.refused("POST", "/adminusers", taken, status=409) == "User.UsernameMustBeUnique"
    shop.patch("/buyers/renamed/users/v", Username="Other")
    shop.post("/adminusers", **taken)
    shop.delete("/buyers/renamed")
    shop.post("/adminusers", **{**taken, "Username": "Other"})


def test_xp_has_a_limit(shop: Shop) -> None:
    shop.post("/products", ID="a", Name="A", xp={"a": "x" * 7_992})
    assert shop.refused("PATCH", "/products/a", {"xp": {"b": 1}}) == "ValidationFailure"
    nested: Any = []
    for _ in range(500):
        nested = [nested]
    assert shop.refused("POST", "/products", {"Name": "B", "xp": {"a": nested}}) == "ValidationFailure"


def test_patch_changes_what_was_sent(emulator: RunningEmulator, shop: Shop) -> None:
    xp = {"Keep": 1, "Drop": 2, "Nested": {"a": 1, "b": 2}, "List": [1, 2]}
    shop.post(
        "/products", ID="a", Name="A", Description="D", Inventory={"Enabled": True, "NotificationPoint": 3}, xp=xp
    )
    sent = {"Drop": None, "Nested": {"a": 3}, "List": [9]}
    patched = shop.patch("/products/a", Description=None, Inventory={"OrderCanExceed": True}, xp=sent)
    assert patched["Name"] == "A"
    assert patched["Description"] is None
    assert (patched["Inventory"]["NotificationPoint"], patched["Inventory"]["OrderCanExceed"]) == (3, True)
    assert patched["xp"] == {"Keep": 1, "Nested": {"a": 3}, "List": [9]}
    emulator.switch(xp_patch_depth="deep")
    assert shop.patch("/products/a", xp={"Nested": {"c": 4}})["xp"]["Nested"] == {"a": 3, "c": 4}
    assert shop.patch("/products/a", xp={"Nested": {"c": None}})["xp"]["Nested"] == {"a": 3}
    assert shop.patch("/products/a", xp=None)["xp"] is None
    assert shop.refused("PATCH", "/products/a", {"Name": None}) == "ValidationFailure"


def test_put_replaces_everything_but_what_is_read_only(shop: Shop) -> None:
    first = shop.post("/buyers", ID="b", Name="B", Active=True, xp={"a": 1})
    second = shop.put("/buyers/b", Name="C", DateCreated="2001-01-01T00:00:00Z")
    assert second == {**first, "Name": "C", "Active": False, "DefaultCatalogID": None, "xp": None}
    assert shop.put("/buyers/new", Name="N")["ID"] == "new"
    assert shop.refused("PUT", "/buyers/x", {"Active": True}) == "ValidationFailure"


def test_put_that_creates_answers_as_the_switch_says(emulator: RunningEmulator, shop: Shop) -> None:
    shop.call("PUT", "/catalogs/a", {"Name": "A"}, 200)
    emulator.switch(put_create_status=201)
    shop.call("PUT", "/catalogs/b", {"Name": "B"}, 201)
    shop.call("PUT", "/catalogs/b", {"Name": "B"}, 200)


def test_read_only_and_unknown_members_are_passed_over(shop: Shop) -> None:
    made = shop.post("/products", ID="a", Name="A", VariantCount=7, DateCreated="2001-01-01T00:00:00Z", Colour="blue")
    assert (made["VariantCount"], made["DateCreated"][:4]) != (7, "2001")
    assert "Colour" not in made


def test_null_is_the_default(shop: Shop) -> None:
    for _ in range(2):
        made = shop.put("/products/a", Name="A", Active=None, Inventory={"OrderCanExceed": None})
        assert (made["Active"], made["Inventory"]["OrderCanExceed"]) == (False, False)
    shop.post("/priceschedules", ID="p", Name="P", MinQuantity=None)
    breaks = [{"Quantity": 1, "Price": 1, "SalePrice": None}]
    assert shop.patch("/priceschedules/p", PriceBreaks=breaks)["PriceBreaks"][0]["SalePrice"] is None
    assert shop.get("/priceschedules/p")["MinQuantity"] == 1
    assert shop.patch("/products/a", Inventory={"Enabled": None})["Inventory"]["Enabled"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"Name": 1},
        {"Name": "A", "Active": "yes"},
        {"Name": "A", "ShipWeight": "heavy"},
        {"Name": "A", "QuantityMultiplier": 2**31},
        {"Name": "A", "QuantityMultiplier": 1.5},
        {"Name": "A", "xp": "text"},
        {"Name": "A", "Inventory": []},
    ],
)
def test_wrong_types_are_refused(shop: Shop, body: dict[str, Any]) -> None:
    assert shop.refused("POST", "/products", body) == "Request.InvalidRequestBody"


def test_lengths_enums_and_dates(shop: Shop) -> None:
    assert shop.refused("POST", "/products", {"Name": "x" * 101}) == "ValidationFailure"
    shop.post("/specs", ID="s", Name="S")
    option = {"Value": "v", "PriceMarkupType": "Sometimes"}
    assert shop.refused("POST", "/specs/s/options", option) == "Request.InvalidRequestBody"
    assert shop.refused("POST", "/priceschedules", {"Name": "P", "SaleStart": "soon"}) == "Request.InvalidRequestBody"
    made = shop.post("/priceschedules", Name="P", SaleStart="2030-01-01T01:00:00+01:00")
    assert made["SaleStart"] == "2030-01-01T00:00:00.000+00:00"


def test_addresses_of_some_countries_need_state_and_zip(shop: Shop) -> None:
    refused = shop.call("POST", "/addresses", {**ADDRESS, "Country": "US"}, 400)
    assert [error["Data"]["Member"] for error in refused["Errors"]] == ["State", "Zip"]
    assert shop.refused("POST", "/addresses", {**ADDRESS, "Country": "USA"}) == "ValidationFailure"
    shop.post("/addresses", **{**ADDRESS, "Country": "CA", "State": "ON", "Zip": "K1A"})


def test_a_sale_has_its_time(emulator: RunningEmulator, shop: Shop) -> None:
    emulator.clock(frozen=True)
    now = emulator.clock()["now"]
    year = int(now[:4])
    prices = [{"Quantity": 10, "Price": 9}, {"Quantity": 1, "Price": 10, "SalePrice": 8}]
    shop.post("/priceschedules", ID="p", Name="P", PriceBreaks=prices, SaleStart=now, SaleEnd=f"{year + 1}-12-31")
    shown = shop.get("/priceschedules/p")
    assert shown["IsOnSale"] is True
    assert [price["Quantity"] for price in shown["PriceBreaks"]] == [1, 10]
    assert shop.patch("/priceschedules/p", SaleStart=f"{year + 1}-01-01")["IsOnSale"] is False
    assert shop.patch("/priceschedules/p", SaleStart=None, PriceBreaks=prices[:1])["IsOnSale"] is False


def test_price_breaks_one_by_one(shop: Shop) -> None:
    shop.post("/priceschedules", ID="p", Name="P", PriceBreaks=[{"Quantity": 1, "Price": 10}])
    shop.post("/priceschedules/p/PriceBreaks", Quantity=5, Price=9)
    shop.post("/priceschedules/p/PriceBreaks", Quantity=1, Price=11)
    assert [(price["Quantity"], price["Price"]) for price in shop.get("/priceschedules/p")["PriceBreaks"]] == [
        (1, 11),
        (5, 9),
    ]
    shop.delete("/priceschedules/p/PriceBreaks", quantity=1)
    assert shop.refused("DELETE", "/priceschedules/p/PriceBreaks", quantity=1, status=404) == "NotFound"
    assert shop.refused("POST", "/priceschedules/p/PriceBreaks", {"Quantity": 2}) == "ValidationFailure"
    twice = [{"Quantity": 1, "Price": 1}, {"Quantity": 1, "Price": 2}]
    assert shop.refused("PATCH", "/priceschedules/p", {"PriceBreaks": twice}) == "ValidationFailure"


def test_variants_are_generated_from_specs(stocked: Shop) -> None:
    variants = stocked.get("/products/shirt/variants")["Items"]
    assert [(item["ID"], item["Name"], item["Specs"][0]["Value"]) for item in variants] == [
        ("shirt-m", "Shirt M", "M"),
        ("shirt-s", "Shirt S", "S"),
    ]
    assert (stocked.get("/products/shirt")["VariantCount"], stocked.get("/products/shirt")["SpecCount"]) == (2, 1)
    stocked.patch("/products/shirt/variants/shirt-s", ID="small", Name="Small")
    stocked.post("/specs/size/options", ID="l", Value="L")
    stocked.post("/products/shirt/variants/generate")
    assert stocked.ids("/products/shirt/variants") == ["shirt-l", "shirt-m", "small"]
    assert stocked.ids("/products/shirt/variants/small/inventoryrecords") == ["rs"]
    stocked.call("POST", "/products/shirt/variants/generate", {"Active": False}, overwriteExisting=True)
    assert stocked.ids("/products/shirt/variants", Active="false") == ["shirt-l", "shirt-m", "shirt-s"]
    assert stocked.refused("POST", "/products/mug/variants/generate") == "Product.CannotGenerateVariants"
    assert stocked.refused("PUT", "/products/shirt/variants/new", {"Name": "N"}, status=404) == "NotFound"
    for number in range(1_500):
        stocked.post("/specs/size/options", ID=f"n{number}", Value="N")
    assert stocked.refused("POST", "/products/shirt/variants/generate") == "Product.CannotGenerateVariants"


def test_specs_of_a_product_carry_its_defaults(stocked: Shop) -> None:
    stocked.post("/specs/productassignments", SpecID="size", ProductID="shirt", DefaultOptionID="m")
    spec = stocked.get("/products/shirt/specs")["Items"][0]
    assert (spec["DefaultOptionID"], [option["ID"] for option in spec["Options"]]) == ("m", ["m", "s"])
    assert stocked.get("/specs/size")["DefaultOptionID"] is None
    wrong = {"SpecID": "size", "ProductID": "shirt", "DefaultOptionID": "xl"}
    assert stocked.refused("POST", "/specs/productassignments", wrong, status=404) == "NotFound"
    stocked.delete("/specs/size/productassignments/shirt")
    assert stocked.get("/products/shirt")["SpecCount"] == 0


def test_what_belongs_together_goes_together(emulator: RunningEmulator, stocked: Shop) -> None:
    for path in ("products/shirt", "products/mug", "catalogs/cat", "buyers/acme", "suppliers/sup", "specs/size"):
        stocked.delete(f"/{path}")
    stocked.delete("/priceschedules/ps")
    stocked.delete("/shipments/sh")
    stocked.delete("/orders/incoming/o")
    left = set(emulator.state()["ordercloud"]["commerce"]["objects"])
    assert left == {"AdminAddress", "AdminUser", "Catalog"}


def test_deleting_takes_the_id_out_of_what_pointed_to_it(stocked: Shop) -> None:
    stocked.delete("/priceschedules/ps")
    assert stocked.get("/products/shirt")["DefaultPriceScheduleID"] is None
    assert stocked.get("/products/assignments")["Items"][0]["PriceScheduleID"] is None
    stocked.delete("/catalogs/cat/categories/top")
    assert stocked.ids("/catalogs/cat/categories", depth="all") == []
    assert stocked.get("/catalogs/cat")["CategoryCount"] == 0


def test_a_new_id_is_followed_everywhere(stocked: Shop) -> None:
    stocked.patch("/priceschedules/ps", ID="prices")
    assert stocked.get("/products/shirt")["DefaultPriceScheduleID"] == "prices"
    stocked.put("/products/shirt", ID="tee", Name="Tee", Inventory={"VariantLevelTracking": True})
    assert stocked.refused("GET", "/products/shirt", status=404) == "NotFound"
    assert stocked.ids("/products/tee/variants/shirt-s/inventoryrecords") == ["rs"]
    assert stocked.get("/products/tee")["Inventory"]["QuantityAvailable"] == 3
    assert stocked.ids("/products", categoryID="below") == ["tee"]
    assert stocked.ids("/products", catalogID="cat") == ["tee"]
    stocked.patch("/catalogs/cat/categories/top", ID="upper")
    assert stocked.get("/catalogs/cat/categories/below")["ParentID"] == "upper"
    assert stocked.get("/catalogs/cat/categories/upper")["ChildCount"] == 1
    stocked.patch("/buyers/acme", ID="acme2")
    stocked.patch("/buyers/acme2/users/u", ID="v")
    stocked.patch("/buyers/acme2/usergroups/g", ID="h")
    assert stocked.get("/buyers/acme2/usergroups/assignments")["Items"] == [{"UserGroupID": "h", "UserID": "v"}]
    assert stocked.ids("/buyers/acme2/users", userGroupID="h") == ["v"]
    order = stocked.get("/orders/incoming/o")
    assert (order["FromCompanyID"], order["FromUserID"], order["FromUser"]["ID"]) == ("acme2", "v", "v")
    stocked.patch("/orders/incoming/o", ID="order")
    assert stocked.get("/shipments/sh/items/order/l")["QuantityShipped"] == 1
    assert stocked.ids("/orders/all/order/lineitems") == ["l"]
    assert stocked.refused("PATCH", "/catalogs/cat", {"ID": "acme"}, status=409) == "IdExists"


def test_list_orders_move_siblings_when_asked(shop: Shop) -> None:
    shop.post("/catalogs", ID="c", Name="C")
    path = "/catalogs/c/categories"
    for number, category in enumerate("ab", 1):
        shop.post(path, ID=category, Name=category, ListOrder=number)
    shop.call("POST", path, {"ID": "new", "Name": "n", "ListOrder": 1}, adjustListOrders=True)
    assert {item["ID"]: item["ListOrder"] for item in shop.get(path)["Items"]} == {"a": 2, "b": 3, "new": 1}
    shop.call("POST", path, {"ID": "more", "Name": "n", "ListOrder": 1})
    assert {item["ID"]: item["ListOrder"] for item in shop.get(path)["Items"]}["a"] == 2


def test_users_know_their_company(stocked: Shop) -> None:
    assert stocked.get("/buyers/acme/users/u")["CompanyID"] == "acme"
    assert stocked.get("/suppliers/sup/users/su")["CompanyID"] == "sup"
    assert stocked.get("/adminusers/au")["CompanyID"] == stocked.get("/products/mug")["OwnerID"]
    stocked.post("/buyers", ID="zeta", Name="Z")
    stocked.post("/buyers/zeta/users", ID="a", Username="a", **USER)
    everybody = stocked.get("/buyerusers", sortBy="ID", pageSize=100)["Items"]
    assert [(user["ID"], user["CompanyID"]) for user in everybody] == [("a", "zeta"), ("u", "acme")]
    assert stocked.ids("/buyerusers", ID=">a") == ["u"]
    assert stocked.ids("/suppliers/sup/users", userGroupID="sg") == ["su"]


def test_sellers_and_buyers_of_each_other(stocked: Shop) -> None:
    owner = stocked.get("/products/mug")["OwnerID"]
    assert stocked.ids("/buyers/acme/sellers") == [owner]
    stocked.put("/suppliers/sup/buyers/acme")
    assert stocked.ids("/buyers/acme/sellers") == [owner, "sup"]
    assert stocked.ids("/suppliers/sup/buyers") == ["acme"]
    stocked.delete("/suppliers/sup/buyers/acme")
    assert stocked.refused("DELETE", "/suppliers/sup/buyers/acme", status=404) == "NotFound"
    assert stocked.refused("PUT", "/suppliers/sup/buyers/nobody", status=404) == "NotFound"


@pytest.mark.parametrize(
    ("path", "params", "count"),
    [
        ("/products/assignments", {"productID": "shirt"}, 1),
        ("/products/assignments", {"productID": "mug"}, 0),
        ("/products/assignments", {"buyerID": "acme", "priceScheduleID": "ps"}, 1),
        ("/products/assignments", {"priceScheduleID": "x"}, 0),
        ("/products/assignments", {"level": "Company"}, 1),
        ("/products/assignments", {"level": "Group"}, 0),
        ("/products/assignments", {"userID": "u"}, 0),
        ("/catalogs/assignments", {"catalogID": "cat", "buyerID": "acme"}, 1),
        ("/catalogs/productassignments", {"productID": "shirt"}, 1),
        ("/catalogs/cat/categories/productassignments", {"categoryID": "below"}, 1),
        ("/catalogs/cat/categories/productassignments", {"categoryID": "top"}, 0),
        ("/buyers/acme/usergroups/assignments", {"userID": "u"}, 1),
        ("/specs/productassignments", {"search": "shi"}, 1),
        ("/specs/productassignments", {"SpecID": "size", "sortBy": "!ProductID"}, 1),
    ],
)
def test_assignments_by_who_takes_part(stocked: Shop, path: str, params: dict[str, str], count: int) -> None:
    assert stocked.get(path, **params)["Meta"]["TotalCount"] == count


def test_assigning_needs_both_sides(stocked: Shop) -> None:
    for body in ({"ProductID": "x", "BuyerID": "acme"}, {"ProductID": "mug", "BuyerID": "x"}):
        assert stocked.refused("POST", "/products/assignments", body, status=404) == "NotFound"
    assert stocked.refused("POST", "/products/assignments", {"ProductID": "mug"}) == "ValidationFailure"
    stocked.post("/products/assignments", ProductID="mug", BuyerID="acme", UserGroupID="g")
    assert stocked.refused("DELETE", "/products/mug/assignments/acme", status=404) == "NotFound"
    stocked.delete("/products/mug/assignments/acme", userGroupID="g")
    stocked.post("/buyers/acme/addresses/assignments", AddressID="a", UserGroupID="g", IsShipping=True)
    assert stocked.get("/buyers/acme/addresses/assignments", isShipping="true")["Meta"]["TotalCount"] == 1
    assert stocked.get("/buyers/acme/addresses/assignments", isBilling="true")["Meta"]["TotalCount"] == 0
