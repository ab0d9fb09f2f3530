"""Problems of records, explained: what the merchant reads, what does not go through. docs/sync.md has it too."""

from __future__ import annotations

from collections.abc import Mapping

RECORDS: Mapping[str, tuple[str, str]] = {
    "no-sku": (
        "The SKU is not set. Set xp.SKU in OrderCloud.",
        "the variant",
    ),
    "duplicate-sku": (
        (
            "The SKU X is already used by product P (or: by the variant V of this product). Give one "
            "of them another SKU."
        ),
        "the variant",
    ),
    "no-name": (
        "The product has no name. Give it one in OrderCloud.",
        "the product",
    ),
    "no-slug": (
        "No slug can be made from X. Map slug to something with letters or digits.",
        "the product",
    ),
    "duplicate-slug": (
        "The slug X is already used by product P. Rename one of them, or map slug to something unique.",
        "the product",
    ),
    "no-id": (
        "The record has no usable ID.",
        "the product or variant",
    ),
    "bad-record": (
        (
            "OrderCloud's answer on the product cannot be used: Name holds half a character: "
            "Ham\\ud800mer. Correct it in OrderCloud."
        ),
        "the product; what the target holds of it stays as it is",
    ),
    "not-listed": (
        (
            "OrderCloud's lists leave the product out, or show another ID for it. "
            "They leave it out where a value in its xp has another type than that "
            "of other products: give it the same type. It is synced by its ID."
        ),
        "nothing",
    ),
    "weight-not-a-number": (
        (
            'The weight "ca. 1.2 kg" is no number of grams. Correct xp.weight. Or: The weight is less '
            "than 0. Correct xp.weight."
        ),
        "the variant",
    ),
    "rrp-not-a-number": (
        'The recommended price "n/a" is no number. Correct xp.rrp.',
        "the variant",
    ),
    "price-not-a-number": (
        "The price schedule S has a price break without a usable price or quantity. Correct it in OrderCloud.",
        "the prices",
    ),
    "date-not-a-date": (
        'The restock date "soon" is no date. Write it as 2026-05-01.',
        "the date; of a sale's window, the prices",
    ),
    "over-limit": (
        "The title is longer than 255 characters. Shorten it.",
        "what it belongs to",
    ),
    "unknown-location": (
        "There is stock at the address A, which is no stock location. Add it to stock.locations.",
        "the stock of its SKUs",
    ),
    "no-currency": (
        "The price has no currency. Set one at the price schedule S.",
        "the prices, or the variant whose rrp it is",
    ),
    "other-currency": (
        "The price schedule S is in EUR, the price list in GBP. Give the product a default price in GBP.",
        "the prices",
    ),
    "bad-mapping": (
        'The mapping of variants.position gives "first", which is no whole number.',
        "what it belongs to",
    ),
    "costly-mapping": (
        (
            "The mapping of variants.rrp fails on this record: it takes too much work; write it "
            "shorter, or let it look at less."
        ),
        "what it belongs to",
    ),
    "refused": (
        "SparkLayer refused the product (or: its stock, its prices): what it says, or that it does not say why",
        "the part",
    ),
    "failed": (
        "It could not be written after 5 attempts: SparkLayer itself failed (HTTP 503)",
        "the part",
    ),
}
