"""Money: decimal from the source to the wire, as docs/sync.md says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact

# ISO 4217, minor units: those that are not two. Funds codes and metals have none there; they count as two.
MINOR_UNITS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_TWO = 2
# Beyond so many nobody rounds: what would still vanish there is kept as it is.
_MOST_PLACES = 40
# Wide enough for any two numbers of JSON; where it should not be, that is an error and no silent rounding.
_EXACT = Context(prec=4_000, rounding=ROUND_HALF_EVEN, traps=[Inexact])
_ROUNDING = Context(prec=4_000, rounding=ROUND_HALF_EVEN, traps=[])


def minor_units(currency: str | None) -> int:
    """Return how many decimal places a currency has; two where none is known of it."""
    return MINOR_UNITS.get((currency or "").upper(), _TWO)


def places_of(value: Decimal) -> int:
    """Return how many decimal places a number has, without trailing zeros."""
    _, digits, exponent = value.normalize(_EXACT).as_tuple()
    return max(0, -exponent) if isinstance(exponent, int) and any(digits) else 0


def total(values: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of numbers."""
    found = Decimal(0)
    for value in values:
        found = _EXACT.add(found, value)
    return found


def with_percentages(price: Decimal, percentages: Sequence[Decimal], currency: str | None) -> Decimal:
    """Return a price and so many percent of it, rounded half-even.

    Args:
        price: what the percentages are of.
        percentages: each of the price as it is given, not of one another; may be negative.
        currency: decides the places, unless the price has more. There are more still where the result would become 0
            without being it, or where it would be as without one of the percentages.
    """
    added = [_EXACT.multiply(price, percentage).scaleb(-2, _EXACT) for percentage in percentages]
    added = [amount for amount in added if amount]
    exact = total((price, *added))
    if not added:
        return price
    for places in range(max(minor_units(currency), places_of(price)), _MOST_PLACES + 1):
        found = _half_even(exact, places)
        if bool(found) is bool(exact) and all(
            _half_even(_EXACT.subtract(exact, amount), places) != found for amount in added
        ):
            return found
    return exact


def as_sent(value: Decimal) -> Decimal:
    """Return a number as it arrives: JSON's numbers are doubles, which keep 15 digits, and the shortest form counts.

    Args:
        value: within a double's range.
    """
    return Decimal(repr(float(value)))


def _half_even(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), context=_ROUNDING)
