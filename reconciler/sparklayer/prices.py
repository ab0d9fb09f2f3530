"""Prices on one price list of a site, by SKU: each write replaces all prices that a SKU has on the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from reconciler.errors import NotFound, Rejected, UnexpectedAnswer
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.sparklayer.batches import write_rows
from reconciler.sparklayer.lists import one_object, path_segment
from reconciler.sparklayer.price_book import LISTS
from reconciler.sparklayer.records import Price

UPDATE = "api/v1/batch-update-pricing"

# The one place of what is inferred: that an empty `pricing` is what "without quantity and price" means in JSON.
_NO_TIERS: list[Wire] = []


async def write_prices(writer: Writer, prices: Iterable[Price]) -> dict[Price, str]:
    """Replace the prices of SKUs on lists; other SKUs keep theirs. Of several for one SKU and list the last counts.

    Returns:
        The prices that the API refused, with its words. The others are in.

    Raises:
        NotFound: a price list does not exist.
        Conflict: others keep on writing prices at the same time.
        AnswerLost: whether it was carried out is not known.
        ApiError: something failed that is not about the prices.
    """
    pairs = {(price.sku, price.price_list): price for price in prices}
    known: set[str] = set()

    async def send(batch: Sequence[Price]) -> None:
        try:
            await writer.patch(UPDATE, [_body(price) for price in batch])
        except (NotFound, Rejected):
            # A list that is gone is no fault of the rows, and the answer need not say which it is.
            for slug in {price.price_list for price in batch} - known:
                if await price_list_currency(writer, slug) is None:
                    raise _no_list(slug) from None
                known.add(slug)
            raise

    return await write_rows(list(pairs.values()), send)


async def price_list_currency(reader: Reader, slug: str) -> str | None:
    """Return the currency of a price list, or None where there is no such list.

    Raises:
        ApiError: the read failed.
    """
    path = _path(slug)
    found = await one_object(reader, path)
    if found is None:
        return None
    currency = found.get("currency_code")
    if not isinstance(currency, str):
        raise UnexpectedAnswer(f"GET {path}: the answer is not a price list", request=f"GET {path}")
    return currency


def _path(slug: str) -> str:
    return f"{LISTS}/{path_segment(slug)}"


def _no_list(slug: str) -> NotFound:
    return NotFound(
        f"PATCH {UPDATE}: there is no price list {slug}",
        status=404,
        request=f"PATCH {UPDATE}",
        next_step="Run `reconciler apply`: it makes the price list.",
    )


def _body(price: Price) -> Wire:
    tiers = [{"quantity": tier.quantity, "price": _number(tier.price)} for tier in price.tiers]
    return {"sku": price.sku, "price_list_slug": price.price_list, "pricing": tiers or _NO_TIERS}


def _number(price: Decimal) -> int | float:
    """Return the price as JSON writes it: a float's shortest form is the number that people wrote, to 15 digits."""
    return int(price) if price == price.to_integral_value() else float(price)
