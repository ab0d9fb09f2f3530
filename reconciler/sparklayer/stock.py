"""Stock levels of one site, by SKU and location: written, deleted and read in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from reconciler.errors import AnswerLost, UnexpectedAnswer, Unreachable
from reconciler.kind.connection import Json, Querier, Reader, Wire, Writer
from reconciler.sparklayer.batches import chunks, write_rows
from reconciler.sparklayer.lists import objects, whole, whole_list
from reconciler.sparklayer.records import StockLevel

LOCATIONS = "api/v1/stock-locations"
UPDATE = "api/v1/batch-update-stock"
DELETE = "api/v1/batch-delete-stock"
FETCH = "api/v1/batch-fetch-stock"

# The one place of what is inferred: the body of a read (documented for a delete), and the members of its answer beside
# those of a write.
_SKUS = "skus"
_LEVELS = "stock_levels"


async def write_stock(writer: Writer, levels: Iterable[StockLevel]) -> dict[StockLevel, str]:
    """Set levels; those of other locations and SKUs stay. Of several for one SKU and location the last counts.

    Returns:
        The levels that the API refused, with its words. The others are in.

    Raises:
        AnswerLost: whether it was carried out is not known.
        ApiError: something failed that is not about the levels.
    """
    # documented: a pair that is there twice refuses the batch.
    pairs = {(level.sku, level.location): level for level in levels}

    async def send(batch: Sequence[StockLevel]) -> None:
        await writer.post(UPDATE, [_body(level) for level in batch])

    return await write_rows(list(pairs.values()), send)


async def delete_stock(writer: Writer, skus: Iterable[str]) -> None:
    """Delete the levels of these SKUs at every location. SKUs without any are no error.

    Raises:
        AnswerLost: whether it was carried out is not known.
        ApiError: it was not done.
    """
    for batch in chunks(list(dict.fromkeys(skus))):
        await writer.post(DELETE, {"skus": batch})


async def read_stock(reader: Querier, skus: Iterable[str]) -> dict[str, tuple[StockLevel, ...]]:
    """Return the levels of these SKUs, sorted; a SKU without any has an empty tuple.

    Levels at a location without an external ID are nobody's to compare and left out.

    Args:
        reader: the connection; the API takes the SKUs as a POST, which changes nothing.
        skus: which.

    Raises:
        ApiError: the read failed.
    """
    asked = list(dict.fromkeys(skus))
    found: dict[str, tuple[StockLevel, ...]] = dict.fromkeys(asked, ())
    for batch in chunks(asked):
        try:
            answer = await whole(reader.query(FETCH, {_SKUS: batch}))
        except AnswerLost as lost:
            # It read: nothing is in doubt.
            raise Unreachable(
                f"POST {FETCH}: no answer that can be used", status=lost.status, request=lost.request
            ) from lost
        for item in objects(answer, FETCH):
            sku = item.get("sku")
            if isinstance(sku, str) and sku in found:
                found[sku] = tuple(sorted(_levels(sku, item.get(_LEVELS))))
    return found


async def location_ids(reader: Reader) -> frozenset[str]:
    """Return the external IDs of the site's stock locations.

    Raises:
        ApiError: the read failed.
    """
    listed = (location.get("external_id") for location in await whole_list(reader, LOCATIONS))
    return frozenset(external_id for external_id in listed if isinstance(external_id, str))


def _body(level: StockLevel) -> Wire:
    body: dict[str, Any] = {
        "sku": level.sku,
        "stock_location_external_id": level.location,
        "stock_level": level.level,
    }
    # Pairs that are sent are overwritten, so a date that is left out goes.
    return body if level.restock_date is None else {**body, "restock_date": level.restock_date.isoformat()}


def _levels(sku: str, listed: Json) -> Iterable[StockLevel]:
    for item in objects(listed or [], FETCH):
        location, level, day = (
            item.get(name) for name in ("stock_location_external_id", "stock_level", "restock_date")
        )
        if not isinstance(location, str):
            continue
        try:
            yield StockLevel(sku, location, int(level or 0), date.fromisoformat(day[:10]) if day else None)
        except (TypeError, ValueError):
            raise UnexpectedAnswer(f"POST {FETCH}: a stock level cannot be read", request=f"POST {FETCH}") from None
