"""One test for each switch of SparkLayer."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from reconciler.emulator.switches import SPARKLAYER
from reconciler.emulator.testing import RunningEmulator

LOG = "/v1/sync-log/ordercloud/products"
LIST = {"slug": "a", "name": "A", "currency_code": "GBP"}


def test_error_bodies(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    for form, media_type in (("problem", "application/problem+json"), ("json", "application/json; charset=utf-8")):
        emulator.switch(spark_error_bodies=form)
        assert plain_spark.get("/v1/price-lists/none").headers["content-type"] == media_type
    emulator.switch(spark_error_bodies="empty")
    assert plain_spark.get("/v1/price-lists/none").content == b""
    assert plain_spark.patch("/v1/batch-update-pricing", json=[{}]).content == b""


@pytest.mark.parametrize("status", [400, 401, 403])
def test_login_status(emulator: RunningEmulator, ask: Callable[..., httpx.Response], status: int) -> None:
    emulator.switch(spark_login_status=status)
    assert ask(emulator, secret="wrong").status_code == status


def test_missing_user_agent(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    headers = {"user-agent": ""}
    assert plain_spark.get("/v1/customer-groups", headers=headers).status_code == 200
    emulator.switch(spark_missing_user_agent="refused")
    assert plain_spark.get("/v1/customer-groups", headers=headers).status_code == 400
    assert plain_spark.get("/v1/customer-groups").status_code == 200


def test_created_status(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.switch(spark_created_status=201)
    assert plain_spark.post("/v1/price-lists", json=LIST).status_code == 201
    assert plain_spark.post("/v1/customer-groups", json={"slug": "a", "name": "A"}).status_code == 201


def test_settings_refusal(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.add_site("demo", may_write_settings=False)
    for status in (403, 400):
        emulator.switch(spark_settings_refusal=status)
        assert plain_spark.patch("/v1/settings", json=[]).status_code == status


def test_settings_read(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.add_site("demo", may_write_settings=False)
    assert plain_spark.get("/v1/settings").json() == []
    emulator.switch(spark_settings_read="refused")
    assert plain_spark.get("/v1/settings").status_code == 403
    emulator.add_site("demo", may_write_settings=True)
    assert plain_spark.get("/v1/settings").status_code == 200
    emulator.switch(spark_settings_read="absent")
    assert plain_spark.get("/v1/settings").status_code == 404


def test_base_currency_setting(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    plain_spark.put("/v1/store-currency", json={"currency_code": "GBP"})
    assert plain_spark.get("/v1/settings").json() == [{"key": "baseCurrency", "value": "GBP"}]
    other = plain_spark.patch("/v1/settings", json=[{"key": "baseCurrency", "value": "EUR"}])
    assert other.status_code == 409
    emulator.switch(spark_base_currency_setting="absent")
    assert plain_spark.get("/v1/settings").json() == []


def test_balance_left_out(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    for value, balance in (("kept", {"balance": 3}), ("cleared", {})):
        emulator.switch(spark_balance_left_out=value)
        body = {"external_id": "C", "payment_on_account": {"balance": 3}}
        plain_spark.put("/v2/customers/platform/C", json=body)
        body["payment_on_account"] = {"credit_limit": 5}
        found = plain_spark.put("/v2/customers/platform/C", json=body).json()["payment_on_account"]
        assert found == {"credit_limit": 5, **balance}


def test_customer_read(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    body = {"external_id": "B.c", "email": "a@example.com", "discount_percentage": 5}
    made = plain_spark.put("/v2/customers/platform/B.c", json=body).json()
    for path in ("B.c", "platform/B.c", "email/a@example.com", f"sparklayer/{made['id']}"):
        emulator.switch(spark_customer_read="v1")
        found = plain_spark.get(f"/v1/customers/{path}")
        assert (found.json()["id"], found.json()["discount_percentage"]) == (made["legacy_id"], 5)
        emulator.switch(spark_customer_read="absent")
        assert plain_spark.get(f"/v1/customers/{path}").status_code == 404
    emulator.switch(spark_customer_read="v1")
    assert plain_spark.get("/v1/customers/platform/none").status_code == 404
    assert plain_spark.get("/v1/customers/name/B.c").status_code == 400


def test_customer_answer(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.switch(spark_customer_answer="empty")
    for status in (201, 200):
        answer = plain_spark.put("/v2/customers/platform/C", json={"external_id": "C"})
        assert (answer.status_code, answer.content) == (status, b"")


def test_customer_status_inactive(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    for known, other in (("inactive", "disabled"), ("disabled", "inactive")):
        emulator.switch(spark_customer_status_inactive=known)
        for status, answer in ((known, 2), ("active", 2), (other, 4), ("gone", 4)):
            body = {"external_id": "C", "status": status}
            assert plain_spark.put("/v2/customers/platform/C", json=body).status_code // 100 == answer


def test_email_case(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    first = {"external_id": "C", "email": "A@example.com"}
    second = {"external_id": "D", "email": "a@example.com"}
    assert plain_spark.put("/v2/customers/platform/C", json=first).status_code == 201
    assert plain_spark.put("/v2/customers/platform/D", json=second).status_code == 409
    assert plain_spark.put("/v2/customers/email/a@example.com", json=second | {"external_id": "C"}).status_code == 200
    assert plain_spark.put("/v2/customers/platform/C", json=first).status_code == 200
    emulator.switch(spark_email_case="told_apart")
    assert plain_spark.put("/v2/customers/platform/D", json=second).status_code == 201


def test_log_purchases(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    log = "/v1/sync-log/ordercloud/purchases"
    assert plain_spark.put(log, json={}).status_code == 204
    emulator.switch(spark_log_purchases="refused")
    assert [plain_spark.request(method, log, json={}).status_code for method in ("PUT", "PATCH", "GET")] == [400] * 3


def test_base_group(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    assert [group["slug"] for group in plain_spark.get("/v1/customer-groups").json()] == ["base"]
    emulator.switch(spark_base_group="unlisted")
    assert plain_spark.get("/v1/customer-groups").json() == []
    assert plain_spark.post("/v1/customer-groups", json={"slug": "a", "name": "A"}).json()[0]["parent_slug"] == "base"


def test_unset_members(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    made = plain_spark.post("/v1/products", json={"title": "T", "slug": "t", "variants": [{"sku": "S"}]}).json()
    assert "external_id" not in made
    emulator.switch(spark_unset_members="null")
    found = plain_spark.get(f"/v1/products/{made['id']}").json()
    assert (found["external_id"], found["variants"][0]["rrp"]) == (None, None)


def test_listed_rules(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    plain_spark.post("/v1/price-lists", json=LIST)
    emulator.switch(spark_listed_rules="absent")
    assert "rules" not in plain_spark.get("/v2/price-lists").json()["data"][0]
    assert plain_spark.get("/v1/price-lists/a").json()["rules"] == []


def test_rule_numbers(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    plain_spark.post("/v1/price-lists", json=LIST)
    rule = {"source_price_list_slug": "a", "adjustment_percentage": 0.25}
    plain_spark.post("/v1/price-lists", json={**LIST, "slug": "b", "rules": [rule]})
    emulator.switch(spark_rule_numbers="text")
    assert plain_spark.get("/v1/price-lists/b").json()["rules"][0]["adjustment_percentage"] == "0.25"


def test_price_list_patch(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    plain_spark.post("/v1/price-lists", json=LIST)
    emulator.switch(spark_price_list_patch=204)
    assert plain_spark.patch("/v1/price-lists/a", json={"name": "B"}).content == b""
    assert plain_spark.get("/v1/price-lists/a").json()["name"] == "B"


def test_duplicate_product(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    product = {"title": "T", "slug": "t"}
    plain_spark.post("/v1/products", json=product)
    for status in (409, 400):
        emulator.switch(spark_duplicate_product=status)
        assert plain_spark.post("/v1/products", json=product).status_code == status


@pytest.mark.parametrize(("switch", "left"), [("merged", ["A", "B"]), ("replaced", ["B"])])
def test_product_variants(emulator: RunningEmulator, plain_spark: httpx.Client, switch: str, left: list[str]) -> None:
    emulator.switch(spark_product_variants=switch)
    product = {"title": "T", "slug": "t", "external_id": "P", "variants": [{"external_id": "A"}, {"external_id": "B"}]}
    plain_spark.post("/v1/products", json=product)
    found = plain_spark.patch("/v1/products/P", json={"variants": [{"external_id": "B"}]}).json()
    assert [each["external_id"] for each in found["variants"]] == left
    assert plain_spark.get("/v1/variants/A").status_code == (200 if "A" in left else 404)


@pytest.mark.parametrize(("switch", "stored"), [("whole_batch", 0), ("row", 1)])
def test_unknown_stock_location(emulator: RunningEmulator, plain_spark: httpx.Client, switch: str, stored: int) -> None:
    emulator.switch(spark_unknown_stock_location=switch)
    plain_spark.post("/v1/stock-locations", json={"name": "W", "external_id": "w"})
    rows = [{"sku": "S", "stock_level": 1, "stock_location_external_id": name} for name in ("w", "none")]
    assert plain_spark.post("/v1/batch-update-stock", json=rows).status_code == 400
    [found] = plain_spark.post("/v1/batch-fetch-stock", json={"skus": ["S"]}).json()
    assert len(found["stock_levels"]) == stored


def test_batch_maximum(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    plain_spark.post("/v1/stock-locations", json={"name": "W", "external_id": "w"})
    plain_spark.post("/v1/price-lists", json=LIST)
    rows = [{"sku": f"S{n}", "stock_level": 1, "stock_location_external_id": "w"} for n in range(1001)]
    prices = [{"sku": f"S{n}", "pricing": [{"price": 1}]} for n in range(1001)]

    def statuses(count: int) -> tuple[int, int]:
        stock = plain_spark.post("/v1/batch-update-stock", json=rows[:count])
        return stock.status_code, plain_spark.patch("/v1/price-lists/a/pricing", json=prices[:count]).status_code

    assert statuses(1001) == (204, 204)
    emulator.switch(spark_batch_maximum="1000")
    assert statuses(1001) == (400, 400)
    assert statuses(1000) == (204, 204)


def test_batch_unknown_list(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    item = {"sku": "S", "price_list_slug": "none", "pricing": []}
    for status in (404, 400):
        emulator.switch(spark_batch_unknown_list=status)
        assert plain_spark.patch("/v1/batch-update-pricing", json=[item]).status_code == status


def test_sync_log_status(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    for status in (204, 200):
        emulator.switch(spark_sync_log_status=status)
        assert plain_spark.put(LOG, json={}).status_code == status
        assert plain_spark.patch(LOG, json={}).status_code == status


def test_partial_before_full(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.switch(spark_partial_before_full="not_found")
    assert plain_spark.patch(LOG, json={}).status_code == 404
    emulator.switch(spark_partial_before_full="accepted")
    assert plain_spark.patch(LOG, json={"errors": [{"external_id": "a"}]}).status_code == 204
    assert plain_spark.get(LOG).status_code == 404


@pytest.mark.parametrize(("switch", "status", "count"), [("refused", 400, 4999), ("cut", 204, 5000)])
def test_partial_over_cap(
    emulator: RunningEmulator, plain_spark: httpx.Client, switch: str, status: int, count: int
) -> None:
    emulator.switch(spark_partial_over_cap=switch)
    plain_spark.put(LOG, json={"errors": [{"external_id": f"{n}"} for n in range(4999)]})
    added = plain_spark.patch(LOG, json={"errors": [{"external_id": name} for name in ("x", "y")]})
    assert (added.status_code, plain_spark.get(LOG).json()["error_count"]) == (status, count)


def test_every_sparklayer_switch_has_a_test_here() -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {name.removeprefix("spark_") for name in SPARKLAYER} <= tests
