"""Every operation of the OpenAPI file, each answer held against it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from inspect import signature

import httpx

from reconciler.emulator.testing import RunningEmulator
from support.sparklayer_contract import SparkLayerContract, served

ORDER = {
    "type": "order",
    "purchase_identifiers": {"platform": "o-1", "visible": "#1"},
    "customer_identifiers": {},
    "dates": {"placed": "2026-11-01T10:00:00Z", "last_updated": "2026-11-02T10:00:00Z"},
    "packages": [
        {
            "type": "Incoming",
            "line_items": [
                {"quantity": 2, "line_total": {"total_gross": {"number": "15.99", "currency": "GBP"}}},
                {"quantity": 1, "line_total": {"total_gross": {"number": "0.01", "currency": "GBP"}}},
            ],
        }
    ],
    "accounting_files": [],
    "custom_fields": [],
    "currency_code": "GBP",
}
LIST = {"slug": "base-list", "name": "Base", "currency_code": "GBP"}


def ok(response: httpx.Response, status: int = 200):
    assert response.status_code == status, response.text
    return response.json() if response.content else None


def test_settings_and_currency(spark: httpx.Client) -> None:
    assert ok(spark.get("/v1/settings")) == []
    sent = [{"key": "some-key", "value": {"deep": 1}}, {"key": "empty", "value": None}]
    hidden = [{"key": key, "value": "kr3mbel"} for key in ("erpApiKey", "webhook_secret")]
    ok(spark.patch("/v1/settings", json=sent + hidden), 204)
    assert ok(spark.get("/v1/settings")) == sent
    assert ok(spark.put("/v1/store-currency", json={"currency_code": "GBP"})) == {"currency_code": "GBP"}
    assert ok(spark.put("/v1/store-currency", json={"currency_code": "GBP"})) == {"currency_code": "GBP"}
    ok(spark.put("/v1/store-currency", json={"currency_code": "EUR"}), 409)


def test_customer_groups_are_a_tree(spark: httpx.Client) -> None:
    whole = ok(spark.post("/v1/customer-groups", json={"slug": "eu", "name": "EU"}))
    assert whole == ok(spark.get("/v1/customer-groups"))
    assert whole[-1] == {"slug": "eu", "name": "EU", "parent_slug": "base"}
    ok(spark.post("/v1/customer-groups", json={"slug": "de", "name": "DE", "parent_slug": "eu"}))
    taken = ok(spark.post("/v1/customer-groups", json={"slug": "de", "name": "DE"}), 400)
    assert taken["errors"][0]["code"] == "resource-already-exists"
    orphan = ok(spark.post("/v1/customer-groups", json={"slug": "x", "name": "X", "parent_slug": "no"}), 400)
    assert orphan["errors"][0]["code"] == "resource-id-not-found"


def test_products_and_variants(spark: httpx.Client) -> None:
    location = ok(spark.post("/v1/stock-locations", json={"name": "W", "external_id": "w"}))["id"]
    variant = {
        "external_id": "V1",
        "sku": "SKU-1",
        "weight_in_grams": 12.5,
        "position": 1,
        "status": "live",
        "rrp": [{"currency_code": "GBP", "price": 3}],
        "options": [{"group": "Size", "value": "L"}],
        "settings": [{"customer_group": "base", "pack_size": 6}],
        "stock": [{"stock_location_id": location, "stock_level": 7}],
    }
    made = ok(spark.post("/v1/products", json={"title": "T", "slug": "t", "external_id": "P1", "variants": [variant]}))
    assert made["id"].startswith("pp_")
    assert made["variants"][0]["id"].startswith("pv_")
    assert made["variants"][0]["stock"] == [{"stock_location_id": location, "stock_level": 7}]
    assert ok(spark.get("/v1/products/P1")) == ok(spark.get(f"/v1/products/{made['id']}"))
    again = ok(
        spark.patch("/v1/products/P1", json={"title": "New", "variants": [{"external_id": "V1", "position": 2}]})
    )
    assert (again["title"], again["slug"]) == ("New", "t")
    assert [(each["sku"], each["position"]) for each in again["variants"]] == [("SKU-1", 2)]
    changed = ok(spark.patch("/v1/variants/V1", json={"status": "discontinued", "cart_image_url": None}))
    assert changed == ok(spark.get(f"/v1/variants/{changed['id']}"))
    assert changed["status"] == "discontinued"
    ok(spark.get("/v1/products/none"), 404)
    ok(spark.get("/v1/variants/none"), 404)


def test_what_is_unique_among_products(spark: httpx.Client) -> None:
    ok(spark.post("/v1/products", json={"title": "T", "slug": "t", "external_id": "P1", "variants": []}))
    ok(spark.post("/v1/products", json={"title": "U", "slug": "u", "variants": [{"external_id": "V1"}]}))
    ok(spark.post("/v1/products", json={"title": "X", "slug": "t"}), 409)
    ok(spark.post("/v1/products", json={"title": "X", "slug": "x", "external_id": "P1"}), 409)
    ok(spark.post("/v1/products", json={"title": "X", "slug": "x", "variants": [{"external_id": "V1"}]}), 409)
    ok(spark.post("/v1/products", json={"title": "X", "slug": "x", "external_id": "pp_9"}), 400)
    ok(spark.post("/v1/products", json={"title": "X", "slug": "x", "variants": [{"external_id": "pv_9"}]}), 400)
    ok(spark.post("/v1/products", json={"slug": "x"}), 400)
    ok(spark.patch("/v1/products/P1", json={"slug": "u"}), 409)
    ok(spark.post("/v1/products", json={"title": "X", "slug": "x"}))


def test_customers_are_replaced_whole(spark: httpx.Client) -> None:
    ok(spark.post("/v1/customer-groups", json={"slug": "eu", "name": "EU"}))
    home = {"address_line1": "1 Road", "city": "Leeds", "country_code": "GB", "external_id": "A1"}
    body = {
        "external_id": "C1",
        "email": "a@example.com",
        "first_name": "A",
        "group": "eu",
        "role": "main",
        "accounting_id": "7",
        "price_lists": ["nobody-checks"],
        "discount_percentage": 22.5,
        "tax_exempt": True,
        "sales_agent_groups": ["new"],
        "addresses": [home, {**home, "external_id": "A2"}],
        "payment_on_account": {"credit_limit": 100.5, "currency_code": "GBP", "balance": 3, "net_days": 30},
    }
    made = ok(spark.put("/v2/customers/platform/C1", json=body), 201)
    uuid.UUID(made["id"])
    assert made["legacy_id"].startswith("cu_")
    first = {address["external_id"]: address["id"] for address in made["addresses"]}
    assert [each["external_id"] for each in ok(spark.get("/v1/customers/C1"))["addresses"]] == ["A1", "A2"]
    changed = {"external_id": "C1", "email": "a@example.com", "last_name": "B", "addresses": [home]}
    replaced = ok(spark.put("/v2/customers/email/a@example.com", json=changed))
    assert replaced == {
        **changed,
        **{name: made[name] for name in ("id", "legacy_id", "created_at")},
        "updated_at": replaced["updated_at"],
        "addresses": [{**home, "id": first["A1"]}],
        # SparkLayer moves the balance itself; whether a write without it keeps it is a switch.
        "payment_on_account": {"balance": 3},
    }
    assert ok(spark.get("/v1/customers/C1"))["id"] == made["legacy_id"]
    assert ok(spark.put("/v2/customers/platform/C1", json={"external_id": "C1"}))["addresses"] == []
    assert ok(spark.get("/v1/customers/C1/addresses")) == []


def test_how_customers_are_named(spark: httpx.Client) -> None:
    own = str(uuid.uuid4())
    made = ok(spark.put(f"/v2/customers/sparklayer/{own}", json={"email": "a@example.com"}), 201)
    assert made["id"] == own
    legacy = made["legacy_id"]
    assert ok(spark.put(f"/v2/customers/sparklayer/{legacy}", json={"legacy_id": legacy}))["id"] == own
    ok(spark.put("/v2/customers/sparklayer/cu_99", json={}), 404)
    mismatches = [
        ("platform/C1", {"external_id": "C2"}),
        ("platform/C1", {"email": "a@example.com"}),
        ("email/a@example.com", {"email": "b@example.com"}),
        (f"sparklayer/{own}", {"id": str(uuid.uuid4())}),
        (f"sparklayer/{own}", {"legacy_id": "cu_99"}),
        (f"sparklayer/{legacy}", {"legacy_id": "cu_99"}),
    ]
    for path, body in mismatches:
        assert ok(spark.put(f"/v2/customers/{path}", json=body), 400)["errors"][0]["code"] == "idMismatch"
    for path in ("/v2/customers/sparklayer/nonsense", "/v1/customers/sparklayer/nonsense"):
        assert ok(spark.delete(path), 400)["errors"][0]["code"] == "resource-id-invalid"
    ok(spark.delete("/v2/customers/elsewhere/x"), 400)


def test_what_customers_may_not_be(spark: httpx.Client) -> None:
    home = {"address_line1": "1 Road", "city": "Leeds", "country_code": "GB"}
    body = {"external_id": "C1", "email": "a@example.com", "addresses": [{**home, "external_id": "A1"}]}
    ok(spark.put("/v2/customers/platform/C1", json=body), 201)
    refused = [
        (400, {"group": "none"}),
        (400, {"role": "none"}),
        (400, {"parent_customer_id": "cu_99"}),
        (400, {"discount_percentage": 101}),
        (400, {"addresses": [{"city": "Leeds"}]}),
        (409, {"email": "a@example.com"}),
        (409, {"addresses": [{**home, "external_id": "A1"}]}),
        (409, {"addresses": [{**home, "external_id": "A2"}, {**home, "external_id": "A2"}]}),
    ]
    for status, wrong in refused:
        ok(spark.put("/v2/customers/platform/C2", json={"external_id": "C2", **wrong}), status)
    ok(spark.put("/v2/customers/platform/cu_1", json={"external_id": "cu_1"}), 400)
    ok(spark.get("/v1/customers/C2"), 404)


def test_deleted_customers(spark: httpx.Client) -> None:
    company = ok(spark.put("/v2/customers/platform/C1", json={"external_id": "C1", "email": "a@example.com"}), 201)
    for name, parent in (("S1", company["id"]), ("S2", company["legacy_id"])):
        body = {"external_id": name, "parent_customer_id": parent}
        ok(spark.put(f"/v2/customers/platform/{name}", json=body), 201)
    ok(spark.delete("/v2/customers/platform/none"), 404)
    ok(spark.delete("/v2/customers/platform/C1"), 204)
    # The primary customer of a company is archived; its names are free.
    assert ok(spark.get(f"/v1/customers/{company['legacy_id']}"))["status"] == "archived"
    ok(spark.put("/v2/customers/email/a@example.com", json={"email": "a@example.com", "external_id": "C1"}), 201)
    ok(spark.delete("/v1/customers/platform/S1"), 204)
    ok(spark.delete(f"/v1/customers/sparklayer/{ok(spark.get('/v1/customers/S2'))['id']}"), 204)
    ok(spark.delete("/v1/customers/email/a%40example.com"), 204)
    ok(spark.delete(f"/v2/customers/sparklayer/{company['id']}"), 204)
    for name in ("C1", "S1", "S2", company["legacy_id"]):
        ok(spark.get(f"/v1/customers/{name}"), 404)


def test_legacy_customers_and_addresses(spark: httpx.Client) -> None:
    made = ok(spark.put("/v2/customers/platform/C1", json={"external_id": "C1", "email": "a@example.com"}), 201)
    ok(spark.patch(f"/v1/customers/{made['legacy_id']}", json={"status": "active", "last_name": "B"}))
    assert ok(spark.get("/v1/customers/C1"))["last_name"] == "B"
    ok(spark.put("/v2/customers/platform/C2", json={"external_id": "C2", "email": "b@example.com"}), 201)
    ok(spark.patch("/v1/customers/C2", json={"email": "a@example.com"}), 409)
    ok(spark.patch("/v1/customers/C2", json={"external_id": "cu_1"}), 400)
    address = {"address_line1": "1 Road", "city": "Leeds", "country_code": "GB", "external_id": "A1"}
    assert ok(spark.post("/v1/customers/C1/addresses", json=address))["id"].startswith("ca_")
    ok(spark.post("/v1/customers/C1/addresses", json=address), 409)
    ok(spark.post("/v1/customers/C1/addresses", json={"city": "Leeds"}), 400)
    assert len(ok(spark.get("/v1/customers/C1/addresses"))) == 1
    assert len(ok(spark.get("/v1/customers/C1"))["addresses"]) == 1


def test_stock_locations(spark: httpx.Client) -> None:
    made = ok(spark.post("/v1/stock-locations", json={"name": "W", "external_id": "w"}))
    uuid.UUID(made["id"])
    ok(spark.post("/v1/stock-locations", json={"name": "V", "external_id": "w"}), 409)
    ok(spark.post("/v1/stock-locations", json={"name": "V"}), 400)
    assert ok(spark.get("/v1/stock-locations/w")) == ok(spark.get(f"/v1/stock-locations/{made['id']}")) == made
    assert ok(spark.patch("/v1/stock-locations/w", json={"external_id": "v"}))["external_id"] == "v"
    ok(spark.get("/v1/stock-locations/w"), 404)
    assert [each["name"] for each in ok(spark.get("/v1/stock-locations"))] == ["W"]
    ok(spark.post("/v1/batch-update-stock", json=[row("S", "v", 3)]), 204)
    for _ in range(2):
        ok(spark.delete("/v1/stock-locations/v"), 204)
    assert ok(spark.post("/v1/batch-fetch-stock", json={"skus": ["S"]})) == [{"sku": "S", "stock_levels": []}]


def row(sku: str, location: str, level: int, **more: object) -> dict[str, object]:
    return {"sku": sku, "stock_location_external_id": location, "stock_level": level, **more}


def test_stock_in_batches(spark: httpx.Client) -> None:
    ids = {name: ok(spark.post("/v1/stock-locations", json={"name": name, "external_id": name}))["id"] for name in "ab"}
    rows = [row("S", "a", 1, restock_date="2026-12-01", min_stock_level=-9), row("S", "b", 2), row("T", "a", 3)]
    ok(spark.post("/v1/batch-update-stock", json=rows), 204)
    by_id = {"sku": "S", "stock_location_id": ids["a"], "stock_level": 5}
    ok(spark.post("/v1/batch-update-stock", json=[by_id]), 204)
    found = ok(spark.post("/v1/batch-fetch-stock", json={"skus": ["S", "none"]}))
    # A pair that is sent is overwritten as a whole, the others stay.
    assert [[each["stock_level"] for each in item["stock_levels"]] for item in found] == [[5, 2], []]
    assert "restock_date" not in found[0]["stock_levels"][0]
    for bad in ([], [row("S", "a", 1), row("S", "a", 2)], [{"sku": "S", "stock_level": 1}], [by_id | row("S", "a", 1)]):
        ok(spark.post("/v1/batch-update-stock", json=bad), 400)
    ok(spark.post("/v1/batch-delete-stock", json={"skus": ["S", "none"]}), 204)
    found = ok(spark.post("/v1/batch-fetch-stock", json={"skus": ["S", "T"]}))
    assert [len(item["stock_levels"]) for item in found] == [0, 1]


def test_price_lists(spark: httpx.Client) -> None:
    made = ok(spark.post("/v1/price-lists", json=LIST))
    assert made == {**LIST, "source": "custom", "tax_inclusive_display": False, "rules": []}
    rule = {"source_price_list_slug": "base-list", "adjustment_percentage": 0.1, "adjustment_direction": "minus"}
    derived = {**LIST, "slug": "d", "name": "Derived", "source": "integration", "rules": [rule]}
    assert ok(spark.post("/v1/price-lists", json=derived))["rules"] == [rule]
    ok(spark.post("/v1/price-lists", json=LIST), 400)
    ok(spark.post("/v1/price-lists", json={**derived, "slug": "e", "rules": [{"source_price_list_slug": "no"}]}), 400)
    changed = ok(spark.patch("/v1/price-lists/d", json={"rules": [], "slug": "other", "source": "custom"}))
    assert (changed["slug"], changed["source"], changed["rules"]) == ("d", "integration", [])
    assert ok(spark.get("/v1/price-lists/d")) == changed
    assert [each["slug"] for each in ok(spark.get("/v1/price-lists"))] == ["base-list", "d"]
    ok(spark.delete("/v1/price-lists/d"), 204)
    ok(spark.get("/v1/price-lists/d"), 404)
    ok(spark.patch("/v1/price-lists/d", json={"name": "x"}), 404)


def test_price_lists_come_in_pages(spark: httpx.Client) -> None:
    for number in range(7):
        source = "integration" if number % 2 else "custom"
        ok(spark.post("/v1/price-lists", json={**LIST, "slug": f"l{number}", "name": f"L{number}", "source": source}))
    pages = [ok(spark.get("/v2/price-lists", params={"page": page, "page_size": 3})) for page in (1, 2, 3)]
    assert [len(page["data"]) for page in pages] == [3, 3, 1]
    assert pages[0]["pagination"] == {"total": 7, "per_page": 3, "current_page": 1, "total_pages": 3}
    newest = ok(spark.get("/v2/price-lists", params={"order_by": "name:desc", "source": "custom,platform"}))
    assert [each["slug"] for each in newest["data"]] == ["l6", "l4", "l2", "l0"]
    for bad in ({"page_size": 251}, {"page": 0}, {"page": "x"}, {"order_by": "nothing:asc"}):
        ok(spark.get("/v2/price-lists", params=bad), 400)


def test_prices_replace_those_of_the_skus_they_name(spark: httpx.Client) -> None:
    ok(spark.post("/v1/price-lists", json=LIST))
    tiers = [{"quantity": 1, "price": 5.5}, {"quantity": 10, "price": 5, "unit_of_measure": "box"}]
    ok(
        spark.patch(
            "/v1/price-lists/base-list/pricing", json=[{"sku": "A", "pricing": tiers, "display_tax_rate": 0.2}]
        ),
        204,
    )
    ok(spark.patch("/v1/price-lists/base-list/pricing", json=[{"sku": "B", "pricing": [{"price": 9}]}]), 204)
    rows = ok(spark.get("/v1/price-lists/base-list/pricing"))
    assert [(each["sku"], each["quantity"], each["price"]) for each in rows] == [
        ("A", 1, 5.5),
        ("A", 10, 5),
        ("B", 1, 9),
    ]
    csv = b"sku,quantity,price,unit_of_measure\nA,1,4,\nB,,,\n"
    headers = {"content-type": "text/csv"}
    ok(spark.patch("/v1/price-lists/base-list/pricing", content=csv, headers=headers), 204)
    rows = ok(spark.get("/v1/price-lists/base-list/pricing"))
    assert [(each["sku"], each["price"]) for each in rows] == [("A", 4)]
    refused = ok(
        spark.patch("/v1/price-lists/base-list/pricing", json=[{"sku": "A", "pricing": [{"price": "x"}]}]), 400
    )
    assert refused[0]["line"] == 1
    assert refused[0]["field"] == "pricing.0.price"
    ok(spark.patch("/v1/price-lists/base-list/pricing", content=b"sku,price\nA,x\n", headers=headers), 400)
    ok(spark.patch("/v1/price-lists/none/pricing", json=[]), 404)
    ok(spark.delete("/v1/price-lists/base-list/pricing"), 204)
    assert ok(spark.get("/v1/price-lists/base-list/pricing")) == []


def test_prices_of_several_lists_and_of_one_sku(spark: httpx.Client) -> None:
    for slug in ("x", "y"):
        ok(spark.post("/v1/price-lists", json={**LIST, "slug": slug}))
    items = [
        {"sku": "A", "price_list_slug": slug, "pricing": [{"price": price}]} for slug, price in (("x", 1), ("y", 2))
    ]
    ok(spark.patch("/v1/batch-update-pricing", json=items), 204)
    ok(spark.patch("/v1/batch-update-pricing", json=[{**items[0], "price_list_slug": "none"}]), 404)
    found = ok(spark.get("/v1/pricing/A"))
    assert [(each["price_list_slug"], each["pricing"][0]["price"]) for each in found] == [("x", 1), ("y", 2)]
    found = ok(spark.patch("/v1/pricing/A", json=[{"price_list_slug": "y", "pricing": []}]))
    assert [each["price_list_slug"] for each in found] == ["x"]
    ok(spark.put("/v2/customers/platform/C", json={"external_id": "C", "price_lists": ["x"]}), 201)
    asked = {"customer_id": "C", "customer_lookup_by": "platform", "line_items": [{"sku": "A", "quantity": 2}]}
    assert ok(spark.post("/v1/fetch-customer-pricing", json=asked))["line_items"][0]["price"] == 1


def test_purchases_and_transactions(spark: httpx.Client) -> None:
    made = ok(spark.put("/v1/purchases/platform/o-1", json=ORDER))
    assert made["calculated_total"] == {"number": "16.00", "currency": "GBP"}
    own_id = made["purchase_identifiers"]["sparklayer"]
    assert ok(spark.get(f"/v1/purchases/sparklayer/{own_id}")) == ok(spark.get("/v1/purchases/visible/%231")) == made
    moved = {**ORDER, "purchase_identifiers": {"sparklayer": str(uuid.uuid4())}}
    ok(spark.put("/v1/purchases/platform/o-1", json=moved), 403)
    second = {**ORDER, "type": "quote", "purchase_identifiers": {"platform": "o-2"}}
    ok(spark.put("/v1/purchases/platform/o-2", json=second))
    ok(spark.put("/v1/purchases/platform/o-2", json=ORDER), 409)
    ok(spark.put("/v1/purchases/platform/o-3", json={"type": "order"}), 400)
    ok(spark.get("/v1/purchases/sparklayer/not-a-uuid"), 400)
    ok(spark.get("/v1/purchases/platform/none"), 404)
    payment = {"platform_id": "t", "total": {"number": "-1.00", "currency": "GBP"}, "full_transaction": {"any": [1]}}
    for _ in range(2):
        ok(spark.put("/v1/purchases/platform/o-1/transactions", json=payment))
    assert ok(spark.get("/v1/purchases/platform/o-1/transactions")) == [payment]
    assert [each["type"] for each in ok(spark.get("/v1/purchases", params={"limit": 1, "offset": 1}))] == ["quote"]
    assert len(ok(spark.get("/v1/purchases", params={"type": "order"}))) == 1
    assert ok(spark.get("/v1/purchases", params={"dates[placed][gte]": "2026-11-01T10:00:01Z"})) == []
    ok(spark.get("/v1/purchases", params={"limit": 501}), 400)


def test_a_cart_that_was_placed_becomes_an_order(spark: httpx.Client) -> None:
    ok(spark.post("/v1/carts", json={"customer_id": "C", "customer_lookup_by": "platform"}), 400)
    customer = ok(spark.put("/v2/customers/platform/C", json={"external_id": "C"}), 201)
    by_own_id = {"customer_id": customer["id"], "customer_lookup_by": "sparklayer"}
    ok(spark.post("/v1/carts", json=by_own_id), 201)
    cart = ok(spark.post("/v1/carts", json={"customer_id": "C", "customer_lookup_by": "platform"}), 201)["cart_id"]
    assert ok(spark.get(f"/v1/purchases/sparklayer/{cart}"))["type"] == "cart"
    made = ok(spark.put(f"/v1/purchases/sparklayer/{cart}", json=ORDER))
    assert (made["type"], made["purchase_identifiers"]["sparklayer"]) == ("order", cart)
    ok(spark.put(f"/v1/purchases/sparklayer/{uuid.uuid4()}", json=ORDER), 404)


def test_the_sync_log(spark: httpx.Client) -> None:
    path = "/v1/sync-log/ordercloud/products"
    ok(spark.get(path), 404)
    ok(spark.get(f"{path}/errors"), 404)
    problem = {"external_id": "a", "external_url": "https://x", "message": "no SKU"}
    body = {"started_full_sync": "2026-11-01T10:00:00Z", "last_full_sync_succeeded": True, "errors": [problem]}
    ok(spark.put(path, json=body), 204)
    assert ok(spark.get(path))["error_count"] == 1
    ok(spark.patch(path, json={"last_partial_sync": "2026-11-01T11:00:00Z", "errors": [{"external_id": "b"}]}), 204)
    ok(spark.patch(path, json={"resolved_external_ids": ["a"]}), 204)
    found = ok(spark.get(f"{path}/errors"))
    assert [each["external_id"] for each in found["errors"]] == ["b"]
    assert found["started_full_sync"] == "2026-11-01T10:00:00Z"
    ok(spark.get("/v1/sync-log/other/products"), 404)
    ok(spark.get("/v1/sync-log/ordercloud/nonsense"), 400)
    ok(spark.put("/v1/sync-log/other/customers", json={}), 204)
    ok(spark.delete("/v1/sync-log"), 204)
    ok(spark.get(path), 404)
    ok(spark.get("/v1/sync-log/other/customers"), 404)


def test_a_full_sync_log_clears_what_it_leaves_out(spark: httpx.Client) -> None:
    path = "/v1/sync-log/ordercloud/products"
    moment = "2026-11-01T10:00:00Z"
    ok(spark.put(path, json={"last_full_sync": moment, "errors": [{"external_id": "a"}]}), 204)
    ok(spark.put(path, json={"started_full_sync": moment}), 204)
    assert ok(spark.get(f"{path}/errors")) == {"started_full_sync": moment, "error_count": 0, "errors": []}
    for errors in ([{"external_id": "a"}] * 2, [{"external_id": f"{n}"} for n in range(5001)], [{}]):
        ok(spark.put(path, json={"errors": errors}), 400)
    ok(spark.put(path, json={"last_full_sync": "yesterday"}), 400)
    ok(spark.put(path, json={"errors": [{"external_id": f"{n}"} for n in range(5000)]}), 204)
    assert ok(spark.get(path))["error_count"] == 5000


def test_the_token_endpoint(spark: httpx.Client) -> None:
    asked = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
    assert ok(spark.post("/auth/token", json=asked))["expires_in"] == 3600


def test_the_tests_above_do_every_operation_of_the_file(
    emulator: RunningEmulator, open_site: Callable[..., httpx.Client]
) -> None:
    contract = SparkLayerContract()
    mine = [
        test
        for name, test in globals().items()
        if name.startswith("test_") and list(signature(test).parameters) == ["spark"]
    ]
    for test in mine:
        emulator.reset()
        with open_site(emulator, event_hooks={"response": [contract.check]}) as client:
            test(client)
    assert contract.done == served(contract.document)
