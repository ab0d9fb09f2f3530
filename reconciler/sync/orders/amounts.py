"""Amounts of an order: shared out without losing anything of them, and as texts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

from reconciler.kind.connection import Wire
from reconciler.sync.mapping.money import minor_units, places_of, total

_WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


def shares(amount: Decimal, weights: Sequence[Decimal], currency: str | None) -> list[Decimal]:
    """Return an amount shared out by weights; the shares add up to exactly that amount.

    Each is the difference of two sums of shares, which are rounded half-even to the larger of the currency's places
    and the amount's own.

    Args:
        amount: what is shared out; may be negative.
        weights: none negative; where all are 0, the first takes everything.
        currency: ISO 4217.
    """
    if not weights:
        return []
    whole = total(weights)
    if not whole:
        return [amount, *(Decimal(0) for _ in weights[1:])]
    places = max(minor_units(currency), places_of(amount))
    found: list[Decimal] = []
    passed = given = Decimal(0)
    for weight in weights:
        passed += weight
        up_to = amount if passed == whole else _rounded(_WIDE.divide(_WIDE.multiply(amount, passed), whole), places)
        found.append(total((up_to, -given)))
        given = up_to
    return found


def money(amount: Decimal, currency: str) -> Wire:
    """Return an amount as the API takes it: a number as text with at least the currency's places."""
    places = max(minor_units(currency), places_of(amount))
    return {"number": f"{_rounded(amount, places) + 0:f}", "currency": currency}


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), context=_WIDE)
