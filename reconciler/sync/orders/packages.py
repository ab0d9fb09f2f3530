"""Packages of an order: every piece of every line is in exactly one, by what became of it. Pure.

OrderCloud tells of shipments and returns how many pieces of which line they hold; what is neither is on its way, or
cancelled with the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from reconciler.sparklayer.purchases import PackageType
from reconciler.sync.mapping.values import EMPTY, mapping, objects, text_or_none, whole

RESTS: Mapping[str, PackageType] = {
    "AwaitingApproval": PackageType.INCOMING,
    "Open": PackageType.INCOMING,
    "Completed": PackageType.COMPLETE,
    "Canceled": PackageType.CANCELLED,
    "Declined": PackageType.CANCELLED,
}
"""By status of an order, the package of what was neither shipped nor came back. Declined counts as cancelled."""
RETURNED = "Completed"
"""Status of a return whose goods count as back; before that it is asked for, or on its way."""


class Lot(Struct):
    """Pieces of an order that go into one package.

    Args:
        type: what became of them.
        address: where they went or go; empty: not known, or nowhere.
        shipment: with which they went; empty: with none.
        pieces: how many, by ID of their line.
    """

    type: PackageType
    address: Mapping[str, Any] = {}
    shipment: Mapping[str, Any] = {}
    pieces: dict[str, int] = {}


class Lots(Struct, frozen=True):
    """Lots of an order, and what does not fit its lines.

    Args:
        lots: shipped ones first, by date, then what is on its way, came back, was cancelled.
        moved: how many pieces were shipped.
        returned: how many of them came back.
        misfits: by line, how many pieces were shipped beyond those that it has; None: there is no such line.
    """

    lots: Sequence[Lot]
    moved: int
    returned: int
    misfits: Mapping[str, int | None]


def lots_of(order: Mapping[str, Any], quantities: Mapping[str, int]) -> Lots:
    """Return the lots of an order.

    Args:
        order: with `LineItems`, `Shipments` and `Returns`.
        quantities: how many pieces each line has, by its ID.
    """
    left = dict(quantities)
    misfits: dict[str, int | None] = {}
    lines = {text_or_none(line.get("ID")) or "": line for line in objects(order.get("LineItems"))}
    shipped = [_shipped(order, shipment, lines, left, misfits) for shipment in _by_date(order, "Shipments")]
    moved = sum(sum(lot.pieces.values()) for lot in shipped)
    rest = RESTS[str(order.get("Status"))]
    returned = [_returned(back, shipped, left) for back in _by_date(order, "Returns") if back.get("Status") == RETURNED]
    lots = [*shipped, *_rest(rest, lines, left), *returned]
    return Lots([lot for lot in lots if lot.pieces], moved, sum(sum(lot.pieces.values()) for lot in returned), misfits)


def _by_date(order: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    date = {"Shipments": "DateShipped", "Returns": "DateCompleted"}[member]
    # One without a date has not left yet, as far as anybody said.
    return sorted(objects(order.get(member)), key=lambda one: (str(one.get(date) or "~"), str(one.get("ID"))))


def _shipped(
    order: Mapping[str, Any],
    shipment: Mapping[str, Any],
    lines: Mapping[str, Mapping[str, Any]],
    left: dict[str, int],
    misfits: dict[str, int | None],
) -> Lot:
    lot = Lot(PackageType.SHIPPED, mapping(shipment.get("ToAddress")), shipment)
    for item in objects(shipment.get("Items")):
        line, count = text_or_none(item.get("LineItemID")) or "", whole(item.get("QuantityShipped")) or 0
        if item.get("OrderID", order.get("ID")) != order.get("ID") or count < 1:
            continue
        taken = min(count, left.get(line, 0))
        if taken < count:
            misfits[line] = (misfits.get(line) or 0) + count - taken if line in lines else None
        _put(lot, line, taken, left)
        if not lot.address:
            lot.address = mapping(lines.get(line, EMPTY).get("ShippingAddress"))
    return lot


def _returned(back: Mapping[str, Any], shipped: Sequence[Lot], left: dict[str, int]) -> Lot:
    """What came back goes out of the packages that it was shipped in, the oldest first, else out of the rest."""
    lot = Lot(PackageType.RETURNED)
    for item in objects(back.get("ItemsToReturn")):
        line, count = text_or_none(item.get("LineItemID")) or "", max(0, whole(item.get("Quantity")) or 0)
        for pieces in (*(one.pieces for one in shipped), left):
            taken = min(count, pieces.get(line, 0))
            _put(lot, line, taken, pieces)
            count -= taken
    return lot


def _rest(rest: PackageType, lines: Mapping[str, Mapping[str, Any]], left: Mapping[str, int]) -> Iterator[Lot]:
    """What was not shipped: a package for each address that it goes to; what is cancelled goes nowhere."""
    lots: dict[str, Lot] = {}
    for line, count in left.items():
        wire = lines.get(line, EMPTY)
        place = "" if rest is PackageType.CANCELLED else text_or_none(wire.get("ShippingAddressID")) or ""
        address = {} if rest is PackageType.CANCELLED else mapping(wire.get("ShippingAddress"))
        lot = lots.setdefault(place, Lot(rest, address))
        _put(lot, line, count)
    yield from (lots[place] for place in sorted(lots))


def _put(lot: Lot, line: str, count: int, source: dict[str, int] | None = None) -> None:
    if count:
        lot.pieces[line] = lot.pieces.get(line, 0) + count
    if source is not None and count:
        source[line] -= count
        if not source[line]:
            del source[line]
