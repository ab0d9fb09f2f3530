"""Who has a name that one record may have and no other, and who waits for it. In a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select

from reconciler.ledger.data.records import chunks
from reconciler.ledger.data.tables import names, waits

Name = tuple[str, str]
"""Kind and value: `("sku", "A-1")`."""


def claim(
    connection: Connection, scope: int, wishes: Mapping[str, Collection[Name]]
) -> tuple[dict[str, dict[Name, str]], list[str]]:
    """Make names the records' and no others; see `Levels.claim_many`.

    Returns:
        By key, the names that others have, and which record has each; and the keys of records that waited for a name
        that is free now, and do so no longer.
    """
    had = _of_keys(connection, scope, names, wishes)
    waited = _of_keys(connection, scope, waits, wishes)
    owners = owners_of(connection, scope, {name for asked in wishes.values() for name in asked})
    owners.update({name: key for key, own in had.items() for name in own})
    before = dict(owners)
    waiting: dict[str, set[Name]] = {}
    taken: dict[str, dict[Name, str]] = {}
    own = {key: set(has) for key, has in had.items()}
    for key, asked in wishes.items():
        for name in own.get(key, set()).difference(asked):
            del owners[name]
        own[key] = set()
        for name in asked:
            owners.setdefault(name, key)
        taken[key] = {name: owners[name] for name in asked if owners[name] != key}
        waiting[key] = set(taken[key])
    gained = [(name, key) for name, key in owners.items() if before.get(name) != key]
    lost = [(name, key) for name, key in before.items() if owners.get(name) != key]
    _delete(connection, scope, names, lost)
    _insert(connection, scope, names, gained)
    _delete(connection, scope, waits, _pairs(waited, waiting))
    _insert(connection, scope, waits, _pairs(waiting, waited))
    free = {name for name, _ in lost if name not in owners}
    woken = [((row.kind, row.value), row.key) for row in _rows(connection, scope, waits, free)]
    _delete(connection, scope, waits, woken)
    return taken, list(dict.fromkeys(key for _, key in woken))


def _pairs(of: Mapping[str, Collection[Name]], without: Mapping[str, Collection[Name]]) -> list[tuple[Name, str]]:
    return [(name, key) for key, listed in of.items() for name in set(listed).difference(without.get(key, ()))]


def _of_keys(connection: Connection, scope: int, table: Table, keys: Collection[str]) -> dict[str, set[Name]]:
    found: dict[str, set[Name]] = {}
    for chunk in chunks(keys):
        for row in connection.execute(select(table).where(table.c.scope == scope, table.c.key.in_(chunk))):
            found.setdefault(row.key, set()).add((row.kind, row.value))
    return found


def owners_of(connection: Connection, scope: int, asked: Collection[Name]) -> dict[Name, str]:
    """Return which record has each of these names; those that nobody has are left out."""
    return {(row.kind, row.value): row.key for row in _rows(connection, scope, names, asked)}


def _rows(connection: Connection, scope: int, table: Table, wanted: Collection[Name]) -> Iterator[Row[Any]]:
    values: dict[str, list[str]] = {}
    for kind, value in sorted(wanted):
        values.setdefault(kind, []).append(value)
    # Kind by kind, as the primary key has it.
    for kind, of_kind in values.items():
        for chunk in chunks(of_kind):
            yield from connection.execute(
                select(table).where(table.c.scope == scope, table.c.kind == kind, table.c.value.in_(chunk))
            )


def _delete(connection: Connection, scope: int, table: Table, pairs: Collection[tuple[Name, str]]) -> None:
    if pairs:
        connection.execute(
            delete(table).where(
                table.c.scope == scope,
                table.c.kind == bindparam("of_kind"),
                table.c.value == bindparam("of_value"),
                table.c.key == bindparam("of_key"),
            ),
            [{"of_kind": kind, "of_value": value, "of_key": key} for (kind, value), key in pairs],
        )


def _insert(connection: Connection, scope: int, table: Table, pairs: Collection[tuple[Name, str]]) -> None:
    if pairs:
        rows = [{"scope": scope, "kind": kind, "value": value, "key": key} for (kind, value), key in pairs]
        connection.execute(insert(table), rows)
