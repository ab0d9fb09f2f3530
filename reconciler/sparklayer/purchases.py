"""Purchases of one site, found by the ID of the cart that they were: read, and replaced as a whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from reconciler.errors import Rejected
from reconciler.kind.connection import Json, Reader, Wire, Writer
from reconciler.sparklayer.lists import one_object, path_segment

PATH = "api/v1/purchases"
ORDER, AWAITING_APPROVAL = "order", "awaiting_approval"


# The one place of what is inferred. `Incoming` is the only package that any page shows; the words are those of the
# status of packages in the older Orders API. That each piece of an order is in exactly one package, that `identifiers`
# of a line hold the external ID and the SKU of its variant (the older API finds lines by the one, then by the other),
# that `carrier_id` is the tracking number, that a read shows what was written, and what says that an ID is no UUID.
class PackageType(StrEnum):
    """What became of the pieces in a package, as its `type` says."""

    INCOMING = "incoming"
    SHIPPED = "shipped"
    COMPLETE = "complete"
    RETURNED = "returned"
    CANCELLED = "cancelled"


PAYMENT_METHODS: Mapping[str, str] = {
    "upfrontPayment": "platform_upfront",
    "paymentOnAccount": "on_account",
    "paymentByInvoice": "invoice",
}
"""What SparkLayer notes on an order of how it is paid (documented), and what a purchase calls that (inferred)."""

_CALCULATED = "calculated_"
# documented: required in every write.
_REQUIRED: Mapping[str, Json] = {"customer_identifiers": {}, "accounting_files": [], "custom_fields": []}
# Of these an order says some members, and the site has others.
_SHARED = ("purchase_identifiers", "dates")
_ADDRESS = dict.fromkeys(
    (
        *("title", "first_name", "last_name", "company", "address_line1", "address_line2"),
        *("city", "region_code", "postal_code", "country_code", "phone"),
    )
)
_AMOUNT = dict.fromkeys(("number", "currency"))
_LINE_TOTAL = dict.fromkeys(("total_net", "total_tax", "total_gross", "discount_net"), _AMOUNT)
_LINE: Mapping[str, Any] = {
    "identifiers": dict.fromkeys(("external_id", "sku")),
    "name_parent": None,
    "quantity": None,
    "custom_attributes": dict.fromkeys(("key", "value")),
    "line_total": _LINE_TOTAL,
}
_PACKAGE: Mapping[str, Any] = {
    "type": None,
    "line_items": _LINE,
    "shipping_method": {"name": None, "line_total": _LINE_TOTAL},
    "shipping_address": _ADDRESS,
    "shipments": dict.fromkeys(("carrier", "carrier_id")),
}
# What we write, and so compare; the members of what is an object, or a list of objects. When it was last updated is
# written and not compared: the API may well set it by itself.
_SHAPE: Mapping[str, Any] = {
    "type": None,
    "purchase_identifiers": dict.fromkeys(("sparklayer", "platform", "visible")),
    "dates": dict.fromkeys(("placed",)),
    "payment_method": None,
    "customer_reference": None,
    "currency_code": None,
    "billing_address": _ADDRESS,
    "packages": _PACKAGE,
}


def canonical_purchase(wire: Wire, members: Collection[str]) -> Wire:
    """Return what is compared of a purchase: of these members what we write, without what says nothing.

    Args:
        wire: what a read returns, or a body that is about to be written.
        members: those that the body has.
    """
    return {name: _chosen(wire.get(name), shape) for name, shape in _SHAPE.items() if name in members}


def completed_purchase(body: Wire, there: Wire, ours_before: Collection[str]) -> Wire:
    """Return what is to be written: our body, and what the site has beside it, which a PUT would clear.

    Args:
        body: ours.
        there: what the site has, a cart or an order.
        ours_before: the members that we wrote the last time: what the body has no longer of them goes.
    """
    kept = {
        name: value
        for name, value in there.items()
        if not name.startswith(_CALCULATED) and name not in ours_before and value is not None
    }
    shared = {name: {**_object(there.get(name)), **_object(body.get(name))} for name in _SHARED}
    return {**_REQUIRED, **kept, **body, **shared}


async def read_purchase(reader: Reader, cart_id: str) -> Wire | None:
    """Return a purchase, which may still be a cart, or None where the site does not know that cart.

    Raises:
        ApiError: the read failed.
    """
    try:
        return await one_object(reader, _path(cart_id), lenient=True)
    except Rejected:
        return None


async def write_purchase(writer: Writer, cart_id: str, body: Wire) -> None:
    """Replace a purchase, all of it.

    Args:
        writer: the connection.
        cart_id: SparkLayer's ID of the cart that it was.
        body: as `completed_purchase` returns it.

    Raises:
        NotFound: the site does not know that cart.
        Rejected: the API does not take the body.
        Conflict: another purchase has one of its identifiers.
        ApiError: it was not written for a reason that is not the purchase's.
    """
    await writer.put(_path(cart_id), body)


def _path(cart_id: str) -> str:
    return f"{PATH}/sparklayer/{path_segment(cart_id)}"


def _object(value: Json) -> Wire:
    return value if isinstance(value, dict) else {}


def _chosen(value: Json, shape: Mapping[str, Any] | None) -> Json:
    """The members of a shape that say something; a list for every list, and for an object where some may be."""
    if shape is None:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(value, list):
        return [_chosen(item, shape) for item in value] or None
    if not isinstance(value, dict):
        return value
    found = {name: _chosen(value.get(name), inner) for name, inner in shape.items()}
    return {name: member for name, member in found.items() if member is not None} or None
