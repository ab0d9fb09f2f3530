"""Products of one site with their variants: written as a whole, found by external ID."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import AnswerLost, Conflict, NotFound, Rejected
from reconciler.kind.connection import Json, Reader, Wire, Writer
from reconciler.sparklayer.lists import one_object, path_segment

PATH = "api/v1/products"
DISCONTINUED = "discontinued"

# The one place of what is inferred: these endpoints stand in older documentation only, which shows names without types.
# Of a variant's lists it says that they have one entry per key; `options` and what else is in `rrp` are inferred. So
# is that an explicit null clears a member, that a PATCH finds variants by their external ID, and whether it keeps the
# variants that it does not name: every write names all that we know of.
_PRODUCT_MEMBERS = ("external_id", "title", "slug")
_VARIANT_MEMBERS = ("external_id", "sku", "weight_in_grams", "position", "cart_image_url", "status")
_KEYED_LISTS: Mapping[str, str] = {"options": "group", "rrp": "currency_code", "settings": "customer_group"}
_LIST_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "options": ("group", "value"),
    "rrp": ("currency_code", "price"),
    "settings": (
        "customer_group",
        "pack_size",
        "reserve_stock_quantity",
        "min_order_quantity",
        "max_order_quantity",
        "min_order_parent_quantity",
        "max_order_parent_quantity",
        "display",
        "sell",
    ),
}
_DEFAULTS: Mapping[str, Json] = {"pack_size": 1}
_CLEARED = dict.fromkeys((*_VARIANT_MEMBERS, *_KEYED_LISTS))


def canonical_product(wire: Wire) -> Wire:
    """Return what we write of a product, from what a read returns or from a body that is about to be written.

    Only members that we write, without nulls, empty lists and documented defaults; variants by external ID, their lists
    by their keys; whole numbers as such. Of a discontinued variant only that it is. What it returns it leaves alone.
    """
    listed = _objects_of(wire.get("variants"))
    variants = [_canonical_variant(item) for item in listed if isinstance(item.get("external_id"), str)]
    return {**_chosen(wire, _PRODUCT_MEMBERS), "variants": sorted(variants, key=lambda item: str(item["external_id"]))}


async def read_product(reader: Reader, external_id: str) -> Wire | None:
    """Return a product in canonical form, or None where there is none.

    Raises:
        ApiError: the read failed.
    """
    found = await one_object(reader, _path(external_id), lenient=True)
    return None if found is None else canonical_product(found)


async def write_product(writer: Writer, external_id: str, body: Wire, *, exists: bool) -> None:
    """Create or update a product of the site, as the body says.

    A member of a variant that the body leaves out is cleared. A body without title can only change what is there:
    where nothing is, nothing is done.

    Args:
        writer: the connection.
        external_id: the product's.
        body: `external_id`, `title`, `slug` and all `variants`, or some of it for a product that exists.
        exists: whether the site is thought to have it; wrong costs requests, no more.

    Raises:
        Rejected: the API does not take the body.
        Conflict: a slug or an external ID is another product's, or the API sees another conflict.
        AnswerLost: whether it was carried out is not known.
        ApiError: it was not written for a reason that is not the product's.
    """
    if exists and await _changed(writer, external_id, body):
        return
    if "title" not in body:
        return
    await _create(writer, external_id, body)


async def _changed(writer: Writer, external_id: str, body: Wire) -> bool:
    """PATCH it and return True, or False where it is not there."""
    try:
        await writer.patch(_path(external_id), _clearing(body))
    except NotFound:
        return False
    return True


async def _create(writer: Writer, external_id: str, body: Wire) -> None:
    """POST it; where that may have been done before, see what is there and change it."""
    try:
        await writer.post(PATH, body)
    except (AnswerLost, Conflict, Rejected):
        # The status of what is taken is inferred, and perhaps it was an earlier try of ours that took it.
        found = await read_product(writer, external_id)
        if found is None:
            raise
        if found != canonical_product(body) and not await _changed(writer, external_id, body):
            raise


def _path(external_id: str) -> str:
    return f"{PATH}/{path_segment(external_id)}"


def _clearing(body: Wire) -> Wire:
    """Return the body with an explicit null for every member that a variant does not have."""
    if "variants" not in body:
        return body
    variants = [item if item.get("status") == DISCONTINUED else {**_CLEARED, **item} for item in body["variants"]]
    return {**body, "variants": variants}


def _canonical_variant(wire: Wire) -> Wire:
    if wire.get("status") == DISCONTINUED:
        return _chosen(wire, ("external_id", "status"))
    variant = _chosen(wire, _VARIANT_MEMBERS)
    for name, key in _KEYED_LISTS.items():
        entries = [_chosen(item, _LIST_MEMBERS[name]) for item in _objects_of(wire.get(name))]
        # An entry of nothing but its key says nothing.
        if kept := [entry for entry in entries if entry.keys() - {key}]:
            variant[name] = sorted(kept, key=lambda entry: str(entry.get(key)))
    return variant


def _chosen(wire: Wire, members: tuple[str, ...]) -> Wire:
    return {
        name: _plain(wire[name]) for name in members if wire.get(name) is not None and wire[name] != _DEFAULTS.get(name)
    }


def _plain(value: Any) -> Json:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _objects_of(listed: Json) -> list[Wire]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
