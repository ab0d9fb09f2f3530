"""Whatever stands in the rows of a ledger, commands end with an error of the tree or do their work: soon, in bounds.

RECONCILER_TEST_FUZZ sets how much is tried; 600 take about ten minutes.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.testing import RunningEmulator
from reconciler.http.retry import RetryPolicy
from reconciler.sync.run import feed
from support.checkout import Checkout, http_config
from support.hostile import bounded, changed, odd
from support.syncing import Shop

CASES = int(os.environ.get("RECONCILER_TEST_FUZZ", "10"))
# Statuses of docs/commands.md, but those of a signal.
ENDS = {0, 1, 2, 3, 4, 5, 64}
COMMANDS: Sequence[Sequence[str]] = (
    ("plan",),
    ("plan", "--format", "json"),
    ("drift",),
    ("drift", "--format", "html"),
    ("ledger", "show"),
    ("ledger", "show", "--format", "json"),
    ("sync", "status"),
    ("sync", "status", "--format", "json"),
    ("sync", "errors", "shop"),
    ("sync", "errors", "shop", "--format", "csv"),
    ("apply", "--yes", "--resume"),
    ("apply", "--yes", "--push-secrets"),
    ("sync", "run", "shop", "--patience", "5"),
    ("sync", "run", "shop", "--full", "--patience", "5"),
    ("sync", "run", "shop", "--verify", "--patience", "5", "--format", "json"),
    ("sync", "run", "shop", "--dry-run", "--patience", "5"),
    ("sync", "retry", "shop", "--all"),
    ("sync", "drop", "shop", "p0001"),
    ("sync", "cancel", "shop"),
    ("ledger", "unlock"),
    ("ledger", "rebind"),
    ("ledger", "migrate"),
    ("ledger", "copy", "sqlite:///ledger.db", "sqlite:///elsewhere.db"),
)
TIME = "2026-01-01T00:00:00.000000+00:00"
FITTING = {
    "environment": "test",
    "kind": "EntitySync",
    "live_id": "categories",
    "name": "categories",
    "was": "running",
    "until": TIME.replace("2026", "2090"),
    "scope": 1,
    "key": "p0001",
    "counts": "{}",
    "plan": "{}",
    "state": "{}",
}
"""Values that fit the other rows, by column."""


def fitting(column: str, of: str) -> Any:
    if column in FITTING:
        return FITTING[column]
    if of in ("INTEGER", "BOOLEAN"):
        return 1
    return TIME if column.endswith(("_at", "started")) else column


def fill_empty_tables(connection: sqlite3.Connection, **known: Any) -> None:
    """Write a row into each table that has none after an apply and a sync."""
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0:
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            row = {column[1]: known.get(column[1], fitting(column[1], column[2])) for column in columns}
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", tuple(row.values()))


@pytest.fixture(scope="module")
def template(_emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with a ledger of both planes, every table of which has rows, and no constraint of its own."""
    _emulator.reset()
    checkout = Checkout(tmp_path_factory.mktemp("checkout"), _emulator)
    shop = Shop(checkout)
    _emulator.seed(12, 1)
    checkout.write("config.yaml", http_config("hooks"))
    shop.prepare()
    assert shop.run().status == 0
    with closing(sqlite3.connect(checkout.ledger)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        run = connection.execute("SELECT id FROM runs").fetchone()[0]
        url = connection.execute("SELECT api_url FROM snapshots").fetchone()[0]
        fill_empty_tables(connection, run=run, api_url=url)
        # Cut off, so that there is something to resume.
        connection.execute("UPDATE runs SET finished_at = NULL")
        connection.execute("UPDATE journal SET outcome = 'sent' WHERE position < 2")
        connection.execute("UPDATE data_records SET ready_at = '2026-01-01T00:00:00.000000+00:00' WHERE rowid % 3 = 0")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '')")
    shutil.copy(checkout.ledger, checkout.folder / "template.db")
    return checkout


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RetryPolicy, "wait", lambda _policy, _attempt, _after: 0.001)
    monkeypatch.setattr(feed, "_LONGEST_IDLE", 1.0)


def damaged(dice: random.Random, ledger: Path) -> None:
    """Change up to three values of a ledger, of any table, row and column."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        tables = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
        for _ in range(dice.randint(1, 3)):
            table = dice.choice(tables)
            rows = connection.execute(f"SELECT rowid, * FROM {table}")
            names = [column[0] for column in rows.description][1:]
            found = rows.fetchall()
            if not found:
                continue
            row, column = dice.choice(found), dice.choice(names)
            value = another(dice, row[1 + names.index(column)], row)
            everywhere = " OR 1" if dice.random() < 0.3 else ""
            with suppress(sqlite3.Error, OverflowError):
                connection.execute(
                    f'UPDATE {table} SET "{column}" = CAST(? AS {column_type(value)}) WHERE rowid = ?{everywhere}',
                    (value, row[0]),
                )


def column_type(value: Any) -> str:
    return {bytes: "BLOB", int: "INTEGER", float: "REAL"}.get(type(value), "TEXT")


def another(dice: random.Random, value: Any, row: Sequence[Any]) -> Any:
    """Return a value that is not this one: another type, another value of the row, or JSON that is changed inside."""
    if isinstance(value, str) and value[:1] == "{" and dice.random() < 0.8:
        with suppress(ValueError):
            return json.dumps(changed(dice, json.loads(value)))
    how = dice.randrange(6)
    if how == 0:
        return dice.choice(row)
    if how == 1:
        return None
    if how == 2:
        return dice.choice((b"", b"\xff\xfe", b"2026", "\udcff".encode("utf-8", "surrogateescape")))
    if how == 3 and isinstance(value, str):
        return value[: dice.randint(0, len(value))] + dice.choice(("", "\x1ad800", "=zz", "+05:00", " ", "}"))
    found = odd(dice)
    if isinstance(found, str):
        return found.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return found if found is None or isinstance(found, (int, float)) else json.dumps(found)


@given(seed=st.integers(0, 2**63))
@settings(max_examples=2 * CASES)
def test_rows_may_hold_anything(template: Checkout, seed: int) -> None:
    dice = random.Random(seed)
    for left in template.folder.glob("*.db*"):
        if left.name != "template.db":
            left.unlink()
    shutil.copy(template.folder / "template.db", template.ledger)
    damaged(dice, template.ledger)
    for words in dice.sample(COMMANDS, 3):
        with bounded(seconds=30, megabytes=400):
            ended = template.call(*words)
        assert ended.status in ENDS, f"{words}: {ended}"
        assert "Internal error" not in ended.stderr
