"""Which price schedule OrderCloud takes for a user, and which users share a price list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sync.parties.combination import Combination
from reconciler.sync.parties.schedules import Level, PartySchedules, currency_of

IDS = st.sampled_from(["a", "b", "c", "A", "a-b"])


def assignment(product: str, buyer: str, schedule: str | None, group: str | None = None) -> dict[str, Any]:
    return {"ProductID": product, "BuyerID": buyer, "UserGroupID": group, "PriceScheduleID": schedule}


def combination_of(schedules: PartySchedules, buyer: str, groups: Iterable[str]) -> Combination:
    found = schedules.combination(buyer, groups, None)
    assert found is not None
    return found


def test_a_schedule_of_a_group_comes_before_the_buyers_and_the_buyers_before_the_default() -> None:
    schedules = PartySchedules.of(
        [
            assignment("hammer", "acme", "of-acme"),
            assignment("hammer", "acme", "of-vip", "vip"),
            assignment("saw", "acme", "of-acme"),
        ]
    )
    member = combination_of(schedules, "acme", ["vip"])
    found = {product: schedules.assigned(member, product) for product in ("hammer", "saw", "nail")}
    assert found["hammer"] is not None
    assert (found["hammer"].level, found["hammer"].schedule) == (Level.GROUP, "of-vip")
    assert found["saw"] is not None
    assert (found["saw"].level, found["saw"].schedule) == (Level.BUYER, "of-acme")
    assert found["nail"] is None


def test_groups_with_different_schedules_are_ambiguous_and_with_the_same_they_are_not() -> None:
    schedules = PartySchedules.of(
        [
            assignment("hammer", "acme", "low", "vip"),
            assignment("hammer", "acme", "high", "gold"),
            assignment("saw", "acme", "low", "vip"),
            assignment("saw", "acme", "low", "gold"),
        ]
    )
    both = combination_of(schedules, "acme", ["vip", "gold"])
    hammer, saw = schedules.assigned(both, "hammer"), schedules.assigned(both, "saw")
    assert hammer is not None
    assert hammer.schedule is None
    assert hammer.schedules == (("gold", "high"), ("vip", "low"))
    assert "no rule" in hammer.why
    assert saw is not None
    assert saw.schedule == "low"


def test_two_schedules_of_one_party_are_ambiguous() -> None:
    schedules = PartySchedules.of([assignment("hammer", "acme", "ours"), assignment("hammer", "acme", "suppliers")])
    found = schedules.assigned(combination_of(schedules, "acme", ()), "hammer")
    assert found is not None
    assert found.schedule is None


def test_an_assignment_without_a_schedule_is_about_visibility_alone() -> None:
    schedules = PartySchedules.of([assignment("hammer", "acme", None), assignment("saw", "acme", "", "vip")])
    assert schedules.combination("acme", ["vip"], None) is None


def test_groups_without_prices_do_not_count_and_neither_does_a_group_of_that_name_elsewhere() -> None:
    schedules = PartySchedules.of(
        [assignment("hammer", "acme", "low", "vip"), assignment("hammer", "other", "low", "gold")]
    )
    assert schedules.combination("acme", ["vip", "gold", "new", "vip"], "EUR") == Combination("acme", ("vip",), "EUR")
    assert schedules.combination("acme", ["gold"], None) is None
    assert schedules.combination("else", ["vip"], None) is None


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, None),
        ({"Locale": None}, None),
        ({"Locale": {"ID": "de", "Currency": "eur"}}, "EUR"),
        ({"Locale": {"Currency": None}}, None),
        ({"Locale": "de"}, None),
    ],
)
def test_a_user_has_the_currency_of_its_locale_else_the_lists(user: dict[str, Any], expected: str | None) -> None:
    assert currency_of(user) == expected


def test_slugs_are_short_take_no_odd_characters_and_stay_what_they_are() -> None:
    found = Combination("acme", ("gold", "vip"))
    # On sites by now: another function would make every list anew.
    assert found.slug == "oc-kinqxq3k5nsls6ymdnhnqnfjma"
    assert re.fullmatch(r"oc-[a-z2-7]{26}", Combination("b" * 100, ("g" * 100,) * 30, "JPY").slug)


def test_no_two_combinations_share_a_slug_or_a_key() -> None:
    ids = ["a", "b", "c", "ab", "bc", "a-b", "A"]
    found = [
        Combination(buyer, groups, currency)
        for buyer in ids
        for size in range(3)
        for groups in combinations(sorted(ids), size)
        for currency in (None, "GBP", "EUR")
    ]
    assert len({each.slug for each in found}) == len({each.key for each in found}) == len(found)


@given(
    st.builds(Combination, IDS, st.frozensets(IDS).map(lambda ids: tuple(sorted(ids))), st.sampled_from([None, "GBP"]))
)
def test_a_key_says_which_combination_it_is(combination: Combination) -> None:
    assert Combination.of_key(combination.key) == combination


@pytest.mark.parametrize("key", ["", "@GBP", "acme@", "acme+@GBP", "acme+b+a@GBP", "acme+a+a", "acme@gbp", "+a"])
def test_what_is_no_key_is_told_from_one(key: str) -> None:
    assert Combination.of_key(key) is None


assigned = st.lists(
    st.builds(
        assignment,
        IDS,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["p", "q", None]),
        st.sampled_from([None, "a", "b"]),
    ),
    max_size=12,
)


def naive(rows: list[dict[str, Any]], buyer: str, groups: set[str], product: str) -> set[str]:
    """The schedules of the most specific level that has any, read off the rows one by one."""
    mine = [row for row in rows if row["ProductID"] == product and row["BuyerID"] == buyer and row["PriceScheduleID"]]
    of_groups = {row["PriceScheduleID"] for row in mine if row["UserGroupID"] in groups}
    return of_groups or {row["PriceScheduleID"] for row in mine if row["UserGroupID"] is None}


@given(assigned, st.sampled_from(["a", "b"]), st.frozensets(st.sampled_from(["a", "b", "c"])), IDS)
def test_what_counts_for_a_user_is_what_the_rows_say(
    rows: list[dict[str, Any]], buyer: str, groups: frozenset[str], product: str
) -> None:
    schedules = PartySchedules.of(rows)
    combination = schedules.combination(buyer, groups, None)
    expected = naive(rows, buyer, set(groups), product)
    if combination is None:
        assert not expected
        return
    found = schedules.assigned(combination, product)
    assert (set() if found is None else {schedule for _, schedule in found.schedules}) == expected
    assert (product in schedules.products(combination)) is bool(expected)
