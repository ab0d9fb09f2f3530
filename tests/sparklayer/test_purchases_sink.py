"""What is written of a purchase: our members, and what the site has beside them; and what of it is compared."""

from __future__ import annotations

from reconciler.sparklayer.purchases import canonical_purchase, completed_purchase
from reconciler.sync.mapping.digest import digest_of

CART = "7b2c4d9e-2f4a-4f0e-9d54-3a2c1b0f9e8d"
AMOUNT = {"number": "10.00", "currency": "GBP"}
BODY = {
    "type": "order",
    "purchase_identifiers": {"sparklayer": CART, "platform": "o1", "visible": "o1"},
    "dates": {"placed": "2026-11-01T10:00:00Z", "last_updated": "2026-11-02T10:00:00Z"},
    "currency_code": "GBP",
    "packages": [{"type": "incoming", "line_items": [{"quantity": 2, "line_total": {"total_gross": AMOUNT}}]}],
}
THERE = {
    "type": "order_unconfirmed",
    "purchase_identifiers": {"sparklayer": CART, "internal": "erp-7"},
    "customer_identifiers": {"sparklayer": "c1", "sparklayer_sales_rep": "jane"},
    "dates": {"last_updated": "2026-11-01T09:00:00Z", "expected": "2026-12-01"},
    "packages": [],
    "accounting_files": [{"file_type": "invoice"}],
    "custom_fields": [{"name": "till"}],
    "customer_reference": "PO 7",
    "total_paid": AMOUNT,
    "calculated_total": AMOUNT,
    "calculated_total_usd": AMOUNT,
    "billing_address": None,
}


def test_what_the_site_has_beside_an_order_is_sent_along_and_nothing_that_it_works_out() -> None:
    sent = completed_purchase(BODY, THERE, ())
    assert sent == {
        **BODY,
        "purchase_identifiers": {**BODY["purchase_identifiers"], "internal": "erp-7"},
        "dates": {**BODY["dates"], "expected": "2026-12-01"},
        **{
            name: THERE[name]
            for name in (
                "customer_identifiers",
                "accounting_files",
                "custom_fields",
                "customer_reference",
                "total_paid",
            )
        },
    }


def test_what_an_order_had_and_has_no_longer_goes() -> None:
    assert "customer_reference" not in completed_purchase(BODY, THERE, {"customer_reference", "packages"})
    assert completed_purchase(BODY, THERE, {"dates", "purchase_identifiers"})["dates"]["expected"] == "2026-12-01"


def test_a_cart_without_anything_gets_what_every_write_needs() -> None:
    sent = completed_purchase(BODY, {"type": "cart"}, ())
    assert [sent[name] for name in ("customer_identifiers", "accounting_files", "custom_fields")] == [{}, [], []]


def test_what_a_read_shows_beside_what_we_write_is_not_compared() -> None:
    shown = {
        **THERE,
        **BODY,
        "dates": {**BODY["dates"], "last_updated": "2026-11-09T00:00:00Z"},
        "packages": [
            {
                **BODY["packages"][0],
                "identifiers": {"sparklayer_package_id": CART},
                "accounting_files": [],
                "shipments": [],
                "line_items": [{"quantity": 2.0, "line_total": {"total_gross": AMOUNT, "total_tax": None}, "more": 1}],
            }
        ],
    }
    assert digest_of(canonical_purchase(shown, BODY)) == digest_of(canonical_purchase(BODY, BODY))
    other = {**shown, "packages": [{**shown["packages"][0], "type": "shipped"}]}
    assert digest_of(canonical_purchase(other, BODY)) != digest_of(canonical_purchase(BODY, BODY))
