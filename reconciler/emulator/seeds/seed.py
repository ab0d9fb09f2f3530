"""Seed: objects to insert, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.models import JsonObject

# Resource, IDs of the parents, and the object: what `Marketplace.load` takes.
Row = tuple[str, Scope, JsonObject]
# Stands in a row for a resource: a cart of SparkLayer's that an order of the marketplace names; its object has the ID.
CART = "SparkLayerCart"

FLAWS: Mapping[str, str] = {
    "no-sku": "A product, and its variants, without xp.SKU.",
    "duplicate-sku": "A product with the xp.SKU of the product before it.",
    "duplicate-variant-id": "A product with a variant whose ID a variant of another product has too.",
    "weight-is-text": "A product whose xp.weight is text with a unit, not a number of grams.",
    "images-is-text": "A product whose xp.Images is one address, not a list.",
    "no-price-schedule": "A product without a default price schedule.",
    "no-price-breaks": "A product whose price schedule has no prices.",
    "no-currency": "A product whose price schedule has no currency.",
    "html-in-name": "A product with HTML in its name.",
    "empty-name": "A product whose name is empty.",
    "long-xp": "A product whose xp is close to the limit of 8,000 characters.",
    "inactive": "A product that is not active.",
    "dangling-ship-from": "A product that ships from an address that is gone.",
    "dangling-stock-address": "A product with stock at an address that is gone.",
    "negative-stock": "A product with less than nothing in stock.",
    "address-without-street": "A buyer's address without Street1, as BUYER/ADDRESS.",
    "duplicate-email": "A buyer's user with the email address of another one, as BUYER/USER.",
    "no-email": "A buyer's user without an email address, as BUYER/USER.",
    "email-in-capitals": "A buyer's user with the email address of another one in capitals, as BUYER/USER.",
    "inactive-user": "A buyer's user who is not active, as BUYER/USER.",
    "html-in-user-name": "A buyer's user with HTML in the name, as BUYER/USER.",
    "discount-is-text": "A buyer's user whose xp.discount is text with a unit, as BUYER/USER.",
    "ambiguous-price": "A product with different prices for two groups of a buyer, as PRODUCT/BUYER.",
    "price-schedule-is-gone": "A product with a price for a buyer that is gone, as PRODUCT/BUYER.",
    "foreign-price": "A product with a price for a buyer in another currency, as PRODUCT/BUYER.",
    "price-without-currency": "A product with a price for a buyer without a currency, as PRODUCT/BUYER.",
    "party-price-without-prices": "A product with a price schedule for a buyer that has no prices, as PRODUCT/BUYER.",
    "party-quantities": "A product with other quantities for a buyer than for others, as PRODUCT/BUYER.",
    "unknown-cart": "An order with the ID of a cart that SparkLayer does not have.",
    "cart-is-no-uuid": "An order whose xp.sparkCartId is no UUID.",
    "cart-used-twice": "An order with the cart of another order.",
    "foreign-order": "An order in another currency.",
    "order-of-deleted-product": "An order with a line item whose product is gone.",
}


class FlawLog:
    """Log of flaws, and of the objects that have them."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}

    def note(self, flaw: str, object_id: str) -> None:
        """Note a flawed object."""
        self._ids.setdefault(flaw, []).append(object_id)

    def describe(self) -> dict[str, Any]:
        """Describe each flaw: what it is, how often it is there, and where."""
        return {
            name: {"description": FLAWS[name], "count": len(ids), "ids": ids} for name, ids in sorted(self._ids.items())
        }


class Seed(Struct, frozen=True, dict=True):
    """Seed of a marketplace.

    Args:
        about: where it comes from, as JSON: the file, or the numbers that it was generated from.
        rows: yields the objects, the same ones every time, and notes their flaws.
        skipped: sections of a file that are not emulated, with how many entries each has.
        remarks: what whoever starts the emulator should know about it.
    """

    about: Mapping[str, Any]
    rows: Callable[[FlawLog], Iterable[Row]]
    skipped: Mapping[str, int] = {}
    remarks: tuple[str, ...] = ()


EMPTY = Seed({"source": "none"}, lambda _flaws: ())
