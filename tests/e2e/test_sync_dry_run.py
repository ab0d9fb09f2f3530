"""A dry run goes the way of a run, says what that would do, and changes nothing in ledger or target."""

from __future__ import annotations

import re
from typing import Any

import pytest

from support.checkout import Checkout
from support.ledger_content import content
from support.syncing import Shop


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    shop = Shop(checkout)
    shop.seed_file("Vercel-B2C.yml")
    return shop


def ledger_of(shop: Shop) -> Any:
    return content(shop.checkout.ledger_url) if shop.checkout.ledger.exists() else None


def rehearsed(shop: Shop, *words: str) -> dict[str, Any]:
    """Run dry, and see that nothing has changed."""
    site, ledger, writes = shop.emulator.site(), ledger_of(shop), len(shop.writes())
    ended = shop.run("--dry-run", *words)
    assert ended.status == 0, str(ended)
    assert shop.emulator.site() == site
    assert ledger_of(shop) == ledger
    assert len(shop.writes()) == writes
    found: dict[str, Any] = ended.json
    assert (ledger is not None) is found["applied"]
    return found


def test_a_shop_is_judged_before_anything_is_applied_or_written(shop: Shop) -> None:
    shop.write_manifests(pricing=None)
    found = rehearsed(shop, "--full")
    assert (found["applied"], found["records"]["written"]) == (False, 0)
    held = found["held_back"]
    assert held["records"] == held["in_scope"] == found["records"]["held_back"] > 3
    assert found["codes"][0]["code"] == "no-sku"
    assert 'variants.sku: "xp.SKU || ID"' in held["remedy"]
    text = " ".join(shop.checkout.call("sync", "run", "shop", "--dry-run").stdout.split())
    assert "nothing was written" in text
    assert 'variants.sku: "xp.SKU || ID"' in text


@pytest.mark.parametrize("mode", ["--full", "--verify"])
def test_it_says_what_the_run_after_it_does(shop: Shop, mode: str) -> None:
    shop.prepare(products={"mapping": {"variants.sku": "xp.SKU || ID"}})
    first = rehearsed(shop, mode)
    done = shop.synced(mode)
    assert first["records"] == done["records"]
    assert first["written"]
    assert first["differences"]
    product = shop.portal("GET", "products")["Items"][0]["ID"]
    shop.portal("PATCH", f"products/{product}", {"Name": "Another name"})
    again = rehearsed(shop, mode)
    assert (again["records"]["written"], again["written"]) == (1, [product])
    assert [each["mapped"] for each in again["differences"]] == ["Another name"]
    assert shop.synced(mode)["records"] == again["records"]


def test_what_would_be_discontinued_is_named_and_a_limit_is_told(shop: Shop) -> None:
    shop.prepare(products={"mapping": {"variants.sku": "xp.SKU || ID"}}, maxDeletePercent=50)
    shop.synced("--full")
    product = shop.portal("GET", "products")["Items"][0]["ID"]
    shop.portal("DELETE", f"products/{product}")
    found = rehearsed(shop, "--full")
    assert (found["records"]["discontinued"], found["discontinued"]) == (1, [product])


def test_what_lists_have_and_no_id_has_ends_no_dry_run_and_nothing_is_told_as_written(shop: Shop) -> None:
    shop.prepare(products={"mapping": {"variants.sku": "xp.SKU || ID"}})
    for product in shop.portal("GET", "products")["Items"]:
        shop.emulator.fault("status", status=404, method="GET", path=f"*/v1/products/{product['ID']}", count=None)
    ended = shop.checkout.call("sync", "run", "shop", "--full", "--dry-run")
    assert ended.status == 0, str(ended)
    assert "would be written" in ended.stdout
    assert "would be written" in ended.stderr
    assert not re.search(r"\d written|reading and writing|closing", ended.stderr)


def test_a_rewrite_of_what_is_as_it_should_be_shows_no_empty_differences(shop: Shop) -> None:
    shop.prepare(products={"mapping": {"variants.sku": "xp.SKU || ID"}})
    shop.synced("--full")
    told = shop.checkout.call("sync", "run", "shop", "--rewrite", "--dry-run").stdout
    assert "would be sent again" in told
    assert "differences" not in told
