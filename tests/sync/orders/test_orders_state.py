"""What becomes of an order given what the target holds: newer, older, moved to another cart, gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import LedgerError
from reconciler.sync.orders.model import CART, PART, Draft, Held, Version, held_from_json, held_to_json
from reconciler.sync.orders.state import OrderState, deleted, resolve
from reconciler.sync.problem import RecordProblem

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
BODY = {"type": "order", "currency_code": "GBP"}
BAD = RecordProblem("o1", PART, "no-list", "There is no list.")


def draft(updated: datetime = FIRST, moved: int = 0, **members: Any) -> Draft:
    return replace(Draft("o1", "c1", BODY, Version(updated, moved)), **members)


def held_after(state: OrderState) -> Held:
    return held_from_json(held_to_json(state.after))


NOTHING = Held()


def resolved(found: Draft, held: Held = NOTHING) -> OrderState:
    return resolve(found, {}, held)


def test_what_is_held_survives_the_ledger() -> None:
    state = resolved(draft(moved=3, returned=1, problems=(BAD,)))
    assert held_after(state) == state.after
    assert (state.after.cart, state.after.members) == ("c1", frozenset(BODY))
    for damaged in ({"cart": 1}, {"updated": "soon"}, {"problems": [1]}, {"moved": "x"}):
        with pytest.raises(LedgerError):
            held_from_json(damaged)


@pytest.mark.parametrize(
    ("found", "is_written"),
    [
        (draft(FIRST - timedelta(seconds=1)), False),
        (draft(FIRST - timedelta(seconds=1), is_sure=True), False),
        (draft(FIRST, moved=1), False),
        (draft(FIRST, moved=1, is_sure=True), True),
        (draft(FIRST, moved=2), True),
        (draft(FIRST + timedelta(seconds=1)), True),
    ],
)
def test_an_older_version_never_overtakes_a_newer_one(found: Draft, is_written: bool) -> None:
    before = resolved(draft(moved=2, problems=(BAD,))).after
    state = resolved(found, before)
    assert bool(state.prints) is is_written
    if not is_written:
        assert (state.after, state.problems, state.held_back) == (before, (BAD,), False)


def test_a_newer_version_with_the_same_content_is_noted_and_not_written_again() -> None:
    before = resolved(draft())
    again = resolved(draft(FIRST + timedelta(hours=1)), before.after)
    assert again.prints == before.prints
    assert again.news
    assert not resolved(draft(), before.after).news


def test_an_order_that_gets_another_cart_is_written_under_it() -> None:
    before = resolved(draft()).after
    state = resolved(draft(FIRST + timedelta(hours=1), cart="c2"), before)
    assert state.moved == {PART}
    assert list(state.keeps or ()) == [(CART, "c2")]


def test_the_cart_belongs_to_who_was_there_first() -> None:
    state = resolve(draft(), {(CART, "c1"): "o0"}, Held())
    assert (state.prints, state.held_back, [each.code for each in state.problems]) == ({}, True, ["duplicate-cart"])


def test_an_order_that_is_gone_keeps_its_cart_and_one_that_left_the_scope_does_not() -> None:
    before = resolved(draft()).after
    assert deleted("o1", {}, before, outside=False).keeps == [(CART, "c1")]
    assert deleted("o1", {}, before, outside=True).keeps == []
    # Somebody gave it up, and another one has the purchase by now: nothing is said that is not so.
    lost = deleted("o1", {(CART, "c1"): "o4"}, before, outside=False)
    assert (lost.keeps, lost.problems, lost.after.cart, lost.moved) == ([], (), None, {PART})
    assert deleted("o1", {}, held_after(lost), outside=False).problems == ()


def test_returns_that_were_shown_are_not_forgotten() -> None:
    before = resolved(draft(returned=2)).after
    state = resolved(draft(FIRST + timedelta(hours=1), returned=None), before)
    assert ([each.code for each in state.problems], state.after) == (["returns-unreadable"], before)
    assert resolved(draft(returned=None)).prints


def test_an_order_that_is_gone_stays_as_it_is() -> None:
    before = resolved(draft()).after
    gone = deleted("o1", {}, before, outside=False)
    assert (gone.gone, gone.prints, [each.code for each in gone.problems]) == (True, {}, ["order-gone"])
    left = deleted("o1", {}, before, outside=True)
    assert left.problems == ()
    # A verify asks again, and does not know why.
    assert deleted("o1", {}, held_after(left), outside=False).problems == ()
    assert resolved(draft(FIRST - timedelta(hours=1)), held_after(gone)).prints
