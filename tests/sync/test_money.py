"""Money: exact sums, and percentages with as many places as they need and no more."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from reconciler.sync.mapping.money import MINOR_UNITS, as_sent, minor_units, places_of, total, with_percentages
from support.naive import with_percents

CURRENCIES = st.sampled_from(["GBP", "JPY", "KWD", "CLF"])
amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(0, 10**9), st.sampled_from([0, 1, 2, 3, 4, 9])
)
percents = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-10_000, 10_000), st.integers(0, 4)
)


@given(amounts, st.lists(percents, max_size=3), CURRENCIES)
def test_percentages_are_as_the_naive_mapping_has_them(price: Decimal, added: list[Decimal], currency: str) -> None:
    found = with_percentages(price, added, currency)
    assert Fraction(found) == with_percents(price, [Fraction(each) for each in added], currency)


@given(amounts, percents.filter(bool), CURRENCIES)
def test_nothing_vanishes_and_nothing_is_off_by_more_than_half_a_place(
    price: Decimal, percent: Decimal, currency: str
) -> None:
    found = with_percentages(price, [percent], currency)
    exact = Fraction(price) + Fraction(price) * Fraction(percent) / 100
    assert bool(found) is bool(exact)
    assert (found != price) is bool(price)
    places = max(minor_units(currency), places_of(price))
    assert abs(Fraction(found) - exact) <= Fraction(1, 2 * 10**places)
    if places_of(found) > places:
        # One place less would show no price, or no percentage.
        assert round(exact, places_of(found) - 1) in (0, Fraction(price))


@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False)))
def test_sums_are_exact(values: list[float]) -> None:
    numbers = [Decimal(repr(value)) for value in values]
    assert Fraction(total(numbers)) == sum(map(Fraction, numbers))


@given(st.floats(0, 999_999_999.99))
def test_what_came_as_a_number_of_json_goes_as_the_same(value: float) -> None:
    assert as_sent(Decimal(repr(value))) == Decimal(repr(value))


def test_places_are_counted_without_trailing_zeros() -> None:
    shown = {"0": 0, "0.000": 0, "1500": 0, "1.5E+3": 0, "12.50": 1, "0.0039": 4, "1E-7": 7}
    assert {text: places_of(Decimal(text)) for text in shown} == shown


def test_currencies_have_the_minor_units_of_iso_4217() -> None:
    known = {"GBP": 2, "EUR": 2, "JPY": 0, "KRW": 0, "ISK": 0, "HUF": 2, "KWD": 3, "TND": 3, "CLF": 4, "XAU": 2}
    assert {code: minor_units(code) for code in known} == known
    assert minor_units("jpy") == 0
    assert minor_units(None) == 2
    assert all(len(code) == 3 and code.isupper() for code in MINOR_UNITS)


def test_a_percentage_of_nothing_costs_no_places() -> None:
    assert with_percentages(Decimal("9.99"), [Decimal(0), Decimal(10)], "GBP") == Decimal("10.99")
