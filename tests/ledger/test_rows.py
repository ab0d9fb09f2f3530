"""Many rows in one statement, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from reconciler.errors import LedgerError
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.record_rows import fresh
from reconciler.ledger.rows import OneOf, insert_new, insert_or_update, insert_rows, update_rows
from reconciler.ledger.tables import names, records, scopes
from reconciler.ledger.writer import Ledger

NOW = datetime(2026, 11, 28, 12, 0, 0, 1, tzinfo=UTC)
ODD = ["", "a\0b", "\ud800", '"', "\\x41", "\\u0000", "é'", "😀", "{1,2}", "NULL", "null", "\x1a\n\t", "%(rows)s"]
JSON_TEXT = st.text(st.characters(codec="utf-8"), max_size=5)


@pytest.fixture
def ledger(ledger_url):
    with Ledger.open(ledger_url) as ledger:
        for name in ("one", "two"):
            ledger.store(DataScope("test", "https://api.example#site", "shop", name))
        with ledger.database.transaction() as tx:
            assert sorted(tx.connection.execute(select(scopes.c.id)).scalars()) == [1, 2]
        yield ledger


@pytest.fixture
def connection(ledger):
    with ledger.database.transaction() as tx:
        yield tx.connection


def record(key, **values):
    return {**fresh(1, key), **values}


def held(connection):
    rows = connection.execute(select(records).order_by(records.c.number)).mappings()
    return {row["key"]: {name: value for name, value in row.items() if name != "number"} for row in rows}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    values=st.fixed_dictionaries(
        {
            "wanted": st.integers(0, 2**31 - 1),
            "gone": st.booleans(),
            "look": st.none() | st.binary(max_size=4),
            "claim": st.none() | st.sampled_from(ODD),
            "held": st.dictionaries(JSON_TEXT, JSON_TEXT, max_size=2),
            "prints": st.dictionaries(st.sampled_from(["product", "stock"]), st.binary(max_size=3), max_size=2),
            "ready_at": st.none() | st.just(NOW),
        }
    )
)
def test_what_is_inserted_or_set_is_what_is_read(connection, values):
    new, before = record("new", **values), [record(key) for key in ODD]
    changed = [{**row, **values} for row in before[1:]]
    with connection.begin_nested() as savepoint:
        insert_rows(connection, records, [new, *before])
        assert list(held(connection).values()) == [new, *before]
        update_rows(connection, records, changed, *values)
        assert list(held(connection).values()) == [new, before[0], *changed]
        savepoint.rollback()


def test_only_the_named_columns_of_the_named_rows_are_set(connection):
    rows = [record(key, claim="before") for key in "abc"]
    other = {**record("a", claim="of another scope"), "scope": 2}
    insert_rows(connection, records, [*rows, other])
    update_rows(connection, records, [{**rows[0], "claim": "after", "wanted": 7}, record("d")], "claim")
    of_scopes = connection.execute(select(records.c.scope, records.c.key, records.c.claim, records.c.wanted)).all()
    assert sorted(of_scopes) == [
        (1, "a", "after", 0), (1, "b", "before", 0), (1, "c", "before", 0), (2, "a", "of another scope", 0),
    ]  # fmt: skip


def test_a_row_whose_key_is_there_is_not_inserted_and_not_counted(connection):
    rows = [{"scope": 1, "kind": "sku", "value": text, "key": "first"} for text in ODD]
    assert insert_new(connection, names, rows[:3]) == 3
    again = [{**row, "key": "second"} for row in rows]
    assert insert_new(connection, names, again) == len(ODD) - 3
    assert insert_new(connection, names, again) == 0
    keys = dict(connection.execute(select(names.c.value, names.c.key)).all())
    assert keys == {**dict.fromkeys(ODD, "second"), **dict.fromkeys(ODD[:3], "first")}


def test_of_a_row_whose_key_is_there_the_named_columns_are_set(connection):
    insert_rows(connection, records, [record("a", claim="before", wanted=1)])
    rows = [record("b", claim="old"), record("a", claim="after", wanted=2), record("b", claim="new", wanted=3)]
    insert_or_update(connection, records, rows, "claim")
    assert {key: (row["claim"], row["wanted"]) for key, row in held(connection).items()} == {
        "a": ("after", 1),
        "b": ("new", 3),
    }


def test_those_that_are_one_of_some_texts_are_found_whatever_is_in_them(connection):
    insert_rows(connection, records, [record(text) for text in ODD])
    for some in (ODD, ODD[::3], ODD[:1], ["not there", *ODD[:2]], []):
        found = set(connection.execute(select(records.c.key).where(OneOf(records.c.key, some))).scalars())
        assert found == set(some) & set(ODD)


def test_nothing_is_done_with_no_rows(connection):
    insert_rows(connection, records, [])
    insert_or_update(connection, records, [], "claim")
    update_rows(connection, records, [], "claim")
    assert insert_new(connection, records, []) == 0
    assert held(connection) == {}


def test_a_row_that_is_there_cannot_be_inserted_again(ledger):
    with ledger.database.transaction() as tx:
        insert_rows(tx.connection, records, [record("a")])
    with pytest.raises(LedgerError), ledger.database.transaction() as tx:
        insert_rows(tx.connection, records, [record("a")])
