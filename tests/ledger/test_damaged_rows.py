"""What no version of reconciler wrote is refused where it is read: named by its column, never by its value."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from reconciler.errors import LedgerError
from reconciler.ledger.columns import (
    Checked,
    Counts,
    DamagedValue,
    Digest,
    JsonData,
    JsonText,
    Moment,
    Number,
    Past,
    Prints,
    Reasons,
    Words,
)
from reconciler.ledger.config import leases
from reconciler.ledger.config.model import Snooze
from reconciler.ledger.data.model import DataScope, ProblemRow, Result
from reconciler.ledger.reader import read_memory
from reconciler.ledger.tables import IN_ORDER, meta
from reconciler.ledger.writer import Ledger
from reconciler.pause.lease import Lease, Was
from support.levels import levels_of

DIALECT = sqlite.dialect()
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ODD: dict[type[Checked[Any]], tuple[Any, ...]] = {
    Number: (-1, 1.0, "1", b"1", True, 2.0**63),
    Digest: (2**40, "text", 1.5),
    Moment: (
        "2026-11-02", "2026-11-02T09:00:00", "2026-11-02T09:00:00+05:00", "0001-01-01T00:00:00+23:59", "soon", "", 5,
    ),
    Past: ("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"),
    Words: (5, 1.5, b"text"),
    JsonData: ("[]", "1", "", "{", '{"a":}', "[" * 100_000, b"{}", "1" * 5_000),
    Counts: ('{"seen": "5"}', '{"seen": 1.5}', '{"seen": null}', '{"seen": 9223372036854775808}'),
    Reasons: ('{"maxDeletes": 1}',),
    JsonText: ("[1]", "x", 5),
    Prints: ("body=zz", "body=1", 5),
}  # fmt: skip


@pytest.mark.parametrize(("of", "value"), [(of, value) for of, values in ODD.items() for value in values])
def test_a_value_of_another_shape_is_damage(of: type[Checked[Any]], value: Any) -> None:
    column = of(optional=True)
    with pytest.raises(DamagedValue):
        column.result_processor(DIALECT, None)(value)


@pytest.mark.parametrize("of", ODD)
def test_nothing_is_damage_where_there_has_to_be_something(of: type[Checked[Any]]) -> None:
    assert of(optional=True).result_processor(DIALECT, None)(None) is None
    with pytest.raises(DamagedValue):
        of().result_processor(DIALECT, None)(None)


def test_a_column_may_be_empty_where_the_schema_lets_it(tmp_path) -> None:
    Ledger.open(f"sqlite:///{tmp_path}/ledger.db").close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        for table in (meta, *IN_ORDER):
            required = {row[1]: bool(row[3]) for row in connection.execute(f"PRAGMA table_info({table.name})")}
            declared = {
                column.name: not column.type.optional for column in table.columns if isinstance(column.type, Checked)
            }
            assert declared == {name: required[name] for name in declared}, table.name


@pytest.mark.parametrize("moment", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), NOW])
def test_moments_at_the_ends_of_the_calendar_that_were_written_are_read(moment: datetime) -> None:
    text = Moment().process_bind_param(moment, DIALECT)
    assert Moment().result_processor(DIALECT, None)(text) == moment


def test_an_error_names_ledger_and_column_and_not_the_value(tmp_path) -> None:
    url, path = f"sqlite:///{tmp_path}/ledger.db", tmp_path / "ledger.db"
    with Ledger.open(url) as ledger:
        ledger.snooze("test", Snooze("Widget", "a", NOW + timedelta(days=1), "later", "me"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE snoozes SET until = 'marker-of-a-value'")
    with pytest.raises(LedgerError) as caught:
        read_memory(url, "test", [])
    assert caught.value.message == f"The ledger {path} is damaged: snoozes.until holds what reconciler does not write"
    assert caught.value.next_step


@pytest.mark.parametrize("column", ["version", "oldest_writer", "moved_to"])
def test_a_version_that_is_none_is_damage_for_who_writes(tmp_path, column: str) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(url) as ledger:
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
            connection.execute(f"UPDATE ledger_meta SET {column} = x'00'")
        with pytest.raises(LedgerError, match=r"is damaged|not a ledger"):
            ledger.rebind("test")


def test_a_state_before_a_pause_that_there_is_not_is_damage(tmp_path) -> None:
    lease = Lease("EntitySync", "categories", "me", NOW, "later", Was.RUNNING, api_url="https://api")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.database.run(lambda tx: leases.take(tx.connection, [lease], timedelta(hours=1), NOW))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("UPDATE leases SET was = 'asleep'")
    with pytest.raises(LedgerError, match=r"leases\.was holds"):
        read_memory(f"sqlite:///{tmp_path}/ledger.db", "test", ["https://api"])


def test_what_the_log_should_hear_of_and_nothing_is_wrong_with_is_damage(tmp_path) -> None:
    scope = DataScope("test", "https://site", "ordercloud", "products")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        levels = levels_of(ledger, scope)
        with levels.lock("me"):
            run = levels.begin("full", "c", "me", NOW, None, walks=True, full=True)
            levels.record([Result("a", problems=(ProblemRow("a", "product", "no-sku", "No SKU.", ""),))], run.id)
            assert levels.to_log(10)[0]
            with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
                connection.execute("UPDATE data_log_entries SET external_id = 'b', offered = 0")
            with pytest.raises(LedgerError, match=r"data_log_entries\.external_id"):
                levels.to_log(10)
