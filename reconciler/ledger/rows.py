"""Many rows in one statement: a statement for each would cost PostgreSQL more to plan than to carry out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Executable,
    Table,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from reconciler.ledger.columns import Digest, ListOfWords, Number, Words

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

_SQLITE = "sqlite"
_OF = "of_"
"""Prefix of what names a row, beside what it is to become."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; all of them have the same columns."""
    if rows:
        _carry_out(connection, _insert(table, connection.dialect.name, tuple(rows[0])), table, rows)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows and return how many; one whose key is there already, if only for a moment, stays as it is there."""
    if not rows:
        return 0
    return _carry_out(connection, _insert_new(table, connection.dialect.name, tuple(rows[0])), table, rows)


def insert_or_update(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *columns: str) -> None:
    """Insert rows; of one whose key is there already, set these columns. Of those with one key the last counts."""
    if rows:
        statement = _insert_or_update(table, connection.dialect.name, tuple(rows[0]), columns)
        by_key = {tuple(row[each.name] for each in table.primary_key): row for row in rows}
        _carry_out(connection, statement, table, list(by_key.values()))


def update_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *columns: str) -> None:
    """Set columns of rows that are there. They differ in the last column of their primary key alone.

    Args:
        connection: in a transaction.
        table: of the rows.
        rows: each with its key and its columns; what else is in it does not count.
        columns: what is set.
    """
    if not rows:
        return
    dialect, keys = connection.dialect.name, [each.name for each in table.primary_key]
    statement = _update(table, dialect, columns)
    if dialect == _SQLITE:
        named = [{f"{_OF}{name}": row[name] for name in keys} for row in rows]
        new = ({name: row[name] for name in columns} for row in rows)
        connection.execute(statement, [{**key, **values} for key, values in zip(named, new, strict=True)])
        return
    *shared, last = keys
    of = {f"{_OF}{name}": rows[0][name] for name in shared}
    names = (last, *columns)
    given = {"rows": _as_json(connection, table, names, rows), "keys": [row[last] for row in rows]}
    connection.execute(statement, {**of, **given})


def insert_into(table: Table, dialect: str) -> SqliteInsert | PostgresqlInsert:
    """Return an insert that a database's dialect can tell what to do with rows that are there already."""
    if dialect == _SQLITE:
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


class OneOf(FunctionElement[bool]):
    """The condition that a column has one of some texts: one parameter, so the statement is the same for any number.

    Args:
        of: the column, of `Words`.
        texts: which; or a parameter of the statement.
    """

    # Without a type: of a boolean, SQLite would be asked whether it is 1, and would use no index.
    inherit_cache = True

    def __init__(self, of: ColumnElement[str], texts: Collection[str] | BindParameter[Sequence[str]]) -> None:
        given = texts if isinstance(texts, BindParameter) else bindparam(None, list(texts), ListOfWords(), unique=True)
        super().__init__(of, given)


@compiles(OneOf)
def _one_of(element: OneOf, compiler: SQLCompiler, **named: Any) -> str:
    of, texts = element.clauses
    found = select(rows_of(texts, compiler.dialect.name)).scalar_subquery()
    is_one = of.in_(found) if compiler.dialect.name == _SQLITE else of == any_(func.array(found))
    return compiler.process(is_one, **named)


def rows_of(texts: ColumnElement[Any], dialect: str) -> ColumnElement[str]:
    """Return the column of a table that has a row for each text of a `ListOfWords`, in their order."""
    unfold = func.json_each(texts) if dialect == _SQLITE else func.json_array_elements_text(cast(texts, JSON))
    return type_coerce(unfold.table_valued("value").c.value, Words())


def _carry_out(connection: Connection, statement: Executable, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Carry out a statement on rows, and return how many it wrote."""
    is_one = connection.dialect.name != _SQLITE
    given = {"rows": _as_json(connection, table, tuple(rows[0]), rows)} if is_one else [dict(row) for row in rows]
    return connection.execute(statement, given, execution_options={"preserve_rowcount": True}).rowcount


def _as_json(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return columns of rows as a JSON list of objects. What an object leaves out is NULL."""
    bind = [(name, _bound(table.c[name], connection.dialect)) for name in map(str, names)]
    data = [{name: process(value) for name, process in bind if (value := row[name]) is not None} for row in rows]
    return orjson.dumps(data).decode()


def _bound(column_of: Column[Any], dialect: Dialect) -> Callable[[Any], Any]:
    """Return what makes JSON of a column's values, NULL left out, that PostgreSQL takes for them."""
    if isinstance(column_of.type, Digest):
        return lambda value: f"\\x{value.hex()}"
    return column_of.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is


def _as_it_is(value: object) -> object:
    return value


@cache
def _insert(table: Table, dialect: str, names: tuple[str, ...]) -> Executable:
    return insert(table) if dialect == _SQLITE else _insert_of(table, dialect, names)


@cache
def _insert_new(table: Table, dialect: str, names: tuple[str, ...]) -> Executable:
    return _insert_of(table, dialect, names).on_conflict_do_nothing()


@cache
def _insert_or_update(table: Table, dialect: str, names: tuple[str, ...], columns: tuple[str, ...]) -> Executable:
    statement = _insert_of(table, dialect, names)
    new = {name: statement.excluded[name] for name in columns}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=new)


def _insert_of(table: Table, dialect: str, names: tuple[str, ...]) -> SqliteInsert | PostgresqlInsert:
    statement = insert_into(table, dialect)
    if dialect == _SQLITE:
        return statement
    return statement.from_select(list(names), select(*_given(table, names).c))


@cache
def _update(table: Table, dialect: str, columns: tuple[str, ...]) -> Executable:
    *shared, last = [each.name for each in table.primary_key]
    mine = [table.c[name] == bindparam(f"{_OF}{name}") for name in shared]
    if dialect == _SQLITE:
        return update(table).where(*mine, table.c[last] == bindparam(f"{_OF}{last}"))  # sets what else is given
    given = _given(table, (last, *columns))
    # By their keys as well: a join alone may read all rows to find these.
    found = table.c[last] == any_(bindparam("keys", type_=ARRAY(table.c[last].type)))
    news = {name: given.c[name] for name in columns}
    return update(table).where(*mine, found, table.c[last] == given.c[last]).values(news)


def _given(table: Table, names: tuple[str, ...]) -> TableValuedAlias:
    """Return the parameter `rows`, a JSON list of objects, as a table of these columns."""
    columns = [column(name, _type_of(table, name)) for name in names]
    rows = cast(bindparam("rows", type_=Text()), JSON)
    return func.json_to_recordset(rows).table_valued(*columns).render_derived(name="given", with_types=True)


def _type_of(table: Table, name: str) -> Any:
    found = table.c[name].type
    return BigInteger() if isinstance(found, Number) else found
