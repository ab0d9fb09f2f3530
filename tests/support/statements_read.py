"""What statements read of a ledger: each is explained by its database, just before it is carried out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

GROWING = (
    "data_records",
    "data_names",
    "data_waits",
    "data_problems",
    "data_log_entries",
    "inbox_told",
    "inbox_marks",
    "data_memos",
)
"""Tables that have as many rows as there are records, or nearly."""
OF_WRONG_ONES = ("data_problems",)
"""Those with a row for each problem: a statement may read all of a scope's."""
_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


@dataclass
class Read:
    """What was read.

    Args:
        most: on PostgreSQL, rows that a statement may read of tables that grow.
        whole: statements that read a whole table, each with how.
        seen: how many statements were looked at.
    """

    most: int
    whole: list[str] = field(default_factory=list)
    seen: int = 0


@contextmanager
def explained(most: int) -> Iterator[Read]:
    """Explain within a `with` block every statement of every ledger on tables that grow."""
    read, explaining = Read(most), False

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        nonlocal explaining
        if explaining or not _SQL.match(statement) or not any(table in statement for table in GROWING):
            return
        explaining = True
        try:
            read.seen += 1
            values = parameters[0] if many else parameters
            how = (_on_sqlite if connection.dialect.name == "sqlite" else _on_postgresql)(
                cursor, statement, values, most
            )
            read.whole += [f"{one}: {statement}" for one in how]
        finally:
            explaining = False

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield read
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def _on_sqlite(cursor: Any, statement: str, values: Any, _most: int) -> Iterator[str]:
    """The plan: what it scans, and what it searches by nothing but the scope, unless the index is of few rows."""
    partial = {
        name
        for (name,) in cursor.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
        )
    }
    plan = [row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    in_order = "LIMIT" in statement and not any("TEMP B-TREE" in line for line in plan)
    for line in plan:
        found = re.match(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(?:.*\((.*)\))?", line)
        if found is None or found[2] not in GROWING or found[3] in partial:
            continue
        by_scope_alone = found[4] == "scope=?" and not in_order and found[2] not in OF_WRONG_ONES
        if found[1] == "SCAN" or by_scope_alone:
            yield line


def _on_postgresql(cursor: Any, statement: str, values: Any, most: int) -> Iterator[str]:
    """The rows that it truly reads of tables that grow."""
    driver = cursor.connection
    driver.execute("SAVEPOINT explaining")
    try:
        driver.execute("SET LOCAL enable_seqscan = off")
        told = driver.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", values).fetchone()[0]
    finally:
        driver.execute("ROLLBACK TO SAVEPOINT explaining")
    plan = told if isinstance(told, list) else json.loads(told)
    rows = sum(_rows(node) for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") in GROWING)
    if rows > most:
        yield f"{rows:g} rows"


def _rows(node: dict[str, Any]) -> float:
    if node["Node Type"] == "ModifyTable":
        return 0
    read = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(node["Actual Loops"] * sum(node.get(name, 0) for name in read))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)
