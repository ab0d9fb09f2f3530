"""Price lists that are records: made, changed and deleted by a data sync, never by a manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from reconciler.errors import Conflict, NotFound, Rejected, UnexpectedAnswer
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.sparklayer.lists import one_object, path_segment
from reconciler.sparklayer.price_book import LISTS

INTEGRATION = "integration"
"""Source of the price lists that integrations keep (documented)."""
RECOMMENDED_LISTS, MOST_LISTS = 10_000, 15_000
"""Price lists that SparkLayer recommends at most, and those that a site takes (older documentation)."""
SLUG_PREFIX = "oc-"
"""How the slug of every price list begins that is made for customers."""
SLUG_CHARACTERS = 26
_SLUG = re.compile(rf"{SLUG_PREFIX}[a-z2-7]{{{SLUG_CHARACTERS}}}")
_MINUS = "minus"


class ListInfo(Struct, frozen=True):
    """What others must know of a price list.

    Args:
        currency: in capitals.
        tax_inclusive: whether its prices are shown with tax.
    """

    currency: str
    tax_inclusive: bool = False


def is_record(slug: str, wire: Mapping[str, Any]) -> bool:
    """Whether a price list is one that a data sync keeps for customers: by its slug and its source."""
    return wire.get("source") == INTEGRATION and _SLUG.fullmatch(slug) is not None


def list_body(slug: str, name: str, info: ListInfo, source_list: str | None) -> Wire:
    """Return the body of a price list.

    Args:
        slug: of the list.
        name: at most 64 characters.
        info: currency and display.
        source_list: slug of the list whose prices it has as far as it has no rows of its own; None: of none.
    """
    # inferred: that a rule without an adjustment gives the prices as they are, and that a row of the list's own
    # takes the place of all that the rule gives for its SKU.
    rule = {"source_price_list_slug": source_list, "adjustment_percentage": 0.0, "adjustment_direction": _MINUS}
    return {
        "slug": slug,
        "name": name,
        "currency_code": info.currency,
        "source": INTEGRATION,
        "tax_inclusive_display": info.tax_inclusive,
        "rules": [] if source_list is None else [rule],
    }


def canonical_list(wire: Mapping[str, Any]) -> Wire:
    """Return what is compared of a price list: what is left out as its default, numbers as numbers."""
    rules = [_canonical_rule(rule) for rule in wire.get("rules") or () if isinstance(rule, dict)]
    return {
        "slug": wire.get("slug"),
        "name": wire.get("name"),
        "currency_code": wire.get("currency_code"),
        "source": wire.get("source") or "custom",
        "tax_inclusive_display": bool(wire.get("tax_inclusive_display")),
        "rules": sorted(rules, key=str),
    }


async def read_list(reader: Reader, slug: str) -> Wire | None:
    """Return a price list with its rules as `canonical_list` has it, or None where there is none."""
    found = await one_object(reader, _path(slug))
    return None if found is None else canonical_list(found)


async def has_list(reader: Reader, slug: str) -> bool:
    """Return whether there is such a price list."""
    return await one_object(reader, _path(slug)) is not None


async def list_info(reader: Reader, slug: str) -> ListInfo | None:
    """Return what a price list says of its prices, or None where there is no such list.

    Raises:
        UnexpectedAnswer: the answer is no price list.
    """
    found = await one_object(reader, _path(slug))
    if found is None:
        return None
    currency = found.get("currency_code")
    if not isinstance(currency, str):
        raise UnexpectedAnswer(f"GET {_path(slug)}: the answer is not a price list", request=f"GET {_path(slug)}")
    return ListInfo(currency.upper(), bool(found.get("tax_inclusive_display")))


async def create_list(writer: Writer, body: Wire) -> bool:
    """Create a price list, and return whether it was made; False: its slug is taken.

    Raises:
        Rejected: the API refuses it.
        ApiError: something failed.
    """
    try:
        await writer.post(LISTS, body)
    except (Conflict, Rejected):
        # Somebody else may have made it, or we did and the answer was lost.
        if not await has_list(writer, body["slug"]):
            raise
        return False
    return True


async def update_list(writer: Writer, body: Wire) -> bool:
    """Update a price list, and return whether there is such a list. Its slug and source are fixed (documented)."""
    sent = {name: value for name, value in body.items() if name not in ("slug", "source")}
    try:
        await writer.patch(_path(body["slug"]), sent)
    except NotFound:
        return False
    return True


async def delete_list(writer: Writer, slug: str) -> None:
    """Delete a price list with its prices; one that is not there is done without.

    Raises:
        Conflict: a rule of another list names it (inferred).
    """
    try:
        # inferred: path and method; a third party's connector deletes price lists.
        await writer.delete(_path(slug))
    except NotFound:
        return


def _path(slug: str) -> str:
    return f"{LISTS}/{path_segment(slug)}"


def _canonical_rule(rule: Mapping[str, Any]) -> Wire:
    return {
        "source_price_list_slug": rule.get("source_price_list_slug"),
        "adjustment_percentage": _number(rule.get("adjustment_percentage") or 0),
        "adjustment_direction": rule.get("adjustment_direction") or _MINUS,
        "currency_exchange_rate": _number(rule.get("currency_exchange_rate")),
    }


def _number(value: Any) -> float | None:
    """A number, also one that is written as text; another value counts as none."""
    try:
        return None if value is None else float(Decimal(str(value)))
    except InvalidOperation:
        return None
