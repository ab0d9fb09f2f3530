"""A full sync that SparkLayer pulls gives what a full sync by our runs gives, record by record."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from support.service import serving

TOKEN = "sparklayers-own"
IGNITE = {"service": {"ignite": {"dataSync": "shop", "tokens": [TOKEN]}}}
# What each site makes up by itself, or says of the time.
_OWN = {"id", "legacy_id", "uuid", "created_at", "updated_at", "last_updated", "product_id", "customer_id"}
_OWN |= {"position", "variant_ids"}
FLOWS = {"customers": {}, "orders": {"cartID": "xp.sparkCartId"}}


def plain(value):
    """Return what a site holds without what is the site's own, in an order that tells nothing."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items() if name not in _OWN and not name.startswith("calc")}
    if isinstance(value, list):
        return sorted((plain(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def records(site):
    """Return products with variants, customers with addresses, stock and purchases of a site, by their own IDs."""
    found = {}
    for table in ("products", "variants", "customers", "addresses"):
        rows = site[table]["records"]
        found[table] = {row.get("external_id") or row.get("sku"): plain(row) for row in rows}
    locations = {row["id"]: row["external_id"] for row in site["locations"]["records"]}
    found["stock"] = {
        sku: {locations.get(place, place): plain(level) for place, level in levels.items()}
        for sku, levels in site["stock"].items()
        if levels
    }
    found["prices"] = {name: plain(rows) for name, rows in site["prices"].items()}
    found["purchases"] = {cart: plain(body) for cart, body in site["purchases"].items()}
    return found


@contextmanager
def service(shop, site="demo"):
    with serving(shop.checkout) as running:
        shop.emulator.ignite_at(f"{running.url}/ignite", TOKEN, site)
        yield running


def prepared(shop, mode, **spec):
    shop.prepare(environment=IGNITE, mode=mode, **{**FLOWS, **spec})


def pulled(shop, *types):
    told = shop.emulator.ignite("full", **({"types": list(types)} if types else {}))["types"]
    assert all(each["complete"] for each in told.values()), told
    return told


def pushed_site(shop, **spec):
    """Return what our runs bring to an empty site, and leave the site and the ledger as they were before."""
    prepared(shop, "push", **spec)
    shop.emulator.add_carts()
    assert shop.checkout.call("sync", "run", "shop").status in (0, 5)
    return records(shop.emulator.site())


def begin_anew(shop):
    shop.emulator.empty_site()
    for name in shop.checkout.folder.glob(".reconciler/*"):
        name.unlink()


@pytest.mark.parametrize("seed", range(2))
def test_a_pull_gives_what_a_push_gives(shop, seed):
    shop.emulator.seed(40, seed, buyers=3, users=25, orders=8)
    expected = pushed_site(shop)
    begin_anew(shop)
    prepared(shop, "pull")
    shop.emulator.add_carts()
    with service(shop):
        told = pulled(shop)
    # Of prices there are no pages: our runs send them beside.
    assert shop.checkout.call("sync", "run", "shop").status in (0, 5)
    assert not [each["problems"] for each in told.values() if each["problems"]]
    found = records(shop.emulator.site())
    assert found.keys() == expected.keys()
    for kind, rows in expected.items():
        assert found[kind].keys() == rows.keys(), kind
        assert found[kind] == rows, kind
    assert expected["products"]
    assert expected["customers"]
    assert expected["purchases"]
    assert expected["stock"]
