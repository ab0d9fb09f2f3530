"""The order in which a walk yields users, what is above one of them, and the file that it keeps them in meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sync.customers import spool
from reconciler.sync.customers.late import Late
from reconciler.sync.customers.model import PARENT, Parent
from reconciler.sync.customers.settings import customer_settings
from reconciler.sync.customers.source import CustomerSource
from reconciler.sync.customers.spool import Filed, Groups, Marks, Spool
from support.people import Marketplace

_KEYS = [f"acme.u{number}" for number in range(8)]


@given(
    st.dictionaries(st.sampled_from(_KEYS), st.sampled_from([*_KEYS, "acme.absent"])), st.sets(st.sampled_from(_KEYS))
)
def test_parents_come_before_their_children_and_who_shares_an_address_comes_last(
    above: dict[str, str], losers: set[str]
) -> None:
    keys = Marks()
    for key in _KEYS:
        keys.add(key)
    with Spool() as file:
        late = Late(file)
        waiting = [key for key in _KEYS if key in above or key in losers]
        for key in waiting:
            late.add({"key": key}, key, above.get(key), (0, "2025") if key in losers else None)
        found = list(late.in_order(keys))
    places = {record["key"]: place for place, record in enumerate(found)}
    assert len(found) == len(waiting)
    for record in found:
        parent = record.get(PARENT)
        assert (parent is None) == (record["key"] not in above)
        if parent is None or parent.in_cycle:
            continue
        assert parent.is_there == (parent.external_id in _KEYS)
        assert parent.children == sum(one == parent.external_id for one in above.values())
        # Of those that share an address nobody knows whether they can be written at all.
        if parent.external_id in places and parent.external_id not in losers:
            assert places[parent.external_id] < places[record["key"]] or _is_below_a_circle(parent.external_id, above)
    assert [record["key"] in losers for record in found] == sorted(record["key"] in losers for record in found)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["2024", "2025"])), max_size=12))
def test_of_those_that_share_an_address_who_was_made_earlier_comes_first(shared: list[tuple[int, str]]) -> None:
    with Spool() as file:
        late = Late(file)
        for number, (email, made) in enumerate(shared):
            late.add({"email": email, "rank": [made, f"acme.u{number}"]}, f"acme.u{number}", None, (email, made))
        found = list(late.in_order(Marks()))
    assert len(found) == len(shared)
    for email in range(4):
        ranks = [record["rank"] for record in found if record["email"] == email]
        assert ranks == sorted(ranks)


def _is_below_a_circle(key: str, above: dict[str, str]) -> bool:
    seen: set[str] = set()
    while key in above and key not in seen:
        seen.add(key)
        key = above[key]
    return key in seen


@pytest.mark.parametrize(("own", "in_cycle"), [("anna", False), ("ben", True), ("carl", True)])
def test_who_is_below_a_circle_is_not_in_it(own: str, in_cycle: bool) -> None:
    bosses = {"anna": "ben", "ben": "carl", "carl": "ben"}
    users = {each: {"Email": f"{each}@x.y", "Active": True, "xp": {"boss": boss}} for each, boss in bosses.items()}
    settings = customer_settings({"customers": {"mapping": {"parentCustomerID": "xp.boss"}}})
    assert settings is not None
    record = asyncio.run(CustomerSource(Marketplace(users), settings).one(f"acme.{own}")).record
    assert record is not None
    assert record[PARENT] == Parent(f"acme.{bosses[own]}", in_cycle=in_cycle)


@given(st.lists(st.text(max_size=3), unique=True), st.text(max_size=3))
def test_records_are_found_by_their_ids_which_are_not_in_memory(names: list[str], other: str) -> None:
    with Spool() as spool:
        filed = Filed(spool)
        for name in names:
            filed.put({"ID": name, "Name": name * 2})
        assert (list(filed), len(filed)) == (names, len(names))
        for number, name in enumerate(names):
            assert filed.get(name) == (number, {"ID": name, "Name": name * 2})
        assert (filed.get(other) is None) == (other not in names)


def test_ids_that_are_taken_for_one_another_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_mark", len)
    with Spool() as file:
        filed = Filed(file)
        for name in ("ab", "cd", "e", "fg"):
            filed.put({"ID": name})
        found = [filed.get(name) for name in ("fg", "ab", "cd", "e")]
        assert [None if each is None else each[0] for each in found] == [3, 0, 1, 2]
        assert filed.get("zz") is None


@given(st.lists(st.integers(0, 5)))
def test_places_come_by_group_in_the_order_in_which_they_came(groups: list[int]) -> None:
    places = Groups()
    for place, group in enumerate(groups):
        places.add(group, 7 * place)
    for group in range(7):
        wanted = [7 * place for place, each in enumerate(groups) if each == group]
        assert (places.of(group), places.has(group)) == (wanted, bool(wanted))


def test_a_chain_of_parents_of_any_length_comes_from_its_top() -> None:
    keys = Marks()
    with Spool() as file:
        late = Late(file)
        for number in (*range(1, 3_000, 2), *range(0, 3_000, 2)):
            late.add({"ID": number}, f"acme.{number}", f"acme.{number + 1}", None)
        assert [record["ID"] for record in late.in_order(keys)] == list(range(2_999, -1, -1))


@given(st.lists(st.text(max_size=4)))
def test_texts_that_came_more_than_once_are_known_without_keeping_them(texts: list[str]) -> None:
    marks = Marks()
    for text in texts:
        marks.add(text)
    repeated = marks.repeated()
    assert all(text in marks for text in texts)
    assert {text for text in texts if text in repeated} == {text for text in texts if texts.count(text) > 1}
    assert bool(repeated) == (len(set(texts)) < len(texts))


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text() | st.integers() | st.none(), max_size=3), max_size=5))
def test_records_come_back_from_the_file_as_they_were(records: list[dict[str, object]]) -> None:
    with Spool() as spool:
        places = [spool.put(record) for record in records]
        assert [spool.get(place) for place in reversed(places)] == records[::-1]
        assert list(spool) == records
        assert spool.get(spool.put({"half": "\ud800", "large": 10**30})) == {"half": "\ud800", "large": 10**30}
